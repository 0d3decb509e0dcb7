"""A model's Markdown → Markdown that a trusted notebook output may hold: nothing runs, loads or clicks by itself.

The text is parsed, and its tree is written anew in a small canonical Markdown. Renderers differ in how they read odd
Markdown; they agree on this one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.token import Token

from llm_notebook.transcript.markdown.escape import fenced_code
from llm_notebook.transcript.markdown.math import recognise_math
from llm_notebook.transcript.markdown.writer import write_markdown

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore

__all__ = ["safe_markdown"]

# What some program takes for the end of a line, or nobody can show: none of it belongs in Markdown.
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_MAX_NESTING = 60
# The parser's work on these grows faster than their number; no paragraph that is meant to be read comes near.
_MAX_OPENERS_IN_A_PARAGRAPH = 3_000
_OPENER = re.compile(r"[\[\]<]|`+")


def safe_markdown(text: str) -> str:
    """Return `text`, Markdown from a model, as canonical Markdown without anything active.

    HTML is shown as text; links go to `http:`, `https:` and `mailto:` only, and say so when their label names another host;
    images become links; diagrams become code; formulas that do more than typeset become code. Works on any prefix of a
    text and on any string at all: a text too deep to parse comes back as one fenced block, a paragraph too tangled as plain text.
    """
    text = _CONTROLS.sub("\ufffd", _LINE_ENDS.sub("\n", text))
    try:
        tokens = _parser().parse(text)
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
    parser.core.ruler.before("inline", "tangled", _keep_tangled_text)
    # Every address reaches the writer as it was written: deciding about it is the writer's job alone.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    return parser


def _keep_tangled_text(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and len(_OPENER.findall(token.content)) > _MAX_OPENERS_IN_A_PARAGRAPH:
            token.type = "tangled"
            token.children = []
            for line in token.content.split("\n"):
                token.children += [Token("text", "", 0, content=line), Token("softbreak", "br", 0)]


def _as_code(text: str) -> str:
    return "\n".join(fenced_code(text, "text"))
