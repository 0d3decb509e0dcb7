"""A turn as Markdown and as text: our own sentences stay intact, whatever the names in them contain."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from llm_notebook.parts.messages import EventType, StreamEvent, Usage
from llm_notebook.transcript.calls.call_rendering import literal_markdown
from llm_notebook.transcript.endings import Problem
from llm_notebook.transcript.markdown.escape import fenced_code
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import State, TranscriptView
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import duration
from tests.transcript.sample_calls import asked, request

names = st.text(alphabet=st.sampled_from("aZ1 .-_*`~$|<>&!#[](){}\\:/@\n\"'+=^%")) | st.text()


def _view(
    state: State = "done", *texts: tuple[EventType, str], model_id: str = "echo", seconds: float = 2.0
) -> TranscriptView:
    view = TranscriptView(model_id)
    for position, (kind, text) in enumerate(texts):
        view.feed(StreamEvent(kind, text, position, tool_name="search"), 1.0)
    if state == "waiting":
        view.seconds = seconds
    elif state != "streaming":
        view.end(state, seconds)
    return view


class _Text(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.feed(page)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def _page(markdown: str) -> _Text:
    return _Text(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize(
    ("view", "markdown", "plain"),
    [
        (_view("done", ("text", "Hi *you*.")), "Hi *you*.", "Hi *you*."),
        (_view("waiting", seconds=0.4), "*Waiting for echo*", "Waiting for echo"),
        (_view("waiting", seconds=12.2), "*Waiting for echo, 12 s*", "Waiting for echo, 12 s"),
        (_view("done"), "echo gave an empty answer.", "echo gave an empty answer."),
        (_view("done", ("text", " \n")), "\n\necho gave an empty answer.", "\n\necho gave an empty answer."),
        (_view("failed"), "■ No answer came.", "■ No answer came."),
        (
            _view("interrupted", ("text", "One two")),
            "One two\n\n■ Stopped by you after 2.0 s. The answer is incomplete; 2 words are kept.",
            "One two\n\n■ Stopped by you after 2.0 s. The answer is incomplete; 2 words are kept.",
        ),
        (
            _view("failed", ("text", "One")),
            "One\n\n■ The answer broke off after 2.0 s. The answer is incomplete; 1 word is kept.",
            "One\n\n■ The answer broke off after 2.0 s. The answer is incomplete; 1 word is kept.",
        ),
        (
            _view("done", ("reasoning", "Hm"), ("text", "Yes")),
            "<details><summary>Thought for 0.0 s</summary>\n\nHm\n\n</details>\n\nYes",
            "Thought:\nHm\n\nYes",
        ),
        (
            _view("done", ("tool_call_args", '{"q": 1}'), ("tool_result", "found")),
            "<details><summary><code>search</code> · ran</summary>\n\n"
            'Asked with:\n\n<samp>\n\n```json\n{"q":1}\n```\n\n</samp>\n\n'
            "Returned:\n\n<samp>\n\n```text\nfound\n```\n\n</samp>\n\n</details>",
            '▎ search · ran\n▎ Asked with:\n▎     {"q":1}\n▎ Returned:\n▎     found',
        ),
    ],
)
def test_a_turn_reads_well(view: TranscriptView, markdown: str, plain: str) -> None:
    assert markdown_of(view) == markdown
    assert plain_of(view) == plain


@pytest.mark.parametrize(
    ("title", "text", "markdown", "plain"),
    [
        (
            "No key for Acme",
            "None is stored. `%llm keys set acme` stores one.",
            "■ **No key for Acme** None is stored. `%llm keys set acme` stores one.",
            "■ No key for Acme. None is stored. `%llm keys set acme` stores one.",
        ),
        ("Which model?", "", "■ **Which model?**", "■ Which model?"),
        (
            "It failed",
            "*Odd* `words` and `one",
            "■ **It failed** \\*Odd\\* &#96;words&#96; and &#96;one",
            "■ It failed. *Odd* `words` and `one",
        ),
    ],
)
def test_a_problem_is_told_with_what_can_be_typed_as_code(title: str, text: str, markdown: str, plain: str) -> None:
    view = _view("failed")
    view.problem = Problem(title, text)
    assert markdown_of(view) == markdown
    assert plain_of(view) == plain


def test_the_footer_leaves_out_what_is_unknown() -> None:
    view = _view("done", ("text", "Yes"))
    view.show_usage = True
    assert plain_of(view) == "Yes\n\necho · 2.0 s"
    view.usage = Usage(
        1234, None, {"prompt_tokens_details": {"cached_tokens": 1000}, "completion_tokens_details": None}
    )
    assert markdown_of(view) == "Yes\n\n*echo · 1,234 in (1,000 cached) · 2.0 s*"
    view.usage = Usage(0, 7, {"completion_tokens_details": {"reasoning_tokens": 5}, "prompt_tokens_details": ["odd"]})
    assert plain_of(view) == "Yes\n\necho · 0 in · 7 out (5 reasoning) · 2.0 s"


def test_a_limit_is_told() -> None:
    view = _view("done", ("text", "Once"))
    view.finish = "length"
    assert markdown_of(view) == "Once\n\n■ The answer stopped at the token limit. `-o max_tokens N` allows more."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s")],
)
def test_a_duration_never_rounds_into_the_next_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def _has_only_visible_words(name: str) -> bool:
    words = " ".join(name.split())
    return bool(words) and visible(words) == words


@given(names.filter(_has_only_visible_words))
def test_a_name_is_shown_as_exactly_that(name: str) -> None:
    shown = " ".join(name.split())
    page = _page(f"Waiting for {literal_markdown(name)} still")
    assert " ".join(page.text.split()) == f"Waiting for {shown} still".replace("  ", " ")
    assert page.tags <= {"p", "span", "code"}


@given(names, st.sampled_from(["waiting", "done", "interrupted"]), st.booleans())
def test_no_model_id_and_no_notice_breaks_our_sentences(name: str, state: State, notice: bool) -> None:
    view = _view(state, *([("text", "Yes")] if state == "interrupted" else []), model_id=name)
    view.show_usage = True
    view.notice = name if notice else ""
    page = _page(markdown_of(view))
    assert page.tags <= {"p", "em", "span", "code"}
    assert "\n\n\n" not in plain_of(view)
    assert not any(ord(character) < 32 and character != "\n" for character in plain_of(view) + markdown_of(view))


@given(names)
def test_no_tool_name_breaks_out_of_its_title(name: str) -> None:
    view = TranscriptView("echo")
    view.feed(StreamEvent("tool_call_args", "{}", 0, tool_name=name), 1.0)
    view.end("done", 1.0)
    assert _page(markdown_of(view)).tags <= {"details", "summary", "p", "strong", "em", "span", "code", "pre"}


@given(st.text(alphabet=st.sampled_from("`\n{}a~")))
def test_arguments_stay_in_their_block(arguments: str) -> None:
    view = _view("done", ("tool_call_args", f"x{arguments}"), ("text", "after"))
    page = _page(markdown_of(view))
    assert page.text.rstrip().endswith("after")
    assert f"x{arguments}".rstrip("\n") in page.text


def test_what_changed_about_a_tool_is_shown_literally() -> None:
    hostile = 'Since then what it runs with changed: root: "<img src=x onerror=alert(1)>" → "\u202e/PROD".'
    note = "The file that this was loaded from has changed since."
    source = {"title": "f", "code": "1", "note": note}
    view = asked(request(changed=hostile, source=source))
    markdown = markdown_of(view)
    assert "<img" not in MarkdownIt("commonmark", {"html": True}).render(markdown)
    assert note in markdown
    plain = plain_of(view)
    assert '"<img src=x onerror=alert(1)>" → "\\u{202e}/PROD"' in plain
    assert note in plain


@given(names | st.text("`~$\\ \n\tbegin{}[]()@0<>*#|-/"))
def test_arguments_and_results_are_shown_as_sanitising_would_show_them(text: str) -> None:
    block = "\n".join(fenced_code(visible(text), "json"))
    assert safe_markdown(block) == block
