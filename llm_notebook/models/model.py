"""Model classes: what a provider implements and what a user prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from llm_notebook.errors import ConversationNotSupported
from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
from llm_notebook.models.conversations import AsyncConversation, Conversation
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.models.prompting import Promptable
from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.parts.messages import AttachmentPart, ToolResultPart
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.chain import Hook
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.pauses import Surroundings
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.state import Items

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment

__all__ = ["AsyncKeyModel", "AsyncModel", "KeyModel", "Model", "ModelWithAliases"]

ResponseT = TypeVar("ResponseT", Response, AsyncResponse)
ChainT = TypeVar("ChainT", ChainResponse, AsyncChainResponse)
ConversationT = TypeVar("ConversationT", Conversation, AsyncConversation)


class _BaseModel(KeyHolder, Promptable[ResponseT, ChainT], Generic[ResponseT, ChainT, ConversationT]):
    """What all models have in common.

    Attributes:
        model_id: the name that `get_model()` takes.
        key: a key for this model object; it wins over every other source.
        needs_key: the name under which the key is stored, if the model needs one.
        key_env_var: the environment variable that may hold the key.
        can_stream: answers can arrive piece by piece.
        supports_schema: answers can be made to fit a JSON Schema.
        supports_tools: the model can ask for tools.
        supports_conversation: the model can be given a history.
        supported_server_side_tools: classes of the tools that the provider itself runs.
        attachment_types: MIME types of the attachments it reads.
        Options: the pydantic class of the options it takes.
    """

    without_key = "; the local model needs none: `%llm local install`, then -m smollm2"
    can_stream: bool = False
    supports_schema: bool = False
    supports_tools: bool = False
    supports_conversation: bool = True
    attachment_types: frozenset[str] | set[str] = frozenset()
    supported_server_side_tools: tuple[type[ServerSideTool], ...] = ()
    takes_key: ClassVar[bool] = False
    # Any: subclasses replace the descriptor by a nested class.
    Options: Any = LazyOptions("llm_notebook.models.options", "Options")

    _response_class: ClassVar[Any]
    chain_class: ClassVar[Any]
    _conversation_class: ClassVar[Any]

    def conversation(
        self,
        *,
        tools: Sequence[Any] | None = None,
        before_call: Hook = None,
        after_call: Hook = None,
        chain_limit: int | None = None,
    ) -> ConversationT:
        """A conversation with this model: each prompt is sent with the turns before it.

        Args:
            tools: what the model may call in every turn that names no tools of its own.
            before_call, after_call: hooks of its chains.
            chain_limit: most responses of each of its chains; None and 0 mean no limit.
        """
        if not self.supports_conversation:
            raise ConversationNotSupported(f"{self.model_id} answers single prompts only; use model.prompt().")
        conversation: ConversationT = self._conversation_class(
            self, tools=tools, before_call=before_call, after_call=after_call, chain_limit=chain_limit
        )
        return conversation

    def _surroundings(self) -> Surroundings:
        return Surroundings(self)

    def response_to(
        self, prompt: Prompt, *, stream: bool, conversation: Any, key: str | None, log: ChainLog | None = None
    ) -> ResponseT:
        """The lazy response to a finished Prompt."""
        response: ResponseT = self._response_class(prompt, self, stream, conversation, key, log)
        return response

    def check(self, prompt: Prompt) -> None:
        """Refuse what the model lacks before anything is sent."""
        if prompt.schema is not None and not self.supports_schema:
            raise ValueError(f"{self.model_id} does not support schemas.")
        tools = prompt.tools
        if any(isinstance(tool, Tool) for tool in tools) and not self.supports_tools:
            raise ValueError(f"{self.model_id} does not support tools.")
        for tool in tools:
            if isinstance(tool, ServerSideTool) and not isinstance(tool, self.supported_server_side_tools):
                raise ValueError(f"{self.model_id} does not offer the server-side tool {type(tool).__name__}.")
        messages = prompt.messages
        if not self.supports_conversation and any(message.role in ("assistant", "tool") for message in messages):
            raise ConversationNotSupported(
                f"{self.model_id} answers single prompts only and cannot be given a history."
            )
        for message in messages:
            for part in message.parts:
                if isinstance(part, AttachmentPart) and part.attachment is not None:
                    self._check_attachment(part.attachment)
                elif isinstance(part, ToolResultPart):
                    for attachment in part.attachments:
                        self._check_attachment(attachment)

    def _check_attachment(self, attachment: Attachment) -> None:
        found = attachment.resolve_type()
        if found not in self.attachment_types:
            takes = ", ".join(sorted(self.attachment_types)) or "no attachments"
            raise ValueError(f"{self.model_id} does not read {found}; it takes {takes}.")

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.model_id}"

    def __repr__(self) -> str:
        return f"<{self}>"


class _SyncModel(_BaseModel[Response, ChainResponse, Conversation]):
    _response_class = Response
    chain_class = ChainResponse
    _conversation_class = Conversation


class Model(_SyncModel):
    """A model that is used without `await`. Subclasses set `model_id` and implement `execute()`."""

    def execute(
        self, prompt: Prompt, stream: bool, response: Response, conversation: Conversation | None
    ) -> Iterator[Items]:
        """Send the prompt and yield what comes back: `str` for text, StreamEvents for everything, lists of what came together.

        Returning normally says that the answer is complete. It is closed in the thread that reads it.
        """
        raise NotImplementedError


class KeyModel(_SyncModel):
    """A Model whose `execute()` is given the resolved API key as well."""

    takes_key = True

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: Response,
        conversation: Conversation | None,
        key: str | None,
    ) -> Iterator[Items]:
        """`Model.execute()` with the key."""
        raise NotImplementedError


class _AsyncModel(_BaseModel[AsyncResponse, AsyncChainResponse, AsyncConversation]):
    _response_class = AsyncResponse
    chain_class = AsyncChainResponse
    _conversation_class = AsyncConversation


class AsyncModel(_AsyncModel):
    """A model that is used with `await`. Subclasses set `model_id` and implement `execute()` as an async generator."""

    def execute(
        self, prompt: Prompt, stream: bool, response: AsyncResponse, conversation: AsyncConversation | None
    ) -> AsyncIterator[Items]:
        """`Model.execute()` as an async generator."""
        raise NotImplementedError


class AsyncKeyModel(_AsyncModel):
    """An AsyncModel whose `execute()` is given the resolved API key as well."""

    takes_key = True

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
        key: str | None,
    ) -> AsyncIterator[Items]:
        """`AsyncModel.execute()` with the key."""
        raise NotImplementedError


class ModelWithAliases:
    """A registered model in both flavours, and the other names it answers to."""

    __slots__ = ("aliases", "async_model", "model")

    def __init__(
        self,
        model: Model | KeyModel | None,
        async_model: AsyncModel | AsyncKeyModel | None,
        aliases: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.async_model = async_model
        self.aliases = list(aliases)

    @property
    def model_id(self) -> str:
        """The id that both flavours share."""
        flavour = self.model or self.async_model
        assert flavour is not None
        return flavour.model_id

    def matches(self, query: str) -> bool:
        """True if the id or an alias contains the query, whatever the case."""
        return any(query.lower() in name.lower() for name in [self.model_id, *self.aliases])

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(model={self.model!r}, async_model={self.async_model!r}, aliases={self.aliases!r})"
        )
