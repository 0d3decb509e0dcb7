"""Chains as a user reads them: lazy, replayable, sync and async on one state."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from llm_notebook.errors import IncompleteResponse
from llm_notebook.models.responses import AsyncResponse, Response, when_read, when_read_async
from llm_notebook.parts.messages import Message, StreamEvent
from llm_notebook.tools.calls import PauseChain, ToolResult
from llm_notebook.turns.chain import Ask, Chain, chain_steps
from llm_notebook.turns.drivers import run_async, run_sync

__all__ = ["AsyncChainResponse", "ChainResponse"]


_under_way: ContextVar[frozenset[int]] = ContextVar("llm_notebook_chains", default=frozenset())


class _BaseChainResponse:
    """The state of a chain: what it has brought so far, and the generator that brings the rest.

    Args:
        chain: what to do.
        parallel_tools: run so many (sync) tool calls of a batch at once, in threads.

    Attributes:
        prompt: the first round's.
        log: where its turns and calls are kept; `log.on_call` is told what becomes of calls.
        on_retry: told when a request is about to be sent again.
        plan: how it is run, for who asks the same again.
    """

    def __init__(self, chain: Chain, *, parallel_tools: int | None = None) -> None:
        self._chain = chain
        self.prompt = chain.prompt
        self.log = chain.runner.log
        self.on_retry: Callable[[Any], None] | None = None
        self.plan: Any = None
        self._parallel = parallel_tools
        self._steps = chain_steps(chain)
        self._log: list[Any] = []
        self._step: Any = None
        self._outcome: Any = None
        self._failure: BaseException | None = None
        self._over = False
        self._error: BaseException | None = None

    @property
    def latest(self) -> Any:
        """The response that was begun last, None before the first."""
        responses = self._responses()
        return responses[-1] if responses else None

    @property
    def so_far(self) -> list[Message]:
        """What was said so far; nothing is sent or waited for."""
        latest = self.latest
        return [*latest.prompt.messages, *latest.partial] if latest is not None else self.prompt.messages

    def arrived_events(self) -> Iterator[StreamEvent]:
        """What `stream_events()` gives, as far as it arrived; nothing is sent or waited for."""
        renumbered = _Renumbering()
        for item in list(self._log):
            renumbered.begin()
            yield from map(renumbered, _result_events(item) if isinstance(item, list) else item.record.events())

    def finished_responses(self) -> list[Any]:
        """The responses so far that are complete, oldest first."""
        return [response for response in self._responses() if response._done]

    @property
    def left(self) -> Any:
        """Where a chain that was interrupted while tools ran can be gone on with; None for any other."""
        return self._chain.left

    @property
    def failed(self) -> bool:
        """The chain ended in an error. A pause is none."""
        return self._error is not None and not isinstance(self._error, PauseChain)

    def _has(self, position: int) -> bool | None:
        """True if the log holds an item at `position`, False if it never will, None if the chain must go on to know.

        Raises:
            BaseException: what ended the chain before that.
            RuntimeError: one of the chain's own tools asks, which would wait for itself for ever.
        """
        if len(self._log) > position:
            return True
        if self._error is not None:
            raise self._error
        if id(self) in _under_way.get():
            raise RuntimeError("A tool cannot read on in the chain that runs it: the chain waits for the tool.")
        return False if self._over else None

    @contextlib.contextmanager
    def _performing(self) -> Iterator[None]:
        token = _under_way.set(_under_way.get() | {id(self)})
        try:
            yield
        finally:
            _under_way.reset(token)

    def _steps_to(self, position: int) -> Generator[Any, Any, bool]:
        """The steps until it is known whether the log holds an item at `position`, which is returned."""
        while (has := self._has(position)) is None:
            step = self._due()
            if step is None:
                continue
            try:
                with self._performing():
                    self._outcome = yield step
            except BaseException as error:
                self._failure = error
        return has

    def _text(self) -> str:
        """The text of all responses.

        Raises:
            PauseChain: a call waits for a human.
        """
        spacing = _Spacing()
        pieces: list[str] = []
        for response in self._responses():
            spacing.begin()
            for chunk in response._chunks:
                pieces += spacing(chunk)
        return "".join(pieces)

    def _messages(self) -> list[Message]:
        """Everything said in the chain: what was sent last, and what was answered to it."""
        return self.so_far

    def _responses(self) -> list[Any]:
        return [item for item in self._log if not isinstance(item, list)]

    def _next_step(self) -> Any:
        """Move the generator on: a step to perform, or None where the log has grown or the chain is over."""
        failure, self._failure = self._failure, None
        outcome, self._outcome = self._outcome, None
        try:
            step = self._steps.throw(failure) if failure is not None else self._steps.send(outcome)
        except StopIteration:
            self._over = True
            return None
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                self._error = IncompleteResponse("The chain was interrupted before its end.")
            raise
        if isinstance(step, Ask):
            step.response.on_retry = self.on_retry
            self._log.append(step.response)
            # The reader sees the response first and may stream it; it is read to its end when the chain goes on.
            self._step = step
            return None
        if isinstance(step, list):
            self._log.append(step)
            return None
        return step

    def _due(self) -> Any:
        """The step that is left from before the latest item was given out, else the next one."""
        step, self._step = self._step, None
        return step if step is not None else self._next_step()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} prompt={self.prompt.prompt!r} responses={len(self._responses())}>"


class _Renumbering:
    """Events of several responses as events of one stream: every part and every message keeps a number of its own."""

    def __init__(self) -> None:
        self._part_base = self._message_base = 0
        self._next_part = self._next_message = 0

    def begin(self) -> None:
        """The next response, or the next batch of results, begins."""
        self._part_base, self._message_base = self._next_part, self._next_message

    def __call__(self, event: StreamEvent) -> StreamEvent:
        part = self._part_base + (event.part_index or 0)
        message = self._message_base + event.message_index
        self._next_part = max(self._next_part, part + 1)
        self._next_message = max(self._next_message, message + 1)
        return replace(event, part_index=part, message_index=message)


def _result_events(results: list[ToolResult]) -> list[StreamEvent]:
    return [
        StreamEvent("tool_result", result.output, position, result.tool_call_id, tool_name=result.name)
        for position, result in enumerate(results)
    ]


class _Spacing:
    """Puts one space between the text of two rounds where neither side has white space."""

    def __init__(self) -> None:
        self._last = ""
        self._fresh = False

    def begin(self) -> None:
        """The next response begins."""
        self._fresh = True

    def __call__(self, chunk: str) -> Iterator[str]:
        if chunk:
            if self._fresh and self._last and not self._last[-1].isspace() and not chunk[0].isspace():
                yield " "
            self._fresh = False
            self._last = chunk
        yield chunk


class ChainResponse(_BaseChainResponse):
    """A chain, read when it is first needed: iterate it for text, `responses()` for each response, `stream_events()` for all.

    After a pause or a failure, reading on raises the same error again; nothing is asked or run a second time.
    """

    def __init__(self, chain: Chain, *, parallel_tools: int | None = None) -> None:
        super().__init__(chain, parallel_tools=parallel_tools)
        self._lock = threading.RLock()

    def _items(self) -> Iterator[Any]:
        position = 0
        while self._advance(position):
            yield self._log[position]
            position += 1

    def _advance(self, position: int) -> bool:
        if (has := self._has(position)) is None:
            with self._lock:
                has = run_sync(self._steps_to(position), parallel=self._parallel)
        return has

    def responses(self) -> Iterator[Response]:
        """Each response, before it is read: iterate it to stream it."""
        return (item for item in self._items() if not isinstance(item, list))

    def __iter__(self) -> Iterator[str]:
        """The text of all responses, chunk by chunk, as it arrives."""
        spacing = _Spacing()
        for response in self.responses():
            spacing.begin()
            for chunk in response:
                yield from spacing(chunk)

    def stream_events(self) -> Iterator[StreamEvent]:
        """Every event of all responses as it arrives, and the tool results between them."""
        renumbered = _Renumbering()
        for item in self._items():
            renumbered.begin()
            yield from map(renumbered, _result_events(item) if isinstance(item, list) else item.stream_events())

    text = when_read(_BaseChainResponse._text)
    messages = when_read(_BaseChainResponse._messages)

    def close(self) -> None:
        """Stop reading: the response that is under way is closed; what arrived is kept and marked as interrupted."""
        if self.latest is not None:
            self.latest.close()

    def read_all(self) -> None:
        """Go on to the chain's end."""
        while self._advance(len(self._log)):
            pass

    def __str__(self) -> str:
        return self.text()


class AsyncChainResponse(_BaseChainResponse):
    """`ChainResponse`, read with `await` and `async for`."""

    def __init__(self, chain: Chain, *, parallel_tools: int | None = None) -> None:
        super().__init__(chain, parallel_tools=parallel_tools)
        import asyncio  # loads ssl; whoever awaits has it loaded

        self._lock = asyncio.Lock()

    async def _items(self) -> AsyncIterator[Any]:
        position = 0
        while await self._advance(position):
            yield self._log[position]
            position += 1

    async def _advance(self, position: int) -> bool:
        if (has := self._has(position)) is None:
            async with self._lock:
                has = await run_async(self._steps_to(position), parallel=self._parallel)
        return has

    async def responses(self) -> AsyncIterator[AsyncResponse]:
        """Each response, before it is read: iterate it to stream it."""
        async for item in self._items():
            if not isinstance(item, list):
                yield item

    async def __aiter__(self) -> AsyncIterator[str]:
        """The text of all responses, chunk by chunk, as it arrives."""
        spacing = _Spacing()
        async for response in self.responses():
            spacing.begin()
            async for chunk in response:
                for piece in spacing(chunk):
                    yield piece

    async def astream_events(self) -> AsyncIterator[StreamEvent]:
        """Every event of all responses as it arrives, and the tool results between them."""
        renumbered = _Renumbering()
        async for item in self._items():
            renumbered.begin()
            if isinstance(item, list):
                for event in _result_events(item):
                    yield renumbered(event)
            else:
                async for event in item.astream_events():
                    yield renumbered(event)

    text = when_read_async(_BaseChainResponse._text)
    messages = when_read_async(_BaseChainResponse._messages)

    async def aclose(self) -> None:
        """`ChainResponse.close()`."""
        if self.latest is not None:
            await self.latest.aclose()

    async def read_all(self) -> None:
        """Go on to the chain's end."""
        while await self._advance(len(self._log)):
            pass

    def __await__(self) -> Generator[Any, None, AsyncChainResponse]:
        yield from self.read_all().__await__()
        return self
