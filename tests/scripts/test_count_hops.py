"""How direct the ways through the code are, counted in a real kernel."""

from __future__ import annotations

from scripts.count_hops import LIMITS, WALKS, count


def test_nobody_who_follows_a_prompt_changes_files_more_often_than_agreed() -> None:
    counted = count()
    for walk, most in zip(WALKS, LIMITS, strict=True):
        hops, _, pairs = counted[walk]
        busiest = sorted(pairs.items(), key=lambda pair: -pair[1])[:10]
        assert hops <= most, (
            f"{walk} changes files {hops} times, and {most} are agreed: whoever reads the code has to follow each change. "
            "Keep together what belongs together, pass on what is known instead of asking again, compute only what this walk needs, and "
            "turn a loop across two files into one call. `python -m scripts.count_hops --pairs` lists all changes, of which "
            f"the most frequent are {busiest}."
        )
