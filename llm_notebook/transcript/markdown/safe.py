"""Sanitises a model's Markdown, so that a trusted notebook output may contain it: nothing in it runs, loads or hides.

How it works. Jupyter trusts the outputs of cells that the user has run, so it would render HTML, load images and typeset any formula in
a model's answer. Removing dangerous pieces from the text does not help, because renderers disagree about odd Markdown: what one parser
takes for code, another may take for a link. So nothing is removed from the text. It is parsed once, and the tree is written again as
new Markdown, in a small form with one way to write each thing, on whose meaning all renderers agree:

1. `math` teaches the parser (markdown-it) to recognise formulas, because notebooks look for formulas before they look for Markdown; `html`
   teaches it a few meaningful elements, and `definitions` keeps what Markdown hides.
2. `writer` walks the blocks of the tree and `inline` the content of each paragraph. There is a case for each kind of token that is known
   to be harmless; anything else is written as text or left out.
3. `escape` writes text and code so that no character of them acts as Markdown, HTML or a formula; `links` decides which addresses
   may be links.

So the safety of the result does not depend on how the model's text was read, but only on what the writers can write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token

from llm_notebook.transcript.markdown.definitions import show_definitions
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.html import recognise_html
from llm_notebook.transcript.markdown.math import recognise_math, with_bars, without_bars
from llm_notebook.transcript.markdown.writer import write_markdown

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore

__all__ = ["safe_markdown"]

# Characters that some programs take for the end of a line, and characters that cannot be shown. Markdown needs none of them.
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MAX_NESTING = 60
# The parser's time grows faster than the number of these. No paragraph that is meant for people has nearly as many.
_MAX_OPENERS_IN_A_PARAGRAPH = 3_000
_OPENER = re.compile(r"[\[\]<]|`+")
# A row may leave out cells, so that a short line can ask for as many as the table has columns.
_MAX_COLUMNS = 40
_RULE = re.compile(r"[\s|:-]+")


def safe_markdown(text: str) -> str:
    """Return `text`, Markdown from a model, as canonical Markdown without anything active.

    HTML is shown as text, except for line breaks, subscripts and superscripts. Links go to `http:`, `https:` and `mailto:` only, and the host
    is written after a label that names another one. Images become links, and diagrams and formulas that do more than typeset become code. The
    function accepts any
    string, and so any prefix of an answer that is still arriving: a text that is nested too deeply becomes one fenced block, and
    a paragraph with too many brackets and backticks becomes plain text, and a table with too many columns becomes code.
    """
    text = _CONTROLS.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    try:
        parsed = with_bars(text) if "|" in text else text
        tokens = _parser().parse(parsed)
        if parsed != text:
            _restore_bars(tokens)
        if any(token.level >= _MAX_NESTING - 1 for token in tokens):
            return _as_code(text)
        return write_markdown(tokens)
    except (RecursionError, ValueError, IndexError, KeyError):
        return _as_code(text)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    recognise_math(parser)
    parser.block.ruler.before("table", "wide", _refuse_wide_table, {"alt": ["paragraph", "reference"]})
    recognise_html(parser)
    show_definitions(parser)
    parser.core.ruler.before("inline", "tangled", _keep_tangled_text)
    # The parser must neither refuse nor change addresses, because `links` decides about them.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


def _keep_tangled_text(state: StateCore) -> None:
    """Turn the text of paragraphs that would take the parser too long into plain text, before it looks into them."""
    for token in state.tokens:
        if token.type == "inline" and len(_OPENER.findall(token.content)) > _MAX_OPENERS_IN_A_PARAGRAPH:
            token.type = "tangled"
            token.children = []
            for line in token.content.split("\n"):
                token.children += [Token("text", "", 0, content=line), Token("softbreak", "br", 0)]


def _refuse_wide_table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Read the head of a table with too many columns as code: a rule as markdown-it calls it."""
    if start_line + 1 >= end_line or state.is_code_block(start_line):
        return False
    rule = state.src[state.bMarks[start_line + 1] : state.eMarks[start_line + 1]]
    if rule.count("|") <= _MAX_COLUMNS + 1 or not _RULE.fullmatch(rule):
        return False
    if not silent:
        token = state.push("fence", "code", 0)
        token.map = [start_line, start_line + 2]
        token.content = state.getLines(start_line, start_line + 2, state.blkIndent, True)
        state.line = start_line + 2
    return True


def _restore_bars(tokens: Sequence[Token]) -> None:
    """Restore the bars that `with_bars()` has replaced, so that the parser did not read them as the ends of cells."""
    waiting = list(tokens)
    while waiting:
        token = waiting.pop()
        token.content = without_bars(token.content)
        token.info = without_bars(token.info)
        token.attrs = {name: without_bars(str(value)) for name, value in token.attrs.items()}
        waiting.extend(token.children or ())


def _as_code(text: str) -> str:
    return fenced_text(text, "text")
