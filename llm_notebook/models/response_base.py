"""What sync and async responses share: their turn, and the steps of everything that takes more than one read."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, cast

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.models.portable import Portable
from llm_notebook.parts.finishes import Finish, FinishReason
from llm_notebook.parts.json_values import as_json
from llm_notebook.parts.messages import Message, StreamEvent, TextPart, ToolCallPart, Usage, assistant, events_of
from llm_notebook.tools.answers import parsed_answer
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.chain import Chain
from llm_notebook.turns.going_on import WentOn
from llm_notebook.turns.invoking import Invoke
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.nesting import current_nest
from llm_notebook.turns.open_calls import with_ids, with_results
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
    from llm_notebook.serialization import ResponseDict
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.nesting import LeftRound

__all__ = ["BaseResponse"]

ModelT = TypeVar("ModelT", bound="Model | KeyModel | AsyncModel | AsyncKeyModel")
ConversationT = TypeVar("ConversationT", bound="Conversation | AsyncConversation")
SourceT = TypeVar("SourceT", bound="Iterator[Items] | AsyncIterator[Items]")


class BaseResponse(Portable, Generic[ModelT, ConversationT, SourceT]):
    """A model's answer, without the reading: that is what the two faces add.

    Attributes:
        prompt: what the model is asked; `prompt.messages` is exactly what it is sent.
        model: the model that is asked.
        stream: the answer arrives piece by piece.
        conversation: the conversation that the response belongs to, if any.
    """

    _reads: ClassVar[tuple[str, str]] = (".text()", "for chunk in response")  # shown before it is read

    def __init__(
        self,
        prompt: Prompt,
        model: ModelT,
        stream: bool,
        conversation: ConversationT | None = None,
        key: KeySource | None = None,
        log: ChainLog | None = None,
    ) -> None:
        self.prompt = prompt
        self.model: ModelT = model
        self.stream = stream and model.can_stream
        self.conversation = conversation
        self._turn = Turn(prompt, model.model_id, ChainLog() if log is None else log)
        self._key = key
        self._source: SourceT | None = None
        self._left: LeftRound | None = None
        self._callbacks: list[Callable[[Any], object]] = []
        self._concluding = threading.Lock()

    @property
    def partial(self) -> list[Message]:
        """The messages that have arrived; nothing is sent or waited for. Tool calls that may be cut short are left out."""
        return self._turn.state.messages()

    @property
    def interrupted(self) -> bool:
        """True if reading was stopped before the response's end."""
        return self._turn.state.status == "interrupted"

    @property
    def resolved_model(self) -> str | None:
        """The exact model that answered, where the provider says so."""
        return self._turn.state.resolved_model

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the model stopped, in the same words for every provider; None before that, or where the provider does not say so.

        `stop`: it had said everything; `length`: the answer reached a limit of tokens; `tool_calls`: it waits for the results of tools;
        `content_filter`: it declined, or a filter stopped it; `pause`: the provider goes on when it is sent the answer back, as chains
        do by themselves; `error`: something failed.
        """
        ending = self._turn.state.ending
        return ending.reason if ending is not None else None

    @property
    def provider_finish_reason(self) -> str | None:
        """The provider's own word for `finish_reason`, such as `end_turn` or `MAX_TOKENS`; None if it gave none."""
        ending = self._turn.state.ending
        return ending.said if ending is not None else None

    @property
    def response_json(self) -> dict[str, Any] | None:
        """The provider's raw JSON that has arrived; models set it."""
        return self._turn.state.response_json

    @response_json.setter
    def response_json(self, value: dict[str, Any] | None) -> None:
        self._turn.state.response_json = value

    def add_tool_call(self, tool_call: ToolCall) -> None:
        """Register a tool call that is not streamed as events. Models call this."""
        self._turn.state.extra_calls.append(tool_call)

    def set_usage(
        self,
        *,
        input: int | None = None,  # noqa: A002  the API's name
        output: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Set how many tokens the response used. Models call this."""
        self._turn.state.usage = Usage(input, output, details)

    def set_resolved_model(self, model_id: str) -> None:
        """Set the exact model that the provider says it used. Models call this."""
        self._turn.state.resolved_model = model_id

    def set_finish_reason(self, reason: FinishReason, said: str | None = None) -> None:
        """Set why the model stopped, and the provider's own word for it. Models call this."""
        self._turn.state.stated_finish = Finish(reason, said)

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
        """Become the finished response that was given before to the same prompt, and join the conversation."""
        self._restored(left.output, None, "" if left.began is None else left.began.isoformat())
        self._take_up(left)
        self._due_callbacks()

    def _restored(self, messages: list[Message], usage: Mapping[str, Any] | None = None, started: str = "") -> Self:
        """Become a finished response that said these messages."""
        state = self._turn.state
        self.prompt.freeze()
        state.restore(with_ids(messages))
        state.usage = Usage(**(usage or {}))
        state.started_utc = datetime.fromisoformat(started) if started else None
        return self

    def _read_all(self) -> object:
        """Read the response to its end."""
        raise NotImplementedError

    def _begun_source(self) -> SourceT:
        """Return the stream of the one request that this response sends, which begins when it is first asked for."""
        if self._source is None:
            # A chain has prepared the Toolboxes and settled the prompt already.
            boxes = () if self.prompt.is_settled else self.prompt.toolboxes
            waiting = [toolbox for toolbox in boxes if toolbox.pending_preparations()]
            is_simple = not waiting and self._turn.log.journal is None and current_nest() is None
            self._source = self._stream() if is_simple else self._prepared_stream(self._begin_steps(waiting))
        return self._source

    def _begin_steps(self, toolboxes: list[Toolbox]) -> Steps[None]:
        """Yield what comes before the request: Toolboxes set themselves up, and the beginning of the turn is kept."""
        if toolboxes:
            yield Prepare(toolboxes)
        log = self._turn.log
        nest = current_nest() if not log.chain_id else None
        if nest is not None:
            nest.rewind(self.conversation)
        self.prompt.freeze()
        plan = self._plan()
        if log.journal is not None and not log.settings:
            # A prompt that stands alone; a chain has said how it is asked. Its calls may wait for a later process too.
            plan.keep_policies(self.prompt)
            log.settings = plan.settings(self.prompt)
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
        self.prompt.freeze()
        if self._left is not None:
            # A tool that was entered again asks what it asked before.
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

    def _prepared_stream(self, steps: Steps[None]) -> SourceT:
        """Return the stream of a request before which these steps are performed."""
        raise NotImplementedError

    def _replay(self, events: list[StreamEvent]) -> SourceT:
        """Return a stream of what arrived before."""
        raise NotImplementedError

    def _plan(self, before_call: BeforeCall | None = None, after_call: AfterCall | None = None) -> ChainPlan:
        """Return how a chain is run that continues this response."""
        return ChainPlan(self.model, self.conversation, before_call, after_call, stream=self.stream, key=self._key)

    def _datetime_utc(self) -> str:
        started = self._turn.state.started_utc
        return started.isoformat() if started is not None else ""

    def _parsed(self) -> Any:
        if self.prompt.schema is None:
            raise ValueError("This prompt asked for no schema, so there is nothing to parse; give schema=.")
        return parsed_answer(self._turn.state.text(), self.prompt.schema_class)

    def _execute_tool_calls_steps(
        self,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        tools: Sequence[ToolLike] | None = None,
    ) -> Steps[list[ToolResult]]:
        yield Ask(self)
        calls = self._turn.calls()
        missing = [call for call in calls if call.tool_call_id not in self._turn.results]
        yield from self._run_steps(missing, self._plan(before_call, after_call), tools, self._turn.log)
        return [self._turn.results[call.tool_call_id] for call in calls if call.tool_call_id is not None]

    def _execute_tool_call_steps(self, tool_call: ToolCall) -> Steps[ToolResult]:
        yield Ask(self)
        call = ToolCall.from_part(ToolCallPart(tool_call.name, tool_call.arguments, tool_call.tool_call_id))
        # A call that has a result is run again like one that the log does not know.
        log = ChainLog() if call.tool_call_id in self._turn.results else self._turn.log
        results = yield from self._run_steps([call], self._plan(), None, log)
        return results[0]

    def _run_steps(
        self, calls: list[ToolCall], plan: ChainPlan, tools: Sequence[ToolLike] | None, log: ChainLog
    ) -> Steps[list[ToolResult]]:
        prompt = self.prompt if tools is None else self.prompt.continued(None, tools)
        if toolboxes := prompt.toolboxes:
            yield Prepare(toolboxes)
        if not calls:
            return []
        # The calls are asked about as the tools that the model was offered are, and as those given now are.
        for offered in (self.prompt, prompt):
            plan.keep_policies(offered)
        turn = self._turn
        return (yield from Chain(prompt, plan, log).run(calls, prompt, turn.history(), turn.turn_id, turn))

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

    def _to_dict(self) -> ResponseDict:
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
            "messages": [message.to_dict() for message in state.messages()],
        }
        counts = {"input": state.usage.input, "output": state.usage.output, "details": state.usage.details}
        if usage := {name: as_json(value) for name, value in counts.items() if value is not None}:
            data["usage"] = usage
        if state.started_utc is not None:
            data["datetime_utc"] = state.started_utc.isoformat()
        return cast("ResponseDict", data)

    @property
    def _done(self) -> bool:
        return self._turn.state.status == "done"

    @property
    def _chunks(self) -> list[str]:
        return list(self._turn.state.text_chunks(0))

    def _broke_off(self, error: BaseException, closing: str) -> Any:
        """Note what ended the stream. Returns the stream's method of this name if the stream has to be closed."""
        if isinstance(error, ModelError) and error.response is None:
            error.response = self
        self._end_unwaited()
        return getattr(self._source, closing, None) if self._turn.state.is_over else None

    def _end_unwaited(self) -> None:
        """Keep how a response ended that did not end well; whoever stopped it does not wait for that."""
        if self._turn.state.is_over and not self._turn.is_concluded:
            self._turn.is_concluded = True
            self._turn.log.end_unwaited(self._turn)

    def _conclude_steps(self) -> Steps[None]:
        """Yield what follows a response that ended well: its end is kept, and the callbacks are called."""
        if not self._turn.is_concluded:
            self._turn.is_concluded = True
            process.of(WentOn).calls.update(self.prompt.left_behind())
            yield from self._turn.log.end(self._turn)
        failures = []
        for callback in self._due_callbacks():
            try:
                yield Invoke(callback, (self,))
            except Exception as error:
                failures.append(error)
        log = self._turn.log
        if log.not_saved and not log.origin.text:
            # Where a transcript shows the turn, it says so itself.
            process.of(CurrentJournal).warn_once(log.not_saved)
        if failures:
            raise failures[0]

    def _due_callbacks(self) -> list[Callable[[Any], object]]:
        """Join the conversation, and hand out each callback once."""
        with self._concluding:
            if self.conversation is not None and self not in self.conversation.responses:
                self.conversation.responses.append(cast("Any", self))
            due, self._callbacks = self._callbacks, []
            return due

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what Jupyter shows: the transcript of what has arrived, or what would be sent. Nothing is sent by that."""
        from llm_notebook.models.shown import show_request, show_response  # only where a response is displayed

        if self._turn.state.status == "new":
            return show_request(self.prompt, self._reads)
        return show_response(self._turn.state, self.model.model_id)

    def __repr__(self) -> str:
        state = self._turn.state
        text = state.text() if state.is_over else "... not yet done ..."
        return f"<{type(self).__name__} prompt={self.prompt.prompt!r} text={text!r}>"
