"""The state of one response: what arrived, when, and how it ended. Sync and async faces share it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Literal

from llm_notebook.errors import IncompleteResponse
from llm_notebook.parts.messages import Message, StreamEvent, Usage, events_of
from llm_notebook.tools.calls import ToolCall
from llm_notebook.turns.assembly import Assembler

__all__ = ["Item", "Items", "ResponseState", "Status", "advance", "advance_async", "as_event"]

Status = Literal["new", "streaming", "done", "failed", "interrupted"]
Item = str | StreamEvent
Items = Item | list[Item]


def as_event(item: Item, before: StreamEvent | None) -> StreamEvent:
    """An item of the log as an event; a bare `str` continues the text part of the event before it."""
    if isinstance(item, StreamEvent):
        return item
    assert before is not None
    return StreamEvent("text", item, before.part_index, message_index=before.message_index)


class ResponseState:
    """What one response is so far.

    `log` holds what arrived, in order: StreamEvents, and for text that continues the part before it just the `str`.
    """

    __slots__ = (
        "_assembler",
        "_messages",
        "_open_text",
        "error",
        "extra_calls",
        "finished_at",
        "first_text_at",
        "log",
        "resolved_model",
        "response_json",
        "started_at",
        "started_utc",
        "status",
        "usage",
    )

    def __init__(self) -> None:
        self.status: Status = "new"
        self.log: list[str | StreamEvent] = []
        self.error: BaseException | None = None
        self.extra_calls: list[ToolCall] = []
        self.usage = Usage()
        self.response_json: dict[str, Any] | None = None
        self.resolved_model: str | None = None
        self.started_at: float | None = None
        self.started_utc: datetime | None = None
        self.first_text_at: float | None = None
        self.finished_at: float | None = None
        self._assembler = Assembler()
        self._open_text: list[str] | None = None
        self._messages: list[Message] | None = None

    @property
    def over(self) -> bool:
        """Nothing more will arrive."""
        return self.status in ("done", "failed", "interrupted")

    def start(self) -> None:
        """The request is about to be sent."""
        self.status = "streaming"
        self.started_at = time.monotonic()
        self.started_utc = datetime.now(UTC)

    def lacks(self, position: int) -> bool:
        """True if the stream must be read on to know what stands at `position` of the log.

        Raises:
            BaseException: what ended the stream before that.
        """
        if len(self.log) > position:
            return False
        if self.error is not None:
            raise self.error
        return self.status != "done"

    def accept(self, items: Items) -> None:
        """Take what the model yielded next: an item, or a list of those that arrived together."""
        if isinstance(items, list):
            open_text = self._open_text
            for item in items:
                if open_text is not None and type(item) is str:
                    open_text.append(item)
                    self.log.append(item)
                else:
                    self._accept(item)
                    open_text = self._open_text
        else:
            self._accept(items)

    def _accept(self, item: str | StreamEvent) -> None:
        if isinstance(item, str):
            if self._open_text is not None:
                self._open_text.append(item)
                self.log.append(item)
                return
            item = StreamEvent("text", item)
        elif not isinstance(item, StreamEvent):
            raise TypeError(f"A model's execute() yields str or StreamEvent, not {type(item).__name__}.")
        if self.first_text_at is None:
            self.first_text_at = time.monotonic()
        self._assembler.feed(item)
        self._open_text = self._assembler.open_text
        self.log.append(item)

    def finish(self) -> None:
        """The stream reached its end.

        Raises:
            ToolArgumentError: a tool call's arguments are not JSON.
        """
        try:
            self._messages = self._assembler.messages(self.extra_calls)
        except Exception as error:
            self.fail(error)
            raise
        self.status = "done"
        self.finished_at = time.monotonic()

    def fail(self, error: BaseException) -> None:
        """The stream broke off; what arrived is kept."""
        stopped = not isinstance(error, Exception)
        self.status = "interrupted" if stopped else "failed"
        self.finished_at = time.monotonic()
        self._messages = self._assembler.partial_messages()
        if stopped:
            # The next reader did not press stop: it is told that the answer is incomplete, not interrupted once more.
            self.error = IncompleteResponse(
                "The response was interrupted before its end; what arrived is in `.partial`."
            )
        else:
            self.error = error
        if isinstance(self.error, IncompleteResponse):
            self.error.partial = self._messages
            self.error.partial_text = self.text()

    def stop(self) -> None:
        """The reader wants no more. A response that is over, or was never sent, stays as it is."""
        if self.status == "streaming":
            self.fail(KeyboardInterrupt())

    def messages(self) -> list[Message]:
        """The assistant messages as far as they arrived."""
        return list(self._messages if self._messages is not None else self._assembler.partial_messages())

    def text(self) -> str:
        """The text as far as it arrived."""
        return "".join(self.text_chunks(0))

    def text_chunks(self, start: int) -> Iterator[str]:
        """The text of what arrived from position `start` of the log on."""
        log = self.log
        for position in range(start, len(log)):
            item = log[position]
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    def events(self) -> Iterator[StreamEvent]:
        """Everything that arrived, as events."""
        event: StreamEvent | None = None
        for item in self.log[:]:
            event = as_event(item, event)
            yield event

    def duration_ms(self) -> int:
        """Milliseconds from the request to the end; so far, while it is still running."""
        if self.started_at is None:
            return 0
        return round(((self.finished_at or time.monotonic()) - self.started_at) * 1000)

    def restore(self, messages: list[Message]) -> None:
        """Become a finished response that said these messages."""
        for message_index, message in enumerate(messages):
            for part in message.parts:
                for event in events_of(part, message_index):
                    self._accept(event)
        self._messages = list(messages)
        self.status = "done"


def advance(
    record: ResponseState, position: int, lock: AbstractContextManager[object], source: Callable[[], Iterator[Items]]
) -> bool:
    """Make sure that the log holds more than `position` items, reading on if it must.

    Args:
        record: the response's state.
        position: how many items of the log the caller has seen.
        lock: held while the stream is read, so that several readers share one stream.
        source: gives the stream; called only where there is something left to read.

    Returns:
        True if there is something new in the log, False if the response ended well without it.

    Raises:
        BaseException: what ended the stream, the same for every reader.
    """
    with lock:
        while record.lacks(position):
            try:
                record.accept(next(source()))
            except StopIteration:
                record.finish()
            except BaseException as error:
                record.fail(error)
                raise
    return len(record.log) > position


async def advance_async(
    record: ResponseState,
    position: int,
    lock: AbstractAsyncContextManager[object],
    source: Callable[[], AsyncIterator[Items]],
) -> bool:
    """`advance()` for an async stream."""
    async with lock:
        while record.lacks(position):
            try:
                record.accept(await anext(source()))
            except StopAsyncIteration:
                record.finish()
            except BaseException as error:
                record.fail(error)
                raise
    return len(record.log) > position
