"""Anthropic's models and others behind its Messages API, as sync and async model classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from llm_notebook.keys import Secret
from llm_notebook.models import ModelWithAliases
from llm_notebook.providers.catalog import CatalogModel, catalog
from llm_notebook.providers.http_models import IMAGE_TYPES, AsyncHTTPModel, HTTPModel, ModelServer
from llm_notebook.server_side_tools import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.prompts import Prompt
    from llm_notebook.providers.transport import TransportSettings
    from llm_notebook.providers.wire import AnswerDecoder, WireRequest

__all__ = ["AnthropicMessages", "AsyncAnthropicMessages", "anthropic_model", "anthropic_models"]

PREFIX = "anthropic/"
_THINKING = ("", "budget", "adaptive", "default", "between_tools", "always")
# An answer that is not streamed must be there before connections are given up, after about ten minutes.
_MOST_TOKENS_AT_ONCE = 21_000
_MOST_TOKENS_ELSEWHERE = 4_096
_MOST_TOKENS = 64_000


class _LazyOptions:
    """The options class, loaded with the first prompt because it needs pydantic."""

    def __get__(self, instance: _AnthropicMessages | None, owner: type) -> Any:
        from llm_notebook.providers import anthropic_options  # noqa: PLC0415  loads pydantic

        reasons = instance is not None and instance.thinking
        return anthropic_options.ReasoningMessagesOptions if reasons else anthropic_options.MessagesOptions


class _AnthropicMessages(ModelServer):
    """What the two classes share: their settings and the request."""

    provider_url = "https://api.anthropic.com/v1"
    provider_key = ("anthropic", "ANTHROPIC_API_KEY")
    # Where the `llm` command's documentation has people store it.
    provider_key_fallbacks = (("claude",), ())
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
        reasoning: bool = False,
        thinking: str | None = None,
        max_output: int | None = None,
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
        self.thinking = thinking if thinking is not None else "budget" if reasoning else ""
        if self.thinking not in _THINKING:
            raise ValueError(f"thinking must be one of {', '.join(filter(None, _THINKING))}, not {thinking!r}.")
        self.can_stream = can_stream
        self.supports_schema = supports_schema
        self.supports_tools = supports_tools
        self.supports_conversation = supports_conversation
        self.max_output = max_output or (_MOST_TOKENS if base_url is None else _MOST_TOKENS_ELSEWHERE)
        self.attachment_types = IMAGE_TYPES | {"application/pdf", "text/plain"} if vision else frozenset()

    @property
    def reasoning(self) -> bool:
        """The model can reason before it answers."""
        return bool(self.thinking)

    @staticmethod
    def _key_headers(key: Secret) -> dict[str, Secret]:
        return {"x-api-key": key}

    def _exchange(
        self, prompt: Prompt, stream: bool, key: str | None
    ) -> tuple[WireRequest, AnswerDecoder, TransportSettings]:
        from llm_notebook.providers.anthropic import MessagesDecoder  # noqa: PLC0415  loads pydantic_core
        from llm_notebook.providers.anthropic_messages import (  # noqa: PLC0415  loaded with the first request
            messages_body_text,
            messages_settings,
        )
        from llm_notebook.providers.transport import TransportSettings  # noqa: PLC0415  loads httpx

        options = prompt.options
        limit = self.max_output if stream else min(self.max_output, _MOST_TOKENS_AT_ONCE)
        fields = options.request_fields(thinking=self.thinking, max_tokens=limit, hide_reasoning=prompt.hide_reasoning)
        cache = bool(options.cache)
        settings = messages_settings(prompt, stream=stream, fields=fields, cache=cache)
        betas = settings.pop("betas", None)
        body = messages_body_text(prompt, self.model_name, settings, cache=cache)
        request = self._wire_request("messages", body, key)
        # The version after this one refuses sampling options, which older models and other servers take.
        request.headers = {"anthropic-version": "2023-06-01", **request.headers}
        if betas:
            request.headers["anthropic-beta"] = ",".join(betas)
        decoder = MessagesDecoder(self.model_id, self.model_name, stream=stream, secret=key)
        return request, decoder, TransportSettings(self.timeout, self.max_retries)


class AnthropicMessages(_AnthropicMessages, HTTPModel):
    """A model on any server that speaks Anthropic's Messages API.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None is Anthropic.
        model_name: the server's name of the model, where it differs from `model_id`.
        key: an API key. A server on `http://` needs none; Anthropic does.
        headers: sent with every request.
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often a request that was not answered is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, reasoning: what the model can do.
        thinking: how the model reasons. `budget`: when asked, within a number of tokens, as before Claude 4.6; `adaptive`: when
            asked, as much as it sees fit; `default`: so, unless told not to; `between_tools`: so, and between tool calls in any
            case; `always`: in any case.
        max_output: tokens an answer has at the most unless options say otherwise.
    """


class AsyncAnthropicMessages(_AnthropicMessages, AsyncHTTPModel):
    """`AnthropicMessages`, used with `await`."""


def anthropic_models() -> list[ModelWithAliases]:
    """Anthropic's models, to be registered."""
    return [_registered(known) for known in catalog("anthropic")]


def anthropic_model(name: str) -> ModelWithAliases:
    """A model of Anthropic's that is not in the catalogue, supposed to do what the newest ones do.

    Args:
        name: Anthropic's own id of it.
    """
    return _registered(CatalogModel(name, supports=("tools", "schema", "images", "reasoning", "thinking:default")))


def _registered(known: CatalogModel) -> ModelWithAliases:
    kinds = [flag.removeprefix("thinking:") for flag in known.supports if flag.startswith("thinking:")]
    arguments: dict[str, Any] = {
        "model_name": known.id,
        "supports_schema": "schema" in known.supports,
        "supports_tools": "tools" in known.supports,
        "vision": "images" in known.supports,
        "thinking": kinds[0] if kinds else "",
        "max_output": known.max_output,
    }
    model_id = PREFIX + known.id
    return ModelWithAliases(
        AnthropicMessages(model_id, **arguments),
        AsyncAnthropicMessages(model_id, **arguments),
        (known.id, *known.aliases),
    )
