"""Models that speak Google's generateContent API, such as Gemini."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack
from urllib.parse import quote

from llm_notebook.configuration.keys import Secret
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.providers.catalog.catalog import EVERYTHING
from llm_notebook.providers.http.models import AsyncHTTPModel, HTTPModel, ModelArguments, SyncHTTPModel
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.providers.catalog.catalog import CatalogModel
    from llm_notebook.providers.http.wire import Body
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AsyncGeminiModel", "GeminiModel"]

_THINKING = ("", "budget", "level")
_DOCUMENT_TYPES = frozenset("application/pdf text/plain text/csv text/html image/heic image/heif".split())
_AUDIO_TYPES = frozenset("audio/wav audio/mpeg audio/mp3 audio/aiff audio/aac audio/ogg audio/flac".split())
_VIDEO_TYPES = frozenset("video/mp4 video/mpeg video/quicktime video/webm video/x-flv video/3gpp video/wmv".split())


class _GeminiModel(HTTPModel):
    """The part of a Gemini model that is the same with and without `await`."""

    home = ("https://generativelanguage.googleapis.com/v1beta", "gemini", "GEMINI_API_KEY")
    document_types = _DOCUMENT_TYPES
    Options = LazyOptions("llm_notebook.providers.gemini.options", "GeminiOptions", reasoning="ReasoningGeminiOptions")
    supported_server_side_tools: tuple[type[ServerSideTool], ...] = (ServerSideTool,)

    def __init__(
        self, model_id: str, *, thinking: str | None = None, video: bool = False, **arguments: Unpack[ModelArguments]
    ) -> None:
        self.thinking = thinking if thinking is not None else "level" if arguments.get("reasoning") else ""
        if self.thinking not in _THINKING:
            raise ValueError(f"thinking must be one of {', '.join(filter(None, _THINKING))}, not {thinking!r}.")
        arguments["reasoning"] = bool(self.thinking)
        super().__init__(model_id, **arguments)
        further = ((_AUDIO_TYPES, arguments.get("audio")), (_VIDEO_TYPES, video))
        self.attachment_types = self.attachment_types.union(*(types for types, flag in further if flag))
        if self.base_url is None:
            # The `llm` command's plugin and Google's own library read these variables.
            self._further_key_env_vars = ("LLM_GEMINI_KEY", "GOOGLE_API_KEY")

    @classmethod
    def arguments_for(cls, known: CatalogModel) -> dict[str, Any]:
        # A model that is in no catalogue is assumed to reason, see and hear as the newest models do.
        is_new = known.supports >= EVERYTHING
        kinds = [flag.removeprefix("thinking:") for flag in known.supports if flag.startswith("thinking:")]
        usual = "level" if "reasoning" in known.supports else ""
        return super().arguments_for(known) | {
            "thinking": kinds[0] if kinds else usual,
            "audio": is_new or "audio" in known.supports,
            "video": is_new or "video" in known.supports,
        }

    def key_headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": Secret(key)}

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        from llm_notebook.providers.gemini.answers import GenerateContentDecoder  # loads pydantic_core
        from llm_notebook.providers.gemini.requests import gemini_body_text  # loaded with the first request
        from llm_notebook.providers.http.wire import Body  # loaded with the first request

        fields = prompt.options.request_fields(reasons=self.reasoning, hide_reasoning=prompt.hide_reasoning)
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path = f"models/{quote(self.model_name, safe='')}:{method}"
        return Body(
            path, gemini_body_text(prompt, fields), partial(GenerateContentDecoder, self.model_id, stream=stream)
        )


class GeminiModel(_GeminiModel, SyncHTTPModel):
    """A model on any server that speaks Google's generateContent API.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1beta`; None means Google.
        model_name: the server's name for the model, if it differs from `model_id`.
        key: an API key, or a function that returns one and is asked for each request. Google requires one; your own server may not.
        headers: sent with every request; `${NAME}` in a value stands for the stored key with that name.
        timeout: seconds without a byte after which a request is given up; None means 600.
        total_timeout: seconds after which the whole answer must be there, further attempts included; None means no limit.
        max_retries: how often an unanswered request is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        tls: how the server's certificate is checked, as `TLSSettings`; None means the usual way.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, video, reasoning: what the model can do.
        thinking: how the amount of reasoning is set: by `budget`, as for Gemini 2.5, or by `level`, as for later models.
    """


class AsyncGeminiModel(_GeminiModel, AsyncHTTPModel):
    """`GeminiModel`, used with `await`."""
