"""Ids sort by the time they were made, and each tool call of an answer has one of its own, whatever ids the provider gives."""

from __future__ import annotations

import re
import time

from hypothesis import example, given
from hypothesis import strategies as st

from llm_notebook.parts.identifiers import CallIds, new_id

GIVEN = st.lists(st.sampled_from(["", "a", "a-2", "a-3", "a-2-2", "b"]), max_size=30)


@given(GIVEN)
@example(["a-2", "a", "a"])
@example(["a", "a", "a-2"])
def test_no_two_calls_have_one_id_and_the_first_keeps_the_providers(given_ids: list[str]) -> None:
    ids = CallIds()
    made = [ids.distinct(given_id) for given_id in given_ids]
    assert len(set(made)) == len(made)
    assert all(made)
    for place, given_id in enumerate(given_ids):
        if given_id and given_id not in made[:place]:
            assert made[place] == given_id


def test_a_later_call_gets_the_next_number() -> None:
    ids = CallIds()
    assert [ids.distinct("a") for _ in range(3)] == ["a", "a-2", "a-3"]


def test_an_id_that_a_call_of_the_provider_keeps_is_not_given_again() -> None:
    ids = CallIds()
    ids.reserve("a")
    assert ids.distinct("a") == "a-2"


def test_ids_are_ulids_that_sort_by_their_time() -> None:
    before = time.time_ns() // 1_000_000
    made = []
    for _ in range(20):
        made.append(new_id())
        time.sleep(0.0015)
    after = time.time_ns() // 1_000_000
    assert made == sorted(set(made))
    for one in made:
        assert re.fullmatch("[0-7][0-9a-hjkmnp-tv-z]{25}", one)
        milliseconds = 0
        for digit in one[:10]:
            milliseconds = milliseconds * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(digit)
        assert before <= milliseconds <= after


def test_ids_of_the_same_moment_differ() -> None:
    made = {new_id() for _ in range(10_000)}
    assert len(made) == 10_000
    # People see the last eight letters, which must not look like a word.
    assert [one for one in made if one[-8:].isalpha()] == []
