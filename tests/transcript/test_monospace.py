"""What puts fenced code into an element with a monospace face changes nothing else."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from llm_notebook.transcript.markdown.monospace import in_monospace
from llm_notebook.transcript.markdown.safe import safe_markdown

PIECES = [
    "```",
    "````",
    "py",
    "\n",
    "\n\n",
    "- ",
    "2. ",
    "> ",
    "    ",
    "  ",
    "<samp>",
    "</samp>",
    "$$",
    "a",
    "|",
    "~~~",
]


def page(markdown: str) -> BeautifulSoup:
    return BeautifulSoup(MarkdownIt("commonmark", {"html": True}).render(markdown), "html.parser")


def shape(element: Tag) -> list[str]:
    """The elements of a page and their text, without what is added and without what tells loose lists from tight ones."""
    return [
        f"{part.name} {' '.join(part.get_text().split())}"
        for part in element.find_all(True)
        if part.name not in ("samp", "p")
    ]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_nothing_else_changes(text: str) -> None:
    safe = safe_markdown(text)
    written = in_monospace(safe)
    before, after = page(safe), page(written)
    assert shape(before) == shape(after)
    named = [code for code in after.select("pre > code") if code.get("class")]
    assert [samp.get_text().strip() for samp in after.find_all("samp")] == [code.get_text().strip() for code in named]


@pytest.mark.parametrize(
    "text", ["a\n```py\nb\n```\nc", "1. a\n   ```py\n   b\n   ```\n2. c", "> - ```py\n>   b\n>   ```\n> - c"]
)
def test_the_converter_that_needs_it_reads_it_so(text: str) -> None:
    converted = BeautifulSoup(markdown2html_mistune(in_monospace(safe_markdown(text))), "html.parser")
    (samp,) = converted.find_all("samp")
    assert samp.find(class_="highlight") is not None
    assert samp.get_text().strip() == "b"
    assert converted.get_text().split()[-1] == "c"
