"""Lines of a terminal keep their width, whatever letters they have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.notebook.display.columns import columns, fitted, padded

letters = st.text(st.sampled_from("ab日本語한é\u0301\u20ddｱ🎉… "), max_size=40)


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("ｱ", 1), ("\uff21", 2), ("🎉", 2), ("…", 1)]
)
def test_wide_letters_count_twice_and_marks_do_not_count(text: str, width: int) -> None:
    assert columns(text) == width
    assert columns(padded(text, 10)) == 10


@given(letters, st.integers(0, 50))
def test_what_is_fitted_fits_and_what_fits_is_left_alone(text: str, width: int) -> None:
    shown = fitted(text, width)
    assert columns(shown) <= width
    assert (shown == text) is (columns(text) <= width)
    if shown != text and width:
        head, _, tail = shown.partition("…") if "…" not in text else ("", "", "")
        assert text.startswith(head)
        assert text.endswith(tail)


def test_the_middle_is_left_out() -> None:
    assert fitted("delete_everything_below_a_folder", 15) == "delete_…_folder"
    assert fitted("日本語日本語", 8) == "日本…語"
