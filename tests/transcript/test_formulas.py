"""Formulas as models write them, in the Markdown of the saved answer. The page's tests read the same file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from llm_notebook.transcript.markdown.math import recognise_math, with_bars, without_bars
from llm_notebook.transcript.markdown.safe import safe_markdown

DATA: dict[str, Any] = json.loads(Path(__file__).with_name("formulas.json").read_text(encoding="utf-8"))
SOURCES = [formula["source"] for formula in DATA["formulas"]]
_IN_NOTEBOOK = re.compile(r"\$\$(?:[^$\\]|\\.|\$(?!\$))+\$\$|\$(?:[^$\\]|\\.)+\$")


def formulas_in(text: str) -> list[str]:
    """Return the formulas that the parser finds in a text, as they were written."""
    parser = MarkdownIt("commonmark").enable("table")
    recognise_math(parser)
    found = []
    for token in parser.parse(with_bars(text)):
        for one in [token, *(token.children or ())]:
            if one.type.startswith("math"):
                closing = {"\\(": "\\)", "\\[": "\\]"}.get(one.markup, one.markup)
                found.append(without_bars(f"{one.markup}{one.content}{closing}"))
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_a_formula_stays_one_that_a_notebook_sets(source: str) -> None:
    written = safe_markdown(source)
    assert _IN_NOTEBOOK.fullmatch(written), written
    assert ("$$" in written) == (not re.match(r"\$(?!\$)|\\\(", source))


@pytest.mark.parametrize("source", DATA["refused"])
def test_a_formula_that_does_more_than_show_is_code(source: str) -> None:
    assert re.fullmatch(r"(`+).*\1|<code>.*</code>", safe_markdown(source))


@pytest.mark.parametrize("text", DATA["texts"], ids=lambda text: text["source"])
def test_formulas_are_told_from_prices_and_names(text: dict[str, Any]) -> None:
    assert formulas_in(text["source"]) == text["formulas"]


@pytest.mark.parametrize("length", ["1000em", "500pt", "2.5e", "99cm", ".5in", "1em"])
def test_a_formula_reserves_no_more_than_a_page(length: str) -> None:
    is_set = _IN_NOTEBOOK.search(safe_markdown(rf"\[\rule{{1em}}{{{length}}}\]")) is not None
    assert is_set == (length in ("2.5e", ".5in", "1em"))


def test_the_distance_of_rows_is_left_out_where_it_could_begin_another_formula() -> None:
    assert safe_markdown("$$a \\\\[4pt] b \\\\(c) \\\\[d]$$") == r"$$a \\ b \\ (c) \\{}[d]$$"
