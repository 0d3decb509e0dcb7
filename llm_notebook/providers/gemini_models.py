"""Google's Gemini models and others behind the same API, as sync and async model classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from llm_notebook.keys import Secret
from llm_notebook.models import ModelWithAliases
from llm_notebook.providers.catalog import CatalogModel, catalog
from llm_notebook.providers.http_models import AsyncHTTPModel, HTTPModel, ModelServer
from llm_notebook.server_side_tools import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.prompts import Prompt
    from llm_notebook.providers.transport import TransportSettings
    from llm_notebook.providers.wire import AnswerDecoder, WireRequest

__all__ = ["AsyncGeminiModel", "GeminiModel", "gemini_model", "gemini_models"]

PREFIX = "gemini/"
_THINKING = ("", "budget", "level")
_VISION_TYPES = frozenset(
    "image/png image/jpeg image/webp image/heic image/heif application/pdf text/plain text/csv text/html".split()
)
_AUDIO_TYPES = frozenset("audio/wav audio/mpeg audio/mp3 audio/aiff audio/aac audio/ogg audio/flac".split())
_VIDEO_TYPES = frozenset("video/mp4 video/mpeg video/quicktime video/webm video/x-flv video/3gpp video/wmv".split())


class _LazyOptions:
    """The options class, loaded with the first prompt because it needs pydantic."""

    def __get__(self, instance: _GeminiModel | None, owner: type) -> Any:
        from llm_notebook.providers import gemini_options  # noqa: PLC0415  loads pydantic

        reasons = instance is not None and instance.thinking
        return gemini_options.ReasoningGeminiOptions if reasons else gemini_options.GeminiOptions


class _GeminiModel(ModelServer):
    """What the two classes share: their settings and the request."""

    provider_url = "https://generativelanguage.googleapis.com/v1beta"
    provider_key = ("gemini", "GEMINI_API_KEY")
    # The variables of the `llm` command's plugin and of Google's own library.
    provider_key_fallbacks = ((), ("LLM_GEMINI_KEY", "GOOGLE_API_KEY"))
    Options: Any = _LazyOptions()
    supported_server_side_tools: ClassVar[tuple[type[ServerSideTool], ...]] = (ServerSideTool,)
    key: str | None
    attachment_types: frozenset[str] | set[str]

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None = None,
        model_name: str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        max_retries: int = 2,
        needs_key: str | None = None,
        key_env_var: str | None = None,
        can_stream: bool = True,
        supports_schema: bool = True,
        supports_tools: bool = True,
        supports_conversation: bool = True,
        vision: bool = False,
        audio: bool = False,
        video: bool = False,
        reasoning: bool = False,
        thinking: str | None = None,
    ) -> None:
        super().__init__(
            model_id,
            base_url=base_url,
            model_name=model_name,
            key=key,
            headers=headers,
            timeout=timeout,
            max_retries=max_retries,
            needs_key=needs_key,
            key_env_var=key_env_var,
        )
        self.thinking = thinking if thinking is not None else "level" if reasoning else ""
        if self.thinking not in _THINKING:
            raise ValueError(f"thinking must be one of {', '.join(filter(None, _THINKING))}, not {thinking!r}.")
        self.can_stream = can_stream
        self.supports_schema = supports_schema
        self.supports_tools = supports_tools
        self.supports_conversation = supports_conversation
        taken = ((_VISION_TYPES, vision), (_AUDIO_TYPES, audio), (_VIDEO_TYPES, video))
        self.attachment_types = frozenset().union(*(types for types, flag in taken if flag))

    @property
    def reasoning(self) -> bool:
        """The model can reason before it answers."""
        return bool(self.thinking)

    @staticmethod
    def _key_headers(key: Secret) -> dict[str, Secret]:
        return {"x-goog-api-key": key}

    def _exchange(
        self, prompt: Prompt, stream: bool, key: str | None
    ) -> tuple[WireRequest, AnswerDecoder, TransportSettings]:
        from llm_notebook.providers.gemini import GenerateContentDecoder  # noqa: PLC0415  loads pydantic_core
        from llm_notebook.providers.gemini_messages import gemini_body_text  # noqa: PLC0415  with the first request
        from llm_notebook.providers.transport import TransportSettings  # noqa: PLC0415  loads httpx

        fields = prompt.options.request_fields(reasons=self.reasoning, hide_reasoning=prompt.hide_reasoning)
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path = f"models/{quote(self.model_name, safe='')}:{method}"
        request = self._wire_request(path, gemini_body_text(prompt, fields), key)
        decoder = GenerateContentDecoder(self.model_id, stream=stream, secret=key)
        return request, decoder, TransportSettings(self.timeout, self.max_retries)


class GeminiModel(_GeminiModel, HTTPModel):
    """A model on any server that speaks Google's generateContent API.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1beta`; None is Google.
        model_name: the server's name of the model, where it differs from `model_id`.
        key: an API key. A server on `http://` needs none; Google does.
        headers: sent with every request.
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often a request that was not answered is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, video, reasoning: what the model can do.
        thinking: how the model is told how much to reason: by `budget`, as Gemini 2.5, or by `level`, as later ones.
    """


class AsyncGeminiModel(_GeminiModel, AsyncHTTPModel):
    """`GeminiModel`, used with `await`."""


def gemini_models() -> list[ModelWithAliases]:
    """Google's models, to be registered."""
    return [_registered(known) for known in catalog("gemini")]


def gemini_model(name: str) -> ModelWithAliases:
    """A model of Google's that is not in the catalogue, supposed to do what the newest ones do.

    Args:
        name: Google's own id of it.
    """
    return _registered(
        CatalogModel(name, supports=("tools", "schema", "images", "audio", "video", "reasoning", "thinking:level"))
    )


def _registered(known: CatalogModel) -> ModelWithAliases:
    kinds = [flag.removeprefix("thinking:") for flag in known.supports if flag.startswith("thinking:")]
    arguments: dict[str, Any] = {
        "model_name": known.id,
        "supports_schema": "schema" in known.supports,
        "supports_tools": "tools" in known.supports,
        "vision": "images" in known.supports,
        "audio": "audio" in known.supports,
        "video": "video" in known.supports,
        "thinking": kinds[0] if kinds else "",
    }
    model_id = PREFIX + known.id
    return ModelWithAliases(
        GeminiModel(model_id, **arguments), AsyncGeminiModel(model_id, **arguments), (known.id, *known.aliases)
    )
