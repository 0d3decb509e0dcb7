"""Chains as users read them: lazy and replayable, with a sync and an async face on one `Chain`."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.parts.messages import Message, StreamEvent
from llm_notebook.turns.chain import Chain
from llm_notebook.turns.concurrency.interrupts import stoppable
from llm_notebook.turns.drivers import run_async, run_sync
from llm_notebook.turns.messages.joining import Renumbering, Spacing, result_events
from llm_notebook.turns.plan import open_log

if TYPE_CHECKING:
    from llm_notebook.turns.chain import ChainItem

__all__ = ["AsyncChainResponse", "ChainResponse"]


class _BaseChainResponse:
    """What both faces share.

    Attributes:
        prompt: the first round's prompt.
    """

    # Two ways to read it, which are shown before it is read.
    _reads: ClassVar[tuple[str, str]] = (".text()", "for chunk in response")

    def __init__(self, chain: Chain) -> None:
        self.prompt = chain.prompt
        self._chain = chain

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: a chain that has not begun, without key and conversation, to be read where it is loaded.

        Raises:
            TypeError: the chain has begun.
        """
        if self._chain.has_begun:
            raise TypeError(
                "A chain cannot be pickled once it has begun: pickle its responses, or a pause as pause.to_dict()."
            )
        return {"prompt": self.prompt, "plan": replace(self._chain.plan, conversation=None, key=None, rounds=None)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the chain that was pickled; the journal that is open in this process records it."""
        type(self).__init__(self, Chain(state["prompt"], state["plan"], open_log(None)))

    @property
    def _responses(self) -> list[Any]:
        # Programs written for llm use this name, although it begins with an underscore.
        return self._chain.responses()

    def _text(self) -> str:
        spacing = Spacing()
        pieces: list[str] = []
        for response in self._chain.responses():
            spacing.begin()
            for chunk in response._turn.state.text_chunks(0):
                pieces += spacing(chunk)
        return "".join(pieces)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what Jupyter shows: the transcript of what has arrived, or what would be sent. This sends nothing."""
        from llm_notebook.models.shown import show_chain, show_request  # only where a chain is displayed

        return show_chain(self._chain) if self._chain.has_begun else show_request(self.prompt, self._reads)

    def __repr__(self) -> str:
        responses = len(self._chain.responses())
        return f"<{type(self).__name__} prompt={self.prompt.prompt!r} responses={responses}>"


class ChainResponse(_BaseChainResponse):
    """A chain, read when it is first needed: iterate it for text, or use `responses()` or `stream_events()`.

    After a pause or a failure, further reading raises the same error again; nothing is asked or run a second time.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        self._lock = threading.RLock()

    def text(self) -> str:
        """Return the text of all responses.

        Raises:
            PauseChain: a call waits for a human.
        """
        self._read_all()
        return self._text()

    def messages(self) -> list[Message]:
        """Return everything said in the chain: what was sent last, and what was answered to it."""
        self._read_all()
        return self._chain.messages()

    def responses(self) -> Iterator[Response]:
        """Yield each response before it is read: iterate it to stream it."""
        return (cast("Response", item) for item in self._items() if not isinstance(item, list))

    def __iter__(self) -> Iterator[str]:
        """Yield the text of all responses, chunk by chunk, as it arrives."""
        spacing = Spacing()
        for response in self.responses():
            spacing.begin()
            for chunk in response:
                yield from spacing(chunk)

    def stream_events(self) -> Iterator[StreamEvent]:
        """Yield every event of all responses as it arrives, and the tool results between them.

        If the texts of two responses would run together, an event with a space comes between them, so that the result equals `text()`.
        """
        return self._events(Spacing())

    def _events(self, spacing: Spacing | None = None) -> Iterator[StreamEvent]:
        renumbered = Renumbering()
        for item in self._items():
            renumbered.begin()
            if isinstance(item, list):
                yield from map(renumbered, result_events(item))
                continue
            if spacing is not None:
                spacing.begin()
            for event in cast("Response", item).stream_events():
                yield from map(renumbered, [event] if spacing is None else spacing.events(event))

    def close(self) -> None:
        """Stop reading: the response that is under way is closed; what arrived is kept and marked as interrupted."""
        if self._chain.latest is not None:
            cast("Response", self._chain.latest).close()

    def _items(self) -> Iterator[ChainItem]:
        position = 0
        while self._advance(position):
            yield self._chain.items[position]
            position += 1

    def _advance(self, position: int) -> bool:
        if (has := self._chain.has(position)) is None:
            with stoppable(), self._lock:
                has = run_sync(self._chain.steps_to(position), parallel=self._chain.plan.parallel_tools)
        return has

    def _read_all(self) -> None:
        while self._advance(len(self._chain.items)):
            pass

    def __str__(self) -> str:
        """Return the text of all responses."""
        return self.text()


class AsyncChainResponse(_BaseChainResponse):
    """`ChainResponse`, read with `await` and `async for`. `await chain` returns the chain itself, complete."""

    _reads = ("await response.text()", "async for chunk in response")

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain)
        from llm_notebook.turns.concurrency.one_reader import OneReader  # loads asyncio; code that awaits has it loaded

        self._lock = OneReader()

    async def text(self) -> str:
        """Return the text of all responses.

        Raises:
            PauseChain: a call waits for a human.
        """
        await self._read_all()
        return self._text()

    async def messages(self) -> list[Message]:
        """Return everything said in the chain: what was sent last, and what was answered to it."""
        await self._read_all()
        return self._chain.messages()

    async def responses(self) -> AsyncIterator[AsyncResponse]:
        """Yield each response before it is read: iterate it to stream it."""
        async for item in self._items():
            if not isinstance(item, list):
                yield cast("AsyncResponse", item)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the text of all responses, chunk by chunk, as it arrives."""
        spacing = Spacing()
        async for response in self.responses():
            spacing.begin()
            async for chunk in response:
                for piece in spacing(chunk):
                    yield piece

    async def astream_events(self) -> AsyncIterator[StreamEvent]:
        """Yield every event of all responses as it arrives, as `ChainResponse.stream_events()` does."""
        renumbered, spacing = Renumbering(), Spacing()
        async for item in self._items():
            renumbered.begin()
            if isinstance(item, list):
                for event in result_events(item):
                    yield renumbered(event)
                continue
            spacing.begin()
            async for event in cast("AsyncResponse", item).astream_events():
                for spaced in spacing.events(event):
                    yield renumbered(spaced)

    async def aclose(self) -> None:
        """Stop reading, as `ChainResponse.close()` does."""
        if self._chain.latest is not None:
            await cast("AsyncResponse", self._chain.latest).aclose()

    async def _items(self) -> AsyncIterator[ChainItem]:
        position = 0
        while await self._advance(position):
            yield self._chain.items[position]
            position += 1

    async def _advance(self, position: int) -> bool:
        if (has := self._chain.has(position)) is None:
            async with self._lock:
                has = await run_async(self._chain.steps_to(position), parallel=self._chain.plan.parallel_tools)
        return has

    async def _read_all(self) -> None:
        while await self._advance(len(self._chain.items)):
            pass

    def __await__(self) -> Generator[object, None, AsyncChainResponse]:
        """Read the chain to its end and return it."""
        yield from self._read_all().__await__()
        return self
