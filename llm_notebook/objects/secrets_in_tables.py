"""Finds secrets in tables that are written as text: in columns that are named like secrets, and beside the names of secrets in a row.

There are two kinds of tables. The cells of one have signs between them, as in Markdown and in what polars and databases print. Those of the
other stand below each other, as pandas prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llm_notebook.objects.secret_names import is_telling_name
from llm_notebook.objects.secret_spans import Span, apart

__all__ = ["cells_in_tables"]

_SEPARATED = re.compile(r"[|│┆┃║]")
_CELL = re.compile(r"[^|│┆┃║\n]+")
_RULE = re.compile(r"[\s|│┆┃║+:=_\-─━═╞╡╪├┤┼┌┐└┘┬┴╭╮╰╯╔╗╚╝╠╣╬]*[-─━═]{2,}[\s|│┆┃║+:=_\-─━═╞╡╪├┤┼┌┐└┘┬┴╭╮╰╯╔╗╚╝╠╣╬]*")
_WORD = re.compile(r"\S+")
# A row of a series: its label, and its value at some distance.
_LABELLED = re.compile(r"(\S{1,100})(\s{2,200})(\S.{0,4000}?)\s{0,200}")
# What describes a column rather than being a value in it, and numbers that are as short as counts.
_NO_SECRET = re.compile(
    r"(?:object|str|string|text|category|bool|boolean|u?int\d*|float\d*|datetime64.*|Utf8|String|varchar.*|[-.\u2026]+"
    r"|nan|none|null|<NA>|NaT|true|false|yes|no|[-+]?[\d.,]{1,5}%?|)|.*\[removed\].*",
    re.IGNORECASE,
)
_NAME = re.compile(r"[`*\"']{0,3}([A-Za-z_][\w.-]{1,100})[`*\"']{0,3}:?")


def cells_in_tables(text: str, *, is_code: bool) -> list[Span]:
    """Return the cells of the tables in a text that are secrets, in order.

    Args:
        text: the text.
        is_code: a sign between two words may be an operator, so only lines that begin with one are tables.
    """
    lines, at = [], 0
    for line in text.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    found = {(start, end): name for start, end, name in _in_separated(lines, is_code=is_code)}
    if not is_code:
        found |= {(start, end): name for start, end, name in _in_aligned(lines) if (start, end) not in found}
    return apart((start, end, name) for (start, end), name in found.items())


def _secret(cell: str) -> str:
    """Return the name of a secret that is all of a cell; empty if there is none. Many columns are called just `key` or `token`."""
    named = _NAME.fullmatch(cell.strip())
    name = named[1].rpartition(".")[2] if named else ""
    return name if is_telling_name(name) else ""


def _in_separated(lines: Sequence[tuple[int, str]], *, is_code: bool) -> Iterator[Span]:
    header: list[str] = []
    for number, (start, line) in enumerate(lines):
        begins_with_sign = bool(_SEPARATED.match(line.lstrip()))
        if not _SEPARATED.search(line) or (is_code and not begins_with_sign):
            # A database prints its rule without these signs.
            header = header if _RULE.fullmatch(line) else []
            continue
        if _RULE.fullmatch(line):
            continue
        cells = [(start + cell.start(), cell[0]) for cell in _CELL.finditer(line)]
        if begins_with_sign and line[:1].isspace():
            cells = cells[1:]
        after = lines[number + 1][1] if number + 1 < len(lines) else ""
        if not header and _RULE.fullmatch(after):
            header = [text for _, text in cells]
            continue
        yield from _in_row(cells, header)


def _in_row(cells: Sequence[tuple[int, str]], header: Sequence[str]) -> Iterator[Span]:
    before = ""
    for number, (start, text) in enumerate(cells):
        name = before or (_secret(header[number]) if number < len(header) else "")
        value = text.strip()
        if name and not _NO_SECRET.fullmatch(value):
            begin = start + text.index(value)
            yield begin, begin + len(value), name
        # Only the first two cells of a row can be names of what follows: a number of the row may come before.
        before = before or (_secret(text) if number < 2 else "")


def _in_aligned(lines: Sequence[tuple[int, str]]) -> Iterator[Span]:
    columns: list[tuple[int, int, str]] = []
    for start, line in lines:
        if not line.strip() or _SEPARATED.search(line):
            columns = []
            continue
        inside = [*_below(line, columns)]
        yield from ((start + begin, start + end, name) for begin, end, name in inside if _counts(line[begin:end]))
        if inside:
            continue
        row = _LABELLED.fullmatch(line)
        label, gap, value = row.groups() if row else ("", "", "")
        if _secret(label) and _counts(value):
            begin = start + len(label) + len(gap)
            yield begin, begin + len(value), _secret(label)
        # A header begins with room for the labels of the rows.
        columns = (_columns(line) if line[0].isspace() else []) or columns


def _columns(header: str) -> list[tuple[int, int, str]]:
    """Return (where the column before ends, where it ends itself, its name) for each column that is named like a secret."""
    words = [*_WORD.finditer(header)]
    before = [0, *(word.end() for word in words)]
    return [(end, word.end(), name) for end, word in zip(before, words, strict=False) if (name := _secret(word[0]))]


def _below(line: str, columns: Sequence[tuple[int, int, str]]) -> Iterator[Span]:
    """Yield the cells of a line that end where a column ends."""
    for before, end, name in columns:
        if line[end - 1 : end].strip() and not line[end : end + 1].strip():
            # The labels of the rows stand before the first column.
            cell = line[before:end].rpartition("  ")[2].lstrip() if not before else line[before:end].lstrip()
            yield end - len(cell), end, name


def _counts(value: str) -> bool:
    return not _NO_SECRET.fullmatch(value.strip())
