"""Frames and series as text: what they are, their columns with types, missing values and ranges, and their first rows as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from llm_notebook.objects.bounded import left_out_note, size_of
from llm_notebook.objects.described import MOST_BYTES, Bounds, Described
from llm_notebook.objects.secret_names import is_secret_name
from llm_notebook.objects.secrets import Scrubber

__all__ = ["MOST_COUNTED", "Column", "Frame", "counted", "described_frame", "most_rows", "range_of"]

MOST_COUNTED = 1_000_000
"""Distinct values are counted only in columns of at most this many values."""

_MOST_ROWS = 50
_MOST_COLUMNS = 20
_MOST_LISTED_COLUMNS = 100
_LONGEST_CELL = 200
_LONGEST_NAME = 100
# Bytes that are kept free for the note of what was left out.
_NOTE = 160


@dataclass(slots=True, frozen=True)
class Column:
    """One column.

    Attributes:
        name: its name.
        dtype: the type of its values, as its library writes it.
        missing: how many values are missing; None if they were not counted.
        range: the least and the greatest value, or how many distinct ones there are; empty if nothing is known.
    """

    name: str
    dtype: str
    missing: int | None = None
    range: str = ""


@dataclass(slots=True, frozen=True)
class Frame:
    """The parts of a frame of any library that are described.

    Attributes:
        kind: the library and the class, such as `pandas DataFrame`.
        rows: how many rows there are; None if that is not known until they are computed.
        width: how many columns there are.
        columns: the first ones.
        header: the names above the rows: those of the labels, then those of the columns.
        head: the first rows, with their labels.
        is_series: it is one column, and not a frame.
    """

    kind: str
    rows: int | None
    width: int
    columns: Sequence[Column]
    header: Sequence[str]
    head: Iterable[Sequence[object]] = field(repr=False)
    is_series: bool = False

    @property
    def title(self) -> str:
        """What it is, with its shape."""
        if self.is_series:
            return f"{self.kind}, {counted(self.rows or 0, 'value')}"
        rows = "rows not computed yet" if self.rows is None else counted(self.rows, "row")
        return f"{self.kind}, {rows} \u00d7 {counted(self.width, 'column')}"


def most_rows(bounds: Bounds) -> int:
    """Return the largest number of rows that is shown: 50, or more if the user allows more room than usual."""
    return max(_MOST_ROWS, _MOST_ROWS * bounds.most_bytes // MOST_BYTES)


def counted(count: int, what: str) -> str:
    """Return a number with a noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def range_of(least: object, most: object) -> str:
    """Return a range as text; empty if there is none."""
    ends = [short_cell(end)[0] for end in (least, most)]
    return "" if {"nan", "NaT", "<NA>", "None"} & set(ends) else f"{ends[0]} to {ends[1]}"


def described_frame(frame: Frame, bounds: Bounds) -> Described:
    """Describe a frame to a model."""
    title = f"{bounds.name}: {frame.title}" if bounds.name else frame.title
    if bounds.scrubber is not None:
        frame = _without_secrets(frame, bounds.scrubber)
    lines = [title, "", *_column_lines(frame, bounds.most_bytes // 2 - size_of(title)), ""]
    room = bounds.most_bytes - sum(size_of(line) + 1 for line in lines) - _NOTE
    table, shown, cut = _table(frame, room, most_rows(bounds))
    left_out = []
    if frame.rows is None:
        left_out.append(f"all but the first {counted(shown, 'row')}")
    elif shown < frame.rows:
        left_out.append(f"{frame.rows - shown:,} of {counted(frame.rows, 'row')}")
    columns = min(_MOST_COLUMNS, len(frame.columns))
    if frame.width > columns:
        left_out.append(f"{frame.width - columns:,} of {counted(frame.width, 'column')}")
    if cut:
        left_out.append(f"the ends of {counted(cut, 'long value')}")
    note = left_out_note(tuple(left_out))
    text = "\n".join([*lines, *table, *(["", note] if note else [])])
    text, further = bounds.fitted(text)
    return Described(frame.title, text, left_out=(*left_out, *further), name=bounds.name)


def _without_secrets(frame: Frame, scrubber: Scrubber) -> Frame:
    """Return a frame without the values of columns whose names say that they are secret, and without secrets in its long values."""

    def scrubbed(name: str, value: object) -> object:
        text = str(value)
        # A short value is scrubbed with its row.
        return scrubber.scrub_named(name, text) if len(text) > _LONGEST_CELL or is_secret_name(name) else value

    columns = [replace(column, range="") if is_secret_name(column.name) else column for column in frame.columns]
    head = (
        tuple(scrubbed(name, value) for name, value in zip(frame.header, cells, strict=False)) for cells in frame.head
    )
    return replace(frame, columns=columns, head=head)


def _column_lines(frame: Frame, room: int) -> list[str]:
    """Return a line for each of the first columns, as many as there is room for."""
    lines: list[str] = []
    for column in frame.columns[:_MOST_LISTED_COLUMNS]:
        facts = [column.dtype]
        if column.missing is not None:
            facts.append(f"{column.missing:,} missing")
        if column.range:
            facts.append(column.range)
        name = column.name if len(column.name) <= _LONGEST_NAME else f"{column.name[:_LONGEST_NAME]}…"
        line = f"- {' '.join(name.split())}: {', '.join(facts)}"
        room -= size_of(line) + 1
        if room < 0:
            break
        lines.append(line)
    if len(lines) < frame.width:
        lines.append(f"- and {counted(frame.width - len(lines), 'more column')}")
    return lines


def _table(frame: Frame, room: int, most: int) -> tuple[list[str], int, int]:
    """Return (the lines of the table, how many rows are in it, how many of its cells are cut)."""
    labels = len(frame.header) - len(frame.columns)
    width = labels + _MOST_COLUMNS
    header = [short_cell(name)[0] for name in frame.header[:width]]
    lines = [_row(header), _row(["---"] * len(header))]
    room -= sum(size_of(line) + 1 for line in lines)
    shown = cut = 0
    for cells in frame.head:
        texts, are_cut = zip(*map(short_cell, cells[:width]), strict=True) if cells else ((), ())
        line = _row(texts)
        room -= size_of(line) + 1
        if room < 0 or shown == most:
            break
        lines.append(line)
        shown += 1
        cut += sum(are_cut)
    return lines, shown, cut


def short_cell(value: object) -> tuple[str, bool]:
    """Return (a value on one line, whether it was cut)."""
    text = str(value)
    is_long = len(text) > _LONGEST_CELL
    return " ".join(text[:_LONGEST_CELL].splitlines()) + "…" * is_long, is_long


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
