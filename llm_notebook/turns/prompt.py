"""Prompt: everything that a user gives for one turn, and the messages that it turns into."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from llm_notebook.parts.given import as_messages
from llm_notebook.parts.json_values import as_json
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart
from llm_notebook.tools.collecting import as_tools, sources_of_tools
from llm_notebook.tools.outputs import settled_result
from llm_notebook.tools.schemas import schema_of
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.calls.open_calls import with_ids, with_results
from llm_notebook.turns.messages.encoded import EncodedMessages
from llm_notebook.turns.messages.given_objects import GivenObjects
from llm_notebook.turns.messages.going_on import (
    CallsOfConversation,
    Place,
    awaited_calls,
    late_results,
    standing_results,
)
from llm_notebook.turns.messages.readable import Readable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.parts.sent import Sent
    from llm_notebook.tools.calls import ToolResult
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.plan import ChainModel

__all__ = ["Prompt", "name_of_source"]

T = TypeVar("T")


class _UntilSettled(Generic[T]):
    """A value that is computed at each access until the prompt is settled, and is a plain attribute from then on."""

    def __init__(self, worked_out: Callable[[Any], T]) -> None:
        self._worked_out = worked_out
        self.__doc__ = worked_out.__doc__

    @overload
    def __get__(self, prompt: None, owner: type[Prompt]) -> Self: ...

    @overload
    def __get__(self, prompt: Prompt, owner: type[Prompt]) -> T: ...

    def __get__(self, prompt: Prompt | None, owner: type[Prompt]) -> T | Self:
        return self if prompt is None else self._worked_out(prompt)


class Prompt:
    """The input of one turn. `messages` is exactly what the model is sent.

    Attached files are read once, when the prompt is created: later changes to them do not change what was said.

    Args:
        prompt: the text of the turn.
        model: the model that is asked.
        fragments: texts put before the prompt, joined with newlines; other objects are described, files given as `Path` are read.
        attachments: what is sent with the text: Attachments, their paths, addresses or bytes, figures, images and other objects.
        system: the system prompt.
        system_fragments: as `fragments`, put before the system prompt, joined with blank lines.
        options: an instance of the model's `Options`.
        schema: what the answer must fit: JSON Schema (a dict), a class, or fields such as `name, age int`.
        tools: what the model may call.
        tool_results: results of the calls at the end of the history.
        messages: the whole history; what else is given is appended as the new turn. Messages may be dicts with a role.
        hide_reasoning: ask for no readable reasoning.
        history: returns the turns that came before in a conversation; it is called when the messages are needed.
        calls: knows the state of that conversation's tool calls.
        encoded: the messages that the conversation has encoded before.

    Attributes:
        sent: a description of the fragments and attachments, for the reader.
        is_settled: whether `freeze()` was called, so that nothing changes what the model is sent.
        encoded: messages in the form in which they were sent. The rounds of a chain and the turns of a conversation share it, so that each
            encodes only what is new; None if there is only one round.
        fetched: for providers: what was fetched for attachments given by address, or why it was not, by address; shared in the same way.
        made: for providers: what was made of this prompt before it is asked; a copy, which may say something else, has it no more.
    """

    def __init__(
        self,
        prompt: str | None,
        model: ChainModel,
        *,
        fragments: Sequence[object] | None = None,
        attachments: Sequence[object] | None = None,
        system: str | None = None,
        system_fragments: Sequence[object] | None = None,
        options: object = None,
        schema: dict[str, Any] | type[object] | str | None = None,
        tools: Sequence[ToolLike] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        messages: Sequence[Message | Mapping[str, Any]] | None = None,
        hide_reasoning: bool = False,
        history: Callable[[], list[Message]] | None = None,
        calls: CallsOfConversation | None = None,
        encoded: EncodedMessages | None = None,
    ) -> None:
        given = as_messages(messages) if messages is not None else None
        if given is not None and system is not None and any(message.role == "system" for message in given):
            raise ValueError("messages= already holds a system message; give the system prompt there or as system=.")
        self._prompt = prompt
        self.model = model
        self._take_objects(fragments, system_fragments, attachments)
        self._system = system
        self.options: Any = model.Options() if options is None and hasattr(model, "Options") else options
        self.schema_class = None if isinstance(schema, dict | str) else schema
        self.schema: dict[str, Any] | None = None if schema is None else schema_of(schema)
        self.tool_sources = () if tools is None else sources_of_tools(tools)
        self._tool_results = tuple(settled_result(result) for result in tool_results or ())
        self.hide_reasoning = hide_reasoning
        self._given = given
        self._history = history
        self._calls = calls
        # The system prompt and the attachments are in the history already; models may still read them here.
        self._follows = False
        # What this turn had to say about calls that the conversation left behind.
        self._opening: tuple[Part, ...] = ()
        # The message of this turn, once it has been built.
        self._message: Message | None = None
        self.is_settled = False
        # A single prompt is encoded only once.
        self.encoded = EncodedMessages() if encoded is None and self.tool_sources else encoded
        self.fetched: dict[str, bytes | str] = {}
        self.made: tuple[object, bool, object] | None = None
        self._readable = Readable()

    def _take_objects(
        self,
        fragments: Sequence[object] | None,
        system_fragments: Sequence[object] | None,
        attachments: Sequence[object] | None,
    ) -> None:
        # Many prompts may be in flight, and most have none of these. An empty tuple costs the garbage collector nothing.
        self._fragments: tuple[str, ...] = ()
        self._system_fragments: tuple[str, ...] = ()
        self._attachments: tuple[Attachment, ...] = ()
        self.enclosed: tuple[Sent, ...] = ()
        if fragments is not None or system_fragments is not None or attachments is not None:
            objects = GivenObjects.of(fragments, system_fragments, attachments)
            self._fragments, self._system_fragments = tuple(objects.fragments), tuple(objects.system_fragments)
            self._attachments, self.enclosed = tuple(objects.attachments), tuple(objects.sent)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the turn with its current history."""
        # This is what the conversation has said so far, without the conversation. A settled turn has it already.
        history: Callable[[], list[Message]] | None = None
        opening = self._opening
        if self._history is not None and not self.is_settled:
            before = self._history()
            if self._own_turn():
                before, opening = self._going_on(before)
            history = functools.partial(list[Message], before)
        # The options are pickled as values, because many plugins create the class of their options anew.
        options = None if self.options is None else self.given_options()
        return vars(self) | {
            "options": options,
            "_history": history,
            "_calls": None,
            "_opening": opening,
            "_readable": Readable(),
            "made": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__()` returned."""
        vars(self).update(state)
        if self.options is not None:
            self.options = self.model.Options(**self.options)

    def __copy__(self) -> Prompt:
        """Return a copy that shares what the rounds of a chain share, which a pickle leaves out."""
        copied = Prompt.__new__(type(self))
        vars(copied).update(vars(self))
        copied.made = None
        return copied

    @property
    def prompt(self) -> str:
        """The text of the turn, fragments first."""
        return "\n".join([*self._fragments, *([self._prompt] if self._prompt else [])])

    @property
    def system(self) -> str:
        """The system prompt, fragments first."""
        return "\n\n".join([*self._system_fragments, *([self._system] if self._system else [])])

    @property
    def fragments(self) -> list[str]:
        """The texts before the prompt."""
        return list(self._fragments)

    @property
    def system_fragments(self) -> list[str]:
        """The texts before the system prompt."""
        return list(self._system_fragments)

    @property
    def attachments(self) -> list[Attachment]:
        """What is sent with the text, or in later rounds of a chain with the results."""
        return list(self._attachments)

    @property
    def tool_results(self) -> list[ToolResult]:
        """The results of the calls at the end of the history."""
        return list(self._tool_results)

    @_UntilSettled
    def tools(self) -> list[Tool | ServerSideTool]:
        """The tools that the model may call: those given, and those that the Toolboxes currently have."""
        return as_tools(self.tool_sources) if self.tool_sources else []

    @property
    def toolboxes(self) -> list[Toolbox]:
        """The Toolboxes among the tools, each listed once; they are prepared before the first request."""
        owners = [item if isinstance(item, Toolbox) else getattr(item, "toolbox", None) for item in self.tool_sources]
        return list({id(owner): owner for owner in owners if owner is not None}.values())

    @property
    def messages(self) -> list[Message]:
        """What the model is sent for this turn: history, then tool results, then the new user message.

        Attachments of tools that this model does not read are replaced by text.
        """
        return list(self.sent)

    @_UntilSettled
    def sent(self) -> list[Message]:
        """The same as `messages` for code that does not change the list."""
        return self._as_read(self.said)

    @_UntilSettled
    def said(self) -> list[Message]:
        """What `sent` would be for a model that reads everything, from which histories are made. Callers do not change it either."""
        return self._composed()

    def next_round(self, history: list[Message], results: Sequence[ToolResult]) -> Prompt:
        """Return the prompt of the round after tools ran: the same options, schema and tools, this history, and these results.

        Its `attachments` are those of the results, which the messages hold with the results, and its `system` is the first round's.
        """
        following = copy.copy(self)
        # By then the Toolboxes may have other tools.
        for name in ("said", "sent", *(["tools"] if self.toolboxes else [])):
            vars(following).pop(name, None)
        following._prompt = following._history = following._message = None
        following.is_settled, following._follows = False, True
        following._fragments, following.enclosed = (), ()
        following._attachments = tuple(attachment for result in results for attachment in result.attachments)
        following._given = list(history)
        following._tool_results = tuple(results)
        return following

    def with_turn(self, text: str, attachments: Sequence[object] = ()) -> Prompt:
        """Return a prompt that differs only in its text and its attachments. This one must not be settled, and must have no fragments."""
        other = copy.copy(self)
        other._prompt, other._message = text, None
        if attachments:
            objects = GivenObjects.of(None, None, attachments)
            other._attachments, other.enclosed = tuple(objects.attachments), tuple(objects.sent)
        other._readable, other.fetched = Readable(), {}
        return other

    def with_messages(self, messages: list[Message]) -> Prompt:
        """Return the same prompt with other messages to send, such as with bytes in place of addresses."""
        other = copy.copy(self)
        other._settle(messages)
        return other

    def continued(self, messages: Sequence[Message] | None, tools: Sequence[ToolLike]) -> Prompt:
        """Return a prompt with the same options and schema, but with another history and other tools."""
        following = Prompt(
            None,
            self.model,
            options=self.options,
            schema=self.schema_class or self.schema,
            tools=tools,
            messages=messages,
            hide_reasoning=self.hide_reasoning,
        )
        following._system, following._system_fragments, following._follows = self._system, self._system_fragments, True
        return following

    def known_texts(self, form: Hashable, messages: Sequence[Message]) -> dict[int, tuple[Message, str]]:
        """Return what `EncodedMessages.in_form()` returns, for providers; nothing is known if there is only one round."""
        return {} if self.encoded is None else self.encoded.in_form(form, messages)

    def settings(self) -> dict[str, Any]:
        """Return the options, the schema, the names of the tools, and descriptions of the fragments and attachments, as JSON values."""
        return {
            "options": self.given_options(),
            "schema": self.schema,
            "hide_reasoning": self.hide_reasoning,
            "tools": [name_of_source(item) for item in self.tool_sources],
            **({"sent": [sent.to_dict() for sent in self.enclosed]} if self.enclosed else {}),
        }

    def given_options(self) -> dict[str, Any]:
        """Return the options that were given, as JSON values."""
        if self.options is None:
            return {}
        try:
            given: dict[str, Any] = self.options.model_dump(mode="json", exclude_none=True)
        except ValueError:
            # An option has a type for which pydantic has no JSON form.
            given = as_json(self.options.model_dump(exclude_none=True))
        return given

    def freeze(self) -> None:
        """Settle `messages`: from here on, nothing that is said elsewhere in the conversation changes what this turn sends."""
        if not self.is_settled:
            vars(self)["tools"] = self.tools
            self._settle(self._composed())
            self.is_settled = True

    def _settle(self, said: list[Message]) -> None:
        vars(self)["said"] = said
        vars(self)["sent"] = self._as_read(said)

    def _as_read(self, said: list[Message]) -> list[Message]:
        """Return messages as the model reads them. Only the results of tools may contain anything that it cannot read."""
        has_results = any(message.role == "tool" for message in said)
        return self._readable.messages(said, self.model) if has_results else said

    def replace_tools(self, choose: Callable[[Tool], Tool]) -> None:
        """Replace the tools of a settled prompt, for this round and the following ones."""
        chosen = [choose(tool) if isinstance(tool, Tool) else tool for tool in self.tools]
        if any(new is not old for new, old in zip(chosen, self.tools, strict=True)):
            vars(self)["tools"] = chosen
            self.tool_sources = tuple(chosen)
            self.made = None

    def _composed(self) -> list[Message]:
        history = list(self._given) if self._given is not None else self._history() if self._history else []
        if (system := self.system) and not self._follows:
            # The newest system prompt applies, because providers disagree about what several of them mean.
            history = [message for message in history if message.role != "system"]
            history.insert(0, Message("system", [TextPart(system)]))
        if self._tool_results:
            history = with_results(history, self._tool_results)
        turn = [] if self._follows else self._own_turn()
        if turn and history and self._given is None:
            history, opening = self._going_on(history)
            turn = [Message("user", [*opening, *turn[0].parts])] if opening else turn
        return [*history, *turn]

    def _going_on(self, history: list[Message]) -> tuple[list[Message], tuple[Part, ...]]:
        """Return the history of a conversation that continues, and the beginning of the new turn.

        A call in the history may still be waiting, and providers refuse a call without a result.
        """
        history = standing_results(with_ids(history), self._calls)
        late = late_results(history, self._calls, lambda kind: kind in self.model.attachment_types)
        return history, (*self._opening, *late)

    @property
    def follows_conversation(self) -> bool:
        """Whether the history comes from a conversation, and was not given."""
        return self._given is None and self._history is not None

    def left_behind(self) -> set[Place]:
        """Return the calls in the history that the conversation continues without."""
        return awaited_calls(self.said) if self.follows_conversation else set()

    def _own_turn(self) -> list[Message]:
        if self._message is None and ((text := self.prompt) or self._attachments):
            parts: list[Part] = [TextPart(text)] if text else []
            parts += map(AttachmentPart, self._attachments)
            self._message = Message("user", parts)
        return [] if self._message is None else [self._message]

    def __repr__(self) -> str:
        return f"Prompt({self.prompt!r}, model={getattr(self.model, 'model_id', None)!r})"


def name_of_source(source: Tool | Toolbox | ServerSideTool) -> str:
    """Return the name by which a tool is found again: for a Toolbox its class name, for a provider's tool the name in its specification."""
    if isinstance(source, Toolbox):
        return type(source).__name__
    return source.sent_name if isinstance(source, ServerSideTool) else source.name
