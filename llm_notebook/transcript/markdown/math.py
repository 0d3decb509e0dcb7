r"""Formulas in Markdown: finds `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\begin{align}…`, and decides which of them are harmless.

`labextension/src/transcript/answer/formulas/rules.ts` finds the same ones on the page, and `tests/transcript/formulas.json` holds both to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

__all__ = ["MAX_MATH", "canonical_math", "recognise_math", "with_bars", "without_bars"]

MAX_MATH = 4_000
"""The length of the longest formula in characters. A longer one is shown as its source."""

_CLOSERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
_ENVIRONMENT = re.compile(
    r"\\begin(\{(?:align(?:ed|at|edat)?|array|[bBpvV]?matrix|smallmatrix|[dr]?cases|CD|eqnarray|equation|flalign|gather(?:ed)?"
    r"|multline|split|subarray)\*?\})"
)
_ESCAPED_OR_DOLLAR = re.compile(r"\\.|\$", re.DOTALL)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
_FORMULA_IN_WORDS = re.compile(
    r"(\\(?:text[a-z]{0,6}|mbox)\s*)\{([^{}$\\]{0,200})\$([^{}$]{1,200})\$([^{}$\\]{0,200})\}"
)
_ROW_DISTANCE = re.compile(r"\\\\\[\s*-?[\d.]+\s*[a-z]{2}\s*\]")
_LENGTH = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(em|ex|pt|px|mu|mm|cm|in|pc|bp|sp|dd|cc)(?![A-Za-z])")
# The largest length in each unit: about a page in height. Notebooks do not limit what a formula reserves or draws.
_LARGEST = {"em": 20, "ex": 40, "pt": 250, "px": 300, "mu": 400, "mm": 90, "cm": 9, "in": 3.5, "pc": 20, "bp": 250}
_BAR = "\ufdd1"
"""Replaces `|` in a formula in a table, where it would end the cell. This is not a character, so no text contains it."""
_ROW = re.compile(r"^.*\|.*$", re.MULTILINE)
# An escaped sign begins no formula, and each part ends where another one would begin, so that no text is searched twice.
_FORMULA_IN_ROW = re.compile(r"\\[^(]|(\$(?![\s$])(?:[^$\\]|\\.)+?\$(?!\d)|\\\((?:[^\\]|\\[^()])+?\\\))")

# Commands that link, load, name or style elements, insert raw characters, or define other commands.
_HARMFUL = frozenset(
    """
    href url html htmlClass htmlId htmlStyle htmlData class cssId style data require include includegraphics input unicode
    def gdef edef xdef let futurelet global newcommand renewcommand providecommand newenvironment renewenvironment
    csname endcsname begingroup endgroup bgroup egroup catcode expandafter char chardef mathchardef
    DeclareMathOperator DeclarePairedDelimiter DeclarePairedDelimiters DeclarePairedDelimiterX DeclarePairedDelimiterXPP
    Newextarrow NewDocumentCommand RenewDocumentCommand newtheorem
    bbox mmlToken toggle mathtip texttip tooltip action verb ref eqref texthtml
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
    text = _BLANKS.sub(" ", _LABEL.sub("", content)).strip()
    text = _FORMULA_IN_WORDS.sub(r"{\1{\2}\3\1{\4}}", text)
    # The end of a row and a bracket after it look like the beginning of another formula.
    text = _ROW_DISTANCE.sub(r"\\\\ ", text).replace("\\\\(", "\\\\ (").replace("\\\\[", "\\\\{}[")
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
    # `%` begins a comment, and `^^` writes characters by their codes.
    if re.search(r"(?<!\\)%", text) or "^^" in text:
        return False
    if _HARMFUL_PREFIX.search(text) or any(name in _HARMFUL for name in _COMMAND.findall(text)):
        return False
    if any(float(size) > _LARGEST.get(unit, 0) for size, unit in _LENGTH.findall(text)):
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


def with_bars(text: str) -> str:
    """Return `text` with another character for each bar of a formula in what may be a row of a table."""
    if not ("$" in text or "\\(" in text):
        return text
    return _ROW.sub(lambda row: _FORMULA_IN_ROW.sub(_with_bars, row.group()), text)


def _with_bars(found: re.Match[str]) -> str:
    return found.group().replace("|", _BAR) if found.group(1) else found.group()


def without_bars(text: str) -> str:
    """Return `text` with the bars that `with_bars()` has replaced."""
    return text.replace(_BAR, "|")


def _delimiters(source: str, start: int) -> tuple[str, str] | None:
    """Return what the formula that may begin at `start` begins and ends with."""
    found = _ENVIRONMENT.match(source, start)
    if found:
        return found.group(), f"\\end{found.group(1)}"
    for opener in ("$$", "\\[", "\\(", "$"):
        if source.startswith(opener, start):
            return opener, _CLOSERS[opener]
    return None


def _inline_rule(state: StateInline, silent: bool) -> bool:
    """Recognise a formula within a paragraph: a rule as markdown-it calls it, which adds no token if `silent`."""
    source, start = state.src, state.pos
    delimiters = _delimiters(source, start)
    if delimiters is None:
        return False
    opener, closer = delimiters
    end = _closing(source, start + len(opener), closer)
    if end is None or (opener == "$" and not _reads_as_formula(source[start + 1 : end], source[end + 1 : end + 2])):
        return False
    if not silent:
        is_whole = opener.startswith("\\begin")
        token = state.push("math_inline", "math", 0)
        token.content = source[start : end + len(closer)] if is_whole else source[start + len(opener) : end]
        token.markup = "" if is_whole else opener
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


def _reads_as_formula(text: str, after: str) -> bool:
    """Return whether the text between two dollar signs is a formula, and not prices or names of variables.

    A formula has no blank right inside the dollar signs and no digit or dollar sign after them; it does not begin with
    punctuation; a word right after it (`$n$th`) follows no word inside it (`$HOME/$USER`); and `$5 for it, or 3$` is prose.
    """
    if not text or text[0].isspace() or text[-1].isspace() or after.isdigit() or after == "$":
        return False
    if re.match(r"[,;:!?)]|\.(?!\d)", text):
        return False
    if re.match(r"[A-Za-z]", after) and re.match(r"[A-Za-z_]\w", text):
        return False
    is_prose = re.match(r"\d[^\\^_={}]*$", text) and re.search(
        r"\b[A-Za-z]{2,}\b.*?[^A-Za-z\d][A-Za-z]{2,}\b", text, re.DOTALL
    )
    return not is_prose


def _block_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Recognise a displayed formula that begins a line and may have several lines; a rule as markdown-it calls it."""
    if state.is_code_block(start_line):
        return False
    begin = state.bMarks[start_line] + state.tShift[start_line]
    opener, closer = _delimiters(state.src, begin) or ("$", "$")
    if opener in ("$", "\\(") or closer not in state.src[begin + len(opener) : begin + MAX_MATH]:
        return False
    lines = _lines_of_block(state, start_line, end_line, begin)
    if lines is None:
        return False
    text = "\n".join(lines)
    end = _closing(text, len(opener), closer)
    if end is None:
        return False
    after = text[end + len(closer) :].partition("\n")[0]
    if after.strip(" \t.,;"):
        return False
    if not silent:
        is_whole = opener.startswith("\\begin")
        token = state.push("math_display", "math", 0)
        token.content = text[: end + len(closer)] if is_whole else text[len(opener) : end]
        token.markup = "" if is_whole else opener
        token.info = after.strip()
        last = start_line + text[:end].count("\n")
        token.map = [start_line, last + 1]
        state.line = last + 1
    return True


def _lines_of_block(state: StateBlock, start_line: int, end_line: int, begin: int) -> list[str] | None:
    """Return the lines from a formula's beginning on, without the indentation of what it is in, as far as it could go."""
    lines: list[str] = []
    length = 0
    for line in range(start_line, min(end_line, start_line + _MAX_LINES)):
        if line > start_line and not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            break
        first = begin if line == start_line else min(state.bMarks[line] + state.tShift[line], state.eMarks[line])
        lines.append(state.src[first : state.eMarks[line]])
        length += len(lines[-1]) + 1
        if length > MAX_MATH:
            break
    return lines or None
