r"""Escaping: text and code as Markdown that every parser reads as exactly that text or code.

In a notebook, three programs look at the Markdown one after the other: the notebook's search for formulas, the Markdown parser, and the
typesetter, which looks for formulas once more in the rendered text. The escapes here hold against all three. Where Markdown has no such
escape, the text is put into an element without attributes, `<span>` or `<code>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = [
    "code_block_is_formula_like",
    "escaped_code_block",
    "escaped_line",
    "fenced_code",
    "fenced_text",
    "inline_code",
    "plain_text",
]

_SPECIAL = re.compile(
    r"""
      # What begins or ends a formula for the typesetter.
      (?P<tex>\\(?:[()\[\]]|(?:begin|end|ref|eqref)\s*(?:\{[^{}`\n]{0,60}\})?(?![A-Za-z])))
      # A backslash that would escape the next character.
    | (?P<backslash>\\(?![A-Za-z0-9]))
      # HTML, code and entities; and `@@`, with which a notebook marks the places of formulas that it has taken out.
    | (?P<entity>[<`]|&(?=\#?\w)|@(?=@))
    | (?P<dollar>\$)
    | (?P<star>\*)
    | (?P<underscore>_)
    | (?P<always>[~|])
      # Brackets that cannot be a link or a definition need no escape, and read better without one.
    | (?P<reference>\[[^\[\]`<$\\^][^\[\]`<$\\]{0,200}\](?![(\[:]|$))
    | (?P<bracket>[\[\]]|!(?=\[))
      # What makes some parsers turn a bare address into a link.
    | (?P<address>(?<=[A-Za-z]):(?=//)|(?<=[Ww][Ww][Ww])\.)
    """,
    re.VERBOSE,
)
_ENTITY = {"<": "&lt;", "`": "&#96;", "&": "&amp;", "@": "&#64;"}
_LINE_START = re.compile(r"[#>=|:*]|[-+](?![A-Za-z0-9])|\d{1,9}(?=[.)](?:\s|$))|~")
_FORMULA_LIKE = re.compile(r"\$|\\begin|\\end|\\\\[()\[\]]|@@\d", re.IGNORECASE)
_FORMULA_LIKE_INLINE = re.compile(r"\$\$|\\begin|\\end|\\\\[()\[\]]|@@\d|\\\||\]\(", re.IGNORECASE)
_RUN = re.compile(r"`+")
_MAX_INLINE_CODE = 20_000


def plain_text(
    text: str,
    *,
    line_start: bool,
    lone_dollar: bool = True,
    in_link: bool = False,
    in_table: bool = False,
    in_code: bool = False,
) -> str:
    """Return Markdown that shows `text` literally.

    Args:
        text: one line of text.
        line_start: the text begins a line, where the markers of lists, headings and tables have an effect.
        lone_dollar: there is no other dollar sign nearby. A typesetter would take the text between two for a formula.
        in_link: the text is the label of a link, in which brackets have to be escaped too.
        in_table: the text is in a table cell, where `|` is a separator.
        in_code: the text goes into a `<code>` element, in which nothing is typeset but Markdown still has an effect.
    """
    writer = _SpecialWriter(text, lone_dollar, in_link, in_table, in_code)
    escaped = _SPECIAL.sub(writer, text)
    return _guard_line_start(escaped) if line_start else escaped


def escaped_line(line: str) -> str:
    """Return Markdown that shows a whole line of text literally."""
    return plain_text(line, line_start=True, lone_dollar=line.count("$") < 2)


class _SpecialWriter:
    """Replaces the matches of `_SPECIAL`. There is a method for each of its groups, with the group's name after an underscore."""

    __slots__ = ("in_code", "in_link", "in_table", "lone_dollar", "text")

    def __init__(self, text: str, lone_dollar: bool, in_link: bool, in_table: bool, in_code: bool) -> None:
        self.text, self.lone_dollar = text, lone_dollar
        self.in_link, self.in_table, self.in_code = in_link, in_table, in_code

    def __call__(self, match: re.Match[str]) -> str:
        found = match.group()
        write: Callable[[re.Match[str], str], str] = getattr(self, f"_{match.lastgroup}")
        return write(match, found)

    def _tex(self, match: re.Match[str], found: str) -> str:
        if self.in_code:
            return "".join(f"&#{ord(character)};" if not character.isalnum() else character for character in found)
        return f"<code>{plain_text(found, line_start=False, in_code=True, in_table=self.in_table, in_link=self.in_link)}</code>"

    def _backslash(self, match: re.Match[str], found: str) -> str:
        return "&#92;"

    def _entity(self, match: re.Match[str], found: str) -> str:
        return _ENTITY[found]

    def _dollar(self, match: re.Match[str], found: str) -> str:
        return r"\$" if self.lone_dollar or self.in_code else r"<span>\$</span>"

    def _star(self, match: re.Match[str], found: str) -> str:
        return found if self._between_spaces(match) else rf"\{found}"

    def _underscore(self, match: re.Match[str], found: str) -> str:
        before, after = self._neighbours(match)
        return found if before.isalnum() and after.isalnum() else rf"\{found}"

    def _always(self, match: re.Match[str], found: str) -> str:
        if found == "|" and not self.in_table:
            return found
        return rf"\{found}"

    def _reference(self, match: re.Match[str], found: str) -> str:
        inner = _SPECIAL.sub(
            _SpecialWriter(found[1:-1], self.lone_dollar, self.in_link, self.in_table, self.in_code), found[1:-1]
        )
        return rf"\[{inner}\]" if self.in_link else f"[{inner}]"

    def _bracket(self, match: re.Match[str], found: str) -> str:
        return rf"\{found}"

    def _address(self, match: re.Match[str], found: str) -> str:
        return rf"\{found}"

    def _between_spaces(self, match: re.Match[str]) -> bool:
        before, after = self._neighbours(match)
        return before.isspace() and after.isspace()

    def _neighbours(self, match: re.Match[str]) -> tuple[str, str]:
        start, end = match.span()
        return (self.text[start - 1] if start else ""), self.text[end : end + 1]


def _guard_line_start(escaped: str) -> str:
    match = _LINE_START.match(escaped)
    if match is None:
        return escaped
    if match.group()[0].isdigit():
        return rf"{match.group()}\{escaped[match.end() :]}"
    return rf"\{escaped}"


def inline_code(content: str, *, in_table: bool, in_link: bool, after_formula: bool) -> str:
    """Return a code span that shows `content`, which is one line.

    The span is written as a `<code>` element where backticks are not safe: after a formula, of which a notebook would take the
    backtick for a part; around content that looks like a formula; and in the label of a link, around content with brackets.
    """
    if after_formula or (
        _FORMULA_LIKE_INLINE.search(content)
        or len(content) > _MAX_INLINE_CODE
        or (in_link and re.search(r"[\[\]$]", content))
    ):
        escaped = plain_text(content, line_start=False, in_code=True, in_table=in_table, in_link=in_link)
        return f"<code>{escaped}</code>"
    fence = "`" * _unused_run(content, 1)
    pad = " " if content.startswith("`") or content.endswith("`") or _would_be_stripped(content) else ""
    if in_table:
        content = content.replace("|", r"\|")
    return f"{fence}{pad}{content}{pad}{fence}"


def fenced_code(content: str, info: str) -> list[str]:
    """Return the lines of a fenced block that holds `content` unchanged."""
    fence = "`" * max(3, max((len(run) for run in _RUN.findall(content)), default=0) + 1)
    return [f"{fence}{info}", *_code_lines(content), fence]


def fenced_text(content: str, info: str) -> str:
    """Return the same as one text."""
    return "\n".join(fenced_code(content, info))


def code_block_is_formula_like(content: str) -> bool:
    """Return whether a notebook's search for formulas could take something in `content` for the beginning or end of one."""
    return _FORMULA_LIKE.search(content) is not None


def escaped_code_block(content: str) -> str:
    """Return a code block as one line of HTML in which no character can act as anything, for places where a fence is not safe."""
    escaped = "".join(
        character if character.isalnum() or character == " " else f"&#{ord(character)};" for character in content
    )
    return f"<pre><code>{escaped}</code></pre>"


def _code_lines(content: str) -> list[str]:
    return content.removesuffix("\n").split("\n") if content else []


def _would_be_stripped(content: str) -> bool:
    return content.startswith(" ") and content.endswith(" ") and bool(content.strip())


def _unused_run(content: str, shortest: int) -> int:
    used = {len(run) for run in _RUN.findall(content)}
    while shortest in used:
        shortest += 1
    return shortest
