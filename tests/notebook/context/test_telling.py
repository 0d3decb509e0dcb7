"""The description of a notebook's cells for a model, and the record of it for the reader."""

from __future__ import annotations

import pytest

from llm_notebook.notebook.context.cells import Answer, CellOutput, NotebookCell, chosen_cells, why_hidden
from llm_notebook.notebook.context.telling import Reads, Told, tell_cells
from llm_notebook.objects.secrets import REMOVED, Scrubber, known_secrets
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, TextPart, user
from llm_notebook.transcript.sent_words import sent_lines

PNG = Attachment("image/png", content=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0" + bytes(20))
PLAIN, SEEING = Reads("plain"), Reads("seeing", frozenset({"image/png"}))


def text_output(text: str) -> CellOutput:
    return CellOutput("text", text)


def tell(*cells: NotebookCell, reads: Reads = PLAIN, max_size: int = 20_000) -> Told:
    return tell_cells(cells, reads, max_size, Scrubber())


def rows(told: Told) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(sent.name, sent.kind, sent.left_out) for sent in told.sent]


def test_what_a_page_has_cut_off_a_cell_is_said() -> None:
    none, cut = NotebookCell("", number=1, length=300_000), NotebookCell("x = 1\n" * 5_000, number=2, length=120_000)
    told = tell(*chosen_cells([none, cut], 2, "all"))
    assert "[1]\n```python\n\n… (300,000 of 300,000 characters left out)\n```" in told.text
    assert rows(told)[0] == ("[1]", "its text", ("300,000 of 300,000 characters of its text",))
    assert rows(told)[1][2][0].endswith("of 120,000 characters of its text")


def test_cells_are_told_with_their_outputs_and_errors() -> None:
    told = tell(
        NotebookCell("# A title", kind="markdown"),
        NotebookCell("a = 1\n\nprint(a)", number=2, outputs=[text_output("1\n"), CellOutput("error", "KeyError: 'b'")]),
        NotebookCell("later()"),
    )
    assert told.text == (
        "The cells of the notebook that this is asked in:\n\n"
        "[markdown]\n```markdown\n# A title\n```\n\n"
        "[2]\n```python\na = 1\n\nprint(a)\n```\nOutput:\n```\n1\n```\nError:\n```\nKeyError: 'b'\n```\n\n"
        "[ ]\n```python\nlater()\n```"
    )
    assert rows(told) == [
        ("[markdown]", "# A title", ()),
        ("[2]", "a = 1 and 1 line and its output and its error", ()),
        ("[ ]", "later()", ()),
    ]
    assert not told.turns
    [fragment] = told.fragments()
    assert (fragment.text, fragment.is_told) == (told.text, True)


def test_a_fence_in_an_output_does_not_end_its_own() -> None:
    assert (
        "Output:\n````\n```\nrun me\n```\n````"
        in tell(NotebookCell("x", outputs=[text_output("```\nrun me\n```")])).text
    )


def test_answers_are_turns_and_not_text() -> None:
    told = tell(
        NotebookCell("a = 1", number=1),
        NotebookCell("%%llm\nWhy?", number=2, outputs=[CellOutput("answer", answer=Answer("Why?", "Because.", 2))]),
        NotebookCell("b = 2", number=3),
    )
    question, answer = told.turns
    assert (question.role, answer.role) == ("user", "assistant")
    assert question.parts == [
        TextPart("The cells of the notebook that this is asked in:\n\n[1]\n```python\na = 1\n```\n\nWhy?")
    ]
    assert answer.parts == [TextPart("Because.")]
    assert "Because." not in told.text
    assert "b = 2" in told.text
    assert rows(told)[1] == ("[2]", "your question and the answer, as turns", ("2 tool calls",))
    # A model that answers single prompts is told them as text.
    alone = tell(
        NotebookCell("%%llm", number=2, outputs=[CellOutput("answer", answer=Answer("Why?", "Because."))]),
        reads=Reads("single", turns=False),
    )
    assert not alone.turns
    assert "[2] asked a model:\n```\nWhy?\n```\nAnswer:\n```\nBecause.\n```" in alone.text


def test_figures_go_where_they_are_read_and_the_latest_are_enough() -> None:
    figures = [NotebookCell("plot()", number=at, outputs=[CellOutput("picture", picture=PNG)]) for at in range(1, 23)]
    blind = tell(figures[0])
    assert (blind.pictures, rows(blind)) == ([], [("[1]", "plot()", ("a figure: plain reads no pictures",))])
    seen = tell(*figures, reads=SEEING)
    assert len(seen.pictures) == 20
    assert rows(seen)[1:3] == [
        ("[2]", "plot()", ("a figure: only the last 20 go",)),
        ("[3]", "plot() and its figure", ()),
    ]
    asked = NotebookCell("%%llm", outputs=[CellOutput("answer", answer=Answer("Which?", "That."))])
    assert AttachmentPart(PNG) in tell(figures[0], asked, reads=SEEING).turns[0].parts


def test_everything_is_bounded_and_says_what_was_left_out() -> None:
    told = tell(
        NotebookCell(
            "x",
            number=3,
            outputs=[
                text_output("a" * 1_000),
                CellOutput("text", "b" * 10, length=500),
                CellOutput("error", "c" * 1_000 + "the end"),
                CellOutput("other", "a widget, without text"),
            ],
        ),
        max_size=200,
    )
    [row] = told.sent
    assert row.left_out == (
        "880 of 1,000 characters of its output",
        "490 of 500 characters of its output",
        "887 of 1,007 characters of its error",
        "a widget, without text",
    )
    assert "the end" in told.text
    assert "(490 of 500 characters left out)" in told.text
    assert len(told.text) < 800


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (NotebookCell("# llm: hide\nsecret()"), "marked # llm: hide"),
        (NotebookCell("x = 1\n  #llm:hide because"), "marked # llm: hide"),
        (NotebookCell("<!-- llm: hide -->\nText", kind="markdown"), "marked # llm: hide"),
        (NotebookCell("x", tags=("a", "llm-hide")), "tagged llm-hide"),
        (NotebookCell("x = '# llm: hide'"), ""),
        (NotebookCell("# llm: hidden treasure"), ""),
    ],
)
def test_a_hidden_cell_never_goes(cell: NotebookCell, why: str) -> None:
    assert why_hidden(cell) == why
    told = tell(NotebookCell(cell.source, kind=cell.kind, tags=cell.tags, outputs=[text_output("shown")]))
    assert ("shown" in told.text) == (not why)
    if why:
        assert (told.text, rows(told)) == ("", [(cell.name, "", (why,))])


def test_the_line_of_the_record_counts_cells_tokens_and_what_was_left_out() -> None:
    told = tell(
        NotebookCell("a = 1", number=1),
        NotebookCell("# llm: hide", number=2),
        NotebookCell("plot()", number=3, outputs=[CellOutput("picture", picture=PNG)]),
    )
    assert sent_lines(told.sent) == ["context: 2 cells, 12 tokens; 2 left out"]


def test_a_conversation_is_not_told_twice_what_it_was_told() -> None:
    first = tell(NotebookCell("a = 1", number=1))
    said = [user(first.text + "\nWhy?"), *tell_answer().turns[1:]]
    told = tell(
        NotebookCell("a = 1", number=1),
        NotebookCell("%%llm", number=2, outputs=[CellOutput("answer", answer=Answer("Why?", "Because."))]),
        NotebookCell("b = 2", number=3),
        reads=Reads("plain", said=said),
    )
    assert "a = 1" not in told.text
    assert "b = 2" in told.text
    assert not told.turns
    assert [kind for _, kind, _ in rows(told)] == ["", "", "b = 2"]


def tell_answer() -> Told:
    return tell(NotebookCell("%%llm", outputs=[CellOutput("answer", answer=Answer("Why?", "Because."))]))


@pytest.mark.parametrize(
    ("context", "chosen"),
    [("none", ""), ("above", "ab"), ("all", "abcd"), ("1", "b"), ("2", "ab"), ("9", "ab"), ("0", "")],
)
def test_the_cells_that_are_asked_for(context: str, chosen: str) -> None:
    cells = [NotebookCell(text) for text in ("a", " \n", "b", "c", "d")]
    assert "".join(cell.source for cell in chosen_cells(cells, 3, context)) == chosen


def test_secrets_go_nowhere_even_where_a_text_is_cut() -> None:
    scrubber = Scrubber(known_secrets(variables={"api_key": "correct-horse-battery"}))
    padding = "x" * 170
    cells = [
        NotebookCell(f"{padding}correct-horse-battery and more, {padding}", number=1),
        NotebookCell("x", number=2, outputs=[text_output(f"{padding} postgres://ana:hunter2@db/x {padding}")]),
        NotebookCell(
            "%%llm", number=3, outputs=[CellOutput("answer", answer=Answer("password='pa55'", "correct-horse-battery"))]
        ),
        NotebookCell("password = 'on the first line'", number=4),
    ]
    told = tell_cells(cells, PLAIN, 200, scrubber)
    everything = f"{told.turns}{told.text}{told.sent}"
    for secret in ("correct", "horse", "hunter", "pa55", "first line"):
        assert secret not in everything
    assert REMOVED in everything
    assert [removal.where for removal in scrubber.removals] == ["[1]", "[2]", "[3]", "[4]"]
