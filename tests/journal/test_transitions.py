"""Calls go through the same states as in a simple model of them, with decisions, dead owners and journals that are opened again."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from llm_notebook.approvals.requests import TRANSITIONS
from llm_notebook.journal.operations import DecidedTogether, Granted
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.journal.sqlite.ownership import Ownership
from llm_notebook.tools.calls import ToolResult
from tests.journal.making import begun, decided, done, grant, moved, proposed, request, waiting_call

STATES = sorted(TRANSITIONS)
DIGESTS = ("a" * 64, "b" * 64)
VERDICTS = ("approved", "denied", "answered", "abandoned")


@dataclass
class Expected:
    """A call in the model."""

    state: str = "proposed"
    digest: str | None = None
    verdict: str | None = None
    output: str | None = None
    owner: str | None = None


class Calls(RuleBasedStateMachine):
    """Applies the same operations to a journal and to a dict. Other owners than this process are locks that the test takes and frees."""

    calls = Bundle("calls")
    owners = Bundle("owners")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "journal.db"
        self.journal = open_sqlite_journal(self.path)
        self.model: dict[str, Expected] = {}
        self.held: dict[str, Ownership] = {}
        self.dead: set[str] = set()
        done(self.journal, begun())

    def teardown(self) -> None:
        self.journal.close()
        for ownership in self.held.values():
            ownership.release(is_running=False)
        self._folder.cleanup()

    def now(self, call_id: str) -> str:
        call = self.model[call_id]
        return "unknown" if call.state == "started" and call.owner in self.dead else call.state

    @rule(target=calls, number=st.integers(1, 4))
    def propose(self, number: int) -> str:
        call_id = f"K{number}"
        entry = done(self.journal, proposed(call_id))
        self.model.setdefault(call_id, Expected())
        assert (entry.call_id, entry.state) == (call_id, self.now(call_id))
        return call_id

    @rule(target=owners)
    def another_process_begins_to_run_calls(self) -> str:
        ownership = Ownership(self.path)
        self.held[ownership.name] = ownership
        return ownership.name

    @rule(owner=owners)
    def another_process_dies(self, owner: str) -> None:
        if owner not in self.dead:
            self.dead.add(owner)
            self.held.pop(owner).leave_to_parent()

    @rule(
        call_id=calls,
        expected=st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True),
        to=st.sampled_from(STATES),
        digest=st.sampled_from(DIGESTS),
        owner=st.none() | owners,
        has_result=st.booleans(),
    )
    def move(self, call_id: str, expected: Any, to: Any, digest: str, owner: str | None, has_result: bool) -> None:
        details: dict[str, Any] = {}
        if to in ("waiting", "unknown"):
            details["request"] = request(digest)
        if to == "started":
            details["owner"] = owner or self.journal.owner
        if has_result and to not in ("waiting", "started", "unknown"):
            details["result"] = ToolResult("delete_files", f"{call_id} {to}")
        future = self.journal.submit(moved(call_id, expected, to, **details))
        if any(to not in TRANSITIONS[state] for state in expected):
            assert isinstance(future.exception(60), ValueError)
            return
        before = self.now(call_id)
        assert future.result(60) is (before in expected)
        if before in expected:
            call = self.model[call_id]
            call.state, call.owner = to, details.get("owner")
            if to == "waiting":
                call.verdict = None
            if "request" in details:
                call.digest = digest
            if "result" in details:
                call.output = details["result"].output

    @rule(call_id=calls)
    def move_along(self, call_id: str) -> None:
        """Take the next step of a call that is approved and runs, because random moves rarely get that far."""
        state = self.now(call_id)
        following = {"proposed": "waiting", "approved": "started", "started": "finished"}.get(state)
        if following is not None:
            self.move(call_id, [state], following, DIGESTS[0], None, True)

    @rule(call_id=calls, verdict=st.sampled_from(VERDICTS), digest=st.sampled_from(DIGESTS), replaces=st.booleans())
    def decide(self, call_id: str, verdict: str, digest: str, replaces: bool) -> None:
        counts = self.counts(call_id, digest, replaces)
        assert done(self.journal, decided(call_id, verdict, digest, replaces=replaces)) is counts
        if counts:
            self.take(call_id, verdict)

    @rule(
        call_ids=st.sets(calls, min_size=2, max_size=4),
        verdict=st.sampled_from(VERDICTS),
        digest=st.sampled_from(DIGESTS),
        replaces=st.booleans(),
    )
    def decide_together(self, call_ids: set[str], verdict: str, digest: str, replaces: bool) -> None:
        decisions = [decided(call_id, verdict, digest, replaces=replaces) for call_id in sorted(call_ids)]
        counts = all(self.counts(call_id, digest, replaces) for call_id in call_ids)
        assert done(self.journal, DecidedTogether(decisions)) is counts
        for call_id in call_ids if counts else ():
            self.take(call_id, verdict)

    def counts(self, call_id: str, digest: str, replaces: bool) -> bool:
        call, state = self.model[call_id], self.now(call_id)
        is_open = state in ("waiting", "unknown") or (replaces and state in VERDICTS and call.output is None)
        return is_open and call.digest == digest

    def take(self, call_id: str, verdict: str) -> None:
        call = self.model[call_id]
        call.state, call.verdict, call.owner = verdict, verdict, None

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.journal = open_sqlite_journal(self.path)

    @invariant()
    def the_journal_says_what_the_table_says(self) -> None:
        for call_id, call in self.model.items():
            entry = self.journal.call(call_id)
            assert entry is not None
            assert entry.state == self.now(call_id)
            assert (entry.request and entry.request.digest) == call.digest
            assert (entry.decision and entry.decision.verdict) == call.verdict
            assert (entry.result and entry.result.output) == call.output
        asked = {
            call_id
            for call_id, call in self.model.items()
            if self.now(call_id) in ("waiting", "unknown", "approved")
            or (self.now(call_id) in VERDICTS and call.output is None)
        }
        assert {entry.call_id for entry in self.journal.waiting()} == asked


Calls.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
test_calls_go_as_the_table_says = Calls.TestCase


@pytest.mark.parametrize("state", STATES)
def test_a_move_that_the_table_does_not_allow_is_an_error_and_changes_nothing(journal, state):
    done(journal, proposed())
    for other in sorted(set(STATES) - TRANSITIONS[state]):
        future = journal.submit(moved("K1", state, other, owner=journal.owner))
        with pytest.raises(ValueError, match=f"A call does not go from {state} to {other}"):
            future.result(60)
    assert journal.call("K1").state == "proposed"


def test_a_start_without_an_owner_is_an_error(journal):
    done(journal, proposed())
    with pytest.raises(ValueError, match="names its owner"):
        done(journal, moved("K1", "proposed", "started"))


def test_of_decisions_made_together_no_two_are_about_one_call(journal):
    done(journal, proposed(), moved("K1", "proposed", "waiting", request=request()))
    with pytest.raises(ValueError, match="about the same call"):
        done(journal, DecidedTogether([decided(), decided(verdict="denied")]))
    assert journal.call("K1").state == "waiting"


def test_what_is_allowed_with_a_decision_is_kept_with_it_or_not_at_all(journal):
    done(journal, proposed(), moved("K1", "proposed", "waiting", request=request()))
    late = DecidedTogether([decided(digest="e" * 64)], Granted(grant("G1")))
    assert not done(journal, late)
    assert journal.grants() == []
    assert done(journal, DecidedTogether([decided()], Granted(grant("G1"))))
    assert [given.grant_id for given in journal.grants()] == ["G1"]
    # A grant that cannot be kept takes the decision with it.
    waiting_call(journal, "K2")
    with pytest.raises(ValueError, match="in the journal already"):
        done(journal, DecidedTogether([decided("K2")], Granted(grant("G1"))))
    assert journal.call("K2").state == "waiting"


def test_every_transition_stays_on_record(journal, path):
    done(
        journal, proposed(), moved("K1", "proposed", "waiting", request=request(), note="A hook changed the arguments.")
    )
    done(journal, decided(), moved("K1", "approved", "started", owner=journal.owner, digest="d" * 64))
    done(journal, moved("K1", "started", "finished", result=ToolResult("delete_files", "3 files")))
    with journal._connections.reading() as (connection, _):
        rows = connection.execute(
            "SELECT from_state, to_state, who, note FROM call_transitions ORDER BY number"
        ).fetchall()
    assert rows == [
        (None, "proposed", "", ""),
        ("proposed", "waiting", "", "A hook changed the arguments."),
        ("waiting", "approved", "Ada", ""),
        ("approved", "started", "", ""),
        ("started", "finished", "", ""),
    ]
