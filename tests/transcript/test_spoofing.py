"""No text of a model, a tool or a file can be mistaken for one of our own sentences about a call."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from llm_notebook.approvals.requests import Decision
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.transcript.words import short_id
from tests.transcript.sample_calls import HOSTILE, asked, call_entry, hostile_text, request

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_OURS = {"samp", "details", "summary", "p", "ul", "li", "pre", "code", "span", "em", "strong"}


class _Page(HTMLParser):
    """The text inside the summaries, and every element, of a page."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.summaries: list[str] = []
        self.depth = 0
        self._in_summary = False
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.depth += tag == "details"
        if tag == "summary":
            self._in_summary = True
            self.summaries.append("")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "details"
        self._in_summary &= tag != "summary"

    def handle_data(self, data: str) -> None:
        if self._in_summary:
            self.summaries[-1] += data


def _ran(name: str, arguments: str, output: str, reason: str) -> TranscriptView:
    view = TranscriptView("echo")
    view.feed(StreamEvent("tool_call_name", name or "x", 1, "c1"), 1.0)
    view.feed(StreamEvent("tool_call_args", arguments or "{}", 1, "c1"), 1.0)
    view.update_call(call_entry("waiting", request=request({"path": arguments, arguments: 1}, reason)))
    view.update_call(call_entry("denied", decision=Decision("denied", "0" * 64, None, reason), decided_by=name))
    view.update_call(call_entry("denied", result=ToolResult(name, output), note=reason))
    view.end("done", 2.0)
    return view


@given(hostile_text, hostile_text, hostile_text, hostile_text)
def test_a_call_is_one_fold_whatever_is_in_it(name: str, arguments: str, output: str, reason: str) -> None:
    view = _ran(name, arguments, output, reason)
    page = _Page(markdown_of(view))
    assert len(page.summaries) == page.tags.count("details") == 1
    assert page.depth == 0
    assert page.summaries[0].endswith(" · denied, did not run")
    assert set(page.tags) <= _OURS
    assert not _HIDDEN.search(markdown_of(view))
    assert not _HIDDEN.search(plain_of(view))
    assert all(line.startswith("▎") for line in plain_of(view).split("\n"))


@given(hostile_text, hostile_text)
def test_a_question_is_one_open_fold(said: str, reason: str) -> None:
    view = asked(request({"path": reason}, reason), said=said)
    page = _Page(markdown_of(view))
    assert page.summaries == ["delete_files · waiting for your approval, nothing has run"]
    assert page.depth == 0
    command = f"%llm approve {short_id(view.calls[0].call_id)}"
    assert [line for line in plain_of(view).split("\n") if line.startswith(f"▎ {command}")] == [f"▎ {command}  runs it"]


@pytest.mark.parametrize("said", HOSTILE)
def test_text_of_a_model_has_neither_folds_nor_our_mark(said: str) -> None:
    view = asked(said=said)
    ours = asked()
    assert _Page(markdown_of(view)).summaries == _Page(markdown_of(ours)).summaries
    assert plain_of(view).count("▎") == plain_of(ours).count("▎")


def test_long_values_are_bounded_and_the_rest_is_counted() -> None:
    view = asked(request({"text": "x" * 1_000_000}, "r" * 1_000_000))
    view.update_call(call_entry("finished", result=ToolResult("delete_files", "y" * 1_000_000)))
    for shown in (markdown_of(view), plain_of(view)):
        assert len(shown) < 12_000
        assert shown.count("characters are not shown") == 2
