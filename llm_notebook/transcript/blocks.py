"""The blocks of a turn: reasoning, text, and calls with all that became of them. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from llm_notebook.approvals import ApprovalRequest, Decision
from llm_notebook.parts import json_text
from llm_notebook.tools import ToolResult

__all__ = ["Block", "CallBlock", "CallNews", "CallStatus"]

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


class CallNews(Protocol):
    """What is known of a call now: a change that the core tells, or an entry of the journal.

    May have besides: `seconds` that it ran, `arguments` (canonical JSON), `decided_by`, `decided_at`, `grant_id` and
    `grant_scope`.
    """

    @property
    def call_id(self) -> str: ...
    @property
    def tool_call_id(self) -> str: ...
    @property
    def tool_name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def request(self) -> ApprovalRequest | None: ...
    @property
    def decision(self) -> Decision | None: ...
    @property
    def result(self) -> ToolResult | None: ...
    @property
    def note(self) -> str: ...


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

    def take(self, news: CallNews, now: float) -> None:
        """Come to the state that the news tells.

        Args:
            news: what is known.
            now: seconds since the turn began.
        """
        if not self.chunks and getattr(news, "arguments", None):
            self.chunks = [news.arguments.decode("utf-8", "surrogatepass")]  # type: ignore[attr-defined]
        self.complete()
        status = _STATUS[news.state]
        if status == "running" and self.status != "running":
            self.started = now
        self.call_id = news.call_id
        self.name = self.name or news.tool_name
        if news.request is not None:
            self.request = news.request
        if news.decision is not None:
            self.decision = news.decision
        elif status == "waiting":
            # Asked anew: what was decided before counts no more.
            self.decision, self.decided_by, self.decided_at, self.grant_id = None, "", None, ""
        if news.result is not None:
            self.result = news.result.output
        self.note = news.note or self.note
        self.seconds = _or(getattr(news, "seconds", None), self.seconds)
        self.decided_by = getattr(news, "decided_by", "") or self.decided_by
        self.decided_at = getattr(news, "decided_at", None) or self.decided_at
        self.grant_id = getattr(news, "grant_id", None) or self.grant_id
        self.grant_scope = getattr(news, "grant_scope", None) or self.grant_scope
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


def _or(value: float | None, other: float | None) -> float | None:
    return other if value is None else value


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
