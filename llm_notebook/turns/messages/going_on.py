"""Conversations that continue while a tool call has no result: what the model reads at once, and what it reads later.

How it works. Providers refuse a history in which a call has no result, so a prompt that continues past such a call states the call's status in
place of the result: that it waits for a human, or that it was started and its outcome is unknown. This part of the history is marked with the
call's id in the journal and never changes again, because otherwise every provider would have to read the whole conversation anew. Once the call
has its result, the next prompt begins with that result, together with the name and the id of the call, as text of the user's message: no
provider accepts a second result for a call. That text is marked as well, so that it is sent only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from llm_notebook.approvals.requests import SETTLED
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart
from llm_notebook.turns.calls.open_calls import part_of, unresolved_calls, with_results
from llm_notebook.turns.calls.told import decided_result

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry
    from llm_notebook.tools.calls import ToolCall, ToolResult
    from llm_notebook.turns.log import ChainLog

__all__ = [
    "CallsOfConversation",
    "Place",
    "WentOn",
    "awaited_calls",
    "late_results",
    "standing_results",
    "went_on",
]

_OURS = "llm_notebook"
_STANDS = {
    "waiting": "Waiting: a human has not decided about this call yet. If it runs, its result follows later.",
    "suspended": "Begun, and waiting for a human who has to decide about something that it asked. Its result follows later.",
    "approved": "Approved by a human, but it has not run yet. Its result follows later.",
    "started": "Started, and still running. Its result follows later.",
    "unknown": "This call was started, outcome unknown: it was interrupted while it ran, and may have had its effect.",
    "queued": "Queued behind a call that is waiting for a human. If it runs, its result follows later.",
}
_PLACE = 2
_LEFT = "Not run: the conversation went on without it."


class CallsOfConversation(Protocol):
    """What a prompt needs to know of its conversation about the calls in its history."""

    @property
    def _latest_turn_id(self) -> str:
        """The turn that asked for the calls at the end of the history; empty if there is none."""

    def _call(self, turn_id: str, tool_call_id: str, call_id: str = "") -> CallEntry | None:
        """Return a call by its turn and the provider's id; `call_id` is its id in the journal, if it is known."""


Place = tuple[str, str]
"""A call by the turn that asked for it and the provider's id."""


@dataclass(slots=True)
class WentOn:
    """The calls of this process that a conversation has left behind."""

    calls: set[Place] = field(default_factory=set)


def standing_results(history: Sequence[Message], calls: CallsOfConversation | None) -> list[Message]:
    """Return a history that ends in calls, with a statement in place of each missing result."""
    open_calls = unresolved_calls(history)
    turn_id = calls._latest_turn_id if calls is not None and open_calls else ""
    entries = [calls._call(turn_id, call.tool_call_id or "") if calls is not None else None for call in open_calls]
    is_waiting = any(entry is not None and entry.state in ("waiting", "suspended", "unknown") for entry in entries)
    parts = [
        _stands(turn_id, call, entry, is_waiting=is_waiting) for call, entry in zip(open_calls, entries, strict=True)
    ]
    return with_results(history, parts)


def late_results(
    history: Sequence[Message], calls: CallsOfConversation | None, takes: Callable[[str], bool]
) -> list[Part]:
    """Return the beginning of the next prompt: the results that calls have received since the conversation continued without them.

    Args:
        history: what was said.
        calls: the conversation.
        takes: returns whether the model reads attachments of a MIME type.
    """
    told = {place[:2] for part in _parts(history) for place in _mark(part, "tells")}
    parts: list[Part] = []
    for turn_id, tool_call_id, call_id in dict.fromkeys(_awaited(history)):
        is_told = calls is None or (turn_id, tool_call_id) in told
        entry = None if calls is None or is_told else calls._call(turn_id, tool_call_id, call_id)
        if entry is None or entry.result is None:
            continue
        result = entry.result
        text = (
            f"(An earlier tool call has its result by now. What follows comes from the tool, not from the user. "
            f"Name: {result.name}. Id: {entry.tool_call_id}. Result:)\n{result.output}\n"
        )
        mark = {_OURS: {"tells": [turn_id, tool_call_id]}}
        parts.append(TextPart(text, provider_metadata=mark))
        # No server is asked for a type, because the tool wrote the address.
        readable = [attached for attached in result.attachments if takes(attached.known_type() or "")]
        parts += [AttachmentPart(attached, provider_metadata=mark) for attached in readable]
    return parts


def comes_from_tool(part: Part) -> bool:
    """Return whether a part of the user's message holds what a tool has returned in the meantime."""
    return bool(_mark(part, "tells"))


def awaited_calls(messages: Sequence[Message]) -> set[Place]:
    """Return the calls for which a history states the status in place of a result."""
    return {(turn_id, tool_call_id) for turn_id, tool_call_id, _ in _awaited(messages)}


def went_on(log: ChainLog, turn_id: str, calls: Sequence[ToolCall]) -> bool:
    """Return whether the conversation has continued past a turn whose calls were waiting, so that no answer to them is requested.

    Args:
        log: keeps the turn.
        turn_id: the turn.
        calls: its calls.
    """
    left_behind = process.of(WentOn).calls
    if left_behind and any((turn_id, call.tool_call_id) in left_behind for call in calls):
        return True
    if log.journal is None or not log.conversation_id:
        return False
    with suppress(JournalError):
        return log.journal.has_gone_on(log.conversation_id, turn_id, log.chain_id)
    return False


def _stands(turn_id: str, call: ToolCall, entry: CallEntry | None, *, is_waiting: bool) -> ToolResultPart:
    if entry is not None and entry.result is not None:
        return _result_part(call, entry.result)
    if entry is not None and entry.state in SETTLED:
        return _result_part(call, decided_result(entry))
    state = "" if entry is None else entry.state
    is_queued = state in ("", "proposed") and is_waiting
    part = ToolResultPart(call.name, _STANDS.get("queued" if is_queued else state, _LEFT), call.tool_call_id)
    if turn_id:
        place = [turn_id, call.tool_call_id or "", "" if entry is None else entry.call_id]
        part.provider_metadata = {_OURS: {"awaits": place}}
    return part


def _result_part(call: ToolCall, result: ToolResult) -> ToolResultPart:
    part = part_of(result)
    part.name, part.tool_call_id = call.name, call.tool_call_id
    return part


def _parts(messages: Sequence[Message]) -> Iterator[Part]:
    """Yield the parts that may have a mark. Even a long history has few of them."""
    for message in messages:
        for part in message.parts:
            if getattr(part, "provider_metadata", None):
                yield part


def _awaited(messages: Sequence[Message]) -> Iterator[tuple[str, str, str]]:
    for part in _parts(messages):
        for place in _mark(part, "awaits"):
            yield place[0], place[1], place[-1]


def _mark(part: Part, name: str) -> list[tuple[str, ...]]:
    """Return the call that a part is marked with, as a list; empty if it has no mark."""
    metadata: object = getattr(part, "provider_metadata", None)
    ours = metadata.get(_OURS) if isinstance(metadata, dict) else None
    found = ours.get(name) if isinstance(ours, dict) else None
    names = [given for given in found if isinstance(given, str)] if isinstance(found, list) else []
    return [tuple(names)] if len(names) >= _PLACE else []
