"""What sync and async responses share: their state, and every answer that is computed from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from llm_notebook.errors import ModelError
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message, TextPart, ToolCallPart, Usage, assistant
from llm_notebook.tools.calls import PauseChain, ToolCall, ToolResult
from llm_notebook.turns.chain import Ask, Hook, Prepare, ToolRunner, run_with_history
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.open_calls import with_ids, with_results
from llm_notebook.turns.pauses import ChainPlan, PausedChain, Surroundings
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.state import ResponseState
from llm_notebook.turns.tool_run import Invoke

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnEntry
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.serialization import ResponseDict

__all__ = ["BaseResponse"]


class BaseResponse:
    """What sync and async responses have in common: their state and every answer that is computed from it."""

    def __init__(
        self,
        prompt: Prompt,
        model: Any,
        stream: bool,
        conversation: Any = None,
        key: str | None = None,
        log: ChainLog | None = None,
    ) -> None:
        self.prompt = prompt
        self.model = model
        self.stream = stream and model.can_stream
        self.conversation = conversation
        self._key = key
        self.record = ResponseState()
        self.log = ChainLog() if log is None else log
        self.is_kept = False
        self._is_concluded = False
        self._turn_id = ""
        self._source: Any = None
        self._callbacks: list[Callable[[Any], Any]] = []
        self._concluding = threading.Lock()
        self._tool_results: dict[str, ToolResult] = {}
        self.on_retry: Callable[[Any], None] | None = None

    def note_retry(self, retry: Any) -> None:
        """For models: the request was not answered and is about to be sent again. `on_retry`, if set, is told."""
        if self.on_retry is not None:
            self.on_retry(retry)

    @property
    def turn_id(self) -> str:
        """The name of this turn, in the journal where it is kept."""
        if not self._turn_id:
            self._turn_id = new_id()
        return self._turn_id

    @property
    def partial(self) -> list[Message]:
        """The messages as far as they arrived; nothing is sent or waited for. Tool calls that may be cut short are left out."""
        return self.record.messages()

    @property
    def interrupted(self) -> bool:
        """True if reading was stopped before the response's end."""
        return self.record.status == "interrupted"

    def add_tool_call(self, tool_call: ToolCall) -> None:
        """For models: register a tool call that is not streamed as events."""
        self.record.extra_calls.append(tool_call)

    def set_usage(
        self,
        *,
        input: int | None = None,  # noqa: A002  the API's name
        output: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """For models: the tokens that the response used."""
        self.record.usage = Usage(input, output, details)

    def set_resolved_model(self, model_id: str) -> None:
        """For models: the exact model that the provider says it used."""
        self.record.resolved_model = model_id

    @property
    def resolved_model(self) -> str | None:
        """The exact model that answered, where the provider says so."""
        return self.record.resolved_model

    @property
    def response_json(self) -> dict[str, Any] | None:
        """The provider's raw JSON, as far as it arrived; models set it."""
        return self.record.response_json

    @response_json.setter
    def response_json(self, value: dict[str, Any] | None) -> None:
        self.record.response_json = value

    def _started(self) -> Any:
        """The stream of the one request this response sends; begun when it is first asked for."""
        if self._source is None:
            self.record.start()
            waiting = [toolbox for toolbox in self.prompt.toolboxes if toolbox.pending_preparations()]
            is_simple = not waiting and self.log.journal is None
            self._source = self._stream() if is_simple else self._prepared_stream(self._begin_steps(waiting))
        return self._source

    def _begin_steps(self, toolboxes: list[Any]) -> Generator[Any, Any, None]:
        """What comes before the request: Toolboxes set themselves up, and the turn is kept as begun."""
        yield Prepare(toolboxes)
        self.prompt.freeze()
        yield from self.log.begin(self)

    def _stream(self) -> Any:
        self.prompt.freeze()
        arguments = [self.prompt, self.stream, self, self.conversation]
        if self.model.takes_key:
            arguments.append(self.model.get_key(self._key))
        result = self.model.execute(*arguments)
        return aiter(result) if hasattr(result, "__aiter__") else iter(result)

    def _prepared_stream(self, steps: Generator[Any, Any, None]) -> Any:
        """The stream of a request before which these steps are performed."""
        raise NotImplementedError

    def _text(self) -> str:
        """The whole text of the response."""
        return self.record.text()

    def _messages(self) -> list[Message]:
        """The assistant's messages, usually one."""
        return self.record.messages()

    def calls_so_far(self) -> list[ToolCall]:
        """The tool calls of a complete response that are ours to run, in the model's order; fresh copies every time."""
        return [
            ToolCall.from_part(part)
            for message in self.record.messages()
            for part in message.parts
            if isinstance(part, ToolCallPart) and not part.server_executed
        ]

    def _tool_calls(self) -> list[ToolCall]:
        """The tool calls that are ours to run, in the model's order."""
        return self.calls_so_far()

    def _json(self) -> dict[str, Any] | None:
        """The provider's raw JSON, assembled to its non-streamed shape when it was streamed."""
        return self.record.response_json

    def _usage(self) -> Usage:
        """The tokens that the response used."""
        return self.record.usage

    def _duration_ms(self) -> int:
        """Milliseconds from the request to the end of the response."""
        return self.record.duration_ms()

    def _datetime_utc(self) -> str:
        """When the request was sent, in UTC, as ISO 8601."""
        started = self.record.started_utc
        return started.isoformat() if started is not None else ""

    def _parsed(self) -> Any:
        """The answer as the schema it was asked for: an object of the pydantic class where one was given, else parsed JSON.

        Raises:
            ValueError: no schema was asked for, or the answer does not fit it.
        """
        if self.prompt.schema is None:
            raise ValueError("This prompt asked for no schema, so there is nothing to parse; give schema=.")
        if self.prompt.schema_class is not None:
            return self.prompt.schema_class.model_validate_json(self.record.text())
        return json.loads(self.record.text())

    def _execute_tool_calls_steps(
        self,
        *,
        before_call: Hook = None,
        after_call: Hook = None,
        tools: Sequence[Any] | None = None,
    ) -> Generator[Any, Any, list[ToolResult]]:
        """Run the tool calls of this response that have no result yet.

        Args:
            before_call, after_call: hooks around each call, as for `chain()`.
            tools: what may be called; the prompt's own tools if not given.

        Returns:
            One result for every call, in order. Results are remembered: no call is run twice.

        Raises:
            PauseChain: a call waits for a human; the results of finished siblings are remembered.
        """
        yield Ask(self)
        calls = self.calls_so_far()
        missing = [call for call in calls if call.tool_call_id not in self._tool_results]
        yield from self._run_steps(missing, before_call, after_call, tools, self.log)
        return [self._tool_results[call.tool_call_id] for call in calls if call.tool_call_id is not None]

    def _execute_tool_call_steps(self, tool_call: ToolCall) -> Generator[Any, Any, ToolResult]:
        """Run one call with the prompt's tools, whether or not it has a result already.

        Raises:
            PauseChain: it waits for a human.
        """
        yield Ask(self)
        call = ToolCall.from_part(ToolCallPart(tool_call.name, tool_call.arguments, tool_call.tool_call_id))
        # A call that has a result is run again as one that nobody knows yet.
        log = ChainLog() if call.tool_call_id in self._tool_results else self.log
        results = yield from self._run_steps([call], None, None, None, log)
        return results[0]

    def _run_steps(
        self, calls: list[ToolCall], before_call: Hook, after_call: Hook, tools: Sequence[Any] | None, log: ChainLog
    ) -> Generator[Any, Any, list[ToolResult]]:
        prompt = self.prompt if tools is None else self._with_tools(tools)
        yield Prepare(prompt.toolboxes)
        runner = ToolRunner(prompt.tools, before_call, after_call, log)
        try:
            return (yield from run_with_history(runner, calls, self.history_after(), self.turn_id))
        except PauseChain as pause:
            around = Surroundings(self.model, conversation=self.conversation)
            plan = ChainPlan(around, before_call, after_call, stream=self.stream, key=self._key)
            pause.paused = PausedChain(plan, prompt, pause.messages, pause.request, log, self.turn_id)
            raise
        finally:
            self.remember(runner.finished.values())

    def _with_tools(self, tools: Sequence[Any]) -> Prompt:
        asked = self.prompt
        return Prompt(
            None,
            self.model,
            options=asked.options,
            schema=asked.schema_class or asked.schema,
            tools=tools,
            hide_reasoning=asked.hide_reasoning,
        )

    def remember(self, results: Iterable[ToolResult]) -> None:
        """These calls of the response have been run."""
        self._tool_results.update(
            {result.tool_call_id: result for result in results if result.tool_call_id is not None}
        )

    def history_after(self) -> list[Message]:
        """What the model was sent, what it answered, and the results of the tool calls that were run."""
        ids = {call.tool_call_id for call in self.calls_so_far()}
        results = [result for result in self._tool_results.values() if result.tool_call_id in ids]
        return with_results([*self.prompt.messages, *self.partial], results)

    def _reply_steps(
        self,
        /,
        prompt: str | None = None,
        *,
        messages: Sequence[Message] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> Generator[Any, Any, Any]:
        """The next turn: what this one was sent, its answer, results of its tool calls, and the new prompt.

        Args:
            prompt: the text of the next turn.
            messages: messages that come between the results and the prompt.
            tool_results: results of this response's calls; where they are not given, calls without a result are run.
            options: the model's options.
            keywords: more arguments of `Model.prompt()`; the tools of this turn are carried on unless `tools=` is given.
        """
        yield Ask(self)
        keywords.setdefault("tools", self.prompt.tool_sources or None)
        if tool_results is None:
            tool_results = yield from self._execute_tool_calls_steps(tools=keywords["tools"])
        if self._key is not None:
            keywords.setdefault("key", self._key)
        history = [*with_results(self.history_after(), tool_results), *(messages or [])]
        reply = self.model.prompt(prompt, messages=history, options=options, **keywords)
        if self.is_kept:
            reply.log.parent, reply.log.conversation_id = self, self.log.conversation_id or self.log.chain_id
        return reply

    def _to_dict(self) -> ResponseDict:
        """A JSON-safe dict from which `from_dict()` makes a response that can `reply()`. Tools are not in it."""
        options = (
            self.prompt.options.model_dump(mode="json", exclude_none=True) if self.prompt.options is not None else {}
        )
        messages = self.prompt.messages
        prompt: dict[str, Any] = {"messages": [message.to_dict() for message in messages]}
        if options:
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
            "messages": [message.to_dict() for message in self.record.messages()],
        }
        usage = {name: value for name, value in asdict(self.record.usage).items() if value is not None}
        if usage:
            data["usage"] = usage
        if self.record.started_utc is not None:
            data["datetime_utc"] = self.record.started_utc.isoformat()
        return cast("ResponseDict", data)

    @classmethod
    def fake(
        cls, model: Any, prompt: str, *attachments: Attachment, system: str | None = None, response: str = ""
    ) -> Self:
        """A finished response for tests; no model is asked."""
        made = Prompt(prompt, model, attachments=attachments, system=system, options=model.Options())
        return cls(made, model, stream=False)._restored([assistant(response)])

    @classmethod
    def kept(cls, prompt: Prompt, model: Any, log: ChainLog, turn: TurnEntry) -> Self:
        """The finished response of a turn in the journal."""
        response = cls(prompt, model, stream=False, log=log)
        response._turn_id, response.is_kept, response._is_concluded = turn.begun.turn_id, True, True
        response._restored(list(turn.output), None, turn.begun.at.isoformat())
        response.record.usage = turn.usage or Usage()
        response.remember(call.result for call in turn.calls if call.result is not None)
        return response

    def _restored(self, messages: list[Message], usage: Mapping[str, Any] | None = None, started: str = "") -> Self:
        """Become a finished response that said these messages."""
        self.prompt.freeze()
        self.record.restore(with_ids(messages))
        self.record.usage = Usage(**(usage or {}))
        self.record.started_utc = datetime.fromisoformat(started) if started else None
        return self

    @property
    def _done(self) -> bool:
        return self.record.status == "done"

    @property
    def _chunks(self) -> list[str]:
        return list(self.record.text_chunks(0))

    def _broke_off(self, error: BaseException, closing: str) -> Any:
        """Note what ended the stream; returns the stream's method of this name if it is to be closed."""
        if isinstance(error, ModelError) and error.response is None:
            error.response = self
        self._end_unwaited()
        return getattr(self._source, closing, None) if self.record.over else None

    def _end_unwaited(self) -> None:
        """Keep how a response ended that did not end well; whoever stopped it does not wait for that."""
        if self.record.over and not self._is_concluded:
            self._is_concluded = True
            self.log.end_unwaited(self)

    def _concluded(self) -> list[Callable[[Any], Any]]:
        """Called when the response ended well: join the conversation, and hand out the callbacks that are now due."""
        with self._concluding:
            if self.conversation is not None and self not in self.conversation.responses:
                self.conversation.responses.append(self)
            due, self._callbacks = self._callbacks, []
            return due

    def _conclude_steps(self) -> Generator[Any, Any, None]:
        if not self._is_concluded:
            self._is_concluded = True
            yield from self.log.end(self)
        failures = []
        for callback in self._concluded():
            try:
                yield Invoke(callback, (self,))
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def __repr__(self) -> str:
        record = self.record
        text = record.text() if record.over else "... not yet done ..."
        return f"<{type(self).__name__} prompt={self.prompt.prompt!r} text={text!r}>"
