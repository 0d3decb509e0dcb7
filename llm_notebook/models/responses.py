"""Responses: lazy, replayable readers of one stream. Reading one again never sends a second request."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.models.lookup import model_source
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.models.response_base import BaseResponse
from llm_notebook.models.stored.restoring import model_named_in, response_from_dict
from llm_notebook.parts.messages import Message, StreamEvent, Usage
from llm_notebook.serialization import ResponseDict
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.turns.concurrency.interrupts import stoppable
from llm_notebook.turns.drivers import run_async, run_sync
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.state import Items, advance, advance_async, continuing

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.plan import AfterCall, BeforeCall

__all__ = ["AsyncResponse", "Response"]


class Response(BaseResponse["Model | KeyModel", "Conversation", Iterator[Items]]):
    """A model's answer, read when it is first needed.

    Iterate it for text as it arrives, use `stream_events()` for everything as it arrives, or call `text()`, `messages()`, `usage()` and so on,
    which read to the end. All of them read the same stream, in any order and any number of times. A stream that broke off raises the same error
    again and keeps what arrived in `partial`.
    """

    def __init__(
        self,
        prompt: Prompt,
        model: Model | KeyModel,
        stream: bool,
        conversation: Conversation | None = None,
        key: KeySource | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        *,
        log: ChainLog | None = None,
    ) -> None:
        super().__init__(prompt, model, stream, conversation, key, before_call, after_call, log=log)
        self._lock = threading.RLock()
        self._concluding = threading.Lock()

    def text(self) -> str:
        """Return the whole text of the response."""
        self._read_all()
        return self._turn.state.text()

    def messages(self) -> list[Message]:
        """Return the assistant's messages, usually one."""
        self._read_all()
        return self._turn.state.answer()

    def tool_calls(self) -> list[ToolCall]:
        """Return the tool calls that are ours to run, in the model's order."""
        self._read_all()
        return self._turn.calls()

    def json(self) -> dict[str, Any] | None:
        """Return the provider's raw JSON, assembled to its non-streamed shape if it was streamed."""
        self._read_all()
        return self._turn.state.response_json

    def usage(self) -> Usage:
        """Return how many tokens the response used."""
        self._read_all()
        return self._turn.state.usage

    def duration_ms(self) -> int:
        """Return the milliseconds from the request to the end of the response."""
        self._read_all()
        return self._turn.state.duration_ms()

    def datetime_utc(self) -> str:
        """Return when the request was sent, in UTC, as ISO 8601."""
        self._read_all()
        return self._datetime_utc()

    @classmethod
    def from_dict(cls, data: ResponseDict, *, model: Model | KeyModel | None = None) -> Response:
        """Return the response that `to_dict()` wrote: finished, and able to `reply()`. Its tools are not in it: pass them to `reply()`.

        Args:
            data: what `to_dict()` returned.
            model: the model to continue with; the one named in the data if not given.
        """
        return response_from_dict(cls, data, model or model_source().model(model_named_in(data)))

    def execute_tool_calls(
        self,
        *,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        tool_calls_list: Sequence[ToolCall] | None = None,
        tools: Sequence[ToolLike] | None = None,
    ) -> list[ToolResult]:
        """Run the tool calls of this response that have no result yet, or the given ones.

        Args:
            before_call, after_call: hooks around each call, as for `chain()`.
            tool_calls_list: run these instead, whether or not they have results. In that case the response is not read, so that a model's
                `execute()` can use it.
            tools: what may be called; the prompt's own tools if not given.

        Returns:
            One result for every call, in order. Results are remembered: no call is run twice, unless it is given.

        Raises:
            PauseChain: a call waits for a human; the results of siblings that have finished are remembered.
        """
        with stoppable():
            return run_sync(self._execute_tool_calls_steps(before_call, after_call, tools, tool_calls_list))

    def execute_tool_call(self, tool_call: ToolCall) -> ToolResult:
        """Run one call with the prompt's tools and the hooks of its chain or conversation, whether or not it has a result already.

        The response is not read, so that a model's `execute()` can use this to run calls itself.

        Raises:
            PauseChain: the call waits for a human.
        """
        with stoppable():
            return run_sync(self._execute_tool_call_steps(tool_call))

    def reply(
        self,
        prompt: str | None = None,
        *,
        messages: Sequence[Message] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> Response:
        """Return the response of the next turn: what this one was sent, its answer, results of its tool calls, and the new prompt.

        Args:
            prompt: the text of the next turn.
            messages: messages that come between the results and the prompt.
            tool_results: results of this response's calls; if they are not given, calls without a result are run.
            options: the model's options.
            keywords: more arguments of `Model.prompt()`; the tools of this turn are used again unless `tools=` is given.
        """
        with stoppable():
            return run_sync(self._reply_steps(prompt, messages, tool_results, options, keywords))

    def on_done(self, callback: Callable[[Response], object]) -> None:
        """Call `callback(response)` when the response is complete, or at once if it already is. If a callback raises an error, the reader that
        completed the response gets it, and the response stays complete.
        """
        with self._concluding:
            self._callbacks += (callback,)
        if self._done:
            with stoppable():
                run_sync(self._conclude_steps())

    def __iter__(self) -> Iterator[str]:
        """Yield the text, chunk by chunk, as it arrives."""
        items, position = self._turn.state.items, 0
        while position < len(items) or self._advance(position):
            item = items[position]
            position += 1
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    def stream_events(self) -> Iterator[StreamEvent]:
        """Yield every event as it arrives: text, reasoning, tool calls. A replay gives the same events."""
        items, position, event = self._turn.state.items, 0, None
        while position < len(items) or self._advance(position):
            item = items[position]
            event = item if isinstance(item, StreamEvent) else continuing(item, event)
            position += 1
            yield event

    def close(self) -> None:
        """Stop reading: the connection is closed, and what arrived is kept and marked as interrupted."""
        with self._lock:
            if close := getattr(self._source, "close", None):
                close()
            self._turn.state.stop()
            self._end_unwaited()

    def _settle(self, wanted: str) -> None:
        self._read_all()

    def _begun_source(self) -> Iterator[Items]:
        if self._source is None:
            run_sync(self._begin_steps())
            self._source = self._stream()
        return self._source

    def _replay(self, events: list[StreamEvent]) -> Iterator[Items]:
        return iter(events)

    def _advance(self, position: int) -> bool:
        with stoppable():
            try:
                has_more = advance(self._turn.state, position, self._lock, self._source, self._begun_source)
            except BaseException as error:
                if close := self._broke_off(error, "close"):
                    close()
                raise
            if not has_more:
                run_sync(self._conclude_steps())
            return has_more

    def _read_all(self) -> None:
        items = self._turn.state.items
        while self._advance(len(items)):
            pass

    def __str__(self) -> str:
        """Return the whole text of the response."""
        return self.text()


class AsyncResponse(BaseResponse["AsyncModel | AsyncKeyModel", "AsyncConversation", AsyncIterator[Items]]):
    """`Response`, read with `await` and `async for`. `await response` returns the response itself, complete."""

    _reads = ("await response.text()", "async for chunk in response")
    # Its steps run on one event loop.
    _concluding = nullcontext()

    def __init__(
        self,
        prompt: Prompt,
        model: AsyncModel | AsyncKeyModel,
        stream: bool,
        conversation: AsyncConversation | None = None,
        key: KeySource | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        *,
        log: ChainLog | None = None,
    ) -> None:
        from llm_notebook.turns.concurrency.one_reader import OneReader  # loads asyncio; code that awaits has it loaded

        super().__init__(prompt, model, stream, conversation, key, before_call, after_call, log=log)
        self._lock = OneReader()

    async def text(self) -> str:
        """Return the whole text of the response."""
        await self._read_all()
        return self._turn.state.text()

    async def messages(self) -> list[Message]:
        """Return the assistant's messages, usually one."""
        await self._read_all()
        return self._turn.state.answer()

    async def tool_calls(self) -> list[ToolCall]:
        """Return the tool calls that are ours to run, in the model's order."""
        await self._read_all()
        return self._turn.calls()

    async def json(self) -> dict[str, Any] | None:
        """Return the provider's raw JSON, assembled to its non-streamed shape if it was streamed."""
        await self._read_all()
        return self._turn.state.response_json

    async def usage(self) -> Usage:
        """Return how many tokens the response used."""
        await self._read_all()
        return self._turn.state.usage

    async def duration_ms(self) -> int:
        """Return the milliseconds from the request to the end of the response."""
        await self._read_all()
        return self._turn.state.duration_ms()

    async def datetime_utc(self) -> str:
        """Return when the request was sent, in UTC, as ISO 8601."""
        await self._read_all()
        return self._datetime_utc()

    @classmethod
    def from_dict(cls, data: ResponseDict, *, model: AsyncModel | AsyncKeyModel | None = None) -> AsyncResponse:
        """Return the response that `to_dict()` wrote, as `Response.from_dict()` does."""
        return response_from_dict(cls, data, model or model_source().async_model(model_named_in(data)))

    async def execute_tool_calls(
        self,
        *,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        tool_calls_list: Sequence[ToolCall] | None = None,
        tools: Sequence[ToolLike] | None = None,
    ) -> list[ToolResult]:
        """Run the tool calls of this response that have no result yet, or those given, as `Response.execute_tool_calls()` does."""
        return await run_async(self._execute_tool_calls_steps(before_call, after_call, tools, tool_calls_list))

    async def execute_tool_call(self, tool_call: ToolCall) -> ToolResult:
        """Run one call with the prompt's tools, as `Response.execute_tool_call()` does."""
        return await run_async(self._execute_tool_call_steps(tool_call))

    async def reply(
        self,
        prompt: str | None = None,
        *,
        messages: Sequence[Message] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> AsyncResponse:
        """Return the response of the next turn, as `Response.reply()` does."""
        return await run_async(self._reply_steps(prompt, messages, tool_results, options, keywords))

    async def on_done(self, callback: Callable[[AsyncResponse], object]) -> None:
        """Call `callback(response)` when the response is complete, or at once if it already is; an async callback is awaited."""
        with self._concluding:
            self._callbacks += (callback,)
        if self._done:
            await self._conclude()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the text, chunk by chunk, as it arrives."""
        items, position = self._turn.state.items, 0
        while position < len(items) or await self._advance(position):
            item = items[position]
            position += 1
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    async def astream_events(self) -> AsyncIterator[StreamEvent]:
        """Yield every event as it arrives: text, reasoning, tool calls. A replay gives the same events."""
        items, position, event = self._turn.state.items, 0, None
        while position < len(items) or await self._advance(position):
            item = items[position]
            event = item if isinstance(item, StreamEvent) else continuing(item, event)
            position += 1
            yield event

    async def aclose(self) -> None:
        """Stop reading: the connection is closed, and what arrived is kept and marked as interrupted."""
        async with self._lock:
            if aclose := getattr(self._source, "aclose", None):
                await aclose()
            self._turn.state.stop()
            self._end_unwaited()

    async def to_sync_response(self) -> Response:
        """Return the finished response for code that does not await. Its model is still the async one, so it cannot `reply()`."""
        await self._read_all()
        conversation = self.conversation.to_sync_conversation() if self.conversation is not None else None
        made = Response(self.prompt, cast("Model", self.model), self.stream, conversation, self._key)
        made._turn, made._id = self._turn, self._id
        return made

    def _settle(self, wanted: str) -> None:
        if not self._done:
            raise ValueError(f"This response is not complete: await it before {wanted}.")

    async def _begun_source(self) -> AsyncIterator[Items]:
        if self._source is None:
            await run_async(self._begin_steps())
            self._source = self._stream()
        return self._source

    async def _replay(self, events: list[StreamEvent]) -> AsyncIterator[Items]:
        yield list(events)

    async def _advance(self, position: int) -> bool:
        try:
            has_more = await advance_async(self._turn.state, position, self._lock, self._source, self._begun_source)
        except BaseException as error:
            if aclose := self._broke_off(error, "aclose"):
                await aclose()
            raise
        if not has_more:
            await self._conclude()
        return has_more

    async def _read_all(self) -> None:
        while await self._advance(len(self._turn.state.items)):
            pass

    async def _conclude(self) -> None:
        await run_async(self._conclude_steps())

    def __await__(self) -> Generator[object, None, AsyncResponse]:
        """Read the response to its end and return it."""
        yield from self._read_all().__await__()
        return self
