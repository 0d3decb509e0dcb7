"""An answer of rows as its reader sees it: the first and the latest rows while it grows, and its outcome when it is over.

A table of ten thousand rows takes no more room on the page, in the notebook file and in a message than one of ten. Rows that are not shown are
counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llm_notebook.answers.columns import VALUES, cell_text, row_values
from llm_notebook.transcript.blocks import Block
from llm_notebook.transcript.markdown.escape import fenced_code, fenced_text
from llm_notebook.transcript.visible import terminal_safe, visible

if TYPE_CHECKING:
    from llm_notebook.answers.rows import RowReader

__all__ = [
    "AnswerShape",
    "Look",
    "is_table",
    "markdown_table",
    "plain_cells",
    "plain_head",
    "plain_misfit",
    "plain_table",
    "plain_widths",
    "raw_document",
    "rows_added",
    "shaped_markdown",
    "table_document",
    "table_sentence",
]

Document = dict[str, Any]
Look = Literal["", "code", "text"]
"""How the text of an answer is drawn: as Markdown, as code, or unchanged."""

FIRST = 5
LATEST = 5
"""How many rows are shown from the beginning and from the end."""
_BEFORE_MISFIT = 2
_MOST_COLUMNS = 30
_LONGEST_RAW = 20_000
_MISSING = "missing"
_WIDEST = 32  # characters of a cell in plain text


@dataclass(slots=True)
class AnswerShape:
    """The form in which the text of an answer is shown.

    Attributes:
        make_table: creates the reader of a table's rows; None if the answer is not a table.
        look: how text is drawn.
        language: the language of code, such as "json".
    """

    make_table: Callable[[], RowReader] | None = None
    look: Look = ""
    language: str = ""

    def block(self, kind: str, began: float) -> Block:
        """Return a new block of text or reasoning.

        Args:
            kind: the type of the event that begins it.
            began: seconds since the turn began.
        """
        if kind != "text":
            return Block("reasoning", began=began)
        table = self.make_table() if self.make_table is not None else None
        return Block("text", began=began, table=table, look=self.look, language=self.language)


def is_table(block: Block) -> bool:
    """Return whether a block is shown as a table."""
    return block.table is not None and block.table.has_begun


def table_document(block: Block, until: int | None = None) -> Document:
    """Return the document of a table.

    Args:
        block: a block that is shown as one.
        until: how many of its rows are included; by default all.
    """
    table = block.table
    assert table is not None
    columns = table.columns[:_MOST_COLUMNS]
    count = len(table.rows) if until is None else until
    head, tail = _spans(block, count)
    document: Document = {
        "kind": "table",
        "columns": [{"name": one.name[:200], "dtype": one.dtype, "number": one.is_number} for one in columns],
        "head": [_cells(table, row) for row in table.rows[head]],
        "tail": [_cells(table, row) for row in table.rows[tail]],
        "count": count,
    }
    if len(table.columns) > _MOST_COLUMNS:
        document["moreColumns"] = len(table.columns) - _MOST_COLUMNS
    labels = [table.label(number) for number in range(len(table.rows[head]))]
    if labels != [str(number) for number in range(len(labels))]:
        document["labels"] = labels
    if block.said:
        document["said"] = block.said
    if table.wrong is not None:
        path = table.wrong.misfit.path
        names = [one.name for one in columns]
        at = names.index(path[0]) if path and path[0] in names else None
        document["misfit"] = {"cells": _cells(table, table.wrong.row), "column": at}
    if block.is_folded:
        document["raw"] = raw_document(block.text)
    return document


def rows_added(block: Block, before: int, until: int) -> Document | None:
    """Return the update for a reader who has this many rows; None if there are no others."""
    table = block.table
    if table is None or until <= before:
        return None
    head = table.rows[before : min(until, FIRST)]
    tail = table.rows[max(before, FIRST, until - LATEST) : until]
    return {
        "count": until,
        "head": [_cells(table, row) for row in head],
        "tail": [_cells(table, row) for row in tail],
    }


def table_sentence(block: Block, *, is_live: bool, is_whole: bool = False) -> str:
    """Return the sentence above a table, with names in backticks.

    Args:
        block: a block that is shown as one.
        is_live: whether more rows may come.
        is_whole: whether all of its rows are shown.
    """
    table = block.table
    assert table is not None
    if block.said:
        is_cut = len(table.rows) > FIRST + LATEST and not is_whole and table.wrong is None
        rest = f" The first {FIRST}:" if is_cut else ""
        return block.said + rest
    if table.wrong is not None:
        # The fault is described below the table.
        return ""
    count = len(table.rows)
    rows = f"{count:,} {'row' if count == 1 else 'rows'}"
    return f"{rows} so far" if is_live else f"{rows} arrived."


def markdown_table(block: Block, *, is_live: bool, literal: Callable[[str], str], coded: Callable[[str], str]) -> str:
    """Return a table as Markdown.

    Args:
        block: a block that is shown as one.
        is_live: whether more rows may come.
        literal: makes text safe to put into Markdown.
        coded: does the same to a sentence of ours, in which backticks enclose code.
    """
    table = block.table
    assert table is not None
    columns = table.columns[:_MOST_COLUMNS]
    sentence = coded(table_sentence(block, is_live=is_live))
    lines = [f"*{sentence}*" if is_live and sentence else sentence]
    shown = _shown_rows(block)
    if columns and shown:
        heads = "".join(f" {_in_cell(one.name, literal)} |" for one in columns)
        lines += ["", f"| |{heads}", "|---:|" + "".join("---:|" if one.is_number else "---|" for one in columns)]
        for number, cells in shown:
            drawn = "".join(f" {_MISSING if text is None else _in_cell(text, literal)} |" for text in cells)
            lines.append(f"| {_in_cell(number, literal)} |{drawn}")
    if block.is_folded:
        lines += ["", "The answer as it came:", "", *fenced_code(raw_document(block.text)["text"], "json")]
    return "\n".join(lines).strip("\n")


def plain_table(block: Block, *, is_live: bool) -> str:
    """Return a table as text in columns."""
    sentence = table_sentence(block, is_live=is_live).replace("`", "")
    shown = [(_plain(number), [_plain(text) for text in cells]) for number, cells in _shown_rows(block)]
    table = block.table
    assert table is not None
    if not shown:
        return terminal_safe(sentence)
    names = [_plain(one.name) for one in table.columns[:_MOST_COLUMNS]]
    rows = [("", names), *shown]
    widths = [max(len(cells[at]) for _, cells in rows if at < len(cells)) for at in range(len(names))]
    first = max(len(number) for number, _ in rows)
    lines = [sentence, *(_line(number, cells, first, widths, table) for number, cells in rows)]
    if block.is_folded:
        lines += ["", "The answer as it came:", raw_document(block.text)["text"]]
    return terminal_safe("\n".join(lines).lstrip("\n"))


def plain_widths(block: Block) -> list[int]:
    """Return the widths for a table whose first row has arrived. Columns of text get room for longer values."""
    table = block.table
    assert table is not None
    first = _cells(table, table.rows[0]) if table.rows else []
    widths = []
    for at, column in enumerate(table.columns[:_MOST_COLUMNS]):
        value = _plain(first[at]) if at < len(first) else ""
        widths.append(max(len(_plain(column.name)), len(value), len(_MISSING), 16 if column.kind == "text" else 0))
    return widths


def plain_misfit(block: Block, widths: Sequence[int]) -> list[str]:
    """Return a list with the line of the row that does not fit, or an empty list."""
    table = block.table
    if table is None or table.wrong is None:
        return []
    cells = [_plain(text) for text in _cells(table, table.wrong.row)]
    return [terminal_safe(_line(f"{table.wrong.number} ✗", cells, 4, widths, table))]


def plain_head(block: Block, widths: Sequence[int]) -> str:
    """Return the line above the rows that a terminal writes as they arrive."""
    table = block.table
    assert table is not None
    names = [_plain(one.name) for one in table.columns[:_MOST_COLUMNS]]
    return terminal_safe(_line("", names, 4, widths, table))


def plain_cells(block: Block, number: int, widths: Sequence[int]) -> str:
    """Return the line of one row that a terminal writes as it arrives."""
    table = block.table
    assert table is not None
    cells = [_plain(text) for text in _cells(table, table.rows[number])]
    return terminal_safe(_line(str(number), cells, 4, widths, table))


def shaped_markdown(block: Block) -> str:
    """Return Markdown for a text that is drawn as code or unchanged."""
    text = block.text if block.excerpt is None else block.excerpt
    return fenced_text(text, block.language if block.look == "code" else "")


def _spans(block: Block, count: int) -> tuple[slice, slice]:
    table = block.table
    if table is not None and table.wrong is not None:
        return slice(0, 0), slice(max(0, count - _BEFORE_MISFIT), count)
    if block.said and count > FIRST + LATEST:
        return slice(0, FIRST), slice(0, 0)
    return slice(0, min(FIRST, count)), slice(max(FIRST, count - LATEST), count)


def _shown_rows(block: Block) -> list[tuple[str, list[str | None]]]:
    """Return the rows to show, with their numbers, and a row of dots where some are left out."""
    table = block.table
    assert table is not None
    count = len(table.rows)
    head, tail = _spans(block, count)
    shown: list[tuple[str, list[str | None]]] = [
        (table.label(number), _cells(table, row)) for number, row in enumerate(table.rows[head])
    ]
    if shown and tail.start > FIRST:
        shown.append(("…", ["…"] * len(shown[0][1])))
    shown += [(str(tail.start + number), _cells(table, row)) for number, row in enumerate(table.rows[tail])]
    if table.wrong is not None:
        shown.append((f"{table.wrong.number} ✗", _cells(table, table.wrong.row)))
    return shown


def _cells(table: RowReader, row: object) -> list[str | None]:
    values = row_values(row)
    columns = table.columns[:_MOST_COLUMNS]
    if not columns and not isinstance(row, dict):
        return [cell_text(values[VALUES])]
    return [cell_text(values.get(one.name)) for one in columns]


def raw_document(text: str) -> Document:
    """Return the original text of an answer, in the length that documents allow."""
    document: Document = {"text": text[:_LONGEST_RAW]}
    if len(text) > _LONGEST_RAW:
        document["hidden"] = len(text) - _LONGEST_RAW
    return document


def _in_cell(text: str, literal: Callable[[str], str]) -> str:
    return literal(" ".join(text.split())).replace("|", "&#124;")


def _plain(text: str | None) -> str:
    if text is None:
        return _MISSING
    text = visible(" ".join(text.split()))
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _line(number: str, cells: Sequence[str], first: int, widths: Sequence[int], table: RowReader) -> str:
    drawn = [
        text.rjust(width) if column.is_number else text.ljust(width)
        for text, width, column in zip(cells, widths, table.columns, strict=False)
    ]
    return f"{number.rjust(first)}  {'  '.join(drawn)}".rstrip()
