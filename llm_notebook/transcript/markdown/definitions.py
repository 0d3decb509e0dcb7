"""The lines that define links, `[1]: https://…`. Markdown hides them, but many models write their sources in this form."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock

__all__ = ["show_definitions"]


def show_definitions(parser: MarkdownIt) -> None:
    """Let a parser keep each definition as a paragraph, and the texts of notes (`[^1]: Appendix`) unchanged."""
    parser.block.ruler.at("reference", _rule)


def _rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Recognise a definition, as markdown-it calls a rule; it adds no token if `silent`."""
    from markdown_it.rules_block import reference  # with the parser, which loads when it is first used

    begin = state.bMarks[start_line] + state.tShift[start_line]
    if state.src.startswith("[^", begin) or not reference(state, start_line, end_line, silent):
        return False
    source = state.getLines(start_line, state.line, state.blkIndent, False).strip()
    state.push("paragraph_open", "p", 1).map = [start_line, state.line]
    content = state.push("inline", "", 0)
    # The label is plain text here, and not a link to the address that follows it.
    content.content = "\\" + source
    content.map = [start_line, state.line]
    content.children = []
    state.push("paragraph_close", "p", -1)
    return True
