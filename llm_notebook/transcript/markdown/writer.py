"""Writes the parser's block tokens as canonical Markdown, with one way to write each block and nothing active in any of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_notebook.transcript.markdown.escape import code_block_is_formula_like, escaped_code_block, fenced_code
from llm_notebook.transcript.markdown.inline import inline_markdown
from llm_notebook.transcript.markdown.math import canonical_math

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["write_markdown"]

_MAX_CONTAINERS = 10
"""Lists and quotes that are nested deeper are written at this depth, because other parsers stop at 20 and read what follows as HTML."""

_INFO = re.compile(r"[A-Za-z0-9_+#.-]+")
_DRAWN_NOT_SHOWN = re.compile(
    r".*mermaid.*|geojson|topojson|stl|math|vega.*|plantuml|flowchart|sequence", re.IGNORECASE
)
_MARKERS = {True: ("-", "+"), False: (".", ")")}
_BLANK_LINE_AROUND = frozenset({"table", "html", "formula"})
# Without a blank line, a paragraph right after one of these would be read as its continuation.
_SWALLOWS_NEXT_LINE = frozenset({"paragraph", "list", "quote"})


@dataclass(slots=True)
class _Container:
    """An open list, list item or quote, or the document, with the blocks that have been written into it so far.

    Attributes:
        kind: `document`, `list`, `item` or `quote`.
        ordered, number, delimiter: of a list, whether it is ordered, the number of its next item, and the character after it.
        tight: no blank lines are needed between the blocks.
        flat: nested too deeply: the blocks are written into the parent when the container closes.
        blocks: the kind and the lines of each block.
    """

    kind: str
    ordered: bool = False
    number: int = 1
    delimiter: str = "-"
    tight: bool = True
    flat: bool = False
    blocks: list[tuple[str, list[str]]] = field(default_factory=list)


def write_markdown(tokens: Sequence[Token]) -> str:
    """Return the canonical Markdown of a parsed document, without a newline at its end."""
    return _BlockWriter(tokens).write()


class _BlockWriter:
    """Writes a sequence of block tokens, with a stack of the containers that are open.

    Lines are collected without the indentation and markers of the containers around them. Each container adds its own to the lines of
    its blocks when it closes.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.open: list[_Container] = [_Container("document", tight=False)]

    def write(self) -> str:
        writers: dict[str, Callable[[Token], None]] = {
            "paragraph_open": self._paragraph,
            "heading_open": self._heading,
            "fence": self._code,
            "code_block": self._code,
            "hr": self._rule,
            "math_display": self._formula,
            "table_open": self._table,
            "bullet_list_open": self._open_list,
            "ordered_list_open": self._open_list,
            "list_item_open": self._open_item,
            "blockquote_open": self._open_quote,
            "bullet_list_close": self._close,
            "ordered_list_close": self._close,
            "list_item_close": self._close,
            "blockquote_close": self._close,
        }
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            self.position += 1
            writer = writers.get(token.type)
            if writer is not None:
                writer(token)
        return "\n".join(_joined(self.open[0]))

    def _add(self, kind: str, lines: list[str]) -> None:
        if lines:
            self.open[-1].blocks.append((kind, lines))

    def _next_inline(self) -> Sequence[Token]:
        # The parser puts the content of a block into one token right after the one that opens the block.
        token = self.tokens[self.position]
        return token.children or ()

    def _paragraph(self, token: Token) -> None:
        if not token.hidden and self.open[-1].kind == "item":
            self.open[-2].tight = False
        written = inline_markdown(self._next_inline())
        self._add("paragraph", written.split("\n") if written else [])

    def _heading(self, token: Token) -> None:
        written = inline_markdown(self._next_inline(), in_heading=True)
        # A parser would drop the characters `#` at the end of a heading.
        content = written.rstrip("#")
        if content != written:
            written = f"{content}\\{written[len(content) :]}"
        self._add("heading", [f"{'#' * int(token.tag[1:])} {written}".rstrip()])

    def _code(self, token: Token) -> None:
        match = _INFO.match(token.info.strip())
        info = match.group() if match else ""
        if _DRAWN_NOT_SHOWN.fullmatch(info):
            info = "text"
        if len(self.open) > 1 and code_block_is_formula_like(token.content):
            # A notebook's search for formulas could go beyond the end of the fence. A blank line stops it, except in a quote.
            if "<" in token.content or any(container.kind == "quote" for container in self.open):
                self._add("html", [escaped_code_block(token.content)])
                return
            for container in self.open:
                container.tight = False
        self._add("code", fenced_code(token.content, info))

    def _rule(self, _token: Token) -> None:
        self._add("rule", ["***"])

    def _formula(self, token: Token) -> None:
        written = canonical_math(token.content, display=True)
        closing = "\\]" if token.markup == "\\[" else token.markup
        if written is None:
            source = f"{token.markup}{token.content}{closing}{token.info}"
            if len(self.open) > 1:
                self._add("html", [escaped_code_block(source)])
            else:
                self._add("formula", fenced_code(source, "latex"))
            return
        self._add("formula", [written + token.info])

    def _table(self, _token: Token) -> None:
        rows: list[list[str]] = []
        alignments: list[str] = []
        while (token := self.tokens[self.position]).type != "table_close":
            self.position += 1
            if token.type == "tr_open":
                rows.append([])
            elif token.type in {"th_open", "td_open"}:
                if token.type == "th_open":
                    alignments.append(_ALIGNMENTS.get(str(token.attrs.get("style", "")), "---"))
                rows[-1].append(inline_markdown(self._next_inline(), in_table=True))
        lines = [f"| {' | '.join(cells)} |" for cells in rows]
        self._add("table", [lines[0], f"| {' | '.join(alignments)} |", *lines[1:]])

    def _open_list(self, token: Token) -> None:
        ordered = token.type == "ordered_list_open"
        previous = self.open[-1].blocks[-1] if self.open[-1].blocks else None
        # Two lists in a row with the same marker would be read as one list.
        choices = _MARKERS[not ordered]
        delimiter = choices[0]
        if previous and previous[0] == "list" and re.match(rf"\d*{re.escape(delimiter)}( |$)", previous[1][0]):
            delimiter = choices[1]
        start = int(str(token.attrs.get("start", 1))) if ordered else 1
        self.open.append(_Container("list", ordered=ordered, number=start, delimiter=delimiter, flat=self._too_deep()))

    def _open_item(self, _token: Token) -> None:
        self.open.append(_Container("item"))

    def _open_quote(self, _token: Token) -> None:
        self.open.append(_Container("quote", tight=False, flat=self._too_deep()))

    def _too_deep(self) -> bool:
        return sum(container.kind in {"list", "quote"} for container in self.open) >= _MAX_CONTAINERS

    def _close(self, _token: Token) -> None:
        closed = self.open.pop()
        parent = self.open[-1]
        if closed.flat:
            parent.blocks.extend(closed.blocks)
        elif closed.kind == "item":
            self._close_item(closed, parent)
        elif closed.kind == "quote":
            self._add(
                "quote", [f"> {line}".rstrip(" ") if not line else f"> {line}" for line in _joined(closed)] or [">"]
            )
        else:
            self._add("list", _joined(closed))

    def _close_item(self, item: _Container, parent: _Container) -> None:
        if parent.flat:
            parent.blocks.extend(item.blocks)
            return
        item.tight = parent.tight
        marker = f"{parent.number % 1_000_000_000}{parent.delimiter}" if parent.ordered else parent.delimiter
        parent.number += 1
        indent = " " * (len(marker) + 1)
        lines = _joined(item)
        first = f"{marker} {lines[0]}" if lines else marker
        parent.blocks.append(("item", [first, *(f"{indent}{line}" if line else "" for line in lines[1:])]))


_ALIGNMENTS = {"text-align:left": ":---", "text-align:center": ":---:", "text-align:right": "---:"}


def _joined(container: _Container) -> list[str]:
    lines: list[str] = []
    before = ""
    for kind, block in container.blocks:
        if lines and (not container.tight or _needs_blank_line(before, kind)):
            lines.append("")
        lines.extend(block)
        before = kind
    return lines


def _needs_blank_line(before: str, kind: str) -> bool:
    if before in _BLANK_LINE_AROUND or kind in _BLANK_LINE_AROUND:
        return True
    if kind == before and kind != "item":
        return True
    return before in _SWALLOWS_NEXT_LINE and kind == "paragraph"
