"""What a tool prints, as much of it as is kept."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.transcript.calls.printed import Printed

_PIECES = st.lists(st.text(alphabet="ab\n", max_size=30), max_size=8)


def _printed(*pieces: str) -> Printed:
    printed = Printed()
    for piece in pieces:
        printed.add(piece)
    return printed


@given(_PIECES)
def test_short_text_is_kept_as_it_is(pieces: list[str]) -> None:
    printed = _printed(*pieces)
    assert printed.kept() == ("".join(pieces), len("".join(pieces)), 0)
    assert bool(printed) == bool("".join(pieces))


@given(st.lists(st.integers(0, 9_000), max_size=12))
def test_of_a_long_text_the_beginning_and_the_end_are_kept(sizes: list[int]) -> None:
    whole = "".join(chr(ord("a") + number % 26) * size for number, size in enumerate(sizes))
    printed, at = Printed(), 0
    for size in sizes:
        printed.add(whole[at : at + size])
        at += size
    text, cut, hidden = printed.kept()
    assert len(text) <= 16_000
    assert len(text) + hidden == len(whole)
    assert text[:cut] == whole[:cut]
    assert whole.endswith(text[cut:])


def test_ten_megabytes_in_one_line_or_in_a_million_lines_stay_small() -> None:
    one = _printed("x" * 10_000_000)
    many = Printed()
    for _ in range(1_000_000):
        many.add("xxxxxxxxx\n")
    for printed in (one, many):
        assert len(printed.text) < 16_100
        assert "9,984,000 characters are not kept" in printed.text


def test_a_line_that_is_written_over_is_kept_once() -> None:
    assert _printed("load\n", "10%", "\r20%", "\r30%", "\rdone\n").text == "load\ndone\n"
    assert _printed("10%\r", "20%\r", "\n").text == "20%\n"
    assert _printed("one\r\ntwo\r", "\nthree").text == "one\ntwo\nthree"


@given(st.lists(st.text(alphabet="ab\r\n", max_size=6), max_size=6))
def test_carriage_returns_mean_the_same_however_the_text_is_cut(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert _printed(*whole, "\n").text == _printed(*pieces, "\n").text == _printed(whole, "\n").text


def test_what_was_cleared_is_gone() -> None:
    printed = _printed("x" * 20_000)
    printed.clear()
    assert (printed.text, bool(printed)) == ("", False)
    printed.add("new")
    assert printed.text == "new"


def test_what_was_kept_earlier_is_taken_back_as_it_was() -> None:
    text = _printed("x" * 50_000, "end").text
    assert Printed(text).text == text


def test_threads_lose_nothing() -> None:
    printed = Printed()
    threads = [threading.Thread(target=lambda: [printed.add("x") for _ in range(1_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(printed.text) == 4_000


def test_it_is_shown_less_and_less_often_and_in_the_end_in_any_case() -> None:
    printed = Printed()
    shown = 0
    for _ in range(10_000):
        printed.add("x" * 100)
        shown += printed.is_due(0.0)
    assert shown < 150
    assert printed.is_due(2.0)
    assert not printed.is_due(1_000.0)


def test_after_the_end_of_a_run_what_comes_is_shown_as_often_as_before() -> None:
    printed = _printed(1_000 * "x")
    assert printed.is_due(1.0)
    printed.add("y")
    assert printed.is_due(None)
    assert not printed.is_due(None)
    printed.add("z")
    assert not printed.is_due(2.0)
    assert printed.is_due(4.0)
