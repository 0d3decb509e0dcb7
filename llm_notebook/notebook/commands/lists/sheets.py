"""Lists as HTML, which our extension's style makes look like a transcript; without it they are plain tables.

Every text in them is escaped and has its hidden characters spelled out. They have no buttons and no links, so nothing in them can act.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm_notebook.transcript.visible import encodable, visible

__all__ = ["Column", "Part", "element", "sheet", "sheet_of", "shown"]


@dataclass(slots=True, frozen=True)
class Column:
    """A column of a list.

    Attributes:
        title: what stands above it; empty if the cells explain themselves to the eye.
        classes: the classes of its cells, which the style knows; see `labextension/style/transcript/sheet.css`.
        spoken: what a screen reader reads in place of an empty title.
    """

    title: str
    classes: str = ""
    spoken: str = ""

    @property
    def written(self) -> str:
        """The title where a column must have one."""
        return self.title or self.spoken


def shown(text: str) -> str:
    """Return a text as HTML that shows exactly that."""
    return html.escape(visible(encodable(text)))


def element(tag: str, content: str, classes: str = "", **attributes: str) -> str:
    """Return an element with HTML as its content."""
    given = {"class": classes, **attributes}
    written = "".join(f' {name.replace("_", "-")}="{html.escape(value)}"' for name, value in given.items() if value)
    return f"<{tag}{written}>{content}</{tag}>"


@dataclass(slots=True)
class Part:
    """Rows of a list under a title.

    Attributes:
        title: the title, as HTML; empty for none.
        rows: (the row's classes, its cells as HTML).
    """

    title: str
    rows: Sequence[tuple[str, Sequence[str]]]


def sheet(name: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], note: str) -> str:
    """Return a list. The first cell of each row names it.

    Args:
        name: what the list is, for screen readers.
        columns: the columns.
        rows: the cells, as HTML.
        note: a sentence below the list, with what can be typed in backticks.
    """
    return sheet_of(name, columns, [Part("", [("", row) for row in rows])], note)


def sheet_of(
    name: str, columns: Sequence[Column], parts: Sequence[Part], note: str, totals: Sequence[Sequence[str]] = ()
) -> str:
    """Return a list in parts, each with a title.

    Args:
        name: what the list is, for screen readers.
        columns: the columns.
        parts: the parts.
        note: sentences below the list, with what can be typed in backticks.
        totals: rows that sum it up, as HTML.
    """
    titles = [
        element(
            "th",
            html.escape(column.title) if column.title else element("span", html.escape(column.spoken), "llm-sr"),
            "llm-r" if "llm-r" in column.classes else "",
            role="columnheader",
            scope="col",
        )
        for column in columns
    ]
    head = element("thead", element("tr", "".join(titles), role="row"), role="rowgroup")
    bodies = [_body(columns, part) for part in parts]
    if totals:
        bodies.append(element("tfoot", "".join(_row(columns, row) for row in totals), role="rowgroup"))
    table = element("table", head + "".join(bodies), "llm-table llm-entries", role="table")
    shown_parts = [element("div", table, "llm-sheet"), element("p", _note(note), "llm-sheet-note")]
    return element("div", "\n".join(shown_parts), "llm-transcript", role="region", aria_label=name)


def _body(columns: Sequence[Column], part: Part) -> str:
    spanned = element("th", part.title, role="rowheader", scope="colgroup", colspan=str(len(columns)))
    title = element("tr", spanned, role="row") if part.title else ""
    rows = "".join(_row(columns, row, classes) for classes, row in part.rows)
    return element("tbody", title + rows, role="rowgroup")


def _row(columns: Sequence[Column], cells: Sequence[str], classes: str = "") -> str:
    first, *others = cells
    named = element("th", first, role="rowheader", scope="row")
    rest = [element("td", cell, column.classes, role="cell") for cell, column in zip(others, columns[1:], strict=True)]
    return element("tr", "".join([named, *rest]), classes, role="row")


def _note(text: str) -> str:
    return re.sub(r"`([^`]*)`", lambda found: element("span", found[1], "llm-code"), html.escape(text))
