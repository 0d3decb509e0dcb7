"""The state of one response: what has arrived, when, and how it ended. The sync and the async face share it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from llm_notebook.errors import IncompleteResponse, ProviderError
from llm_notebook.parts.finishes import Finish, finish_in
from llm_notebook.parts.messages import Message, StreamEvent, Usage, events_of
from llm_notebook.tools.calls import ToolCall
from llm_notebook.turns.assembly import Assembler
from llm_notebook.turns.calls.open_calls import with_calls

__all__ = ["Item", "Items", "ResponseState", "Status", "advance", "advance_async", "continuing"]

Status = Literal["new", "streaming", "done", "failed", "interrupted"]
Item = str | StreamEvent
Items = Item | list[Item]


def continuing(text: str, before: StreamEvent | None) -> StreamEvent:
    """Return the event of a bare `str`, which continues the text part of the event before it."""
    assert before is not None
    return StreamEvent("text", text, before.part_index, message_index=before.message_index)


@dataclass(slots=True, eq=False)
class ResponseState:
    """What one response is so far.

    A stream of text arrives in very many pieces, and most of them only continue the part before them. Such a piece is kept as the bare
    `str`, without an event around it: that costs a few bytes and a few microseconds, and `continuing()` creates the event when one is needed.
    `_open_text` is the assembler's list for the part that is being continued; such a piece is appended to it without going through the
    assembler again.

    Attributes:
        items: what has arrived, in order.
        status: `new` before the request, `streaming` while it is read, then how it ended.
        error: what every further reader gets if the response did not end well.
        extra_calls: the tool calls that the model registered without streaming them.
        own_calls: those that it has run itself while it answered. They are part of an answer that did not end well, so that the chain can
            continue if one of them waits for a human.
        stated_finish: why the model stopped, if it has said so.
    """

    status: Status = "new"
    items: list[Item] = field(default_factory=list)
    error: BaseException | None = None
    extra_calls: tuple[ToolCall, ...] = ()
    own_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    response_json: dict[str, Any] | None = None
    resolved_model: str | None = None
    stated_finish: Finish | None = None
    started_at: float | None = None
    started_utc: datetime | None = None
    first_text_at: float | None = None
    finished_at: float | None = None
    _assembler: Assembler = field(default_factory=Assembler)
    _open_text: list[str] | None = None
    _messages: list[Message] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will arrive."""
        return self.status in ("done", "failed", "interrupted")

    def start(self) -> None:
        """Note that the request is about to be sent, unless it has been already."""
        if self.status == "new":
            self.status = "streaming"
            self.started_at = time.monotonic()
            self.started_utc = datetime.now(UTC)

    def lacks(self, position: int) -> bool:
        """Return whether more of the stream has to be read to know which item is at `position`.

        Raises:
            BaseException: what ended the stream before that.
        """
        if len(self.items) > position:
            return False
        if self.error is not None:
            raise self.error
        return self.status != "done"

    def accept(self, items: Items) -> None:
        """Accept what the model has yielded: an item, or a list of items that arrived together."""
        if not isinstance(items, list):
            self._accept(items)
            return
        open_text = self._open_text
        for item in items:
            if open_text is not None and type(item) is str:
                open_text.append(item)
                self.items.append(item)
            else:
                self._accept(item)
                open_text = self._open_text

    def _accept(self, item: Item) -> None:
        if isinstance(item, str):
            if self._open_text is not None:
                self._open_text.append(item)
                self.items.append(item)
                return
            item = StreamEvent("text", item)
        elif not isinstance(item, StreamEvent):
            raise TypeError(f"A model's execute() yields str or StreamEvent, not {type(item).__name__}.")
        if self.first_text_at is None:
            self.first_text_at = time.monotonic()
        self._assembler.feed(item)
        self._open_text = self._assembler.open_text
        self.items.append(item)

    def finish(self) -> None:
        """Note that the stream reached its end."""
        try:
            self._messages = self._assembler.messages(self.extra_calls)
        except Exception as error:
            self.fail(error)
            raise
        self.status = "done"
        self.finished_at = time.monotonic()

    def fail(self, error: BaseException) -> None:
        """Note that the stream broke off, and keep what has arrived."""
        was_stopped = not isinstance(error, Exception)
        self.status = "interrupted" if was_stopped else "failed"
        self.finished_at = time.monotonic()
        self._messages = with_calls(self._assembler.partial_messages(), self.own_calls)
        if was_stopped:
            # The next reader did not press stop. For them the answer is incomplete, not interrupted once more.
            self.error = IncompleteResponse(
                "The response was interrupted before its end; what arrived is in `.partial`."
            )
        else:
            self.error = error
        if isinstance(self.error, IncompleteResponse | ProviderError):
            self.error.partial = self._messages
            self.error.partial_text = self.text()

    @property
    def ending(self) -> Finish | None:
        """Why the model stopped; None if it is not known. Models from plugins may say it only in their raw JSON."""
        return self.stated_finish or finish_in(self.response_json)

    def stop(self) -> None:
        """Note that nobody reads the rest. A response that is over, or that was never sent, stays as it is."""
        if self.status == "streaming":
            self.fail(KeyboardInterrupt())

    def answer(self) -> list[Message]:
        """Return the assistant's messages of a response that is over.

        Raises:
            ValueError: the model has numbered their parts inconsistently."""
        if self._assembler.conflict is not None:
            raise self._assembler.conflict
        return self.messages()

    def messages(self) -> list[Message]:
        """Return the assistant's messages that have arrived, without tool calls that may be cut short."""
        return list(self._messages if self._messages is not None else self._assembler.partial_messages())

    def text(self) -> str:
        """Return the text that has arrived."""
        return "".join(self.text_chunks(0))

    def text_chunks(self, start: int) -> Iterator[str]:
        """Yield the text of the items from position `start` on."""
        items = self.items
        for position in range(start, len(items)):
            item = items[position]
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    def events(self) -> Iterator[StreamEvent]:
        """Yield everything that has arrived as events."""
        event: StreamEvent | None = None
        for item in self.items[:]:
            event = item if isinstance(item, StreamEvent) else continuing(item, event)
            yield event

    def duration_ms(self) -> int:
        """Return the milliseconds from the request to the end, or until this moment while the response is being read."""
        if self.started_at is None:
            return 0
        return round(((self.finished_at or time.monotonic()) - self.started_at) * 1000)

    def restore(self, messages: list[Message]) -> None:
        """Become a finished response that consists of these messages."""
        for message_index, message in enumerate(messages):
            for part in message.parts:
                for event in events_of(part, message_index):
                    self._accept(event)
        self._messages = list(messages)
        self.status = "done"


def advance(
    state: ResponseState,
    position: int,
    lock: AbstractContextManager[object],
    begun: Iterator[Items] | None,
    begin: Callable[[], Iterator[Items]],
) -> bool:
    """Make sure that there are more than `position` items, reading more of the stream if necessary.

    Args:
        state: the response's state.
        position: how many items the caller has seen.
        lock: held while the stream is read, so that several readers can share one stream.
        begun: the stream, if it has begun.
        begin: otherwise begins or returns the stream; called only if there is something left to read.

    Returns:
        True if there is something new, False if the response ended well without it.

    Raises:
        BaseException: what ended the stream, the same for every reader.
    """
    items = state.items
    with lock:
        try:
            state.start()
            while len(items) <= position and state.lacks(position):
                state.accept(next(begin() if begun is None else begun))
        except StopIteration:
            state.finish()
        except BaseException as error:
            # ■ may be pressed between any two lines. What ended the stream earlier is raised again as it is.
            if not state.is_over:
                state.fail(error)
            raise
    return len(items) > position


async def advance_async(
    state: ResponseState,
    position: int,
    lock: AbstractAsyncContextManager[object],
    begun: AsyncIterator[Items] | None,
    begin: Callable[[], Awaitable[AsyncIterator[Items]]],
) -> bool:
    """Do what `advance()` does for an async stream."""
    items = state.items
    async with lock:
        state.start()
        while len(items) <= position and state.lacks(position):
            try:
                state.accept(await anext(await begin() if begun is None else begun))
            except StopAsyncIteration:
                state.finish()
                break
            except BaseException as error:
                state.fail(error)
                raise
    return len(items) > position
