"""The HTML elements that models write where Markdown has no form: `<br>`, `<sub>` and `<sup>`, without attributes. Other HTML stays text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

__all__ = ["recognise_html"]

_BREAK = re.compile(r"<br[ \t]*/?>", re.IGNORECASE)
_PAIR = re.compile(r"<(sub|sup)>([^<>\n]{1,200})</\1>", re.IGNORECASE)


def recognise_html(parser: MarkdownIt) -> None:
    """Teach a parser these elements. The tokens are `line_break`, `sub_open`, `sub_close` and so on."""
    parser.inline.ruler.before("escape", "known_html", _rule)


def _rule(state: StateInline, silent: bool) -> bool:
    """Recognise an element, as markdown-it calls a rule; it adds no token if `silent`."""
    if state.src[state.pos] != "<":
        return False
    found = _BREAK.match(state.src, state.pos, state.posMax)
    if found:
        if not silent:
            state.push("line_break", "br", 0)
        state.pos = found.end()
        return True
    found = _PAIR.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        _push_pair(state, found.group(1).lower(), found.span(2))
    state.pos = found.end()
    return True


def _push_pair(state: StateInline, tag: str, inside: tuple[int, int]) -> None:
    state.push(f"{tag}_open", tag, 1)
    end = state.posMax
    state.pos, state.posMax = inside
    state.md.inline.tokenize(state)
    state.posMax = end
    state.push(f"{tag}_close", tag, -1)
