"""Models that speak Anthropic's Messages API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from llm_notebook.configuration.keys import Secret
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.providers.http.models import AsyncHTTPModel, HTTPModel, ModelArguments, SyncHTTPModel
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.providers.catalog.catalog import CatalogModel
    from llm_notebook.providers.http.documents.attached import Needs
    from llm_notebook.providers.http.wire import Body, WireRequest
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AnthropicMessages", "AsyncAnthropicMessages"]

_THINKING = ("", "budget", "adaptive", "default", "between_tools", "always")
# Without a stream, a longer answer would take more than ten minutes, after which connections are closed.
_MOST_TOKENS_AT_ONCE = 21_000
_MOST_TOKENS_ELSEWHERE = 4_096
_MOST_TOKENS = 64_000


class _AnthropicMessages(HTTPModel):
    """The part of a Messages model that is the same with and without `await`."""

    home = ("https://api.anthropic.com/v1", "anthropic", "ANTHROPIC_API_KEY")
    document_types = frozenset({"application/pdf", "text/plain"})
    Options = LazyOptions(
        "llm_notebook.providers.anthropic.options", "MessagesOptions", reasoning="ReasoningMessagesOptions"
    )
    supported_server_side_tools: tuple[type[ServerSideTool], ...] = (ServerSideTool,)

    def __init__(
        self,
        model_id: str,
        *,
        thinking: str | None = None,
        max_output: int | None = None,
        **arguments: Unpack[ModelArguments],
    ) -> None:
        self.thinking = thinking if thinking is not None else "budget" if arguments.get("reasoning") else ""
        if self.thinking not in _THINKING:
            raise ValueError(f"thinking must be one of {', '.join(filter(None, _THINKING))}, not {thinking!r}.")
        arguments["reasoning"] = bool(self.thinking)
        super().__init__(model_id, **arguments)
        self.max_output = max_output or (_MOST_TOKENS if self.base_url is None else _MOST_TOKENS_ELSEWHERE)
        if self.base_url is None:
            # The documentation of the `llm` command's plugin tells users to store their key under this name.
            self._further_key_names = ("claude",)

    @classmethod
    def arguments_for(cls, known: CatalogModel) -> dict[str, Any]:
        # A model that is in no catalogue is assumed to reason as the newest models do.
        kinds = [flag.removeprefix("thinking:") for flag in known.supports if flag.startswith("thinking:")]
        usual = "default" if "reasoning" in known.supports else ""
        thinking = kinds[0] if kinds else usual
        return super().arguments_for(known) | {"thinking": thinking, "max_output": known.max_output}

    def key_headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": Secret(key)}

    def wire_request(self, path: str, body: str, key: str | None) -> WireRequest:
        request = super().wire_request(path, body, key)
        # The next version refuses sampling options, which older models and other servers accept.
        request.headers = {"anthropic-version": "2023-06-01", **request.headers}
        return request

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        # The provider fetches pictures and PDFs.
        return lambda kind: kind.startswith("text/")

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        from llm_notebook.providers.anthropic.answers import MessagesDecoder  # loads pydantic_core
        from llm_notebook.providers.anthropic.requests import (  # loaded with the first request
            messages_body_text,
            messages_settings,
        )
        from llm_notebook.providers.http.wire import Body  # loaded with the first request

        options = prompt.options
        limit = self.max_output if stream else min(self.max_output, _MOST_TOKENS_AT_ONCE)
        fields = options.request_fields(thinking=self.thinking, max_tokens=limit, hide_reasoning=prompt.hide_reasoning)
        cache = bool(options.cache)
        settings = messages_settings(prompt, stream=stream, fields=fields, cache=cache)
        betas = settings.pop("betas", None)
        text = messages_body_text(prompt, self.model_name, settings, cache=cache)
        decoder = partial(MessagesDecoder, self.model_id, self.model_name, stream=stream)
        return Body("messages", text, decoder, {"anthropic-beta": ",".join(betas)} if betas else {})


class AnthropicMessages(_AnthropicMessages, SyncHTTPModel):
    """A model on any server that speaks Anthropic's Messages API.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None means Anthropic.
        model_name: the server's name for the model, if it differs from `model_id`.
        key: an API key, or a function that returns one and is asked for each request. Anthropic requires one; your own server may not.
        headers: sent with every request; `${NAME}` in a value stands for the stored key with that name.
        timeout: seconds without a byte after which a request is given up; None means 600.
        total_timeout: seconds after which the whole answer must be there, further attempts included; None means no limit.
        max_retries: how often an unanswered request is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        tls: how the server's certificate is checked, as `TLSSettings`; None means the usual way.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, reasoning: what the model can do.
        thinking: how the model reasons. `budget`: if asked to, within a number of tokens, as before Claude 4.6; `adaptive`: if asked to, as
            much as it decides; `default`: as much as it decides, unless told not to; `between_tools`: like `default`, but always between tool
            calls; `always`: always.
        max_output: the largest number of tokens in an answer, unless an option sets another limit.
    """


class AsyncAnthropicMessages(_AnthropicMessages, AsyncHTTPModel):
    """`AnthropicMessages`, used with `await`."""
