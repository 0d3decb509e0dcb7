r"""Formulas in Markdown: finding `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, and telling which of them are harmless."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

__all__ = ["MAX_MATH", "canonical_math", "recognise_math"]

MAX_MATH = 4_000
"""The length of the longest formula in characters. A longer one is shown as its source."""

_BLOCK_CLOSERS = {"$$": "$$", "\\[": "\\]"}
_ESCAPED_OR_DOLLAR = re.compile(r"\\.|\$", re.DOTALL)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BLANKS = re.compile(r"\s+")

# Commands that link, load, name or style elements, insert raw characters, or define other commands.
_HARMFUL = frozenset(
    """
    href url html htmlClass htmlId htmlStyle htmlData class cssId style data require include includegraphics input unicode
    def gdef edef xdef let futurelet global newcommand renewcommand providecommand newenvironment renewenvironment
    csname endcsname begingroup endgroup bgroup egroup catcode expandafter char chardef mathchardef
    DeclareMathOperator DeclarePairedDelimiter DeclarePairedDelimiters DeclarePairedDelimiterX DeclarePairedDelimiterXPP
    Newextarrow NewDocumentCommand RenewDocumentCommand newtheorem
    bbox mmlToken toggle mathtip texttip tooltip action verb label ref eqref tag texthtml
    definecolor fcolorbox write read openin openout special loop repeat
    """.split()
)
# Families of such commands, by the beginning of their names.
_HARMFUL_PREFIX = re.compile(r"\\(?:html|mml|new|renew|provide|Declare|x?js)", re.IGNORECASE)
# What Markdown could read as HTML, a link or an image, and what is typeset in the same way.
_REPLACED = (("<", r"\lt "), (">", r"\gt "), ("](", "] ("), ("![", "! ["), ("][", "] ["))
_MAX_BRACES = 50
_MAX_LINES = 100


def recognise_math(parser: MarkdownIt) -> None:
    """Teach a parser the four ways to write a formula. The tokens are called `math_inline` and `math_display`."""
    parser.inline.ruler.before("escape", "math", _inline_rule)
    parser.block.ruler.before(
        "fence", "math_display", _block_rule, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def canonical_math(content: str, *, display: bool, in_table: bool = False) -> str | None:
    r"""Return a formula on one line, as `$…$` or, with `display`, as `$$…$$`; None if it must not be typeset.

    `<` and `>` become `\lt` and `\gt`. Nothing in the result can be read as Markdown, as HTML or as the end of the formula.
    """
    text = _BLANKS.sub(" ", content).strip()
    if not text or len(text) > MAX_MATH or not _harmless(text):
        return None
    for harmful, harmless in _REPLACED:
        text = text.replace(harmful, harmless)
    if in_table:
        text = text.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    text = _BLANKS.sub(" ", text).strip()
    fence = "$$" if display else "$"
    return f"{fence}{text}{fence}"


def _harmless(text: str) -> bool:
    # Backticks and tildes begin code, and a notebook marks the places of formulas that it has taken out with `@@`.
    if any(mark in text for mark in ("`", "~~~", "@@")) or text.endswith(("\\", "$")) or text.startswith("$"):
        return False
    # A bare dollar sign would end the formula early.
    if any(found.group() == "$" for found in _ESCAPED_OR_DOLLAR.finditer(text)):
        return False
    # `%` begins a comment, `\\(` and `\\[` look like the beginning of another formula, and `^^` writes characters by their codes.
    if re.search(r"(?<!\\)%", text) or "\\\\(" in text or "\\\\[" in text or "^^" in text:
        return False
    if _HARMFUL_PREFIX.search(text) or any(name in _HARMFUL for name in _COMMAND.findall(text)):
        return False
    return _braces_balance(text)


def _braces_balance(text: str) -> bool:
    depth = 0
    for found in _BRACE.finditer(text):
        if found.group() == "{":
            depth += 1
        elif found.group() == "}":
            depth -= 1
        if not 0 <= depth <= _MAX_BRACES:
            return False
    return depth == 0


def _inline_rule(state: StateInline, silent: bool) -> bool:
    """Recognise a formula within a paragraph: a rule as markdown-it calls it, which adds no token if `silent`."""
    source, start = state.src, state.pos
    if source.startswith("$$", start):
        opener, closer = "$$", "$$"
    elif source[start] == "$":
        opener, closer = "$", "$"
    elif source.startswith(("\\(", "\\["), start):
        opener = source[start : start + 2]
        closer = "\\)" if opener == "\\(" else "\\]"
    else:
        return False
    end = _closing(source, start + len(opener), closer)
    if end is None or (opener == "$" and not _reads_as_formula(source, start, end)):
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = source[start + len(opener) : end]
        token.markup = opener
    state.pos = end + len(closer)
    return True


def _closing(source: str, start: int, closer: str) -> int | None:
    """Return the position of the first `closer` after `start` that is not escaped by a backslash, or None."""
    limit = min(len(source), start + MAX_MATH)
    end = source.find(closer, start, limit)
    while end > start:
        before = end
        while before > start and source[before - 1] == "\\":
            before -= 1
        if (end - before) % 2 == 0:
            return end
        end = source.find(closer, end + 1, limit)
    return None


def _reads_as_formula(source: str, start: int, end: int) -> bool:
    """Tell `$x$` from prices: a formula has no space right inside the dollar signs and no digit or dollar sign after them."""
    after = source[end + 1 : end + 2]
    return not (source[start + 1].isspace() or source[end - 1].isspace() or after.isdigit() or after == "$")


def _block_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Recognise a displayed formula that begins a line and may have several lines; a rule as markdown-it calls it."""
    if state.is_code_block(start_line):
        return False
    begin = state.bMarks[start_line] + state.tShift[start_line]
    closer = _BLOCK_CLOSERS.get(state.src[begin : begin + 2])
    if closer is None or closer not in state.src[begin + 2 : begin + 2 + MAX_MATH]:
        return False
    lines: list[str] = []
    length = 0
    for line in range(start_line, min(end_line, start_line + _MAX_LINES)):
        if line > start_line and not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return False
        first = begin + 2 if line == start_line else min(state.bMarks[line] + state.tShift[line], state.eMarks[line])
        content = state.src[first : state.eMarks[line]]
        length += len(content) + 1
        if length > MAX_MATH:
            return False
        position = content.find(closer)
        if position >= 0:
            if content[position + 2 :].strip(" \t.,;"):
                return False
            lines.append(content[:position])
            if silent:
                return True
            token = state.push("math_display", "math", 0)
            token.content = "\n".join(lines)
            token.markup = state.src[begin : begin + 2]
            token.info = content[position + 2 :].strip()
            token.map = [start_line, line + 1]
            state.line = line + 1
            return True
        lines.append(content)
    return False
