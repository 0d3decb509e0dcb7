"""Models that speak Chat Completions or Responses, OpenAI's two wire formats."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Unpack

from llm_notebook.configuration.keys import Secret
from llm_notebook.errors import ModelError
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.providers.http.models import AsyncHTTPModel, HTTPModel, ModelArguments, SyncHTTPModel
from llm_notebook.providers.http.servers import OpenAIServer
from llm_notebook.providers.openai.azure import AzureEndpoint
from llm_notebook.providers.openai.dialects import DIALECTS
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.providers.http.documents.attached import Needs
    from llm_notebook.providers.http.wire import Body
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AsyncOpenAIChat", "AsyncOpenAIResponses", "OpenAIChat", "OpenAIResponses"]


class _OpenAIChat(OpenAIServer, HTTPModel):
    """The part of a Chat Completions model that is the same with and without `await`."""

    Options = LazyOptions("llm_notebook.providers.openai.options", "ChatOptions", reasoning="ReasoningChatOptions")
    _speaks_chat_only: ClassVar[bool] = True

    def __init__(
        self,
        model_id: str,
        *,
        dialect: str | None = None,
        azure: AzureEndpoint | None = None,
        **arguments: Unpack[ModelArguments],
    ) -> None:
        if azure is not None:
            if arguments.get("base_url") is not None:
                raise ValueError("Give base_url= or azure=, not both.")
            arguments["base_url"] = azure.base_url
            arguments["model_name"] = arguments.get("model_name") or azure.deployment
        super().__init__(model_id, **arguments)
        self.azure = azure
        self._dialect = DIALECTS.get(dialect or ("openai" if self.base_url is None or azure is not None else ""))
        if self._dialect is None:
            raise ValueError(f"No dialect is called {dialect!r}; known are {', '.join(filter(None, DIALECTS))}.")
        if self._speaks_chat_only and not self._dialect.documents:
            self.attachment_types = self.attachment_types - self.document_types

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        dialect = self._dialect
        fetches_documents = dialect is not None and dialect.document_urls
        return lambda kind: kind.startswith("audio/") or (kind in self.document_types and not fetches_documents)

    def key_headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key. Azure expects its own keys in another header than Entra's tokens."""
        if self.azure is None or callable(self.key) or key.startswith("eyJ"):
            return super().key_headers(key)
        return {"api-key": Secret(key)}

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        from llm_notebook.providers.http.wire import Body  # loaded with the first request
        from llm_notebook.providers.openai.chat_answers import ChatDecoder  # loads pydantic_core
        from llm_notebook.providers.openai.chat_requests import chat_body_text  # loaded with the first request

        dialect = self._dialect
        assert dialect is not None
        if prompt.schema is not None and prompt.options.strict_schema and dialect.schema == "json_object":
            raise ModelError(f"{self.model_id} cannot hold its answers to a schema exactly: leave out strict_schema.")
        options = prompt.options.request_fields(dialect, self.model_name)
        origin = self.origin
        text = chat_body_text(prompt, self.model_name, stream=stream, options=options, dialect=dialect, origin=origin)
        path = "chat/completions" if self.azure is None else self.azure.chat_path
        return Body(path, text, partial(ChatDecoder, self.model_id, stream=stream, origin=origin))


class OpenAIChat(_OpenAIChat, SyncHTTPModel):
    """A model on any server that speaks OpenAI Chat Completions.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None means OpenAI.
        model_name: the server's name for the model, if it differs from `model_id`.
        key: an API key, or a function that returns one for each request. OpenAI requires one; your own server may not.
        headers: sent with every request; `${NAME}` in a value stands for the stored key with that name.
        timeout: seconds without a byte after which a request is given up; None means 600.
        total_timeout: seconds after which the whole answer must be there; None means no limit.
        max_retries: how often an unanswered request is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        tls: how the server's certificate is checked, as `TLSSettings`; None means the usual way.
        dialect: whose dialect the server speaks: mistral, groq, deepseek, openrouter, xai, together or openai.
        azure: a deployment at Azure OpenAI, as `AzureEndpoint`, in place of base_url.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, reasoning: what the model can do.
    """


class AsyncOpenAIChat(_OpenAIChat, AsyncHTTPModel):
    """`OpenAIChat`, used with `await`."""


class _OpenAIResponses(_OpenAIChat):
    """The part of a Responses model that is the same with and without `await`."""

    Options = LazyOptions("llm_notebook.providers.openai.options", "OpenAIOptions", reasoning="ReasoningOpenAIOptions")
    supported_server_side_tools: tuple[type[ServerSideTool], ...] = (ServerSideTool,)
    _speaks_chat_only = False

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        from llm_notebook.providers.http.wire import Body  # loaded with the first request
        from llm_notebook.providers.openai.responses_answers import ResponsesDecoder  # loads pydantic_core
        from llm_notebook.providers.openai.responses_requests import responses_body_text  # with the first request

        if prompt.options.for_chat:
            self._refuse_server_side_tools(prompt)
        if self._goes_as_chat(prompt):
            return super()._body(prompt, stream)
        options = prompt.options.responses_fields()
        origin = self.origin
        text = responses_body_text(
            prompt, self.model_name, stream=stream, options=options, reasoning=self.reasoning, origin=origin
        )
        return Body("responses", text, partial(ResponsesDecoder, self.model_id, stream=stream, origin=origin))

    def _goes_as_chat(self, prompt: Prompt) -> bool:
        """Return whether the prompt is sent as Chat Completions: because of an option, or to a gateway, since few gateways speak Responses."""
        has_server_side_tools = any(isinstance(tool, ServerSideTool) for tool in prompt.tools)
        return bool(prompt.options.for_chat) or (self.is_behind_gateway and not has_server_side_tools)

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        return super()._needs_bytes(prompt) if self._goes_as_chat(prompt) else lambda _kind: False

    def _refuse_server_side_tools(self, prompt: Prompt) -> None:
        tool = next((tool for tool in prompt.tools if isinstance(tool, ServerSideTool)), None)
        if tool is not None:
            raise ModelError(
                f"{self.model_id}: the server-side tool {tool.name} does not go together with the options that only Chat "
                "Completions have (seed, stop, logit_bias, frequency_penalty, presence_penalty); leave those out."
            )


class OpenAIResponses(_OpenAIResponses, SyncHTTPModel):
    """A model on any server that speaks OpenAI's Responses API. The server is asked to store nothing.

    Some prompts are sent as Chat Completions to the same server: those with an option that Responses does not have, such as `seed` or `stop`,
    and all prompts to a gateway that `OPENAI_BASE_URL` names, unless they use a tool that OpenAI itself runs.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None means OpenAI.
        model_name, key, headers, timeout, max_retries, needs_key, key_env_var, tls, total_timeout, dialect, azure: as for `OpenAIChat`.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, reasoning: what the model can do.
    """


class AsyncOpenAIResponses(_OpenAIResponses, AsyncHTTPModel):
    """`OpenAIResponses`, used with `await`."""
