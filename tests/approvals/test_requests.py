"""The states of a call: the table of transitions covers all of them and no other."""

from __future__ import annotations

from typing import get_args

from llm_notebook.approvals.requests import TRANSITIONS, CallState, Verdict

STATES = set(get_args(CallState))


def test_the_table_covers_exactly_the_states_of_a_call() -> None:
    assert set(TRANSITIONS) == STATES


def test_every_state_but_the_first_can_be_reached() -> None:
    assert frozenset().union(*TRANSITIONS.values()) == STATES - {"proposed"}


def test_every_verdict_is_a_state_that_a_waiting_call_can_go_to() -> None:
    assert set(get_args(Verdict)) <= TRANSITIONS["waiting"]
