"""Everything that a run sends whole is bounded, and a short answer is shown as it grows."""

from __future__ import annotations

import itertools

import pytest

from llm_notebook.notebook.display.pace import Pace, Reminders


def _repaints(bytes_per_second: int, seconds: int, pace: Pace) -> tuple[list[int], float]:
    """Return the sizes of the text at each repaint, and the longest time between two."""
    sizes: list[int] = []
    last = longest = 0.0
    for step in range(1, seconds * 20 + 1):
        now = step / 20
        size = int(now * bytes_per_second)
        if pace.due(size, now, 2 * size):
            pace.spent += 2 * size
            longest, last = max(longest, now - last), now
            sizes.append(size)
    return sizes, longest


@pytest.mark.parametrize("bytes_per_second", [20, 400, 10_000, 1_000_000])
@pytest.mark.parametrize("most", [400_000, 3_500_000])
def test_all_repaints_together_stay_below_the_bound(bytes_per_second: int, most: int) -> None:
    sizes, _ = _repaints(bytes_per_second, 600, Pace(most=most))
    assert 2 * sum(sizes) <= most


def test_a_short_answer_is_repainted_every_two_seconds_however_slow_it_is() -> None:
    sizes, longest = _repaints(100, 60, Pace())
    assert longest <= 2.1
    assert sizes[-1] >= 5_800


def test_a_long_answer_is_repainted_until_the_bound_is_near() -> None:
    sizes, _ = _repaints(5_000, 60, Pace())
    assert sizes[-1] >= 200_000


def test_pages_are_reminded_less_and_less_often() -> None:
    reminders = Reminders(most=100_000)
    at = [step / 20 for step in range(1, 6_000) if reminders.due(step / 20, 1_000)]
    apart = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert at[0] == 2.0
    assert apart[-1] > 20
    assert not Reminders(most=1_000, each_second=0).due(60.0, 1_001)


def test_a_page_that_is_loaded_in_a_silence_is_reminded_of_a_long_answer_before_it_ends() -> None:
    reminders = Reminders()
    at = [step for step in range(1, 120) if reminders.due(step, 300_000)]
    assert at[0] == 2
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) <= 30
    assert len(at) <= 10
