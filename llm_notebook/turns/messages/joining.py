"""Joins the rounds of a chain into one stream: renumbers parts and messages, and puts a space between texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.calls import ToolResult

__all__ = ["Renumbering", "Spacing", "result_events"]


@dataclass(slots=True)
class Renumbering:
    """Turns the events of several responses into events of one stream, in which every part and every message has its own number."""

    _part_base: int = 0
    _message_base: int = 0
    _next_part: int = 0
    _next_message: int = 0

    def begin(self) -> None:
        """Begin the next response, or the next batch of results."""
        self._part_base, self._message_base = self._next_part, self._next_message

    def __call__(self, event: StreamEvent) -> StreamEvent:
        """Return the event with its number in the whole stream."""
        part = self._part_base + (event.part_index or 0)
        message = self._message_base + event.message_index
        self._next_part = max(self._next_part, part + 1)
        self._next_message = max(self._next_message, message + 1)
        if event.part_index == part and event.message_index == message:
            # This is so for all events of a first response, of which there are very many.
            return event
        return replace(event, part_index=part, message_index=message)


@dataclass(slots=True)
class Spacing:
    """Puts one space between the texts of two rounds if neither side has white space there."""

    _last: str = ""
    _is_fresh: bool = False

    def begin(self) -> None:
        """Begin the next response."""
        self._is_fresh = True

    def __call__(self, chunk: str) -> Iterator[str]:
        """Yield the chunk, after a space if one is missing."""
        if chunk:
            if self._is_fresh and self._last and not self._last[-1].isspace() and not chunk[0].isspace():
                yield " "
            self._is_fresh = False
            self._last = chunk
        yield chunk

    def events(self, event: StreamEvent) -> list[StreamEvent]:
        """Return the event, after the event of a space if one is missing."""
        if event.type != "text":
            return [event]
        if not self._is_fresh:
            self._last = event.chunk or self._last
            return [event]
        *space, _ = self(event.chunk)
        return [*(replace(event, chunk=chunk, provider_metadata=None, citations=None) for chunk in space), event]


def result_events(results: Sequence[ToolResult]) -> list[StreamEvent]:
    """Return the results of a batch of tool calls as events."""
    return [
        StreamEvent("tool_result", result.output, position, result.tool_call_id, tool_name=result.name)
        for position, result in enumerate(results)
    ]
