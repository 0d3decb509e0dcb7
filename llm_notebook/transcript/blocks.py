"""The blocks of a turn: reasoning, text, and calls with all that became of them. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from llm_notebook.parts.messages import json_text

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest, Decision
    from llm_notebook.journal.operations import CallEntry

__all__ = ["Block", "CallBlock", "CallStatus"]

CallStatus = Literal[
    "writing",
    "queued",
    "running",
    "finished",
    "failed",
    "cancelled",
    "waiting",
    "approved",
    "denied",
    "answered",
    "abandoned",
    "unknown",
]


@dataclass(slots=True)
class Block:
    """One part of a turn, as far as it has arrived.

    Attributes:
        kind: what it is.
        chunks: its text; for a tool call the JSON text of its arguments. Only grows, unless `version` does.
        name: the tool, for calls.
        began: seconds after the turn began.
        ended: when the next block began; None for the newest.
        position: its place among the blocks.
        version: goes up after anything but the end of its text has changed.
    """

    kind: Literal["reasoning", "text", "call"]
    chunks: list[str] = field(default_factory=list)
    name: str = ""
    began: float = 0.0
    ended: float | None = None
    position: int = 0
    version: int = 0

    @property
    def text(self) -> str:
        """Everything that arrived of it."""
        return "".join(self.chunks)


@dataclass(slots=True)
class CallBlock(Block):
    """A tool call, from the model's first word of it to its result.

    Attributes:
        call_id: its id in the journal, once it has one.
        tool_call_id: the provider's id.
        status: how it stands.
        started: when it began to run, in seconds after the turn began; None where that is not known.
        seconds: how long it ran.
        result: what the model is told, None before that is known.
        request: what a human was last asked.
        decision: what was decided.
        decided_by, decided_at: who decided, and when.
        grant_id, grant_scope, grant_revoked: the "always allow" that decided, and whether it was taken back since.
        note: a sentence for the record, such as that a hook changed the arguments.
        blocked: why it cannot be decided here.
    """

    call_id: str = ""
    tool_call_id: str = ""
    status: CallStatus = "writing"
    started: float | None = None
    seconds: float | None = None
    result: str | None = None
    request: ApprovalRequest | None = None
    decision: Decision | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    grant_id: str = ""
    grant_scope: str = ""
    grant_revoked: bool = False
    note: str = ""
    blocked: str = ""

    def take(self, entry: CallEntry, now: float) -> None:
        """Come to the state that the call has.

        Args:
            entry: the call as it stands.
            now: seconds since the turn began.
        """
        if not self.chunks and entry.arguments:
            self.chunks = [entry.arguments.decode("utf-8", "surrogatepass")]
        self.complete()
        status = _STATUS[entry.state]
        if status == "running" and self.status != "running":
            self.started = now
        elif status in ("finished", "failed") and self.status == "running" and self.started is not None:
            self.seconds = now - self.started
        self.call_id = entry.call_id
        self.name = self.name or entry.tool_name
        self.request = entry.request or self.request
        if entry.decision is not None:
            self.decision, self.decided_by, self.decided_at = entry.decision, entry.decided_by, entry.decided_at
            self.grant_id, self.grant_scope = entry.grant_id, entry.grant_scope
        elif status == "waiting":
            # Asked anew: what was decided before counts no more.
            self.decision, self.decided_by, self.decided_at, self.grant_id = None, "", None, ""
        if entry.result is not None:
            self.result = entry.result.output
        self.note = entry.note or self.note
        self.status = status
        self.version += 1

    def returned(self, chunk: str) -> None:
        """Take a piece of the result from the stream, where nobody tells how the call stands."""
        self.complete()
        self.result = (self.result or "") + chunk
        if self.status in ("queued", "running"):
            self.status = "finished"
        self.version += 1

    def complete(self) -> bool:
        """The model has written all of the arguments: they are shown as they were read. Returns whether that is news."""
        if self.status != "writing":
            return False
        self.chunks = [_canonical(self.text)]
        self.status = "queued"
        self.version += 1
        return True


def _canonical(text: str) -> str:
    try:
        value = json.loads(text) if text.strip() else {}
        return json_text(value) if isinstance(value, dict) else text
    except (ValueError, RecursionError):
        return text


_STATUS: dict[str, CallStatus] = {
    "proposed": "queued",
    "waiting": "waiting",
    "approved": "approved",
    "denied": "denied",
    "answered": "answered",
    "abandoned": "abandoned",
    "cancelled": "cancelled",
    "started": "running",
    "finished": "finished",
    "failed": "failed",
    "unknown": "unknown",
}
