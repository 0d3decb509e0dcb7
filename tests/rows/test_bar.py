"""What a run says on stderr outside of notebooks: the estimate before, the bar, and the summary after."""

from __future__ import annotations

import sys

import pytest

from tests.fakes.openai_server import refusal
from tests.rows.conftest import Rows


def test_a_run_says_its_size_its_cost_its_failures_and_its_summary(
    rows: Rows, capsys: pytest.CaptureFixture[str]
) -> None:
    rows.replies = lambda text: refusal(400) if text == "Say w1" else None
    rows.map([f"w{number}" for number in range(8)], model=rows.priced_model, progress=True)
    said = capsys.readouterr().err
    assert said.startswith("8 rows, about ")
    assert "tokens in, about $0.00" in said.splitlines()[0]
    assert "8/8" in said
    assert "so far, 1 failed" in said
    assert "8 rows · 7 answered · 1 failed (1 refused requests)" in said.splitlines()[-1]


def test_a_run_that_keeps_nothing_says_so_before_and_in_the_bar(rows: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    rows.map(["a"], progress=True, keep=False)
    before, *bar = capsys.readouterr().err.splitlines()
    assert before.endswith("; nothing is kept, so it cannot be resumed")
    assert "not kept" in "".join(bar)


def test_without_tqdm_there_are_the_sentences(
    rows: Rows, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    rows.map(["a", "b"], progress=True)
    before, after = capsys.readouterr().err.splitlines()
    assert before.startswith("2 rows, about ")
    assert after.startswith("2 rows · 2 answered")
