"""The blocks of a turn's transcript: reasoning, text, and tool calls with their decisions and results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from llm_notebook.approvals.requests import ASKED
from llm_notebook.parts.messages import json_text
from llm_notebook.transcript.calls.failures import Failure, failure_of
from llm_notebook.transcript.calls.printed import Printed

if TYPE_CHECKING:
    from llm_notebook.answers.rows import RowReader
    from llm_notebook.approvals.requests import ApprovalRequest, Decision
    from llm_notebook.journal.operations import CallEntry, Run
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.transcript.answer.pictures import ShownPicture
    from llm_notebook.transcript.answer.sources import Mark

__all__ = ["Block", "CallBlock", "CallStatus", "PictureBlock", "seconds_of"]

CallStatus = Literal[
    "writing",
    "queued",
    "running",
    "suspended",
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
        kind: the kind of part.
        chunks: the text in pieces; for a tool call the JSON text of its arguments. Pieces are only appended, unless `version`
            is raised as well.
        name: the name of the tool, for calls.
        began: when the block began, in seconds after the turn began.
        ended: when the next block began, in seconds after the turn began; None for the newest block.
        position: the block's index among the blocks.
        version: incremented after every change except for text that is appended.
        marks: the positions in a text that refer to sources, with the numbers of the sources.
        table: reads the rows of a text that is shown as a table; None if it is not.
        said: a sentence about the table, such as which variable holds it.
        look: whether a text is shown as code or unchanged; empty for Markdown.
        language: the language of code.
        excerpt: the part of a text that is shown, such as one block of code; None if the whole text is shown.
        is_folded: whether the original text is shown too, in a fold.
    """

    kind: Literal["reasoning", "text", "call", "picture"]
    chunks: list[str] = field(default_factory=list)
    name: str = ""
    began: float = 0.0
    ended: float | None = None
    position: int = 0
    version: int = 0
    marks: list[Mark] = field(default_factory=list)
    table: RowReader | None = None
    said: str = ""
    look: Literal["", "code", "text"] = ""
    language: str = ""
    excerpt: str | None = None
    is_folded: bool = False

    def append(self, chunk: str) -> None:
        """Add a piece of text."""
        self.chunks.append(chunk)
        if self.table is not None and self.table.feed(chunk):
            self.version += 1

    @property
    def text(self) -> str:
        """All the text that has arrived."""
        return "".join(self.chunks)


@dataclass(slots=True)
class PictureBlock(Block):
    """A picture, or another file, that the model has made.

    Attributes:
        attachment: the picture at full size.
        shown: the picture in the form in which it is shown.
    """

    attachment: Attachment | None = None
    shown: ShownPicture | None = None


@dataclass(slots=True)
class CallBlock(Block):
    """A tool call, from the first event of it to its result.

    Attributes:
        call_id: the call's id in the journal; empty until it has one.
        tool_call_id: the provider's id of the call.
        status: the current state of the call, in words for the reader.
        started: when the tool began to run, in seconds after the turn began; None if it is not known.
        started_at: the same as a time of day, for a call whose outcome is unknown.
        seconds: how long the tool ran; None if it is not known.
        result: the text that the model reads; None until it is known.
        request: the latest question to a human; None if there was none.
        decision: the decision that counts; None if there is none.
        decided_by, decided_at: who decided, and when.
        grant_id, grant_scope, grant_revoked: the "always allow" that decided, and whether it has been revoked since.
        failure: the error that the tool raised; None if it raised none, or if it ran in another process.
        printed: what the tool has printed in this process.
        note: a sentence for the record, such as that a hook changed the arguments.
        blocked: why the call cannot be approved here; empty if it can be.
        refused: why the latest decision about the question does not count; empty if it counts.
    """

    call_id: str = ""
    tool_call_id: str = ""
    status: CallStatus = "writing"
    started: float | None = None
    started_at: datetime | None = None
    seconds: float | None = None
    result: str | None = None
    request: ApprovalRequest | None = None
    decision: Decision | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    grant_id: str = ""
    grant_scope: str = ""
    grant_revoked: bool = False
    failure: Failure | None = None
    printed: Printed = field(default_factory=Printed)
    note: str = ""
    blocked: str = ""
    refused: str = ""

    @property
    def is_asked(self) -> bool:
        """Whether a human is asked about the call."""
        return self.status in ASKED

    @property
    def is_dropped(self) -> bool:
        """Whether a human dropped the question before the call had started."""
        is_given_up = self.decision is not None and self.decision.verdict == "abandoned"
        return is_given_up and not (self.request is not None and self.request.outcome_unknown)

    def update(self, entry: CallEntry, now: float) -> None:
        """Adopt the current state of the call.

        Args:
            entry: the call as recorded in the journal.
            now: seconds since the turn began.
        """
        if not self.chunks and entry.arguments:
            self.chunks = [entry.arguments.decode("utf-8", "surrogatepass")]
        self.complete()
        status = _STATUS[entry.state]
        if self.started_at is None and entry.runs:
            # It ran in another process.
            self.started_at = entry.runs[-1][0]
            self.seconds = seconds_of(entry.runs) if status in ("finished", "failed") else None
            self.printed = Printed(entry.printed)
        if status == "waiting" and entry.request is not None and entry.request.outcome_unknown:
            # The question is asked once more because the tool has changed, and whether it ran is still unknown.
            status = "unknown"
        if status == "running" and self.status != "running":
            self.started, self.started_at = now, entry.changed_at
        elif status in ("finished", "failed") and self.status == "running" and self.started is not None:
            self.seconds = now - self.started
        self.call_id = entry.call_id
        self.name = self.name or entry.tool_name
        if entry.request is not None:
            is_another = self.request is not None and self.request.digest != entry.request.digest
            self.request, self.refused = entry.request, "" if is_another else self.refused
        if entry.decision is not None:
            self.decision, self.decided_by, self.decided_at = entry.decision, entry.decided_by, entry.decided_at
            self.grant_id, self.grant_scope = entry.grant_id, entry.grant_scope
        elif entry.state == "waiting":
            # The human is asked again, so that the earlier decision no longer counts.
            self.decision, self.decided_by, self.decided_at, self.grant_id = None, "", None, ""
        if entry.result is not None:
            self.result = entry.result.output
            if status == "failed" and entry.result.exception is not None and entry.result.exception.__traceback__:
                self.failure = failure_of(entry.result.exception)
        self.note = entry.note or self.note
        self.status = status
        self.version += 1

    def append_result(self, chunk: str) -> None:
        """Add a piece of the result that arrived in the stream. The stream does not reveal the call's state."""
        self.complete()
        self.result = (self.result or "") + chunk
        if self.status in ("queued", "running"):
            self.status = "finished"
        self.version += 1

    def complete(self) -> bool:
        """Note that all of the arguments have arrived, and rewrite them as compact JSON. Returns whether this changed the block."""
        if self.status != "writing":
            return False
        self.chunks = [_canonical(self.text)]
        self.status = "queued"
        self.version += 1
        return True


def seconds_of(runs: Iterable[Run]) -> float:
    """Return how long tools ran. Time in which several ran together counts once, and a run without an end does not count."""
    total, until = 0.0, None
    for began, ended in sorted((began, ended) for began, ended in runs if ended is not None):
        since = began if until is None else max(began, until)
        total += max(0.0, (ended - since).total_seconds())
        until = ended if until is None else max(until, ended)
    return total


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
    "suspended": "suspended",
    "finished": "finished",
    "failed": "failed",
    "unknown": "unknown",
}
