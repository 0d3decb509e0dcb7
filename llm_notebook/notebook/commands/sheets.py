"""Lists as HTML, which our extension's style makes look like a transcript; without it they are plain tables.

Every text in them is escaped and has its hidden characters spelled out. They have no buttons and no links, so nothing in them can act.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm_notebook.transcript.visible import encodable, visible

__all__ = ["Column", "element", "sheet", "shown"]


@dataclass(slots=True, frozen=True)
class Column:
    """A column of a list.

    Attributes:
        title: what stands above it.
        classes: the classes of its cells, which the style knows; see `labextension/style/sheet.css`.
    """

    title: str
    classes: str = ""


def shown(text: str) -> str:
    """Return a text as HTML that shows exactly that."""
    return html.escape(visible(encodable(text)))


def element(tag: str, content: str, classes: str = "", **attributes: str) -> str:
    """Return an element with HTML as its content."""
    given = {"class": classes, **attributes}
    written = "".join(f' {name.replace("_", "-")}="{html.escape(value)}"' for name, value in given.items() if value)
    return f"<{tag}{written}>{content}</{tag}>"


def sheet(name: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], note: str) -> str:
    """Return a list. The first cell of each row names it.

    Args:
        name: what the list is, for screen readers.
        columns: the columns.
        rows: the cells, as HTML.
        note: a sentence below the list, with what can be typed in backticks.
    """
    titles = [
        element(
            "th",
            html.escape(column.title),
            "llm-r" if "llm-r" in column.classes else "",
            role="columnheader",
            scope="col",
        )
        for column in columns
    ]
    head = element("thead", element("tr", "".join(titles), role="row"), role="rowgroup")
    body = element("tbody", "".join(_row(columns, row) for row in rows), role="rowgroup")
    table = element("table", head + body, "llm-table llm-entries", role="table")
    parts = [element("div", table, "llm-sheet"), element("p", _note(note), "llm-sheet-note")]
    return element("div", "\n".join(parts), "llm-transcript", role="region", aria_label=name)


def _row(columns: Sequence[Column], cells: Sequence[str]) -> str:
    first, *others = cells
    named = element("th", first, role="rowheader", scope="row")
    rest = [element("td", cell, column.classes, role="cell") for cell, column in zip(others, columns[1:], strict=True)]
    return element("tr", "".join([named, *rest]), role="row")


def _note(text: str) -> str:
    return re.sub(r"`([^`]*)`", lambda found: element("span", found[1], "llm-code"), html.escape(text))
