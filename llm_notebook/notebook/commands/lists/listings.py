"""Lists in groups, such as that of `%llm models`: as HTML, as Markdown and as text, all from the same cells.

In HTML they have the look of a transcript where our extension's style is; see `sheets`. Every cell is shown literally.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.commands.lists.sheets import Column, Part, element, sheet_of, shown
from llm_notebook.notebook.commands.lists.tables import code, literal_cell, markdown_table
from llm_notebook.notebook.display.columns import columns, padded
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.transcript.visible import visible

__all__ = ["Bar", "Cell", "Group", "Line", "show_listing"]

_BAR_WIDTH = 12  # characters
_FULL, _EMPTY = "█", "░"


@dataclass(slots=True, frozen=True)
class Bar:
    """A small bar beside its number.

    Attributes:
        share: its length, from 0 to 1.
    """

    share: float


Cell = str | Bar


@dataclass(slots=True)
class Line:
    """A line of a list. Its first cell is a name that can be typed, unless `is_plain`.

    Attributes:
        cells: one for each column.
        aside: what is said behind the name, in a few words.
        below: what stands below the second cell, in small letters.
        depth: how deep the line stands in a tree.
        is_past: it has been replaced by another.
        is_plain: the first cell is no code.
    """

    cells: Sequence[Cell]
    aside: str = ""
    below: str = ""
    depth: int = 0
    is_past: bool = False
    is_plain: bool = False


@dataclass(slots=True)
class Group:
    """Lines under a title.

    Attributes:
        title: the title; empty for none.
        lines: the lines.
        aside: what stands behind the title: a line that can be typed.
    """

    title: str
    lines: list[Line] = field(default_factory=list)
    aside: str = ""


def show_listing(
    shell: InteractiveShell,
    name: str,
    header: Sequence[Column],
    groups: Sequence[Group],
    note: str,
    total: Line | None = None,
) -> None:
    """Show a list.

    Args:
        shell: the shell to show it in.
        name: what the list is, for screen readers.
        header: the columns.
        groups: its groups; those without lines are left out.
        note: sentences below it, with what can be typed in backticks.
        total: a last line that sums up.
    """
    groups = [group for group in groups if group.lines]
    parts = [Part(_title_html(group), [_html(line) for line in group.lines]) for group in groups]
    shown_total = [_html(total)[1] for total in ([total] if total else [])]
    in_html = sheet_of(name, header, parts, note, shown_total)
    markdown = [_markdown(group, header) for group in groups]
    if total is not None:
        markdown.append(_markdown(Group("", [total]), header))
    plain = _plain([*groups, *([Group("", [total])] if total else [])], header)
    show_markdown(
        shell,
        "\n\n".join([*markdown, note]),
        f"{plain}\n\n{note.replace('`', '')}",
        html=in_html,
    )


def _title_html(group: Group) -> str:
    aside = f" {element('span', element('code', shown(group.aside)), 'llm-quiet')}" if group.aside else ""
    return shown(group.title) + aside if group.title else ""


def _html(line: Line) -> tuple[str, list[str]]:
    """Return (the classes of a line, its cells)."""
    cells = []
    for at, cell in enumerate(line.cells):
        if isinstance(cell, Bar):
            inner = element("i", "", style=f"width:{round(100 * cell.share)}%")
            cells.append(element("span", inner, "llm-bar", aria_hidden="true"))
            continue
        text = shown(cell)
        if at == 0:
            text = text if line.is_plain else element("span", text, "llm-code")
            text += f" {element('span', shown(line.aside), 'llm-quiet')}" if line.aside else ""
        if at == 1:
            rail = element("span", "", "llm-branch", style=f"width:{16 * line.depth}px", aria_hidden="true")
            said = element("span", f"reply, depth {line.depth}: ", "llm-sr") if line.depth else ""
            text = (rail + said if line.depth else "") + text
            text += element("span", " (replaced)", "llm-sr") if line.is_past else ""
            text += element("small", shown(line.below), style=f"padding-left:{16 * line.depth}px") if line.below else ""
        cells.append(text)
    return ("llm-past" if line.is_past else ""), cells


def _markdown(group: Group, header: Sequence[Column]) -> str:
    titles = [column.written for column in header]
    rows = []
    for line in group.lines:
        first, *others = (_bar(cell) if isinstance(cell, Bar) else cell for cell in line.cells)
        name = literal_cell(first) if line.is_plain else code(first, in_table=True)
        name += f" ({literal_cell(line.aside)})" if line.aside else ""
        cells = [literal_cell(cell) for cell in others]
        if cells and line.depth:
            cells[0] = f"{'↳ ' * line.depth}{cells[0]}"
        if cells and line.is_past:
            cells[0] = f"~~{cells[0]}~~"
        if cells and line.below:
            cells[0] += f"<br>{literal_cell(line.below)}"
        rows.append([name, *cells])
    table = markdown_table(titles, rows)
    aside = f" {code(group.aside)}" if group.aside else ""
    return f"**{html.escape(visible(group.title))}**{aside}\n\n{table}" if group.title else table


def _plain(groups: Sequence[Group], header: Sequence[Column]) -> str:
    rows: list[list[str] | str] = [[column.title for column in header]]
    for group in groups:
        if group.title:
            rows.append(f"\n{group.title}" + (f"  {group.aside}" if group.aside else ""))
        rows += [_plain_cells(line) for line in group.lines]
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    align: list[Callable[[str, int], str]] = [_right if "llm-r" in column.classes else padded for column in header]
    below = iter(line.below for line in itertools.chain.from_iterable(group.lines for group in groups))
    lines = []
    for at, row in enumerate(rows):
        if isinstance(row, str):
            lines.append(row)
            continue
        lines.append("  ".join(put(cell, width) for put, cell, width in zip(align, row, widths, strict=True)).rstrip())
        said = next(below) if at else ""
        lines += [f"{' ' * (widths[0] + 4)}{visible(said)}"] if said else []
    return "\n".join(lines)


def _plain_cells(line: Line) -> list[str]:
    first, *others = (_bar(cell) if isinstance(cell, Bar) else visible(cell).replace("\n", " ") for cell in line.cells)
    name = f"{first}  {line.aside}" if line.aside else first
    if others:
        others[0] = "↳ " * line.depth + others[0] + (" (replaced)" if line.is_past else "")
    return [name, *others]


def _bar(bar: Bar) -> str:
    full = round(_BAR_WIDTH * bar.share)
    # What is more than nothing can be seen.
    full = max(full, 1) if bar.share > 0 else 0
    return _FULL * full + _EMPTY * (_BAR_WIDTH - full)


def _right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text
