"""What sync and async responses share: their turn, and the steps of everything beyond a single read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, ModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.models.arrived import Arrived
from llm_notebook.models.calling import Calling
from llm_notebook.models.stored.portable import Portable
from llm_notebook.parts.json_values import as_json
from llm_notebook.parts.messages import Message, StreamEvent, TextPart, Usage, assistant, events_of
from llm_notebook.serialization import ResponseDict
from llm_notebook.tools.answers import parsed_answer
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.turns.calls.invoking import Invoke
from llm_notebook.turns.calls.nesting import current_nest
from llm_notebook.turns.calls.open_calls import with_ids, with_results
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.messages.going_on import WentOn
from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainPlan
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.state import Items
from llm_notebook.turns.steps import Ask, Prepare, Steps
from llm_notebook.turns.turn import Turn

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.journal.operations import TurnEntry
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.turns.calls.nesting import LeftRound

__all__ = ["BaseResponse"]

ModelT = TypeVar("ModelT", bound="Model | KeyModel | AsyncModel | AsyncKeyModel")
ConversationT = TypeVar("ConversationT", bound="Conversation | AsyncConversation")
SourceT = TypeVar("SourceT", bound="Iterator[Items] | AsyncIterator[Items]")


class BaseResponse(Portable, Arrived, Calling, Generic[ModelT, ConversationT, SourceT]):
    """A model's answer without the means to read it, which the two faces add.

    Attributes:
        prompt: the prompt; `prompt.messages` is exactly what the model is sent.
        model: the model.
        stream: whether the answer arrives piece by piece.
        conversation: the conversation to which the response belongs, if any. A chain outside of conversations has one with only its own
            responses.
    """

    _reads: ClassVar[tuple[str, str]] = (".text()", "for chunk in response")  # shown before it is read
    _concluding: AbstractContextManager[object]  # held while callbacks are added and taken

    def __init__(
        self,
        prompt: Prompt,
        model: ModelT,
        stream: bool,
        conversation: ConversationT | None = None,
        key: KeySource | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        *,
        log: ChainLog | None = None,
    ) -> None:
        self.prompt = prompt
        self.model: ModelT = model
        self.stream = stream and model.can_stream
        self.conversation = conversation
        self._turn = Turn(prompt, model.model_id, ChainLog() if log is None else log)
        self._key = key
        # A chain gives its responses its plan.
        self._plan = ChainPlan(model, conversation, before_call, after_call, stream=self.stream, key=key)
        self._id = ""
        self._source: SourceT | None = None
        self._left: LeftRound | None = None
        self._callbacks: tuple[Callable[[Any], object], ...] = ()

    @property
    def id(self) -> str:
        """The id of this response, which is the id of its turn in the journal if it is recorded there."""
        return self._id or self._turn.turn_id

    @property
    def attachments(self) -> list[Attachment]:
        """What was sent with the prompt, for models that build a history from responses."""
        return list(self.prompt.attachments)

    def text_or_raise(self) -> str:
        """Return the whole text of the response, without `await` even for an async response.

        Raises:
            ValueError: an async response was not awaited.
        """
        self._settle("text_or_raise()")
        return self._turn.state.text()

    def tool_calls_or_raise(self) -> list[ToolCall]:
        """Return the tool calls that we have to run, without `await` even for an async response.

        Raises:
            ValueError: an async response was not awaited.
        """
        self._settle("tool_calls_or_raise()")
        return self._turn.calls()

    @property
    def parsed(self) -> Any:
        """The answer in the form of the schema: an object of the pydantic class if one was given, else parsed JSON.

        Raises:
            ValueError: no schema was asked for, the answer does not fit it, or an async response was not awaited.
        """
        self._settle(".parsed")
        if self.prompt.schema is None:
            raise ValueError("This prompt asked for no schema, so there is nothing to parse; give schema=.")
        return parsed_answer(self._turn.state.text(), self.prompt.schema_class)

    def to_dict(self) -> ResponseDict:
        """Return a JSON-safe dict from which `from_dict()` makes a response that can `reply()`. Tools are not in it.

        Raises:
            ValueError: an async response was not awaited.
        """
        self._settle("to_dict()")
        messages, state = self.prompt.messages, self._turn.state
        prompt: dict[str, Any] = {"messages": [message.to_dict() for message in messages]}
        if options := self.prompt.given_options():
            prompt["options"] = options
        system = [
            part.text
            for message in messages
            if message.role == "system"
            for part in message.parts
            if isinstance(part, TextPart)
        ]
        if system:
            prompt["system"] = "\n\n".join(system)
        data: dict[str, Any] = {
            "model": self.model.model_id,
            "prompt": prompt,
            "messages": [message.to_dict() for message in state.answer()],
            "id": self.id,
        }
        counts = {"input": state.usage.input, "output": state.usage.output, "details": state.usage.details}
        if usage := {name: as_json(value) for name, value in counts.items() if value is not None}:
            data["usage"] = usage
        if state.started_utc is not None:
            data["datetime_utc"] = state.started_utc.isoformat()
        return cast("ResponseDict", data)

    @classmethod
    def fake(
        cls, model: ModelT, prompt: str, *attachments: Attachment, system: str | None = None, response: str = ""
    ) -> Self:
        """Return a finished response for tests; no model is asked."""
        made = Prompt(prompt, model, attachments=attachments, system=system, options=model.Options())
        return cls(made, model, stream=False)._restored([assistant(response)])

    @classmethod
    def _from_journal(cls, prompt: Prompt, model: ModelT, log: ChainLog, entry: TurnEntry) -> Self:
        """Return the finished response of a turn in the journal."""
        response = cls(prompt, model, stream=False, log=log)
        turn = response._turn
        turn.turn_id, turn.is_kept, turn.is_concluded = entry.begun.turn_id, True, True
        response._restored(list(entry.output), None, entry.begun.at.isoformat())
        turn.state.usage, turn.state.stated_finish = entry.usage or Usage(), entry.finish
        turn.remember(call.result for call in entry.calls if call.result is not None)
        return response

    def _recall(self, left: LeftRound) -> None:
        """Become the finished response that the same prompt received before, and join the conversation."""
        self._restored(left.output, None, "" if left.began is None else left.began.isoformat())
        self._take_up(left)
        self._due_callbacks()

    def _restored(self, messages: list[Message], usage: Mapping[str, Any] | None = None, started: str = "") -> Self:
        """Become a finished response that consists of these messages."""
        state = self._turn.state
        self.prompt.freeze()
        state.restore(with_ids(messages))
        state.usage = Usage(**(usage or {}))
        state.started_utc = datetime.fromisoformat(started) if started else None
        return self

    def _read_all(self) -> object:
        """Read the response to its end."""
        raise NotImplementedError

    def _settle(self, wanted: str) -> None:
        """Make sure that the response is complete, for attributes and methods that neither face awaits.

        Raises:
            ValueError: an async response was not awaited; `wanted` names what can be used after that.
        """
        raise NotImplementedError

    def _begin_steps(self) -> Steps[None]:
        """Yield the steps before the request: Toolboxes set themselves up, and the beginning of the turn is recorded."""
        # A chain has prepared the Toolboxes and settled the prompt already.
        if not self.prompt.is_settled and (toolboxes := self.prompt.toolboxes):
            yield Prepare(toolboxes)
        log = self._turn.log
        nest = current_nest() if not log.chain_id else None
        if nest is not None:
            nest.rewind(self.conversation)
        if not self.prompt.is_settled:
            self.prompt.freeze()
        plan = self._plan
        if log.journal is not None and not log.settings:
            # This is a single prompt; a chain has already recorded how it is run. Its calls may wait for a later process too.
            plan.describe(self.prompt, log)
        if nest is not None:
            found = nest.enter(self.prompt, plan, log, lambda: [self._turn])
            self._left = next(iter(found.rounds), None) if found is not None else None
        if self._left is None:
            yield from log.begin(self._turn)
        else:
            self._take_up(self._left)

    def _take_up(self, left: LeftRound) -> None:
        """Become the turn that answered the same request before."""
        turn = self._turn
        turn.turn_id, turn.is_kept, turn.is_concluded = left.turn_id, left.is_kept, True
        turn.state.usage, turn.state.resolved_model = left.usage or Usage(), left.resolved_model
        turn.state.stated_finish = left.finish

    def _stream(self) -> SourceT:
        """Return the stream of the one request that this response sends, which begins when it is first asked for."""
        if self._left is not None:
            # A tool that runs again repeats its earlier requests.
            output = enumerate(self._left.output)
            return self._replay(
                [event for at, message in output for part in message.parts for event in events_of(part, at)]
            )
        arguments: list[object] = [self.prompt, self.stream, self, self.conversation]
        if self.model._takes_key:
            arguments.append(self.model.get_key(self._key))
        # `execute()` has another signature for models that take a key, and plugins may return any iterable.
        result: Any = self.model.execute(*arguments)  # type: ignore[arg-type]
        return cast("SourceT", aiter(result) if hasattr(result, "__aiter__") else iter(result))

    def _replay(self, events: list[StreamEvent]) -> SourceT:
        """Return a stream of what arrived before."""
        raise NotImplementedError

    def _datetime_utc(self) -> str:
        started = self._turn.state.started_utc
        return started.isoformat() if started is not None else ""

    def _reply_steps(
        self,
        prompt: str | None,
        messages: Sequence[Message] | None,
        tool_results: Sequence[ToolResult] | None,
        options: Mapping[str, Any] | None,
        keywords: dict[str, Any],
    ) -> Steps[Self]:
        yield Ask(self)
        keywords.setdefault("tools", self.prompt.tool_sources or None)
        results = tool_results
        if results is None:
            results = yield from self._execute_tool_calls_steps(tools=keywords["tools"])
        if self._key is not None:
            keywords.setdefault("key", self._key)
        history = [*with_results(self._turn.history(), results), *(messages or [])]
        reply = cast("Self", self.model.prompt(prompt, messages=history, options=options, **keywords))
        log = self._turn.log
        if self._turn.is_kept:
            reply._turn.log.parent = self._turn
            reply._turn.log.conversation_id = log.conversation_id or log.chain_id
        return reply

    # Programs and plugins written for llm use the names from here to `_messages_now()`, although they begin with an underscore.

    @property
    def _done(self) -> bool:
        return self._turn.state.status == "done"

    @property
    def _chunks(self) -> list[str]:
        return list(self._turn.state.text_chunks(0))

    @property
    def _stream_events(self) -> list[StreamEvent]:
        return list(self._turn.state.events())

    @property
    def _tool_calls(self) -> list[ToolCall]:
        return self._turn.calls() if self._done else list(self._turn.state.extra_calls)

    def _messages_now(self) -> list[Message]:
        return self._turn.state.answer()

    def _broke_off(self, error: BaseException, closing: str) -> Any:
        """Record what ended the stream. Returns the stream's method of this name if the stream has to be closed."""
        if isinstance(error, ModelError) and error.response is None:
            error.response = self
        self._end_unwaited()
        return getattr(self._source, closing, None) if self._turn.state.is_over else None

    def _end_unwaited(self) -> None:
        """Record how a response ended that was stopped or failed, without waiting until this is durable."""
        turn = self._turn
        if not turn.state.is_over or turn.is_concluded:
            return
        turn.is_concluded = True
        if not (turn.state.own_calls and turn.is_kept and turn.log.journal is not None):
            turn.log.end_unwaited(turn)
            return
        # One of its calls may wait for a human, who is asked next, so the record has to contain the call.
        with suppress(JournalError):
            turn.log.journal.submit(turn.ended()).result()

    def _conclude_steps(self) -> Steps[None]:
        """Yield the steps after a complete response: its end is recorded, and the callbacks are called."""
        if not self._turn.is_concluded:
            self._turn.is_concluded = True
            if left_behind := self.prompt.left_behind():
                process.of(WentOn).calls.update(left_behind)
            yield from self._turn.log.end(self._turn)
        failures = []
        for callback in self._due_callbacks():
            try:
                yield Invoke(callback, (self,))
            except Exception as error:
                failures.append(error)
        log = self._turn.log
        if log.not_saved and not log.origin.text:
            # If a transcript shows the turn, it says so itself.
            process.of(CurrentJournal).warn_once(log.not_saved)
        if failures:
            raise failures[0]

    def _due_callbacks(self) -> tuple[Callable[[object], object], ...]:
        """Join the conversation, and hand out each callback once."""
        with self._concluding:
            if self.conversation is not None:
                self.conversation._join(cast("Any", self))
            due, self._callbacks = self._callbacks, ()
            return due

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what Jupyter shows: the transcript of what has arrived, or what would be sent. This sends nothing."""
        from llm_notebook.models.shown import show_response  # only where a response is displayed

        return show_response(self.prompt, self._reads, self._turn.state)

    def __repr__(self) -> str:
        state = self._turn.state
        text = state.text() if state.is_over else "... not yet done ..."
        return f"<{type(self).__name__} prompt={self.prompt.prompt!r} text={text!r}>"
