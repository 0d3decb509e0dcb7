"""Assembles stream events into messages, in one pass and with constant work per event.

Providers number the parts of an answer, or name them by id, or only send them in order, and some do several of these in one stream. So an event
finds its part by the strongest clue that it carries: an explicit index, then the id of a tool call, then the part of the previous event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.identifiers import new_tool_call_id
from llm_notebook.parts.messages import (
    AttachmentPart,
    Message,
    Part,
    ReasoningPart,
    StreamEvent,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.checking.written import is_parsed, keep_arguments

__all__ = ["Assembler"]

_FAMILY = {
    "text": "text",
    "reasoning": "reasoning",
    "tool_call_name": "tool_call",
    "tool_call_args": "tool_call",
    "tool_result": "tool_result",
    "attachment": "attachment",
}


@dataclass(slots=True, eq=False)
class _OpenPart:
    """A part while its events arrive."""

    family: str
    index: int
    message_index: int
    chunks: list[str] = field(default_factory=list)
    name: list[str] | None = None
    tool_call_id: str | None = None
    server_executed: bool = False
    redacted: bool = False
    metadata: dict[str, Any] | None = None
    citations: list[Citation] | None = None
    attachment: Attachment | None = None

    def add(self, event: StreamEvent) -> None:
        if event.type == "tool_call_name":
            self.name = self.name or []
            self.name.append(event.chunk)
        else:
            self.chunks.append(event.chunk)
        if event.tool_name and not self.name:
            self.name = [event.tool_name]
        self.tool_call_id = self.tool_call_id or event.tool_call_id
        self.server_executed |= event.server_executed
        self.redacted |= event.redacted
        if event.citations:
            self.citations = [*(self.citations or ()), *event.citations]
        self.attachment = event.attachment or self.attachment
        if event.provider_metadata:
            self.metadata = {**(self.metadata or {}), **event.provider_metadata}

    def is_usable(self, answered: set[str]) -> bool:
        """Return whether this is a tool call that the provider ran itself, with its result there and its arguments readable."""
        return (
            self.server_executed and self.tool_call_id in answered and is_parsed(keep_arguments("".join(self.chunks)))
        )

    def to_part(self) -> Part | None:
        """Return the part, or None if its events hold nothing."""
        text = "".join(self.chunks)
        if self.family == "text":
            # Servers repeat sources.
            citations = list(dict.fromkeys(self.citations or []))
            return TextPart(text, self.metadata, citations) if text or self.metadata else None
        if self.family == "attachment":
            return AttachmentPart(self.attachment, self.metadata) if self.attachment is not None else None
        if self.family == "reasoning":
            has_content = text or self.redacted or self.metadata
            return ReasoningPart(text, self.redacted, self.metadata) if has_content else None
        name = "".join(self.name or ())
        if self.family == "tool_call":
            call_id = self.tool_call_id or new_tool_call_id()
            return ToolCallPart(name, keep_arguments(text), call_id, self.server_executed, self.metadata)
        return ToolResultPart(name, text, self.tool_call_id, self.server_executed, provider_metadata=self.metadata)


@dataclass(slots=True, eq=False)
class Assembler:
    """Assigns every event to a part, and builds the messages from the parts.

    An explicit `part_index` is kept; a missing one gets the next number above all indices seen so far. Events of another family or of another
    message at an index that is taken start a new part, and so does an explicit index that was allocated before, so that nothing is lost or
    joined.

    Attributes:
        conflict: what is wrong with the indices, if parts of different kinds in one message share one. A call and its result may share one, and
            so may attachments, which providers send without numbers.
    """

    conflict: ValueError | None = None
    _kinds: dict[tuple[int, int], str] = field(default_factory=dict)
    _parts: list[_OpenPart] = field(default_factory=list)
    _by_index: dict[tuple[int, int, str], _OpenPart] = field(default_factory=dict)
    _by_call_id: dict[tuple[int, str], _OpenPart] = field(default_factory=dict)
    _current: _OpenPart | None = None
    _latest_call: _OpenPart | None = None
    _highest: int = -1

    @property
    def open_text(self) -> list[str] | None:
        """The chunks of the text part that plain text continues; None if plain text would start a new part."""
        current = self._current
        if current is not None and current.family == "text" and current.message_index == 0:
            return current.chunks
        return None

    def feed(self, event: StreamEvent) -> None:
        """Take the next event. If its `part_index` is None, it is filled in."""
        family = _FAMILY[event.type]
        if event.citations and not event.chunk and event.part_index is None and self._cite(event):
            return
        part = self._part_of(event, family)
        if part is None:
            index = event.part_index if event.part_index is not None else self._highest + 1
            part = _OpenPart(family, index, event.message_index)
            self._parts.append(part)
            self._note_kind(part)
            if event.part_index is not None:
                self._by_index[event.message_index, index, family] = part
            self._highest = max(self._highest, index)
        if family == "tool_call":
            self._latest_call = part
            if event.tool_call_id:
                self._by_call_id[event.message_index, event.tool_call_id] = part
        if event.part_index is None:
            event.part_index = part.index
        self._current = part
        part.add(event)

    def _note_kind(self, part: _OpenPart) -> None:
        if part.family == "attachment":
            return
        kind = part.family.removesuffix("_call").removesuffix("_result")
        taken_by = self._kinds.setdefault((part.message_index, part.index), kind)
        if taken_by != kind and self.conflict is None:
            self.conflict = ValueError(
                f"The model gave a {kind} event the part_index {part.index}, which is that of a {taken_by} part: an event of another "
                "kind is incompatible with it and needs an index of its own, or None."
            )

    def _cite(self, event: StreamEvent) -> bool:
        """Attach sources that arrive without a text to the latest text of their message. Return whether there is one."""
        for part in reversed(self._parts):
            if part.family == "text" and part.message_index == event.message_index:
                event.part_index = part.index
                part.add(event)
                return True
        return False

    def _part_of(self, event: StreamEvent, family: str) -> _OpenPart | None:
        """Return the part that an event belongs to, or None if it starts a new one."""
        if event.part_index is not None:
            part = self._by_index.get((event.message_index, event.part_index, family))
            if part is None or not _are_different_calls(part, event):
                return part
            return (
                self._by_call_id.get((event.message_index, event.tool_call_id or "")) if family == "tool_call" else None
            )
        if family == "tool_call" and event.tool_call_id:
            known = self._by_call_id.get((event.message_index, event.tool_call_id))
            if known is not None or event.type == "tool_call_name":
                return known
            # Some providers send the name without an id, and the id with the arguments.
            latest = self._latest_call
            return latest if latest is not None and latest.tool_call_id is None else None
        if family in ("tool_result", "attachment") or event.type == "tool_call_name":
            return None
        current = self._latest_call if family == "tool_call" else self._current
        if current is not None and current.family == family and current.message_index == event.message_index:
            return current
        return None

    def messages(self, extra_calls: Sequence[ToolCall] | None = None) -> list[Message]:
        """Return the assistant messages of a finished stream, in the order in which they began.

        Args:
            extra_calls: calls that were registered without events; those whose id was not streamed are added to the last message.
        """
        return _group_by_message(self._parts, extra_calls or ())

    def partial_messages(self) -> list[Message]:
        """Return the messages of a stream that broke off.

        Tool calls are left out, since any of them may have been cut short, except those that the provider ran and answered.
        """
        answered = {part.tool_call_id for part in self._parts if part.family == "tool_result" and part.tool_call_id}
        return _group_by_message(
            [part for part in self._parts if part.family != "tool_call" or part.is_usable(answered)], ()
        )


def _are_different_calls(part: _OpenPart, event: StreamEvent) -> bool:
    is_call = part.family in ("tool_call", "tool_result")
    return is_call and bool(part.tool_call_id and event.tool_call_id) and part.tool_call_id != event.tool_call_id


def _group_by_message(open_parts: list[_OpenPart], extra_calls: Sequence[ToolCall]) -> list[Message]:
    by_message: dict[int, list[Part]] = {}
    for open_part in open_parts:
        part = open_part.to_part()
        if part is not None:
            by_message.setdefault(open_part.message_index, []).append(part)
    groups = list(by_message.values())
    streamed = {part.tool_call_id for parts in groups for part in parts if isinstance(part, ToolCallPart)}
    missing: list[Part] = [
        ToolCallPart(call.name, dict(keep_arguments(call.arguments)), call.tool_call_id or new_tool_call_id())
        for call in extra_calls
        if call.tool_call_id is None or call.tool_call_id not in streamed
    ]
    if missing:
        groups = groups or [[]]
        groups[-1].extend(missing)
    _tell_apart([part for parts in groups for part in parts if isinstance(part, ToolCallPart)])
    return [Message("assistant", sorted(parts, key=_after_markers)) for parts in groups]


def _tell_apart(calls: list[ToolCallPart]) -> None:
    """Give a call a new id if an earlier call has the same one: two calls with one id are still two calls, and each needs a result."""
    taken: set[str | None] = set()
    for call in calls:
        call_id, number = call.tool_call_id, 1
        while call.tool_call_id in taken and not call.server_executed:
            number += 1
            call.tool_call_id = f"{call_id}-{number}"
        taken.add(call.tool_call_id)


def _after_markers(part: Part) -> bool:
    """Move a bare marker of withheld reasoning to the front of its message, and leave the order otherwise unchanged.

    Withheld reasoning with metadata stays where it is, because the provider expects it back in the position where it arrived.
    """
    return not (isinstance(part, ReasoningPart) and part.redacted and not part.text and not part.provider_metadata)
