"""The journal in memory records of a call what the one on disk records: who decided, by which grant, and that the question was asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_notebook.journal.memory import MemoryJournal
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, decided, grant, moved, proposed, request


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_call_starts_only_with_the_decision_that_stands(kind: str, tmp_path: Path) -> None:
    journal = MemoryJournal() if kind == "memory" else open_sqlite_journal(tmp_path / "journal.db")
    for operation in (begun(), proposed(), moved("K1", "proposed", "waiting", request=request())):
        journal.submit(operation).result()
    first = decided("K1", arguments={"path": "/a"})
    second = decided("K1", arguments={"path": "/b"}, replaces=True)
    assert journal.submit(first).result()
    assert journal.submit(second).result()
    start = {"owner": journal.owner or "me", "digest": first.decision.digest}
    assert not journal.submit(moved("K1", "approved", "started", decision=first.decision, **start)).result()
    assert journal.submit(moved("K1", "approved", "started", decision=second.decision, **start)).result()


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_decision_keeps_its_grant_until_the_call_is_asked_about_anew(kind: str, tmp_path: Path) -> None:
    journal = MemoryJournal() if kind == "memory" else open_sqlite_journal(tmp_path / "journal.db")

    def call() -> tuple[object, ...]:
        entry = journal.call("K1")
        assert entry is not None
        return entry.state, entry.decided_by, entry.grant_id, entry.decision is None

    for operation in (begun(), proposed(), moved("K1", "proposed", "waiting", request=request())):
        journal.submit(operation).result()
    assert journal.submit(decided("K1", grant_id=grant().grant_id)).result()
    assert call() == ("approved", "Ada", grant().grant_id, False)
    assert journal.submit(moved("K1", "approved", "waiting", request=request())).result()
    assert call() == ("waiting", "", "", True)
