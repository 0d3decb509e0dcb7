"""Operations for tests: turns, calls and decisions with default values for everything that a test does not care about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.journal.grants import Grant
from llm_notebook.journal.operations import CallMoved, CallProposed, Decided, Operation, TurnBegun, TurnEnded
from llm_notebook.journal.sqlite import SQLiteJournal
from llm_notebook.parts.messages import Message, assistant, user

__all__ = ["AT", "DIGEST", "begun", "decided", "done", "ended", "grant", "moved", "proposed", "request", "waiting_call"]

AT = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)
DIGEST = "d" * 64


def begun(turn_id: str = "T1", messages: Sequence[Message] | str = "A question", **more: Any) -> TurnBegun:
    """Return the beginning of a turn, by default the first one of a conversation."""
    sent = [user(messages)] if isinstance(messages, str) else messages
    given: dict[str, Any] = {
        "conversation_id": "C1",
        "chain_id": turn_id,
        "parent_id": None,
        "model_id": "echo",
        "settings": {},
        "cell_id": None,
        "notebook": None,
        "at": AT,
    }
    return TurnBegun(turn_id=turn_id, messages=sent, **(given | more))


def ended(turn_id: str = "T1", messages: Sequence[Message] | str = "An answer", **more: Any) -> TurnEnded:
    """Return the end of a turn, by default a complete one."""
    said = [assistant(messages)] if isinstance(messages, str) else messages
    given: dict[str, Any] = {"status": "complete", "usage": None, "duration_ms": 1500}
    return TurnEnded(turn_id=turn_id, messages=said, **(given | more))


def proposed(call_id: str = "K1", turn_id: str = "T1", **more: Any) -> CallProposed:
    """Return a proposed call of `delete_files`. Its id at the provider is `tc-` and its own id."""
    given: dict[str, Any] = {
        "tool_call_id": f"tc-{call_id}",
        "tool_name": "delete_files",
        "arguments": b'{"path":"/tmp/old"}',
    }
    return CallProposed(call_id=call_id, turn_id=turn_id, at=AT, **(given | more))


def request(digest: str = DIGEST, **more: Any) -> ApprovalRequest:
    """Return the question to a human about `delete_files`."""
    return ApprovalRequest("delete_files", {"path": "/tmp/old"}, "tc-K1", "Deletes 3 files.", digest, **more)


def moved(call_id: str, expected: CallState | Sequence[CallState], to: CallState, **more: Any) -> CallMoved:
    """Return the transition of a call to another state."""
    states = [expected] if isinstance(expected, str) else list(expected)
    return CallMoved(call_id, states, to, AT, **more)  # type: ignore[arg-type]


def decided(call_id: str = "K1", verdict: Any = "approved", digest: str = DIGEST, **more: Any) -> Decided:
    """Return a decision by Ada."""
    said = {name: more.pop(name) for name in ("arguments", "text") if name in more}
    return Decided(call_id, Decision(verdict, digest, **said), "Ada", AT, **more)


def grant(grant_id: str = "G1", **more: Any) -> Grant:
    """Return an "always allow" for `delete_files` in one cell."""
    given: dict[str, Any] = {"scope": "cell", "place": "cell-1", "who": "Ada", "at": AT}
    return Grant(grant_id, "delete_files", "identity", **(given | more))


def done(journal: SQLiteJournal, *operations: Operation) -> Any:
    """Hand over operations, wait until they are durable, and return the answer to the last."""
    futures = [journal.submit(operation) for operation in operations]
    return [future.result(60) for future in futures][-1]


def waiting_call(journal: SQLiteJournal, call_id: str = "K1", turn_id: str = "T1") -> str:
    """Record a call that waits for a human, and return its id."""
    done(journal, proposed(call_id, turn_id), moved(call_id, "proposed", "waiting", request=request()))
    return call_id
