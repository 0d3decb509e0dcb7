"""Model classes: what a provider implements and what a user prompts.

A model that is only looked up asks nothing. So responses, chains and conversations, and with them the tool loop and the journal's
operations, are loaded when a model is first prompted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from llm_notebook.errors import ConversationNotSupported, UnreadAttachment
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.models.prompting import Promptable
from llm_notebook.parts.messages import AttachmentPart
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.pauses import PauseChain
    from llm_notebook.models.responses import AsyncResponse, Response
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.log import ChainLog
    from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainConversation, ChainPlan
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.state import Items

__all__ = ["AsyncKeyModel", "AsyncModel", "KeyModel", "Model", "ModelWithAliases"]

ResponseT = TypeVar("ResponseT", "Response", "AsyncResponse")
ChainT = TypeVar("ChainT", "ChainResponse", "AsyncChainResponse")
ConversationT = TypeVar("ConversationT", "Conversation", "AsyncConversation")


class _BaseModel(KeyHolder, Promptable[ResponseT, ChainT], Generic[ResponseT, ChainT, ConversationT]):
    """What all models have in common.

    Attributes:
        model_id: the name that `get_model()` takes.
        key: a key for this model object; it overrides every other source.
        needs_key: the name under which the key is stored, if the model needs one.
        key_env_var: the environment variable that may hold the key.
        can_stream: whether answers can arrive piece by piece.
        supports_schema: whether answers can be made to fit a JSON Schema.
        supports_tools: whether the model can call tools.
        supports_conversation: whether the model can be given a history.
        supported_server_side_tools: classes of tools that the provider itself runs.
        attachment_types: MIME types of the attachments it reads.
        Options: the pydantic class of the options it takes.
    """

    _without_key = "; the local model needs none: -m smollm2, once `%llm local install` has fetched it"
    can_stream: bool = False
    supports_schema: bool = False
    supports_tools: bool = False
    supports_conversation: bool = True
    attachment_types: frozenset[str] | set[str] = frozenset()
    supported_server_side_tools: tuple[type[ServerSideTool], ...] = ()
    _takes_key: ClassVar[bool] = False
    # What `str()` says of the class.
    _flavour: ClassVar[str] = ""
    # Whether a request without any message would be refused where it is sent.
    _needs_messages: ClassVar[bool] = False
    # Any: subclasses replace the descriptor by a nested class.
    Options: Any = LazyOptions("llm_notebook.models.options", "Options")

    @property
    def _response_class(self) -> type[Response] | type[AsyncResponse]:
        raise NotImplementedError

    @property
    def _chain_class(self) -> type[ChainResponse] | type[AsyncChainResponse]:
        raise NotImplementedError

    @property
    def _conversation_class(self) -> type[Conversation] | type[AsyncConversation]:
        raise NotImplementedError

    def conversation(
        self,
        tools: Sequence[ToolLike] | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        chain_limit: int | None = None,
    ) -> ConversationT:
        """Return a conversation with this model: each prompt is sent with the turns before it.

        A model that answers single prompts only takes the first prompt of a conversation. The second raises `ConversationNotSupported`.

        Args:
            tools: what the model may call in every turn that has no tools of its own.
            before_call, after_call: hooks of its chains.
            chain_limit: how many responses each of its chains may have; None and 0 mean no limit.
        """
        conversation = self._conversation_class(
            cast("Any", self), tools=tools, before_call=before_call, after_call=after_call, chain_limit=chain_limit
        )
        return cast("ConversationT", conversation)

    def _respond(self, prompt: Prompt, plan: ChainPlan, log: ChainLog) -> ResponseT:
        """Return the lazy response to a finished Prompt."""
        conversation = cast("Any", plan.conversation or plan.rounds)
        response = self._response_class(prompt, cast("Any", self), plan.stream, conversation, plan.key, log=log)
        response._plan = plan
        return cast("ResponseT", response)

    def _chain(
        self, prompt: Prompt, plan: ChainPlan, log: ChainLog, asked_by: str = "", rounds_before: int = 0
    ) -> ChainT:
        """Return the lazy chain that begins with a finished Prompt."""
        from llm_notebook.turns.chain import Chain  # loads what chains need

        if plan.conversation is None and plan.rounds is None:
            # `execute()` finds the earlier rounds in its conversation, even in a chain outside of conversations.
            plan.rounds = cast("ChainConversation", self._conversation_class(cast("Any", self)))
        return cast("ChainT", self._chain_class(Chain(prompt, plan, log, asked_by, rounds_before)))

    def _pause(self, reason: str) -> PauseChain:
        """Return the pause that a chain raises when a call waits for a human."""
        from llm_notebook.models.pauses import PauseChain  # loads what chains need

        return PauseChain(reason)

    def _request_body(self, prompt: Prompt, *, stream: bool) -> str | None:
        """Return the body of the request that would be sent for a prompt, character for character. Nothing is sent.

        Args:
            prompt: the prompt.
            stream: whether the answer would be requested piece by piece, if the model can do that.

        Returns:
            None for a model that sends no request, such as a local one.
        """
        return None

    def _check(self, prompt: Prompt) -> None:
        """Refuse what the model lacks before anything is sent."""
        if prompt.schema is not None and not self.supports_schema:
            raise ValueError(f"{self.model_id} does not support schemas.")
        tools, messages = prompt.tools, prompt.sent
        if not self.supports_tools and any(not isinstance(tool, ServerSideTool) for tool in tools):
            raise ValueError(f"{self.model_id} does not support tools.")
        for tool in tools:
            if isinstance(tool, ServerSideTool) and not isinstance(tool, self.supported_server_side_tools):
                raise ValueError(
                    f"{self.model_id} does not support server-side tool {tool.sent_name!r} ({type(tool).__name__})."
                )
        if not messages and self._needs_messages:
            raise ValueError("The prompt is empty, so nothing was sent: give a text, attachments or messages.")
        if not self.supports_conversation and any(message.role in ("assistant", "tool") for message in messages):
            raise ConversationNotSupported(
                f"{self.model_id} answers single prompts only and cannot be given a history."
            )
        # What the model itself has made goes back in its own way, whatever types it reads.
        for message in messages:
            for part in message.parts if message.role != "assistant" else ():
                # Attachments of tools are not the user's input: `prompt.messages` contains only those that the model reads.
                if isinstance(part, AttachmentPart) and part.attachment is not None:
                    self._check_attachment(part.attachment)

    def _check_attachment(self, attachment: Attachment) -> None:
        found = attachment.certain_type()
        if found not in self.attachment_types:
            takes = ", ".join(sorted(self.attachment_types)) or "no attachments"
            said = f"{self.model_id} does not read {found}; it takes {takes}."
            raise UnreadAttachment(said, model_id=self.model_id, type=found)

    def __str__(self) -> str:
        return f"{type(self).__name__}{self._flavour}: {self.model_id}"

    def __repr__(self) -> str:
        return f"<{self}>"


class _SyncModel(_BaseModel["Response", "ChainResponse", "Conversation"]):
    @property
    def _response_class(self) -> type[Response]:
        from llm_notebook.models.responses import Response  # loads what chains need

        return Response

    @property
    def _chain_class(self) -> type[ChainResponse]:
        from llm_notebook.models.chain_responses import ChainResponse  # loads what chains need

        return ChainResponse

    @property
    def _conversation_class(self) -> type[Conversation]:
        from llm_notebook.models.conversations import Conversation  # loads what chains need

        return Conversation


class Model(_SyncModel):
    """A model that is used without `await`. Subclasses set `model_id` and implement `execute()`."""

    def execute(
        self, prompt: Prompt, stream: bool, response: Response, conversation: Conversation | None
    ) -> Iterator[Items]:
        """Send the prompt and yield what comes back: `str` for text, StreamEvents for everything, lists of what arrived together.

        Returning normally says that the answer is complete. The generator is closed in the thread that reads it.
        """
        raise NotImplementedError


class KeyModel(_SyncModel):
    """A Model whose `execute()` also receives the resolved API key."""

    _takes_key = True

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: Response,
        conversation: Conversation | None,
        key: str | None,
    ) -> Iterator[Items]:
        """Do what `Model.execute()` does, with the key."""
        raise NotImplementedError


class _AsyncModel(_BaseModel["AsyncResponse", "AsyncChainResponse", "AsyncConversation"]):
    _flavour = " (async)"

    @property
    def _response_class(self) -> type[AsyncResponse]:
        from llm_notebook.models.responses import AsyncResponse  # loads what chains need

        return AsyncResponse

    @property
    def _chain_class(self) -> type[AsyncChainResponse]:
        from llm_notebook.models.chain_responses import AsyncChainResponse  # loads what chains need

        return AsyncChainResponse

    @property
    def _conversation_class(self) -> type[AsyncConversation]:
        from llm_notebook.models.conversations import AsyncConversation  # loads what chains need

        return AsyncConversation


class AsyncModel(_AsyncModel):
    """A model that is used with `await`. Subclasses set `model_id` and implement `execute()` as an async generator."""

    def execute(
        self, prompt: Prompt, stream: bool, response: AsyncResponse, conversation: AsyncConversation | None
    ) -> AsyncIterator[Items]:
        """Do what `Model.execute()` does, as an async generator."""
        raise NotImplementedError


class AsyncKeyModel(_AsyncModel):
    """An AsyncModel whose `execute()` also receives the resolved API key."""

    _takes_key = True

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
        key: str | None,
    ) -> AsyncIterator[Items]:
        """Do what `AsyncModel.execute()` does, with the key."""
        raise NotImplementedError


class ModelWithAliases:
    """A registered model in both flavours, and its other names.

    Attributes:
        model_id: the id that both flavours share.
        model: the sync model, if there is one.
        async_model: the async model, if there is one.
        aliases: the other names.
    """

    __slots__ = ("aliases", "async_model", "model", "model_id")

    def __init__(
        self,
        model: Model | KeyModel | None,
        async_model: AsyncModel | AsyncKeyModel | None,
        aliases: Sequence[str] = (),
    ) -> None:
        flavour = model or async_model
        assert flavour is not None, "there is a model in one flavour at least"
        self.model_id = flavour.model_id
        self.model = model
        self.async_model = async_model
        self.aliases = list(aliases)

    def matches(self, query: str) -> bool:
        """Return whether the id or an alias contains the query, ignoring case."""
        return any(query.lower() in name.lower() for name in [self.model_id, *self.aliases])

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(model={self.model!r}, async_model={self.async_model!r}, aliases={self.aliases!r})"
        )
