"""Writes the parser's inline tokens as lines of canonical Markdown without anything active."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_notebook.transcript.markdown.escape import inline_code, plain_text
from llm_notebook.transcript.markdown.links import disguised_host, safe_url
from llm_notebook.transcript.markdown.math import canonical_math

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["inline_markdown"]

_BARE_URL = re.compile(r"(?<![\w@.])(?:https?://|www\.)[^\s<>\"'`|\\$*{}\[\]]{3,2000}", re.IGNORECASE)
_URL_TAIL = ".,;:!?_~"


def inline_markdown(tokens: Sequence[Token], *, in_table: bool = False, in_heading: bool = False) -> str:
    """Return the canonical Markdown of the children of one `inline` token.

    In a table cell or a heading the result is one line. Elsewhere, soft and hard line breaks are kept.
    """
    return _InlineWriter(tokens, in_table=in_table, one_line=in_table or in_heading).write()


class _InlineWriter:
    """Writes one sequence of inline tokens.

    How a link is written depends on its label, so the start of an open link is remembered until the label is complete.
    """

    def __init__(self, tokens: Sequence[Token], *, in_table: bool, one_line: bool) -> None:
        self.tokens = tokens
        self.in_table = in_table
        self.one_line = one_line
        self.pieces: list[str] = []
        self.markers: list[str] = []
        self.line_start = not in_table
        # Of the open link, the index of its first piece and its address; and the text of its label so far.
        self.link: tuple[int, str] | None = None
        self.label: list[str] = []
        # A single dollar sign cannot be mistaken for a formula, so it needs a weaker escape.
        dollars = sum(token.content.count("$") for token in tokens if token.type in {"text", "image"})
        formulas = any(token.type in {"math_inline", "math_display"} for token in tokens)
        self.lone_dollar = dollars < 2 and not formulas

    def write(self) -> str:
        for token in self.tokens:
            self._write_token(token)
        return "".join(self.pieces).rstrip(" \t\n")

    def _write_token(self, token: Token) -> None:
        match token.type:
            case "text" | "text_special" | "html_inline":
                self._text(token.content)
            case "code_inline":
                self._code(token.content)
            case "math_inline" | "math_display":
                self._formula(token)
            case "softbreak" | "hardbreak" | "line_break":
                self._line_break(token.type)
            case "sub_open" | "sup_open" | "sub_close" | "sup_close":
                self._add(f"<{token.tag}>" if token.nesting > 0 else f"</{token.tag}>")
            case "em_open" | "strong_open" | "s_open":
                self._open_marker(token.type)
            case "em_close" | "strong_close" | "s_close":
                self._add(self.markers.pop())
            case "link_open":
                self._open_link(str(token.attrs.get("href", "")))
            case "link_close":
                self._close_link()
            case "image":
                self._image(token)
            case _:
                self._text(token.content)

    def _add(self, piece: str) -> None:
        if piece:
            self.pieces.append(piece)
            self.line_start = False

    def _last_character(self) -> str:
        return self.pieces[-1][-1:] if self.pieces else ""

    def _line_break(self, kind: str) -> None:
        if kind == "line_break" and self.in_table:
            self._break("<br>")
        else:
            self._break(" " if self.one_line else "\n" if kind == "softbreak" else "\\\n")

    def _break(self, written: str) -> None:
        if self.pieces and not self.line_start:
            self.pieces[-1] = self.pieces[-1].rstrip(" \t") or self.pieces[-1][:0]
            self.pieces.append(written)
            self.line_start = written.endswith("\n")

    def _text(self, text: str) -> None:
        self.label.append(text)
        text = " ".join(_lines_without_margins(text))
        if self.line_start:
            text = text.lstrip(" \t")
        position = 0
        if self.link is None:
            for match in _BARE_URL.finditer(text):
                shown = _without_tail(match.group())
                url = safe_url(shown if shown[:4].lower() == "http" else f"http://{shown}")
                self._add(self._plain(text[position : match.start()]))
                self._add(self._plain(shown) if url is None else self._linked(shown, url))
                position = match.start() + len(shown)
        self._add(self._plain(text[position:]))

    def _plain(self, text: str) -> str:
        return plain_text(
            text,
            line_start=self.line_start,
            lone_dollar=self.lone_dollar,
            in_link=self.link is not None,
            in_table=self.in_table,
        )

    def _code(self, content: str) -> None:
        self.label.append(content)
        written = inline_code(
            content, in_table=self.in_table, in_link=self.link is not None, after_formula=self._last_character() == "$"
        )
        # Two code spans in a row would be read as one with longer fences.
        if written.startswith("`") and self._last_character() == "`":
            self._add("<span></span>")
        self._add(written)

    def _formula(self, token: Token) -> None:
        display = token.markup in {"$$", "\\[", ""}
        written = canonical_math(token.content, display=display, in_table=self.in_table)
        closing = {"\\(": "\\)", "\\[": "\\]"}.get(token.markup, token.markup)
        if written is None or self.link is not None or self._last_character() == "$":
            source = re.sub(r"\s+", " ", f"{token.markup}{token.content}{closing}")
            self._code(source)
            return
        self.label.append(token.content)
        self._add(written)

    def _open_marker(self, kind: str) -> None:
        if kind == "s_open" and "~~" in self.markers:
            # Four tildes at the start of a line would open a code block.
            self.markers.append("")
            return
        character = "~" if kind == "s_open" else "_" if self._last_character() == "*" else "*"
        marker = character if kind == "em_open" else character * 2
        self.markers.append(marker)
        self._add(marker)

    def _open_link(self, href: str) -> None:
        url = safe_url(href)
        if url is not None and self.link is None:
            self._escape_bang()
            self.link = (len(self.pieces), url)
            self.label = []
            self.pieces.append("[")
            self.line_start = False

    def _close_link(self) -> None:
        if self.link is None:
            return
        start, url = self.link
        # A link without a label would be invisible.
        if len(self.pieces) == start + 1:
            self._text(url)
        self.link = None
        if "".join(self.label) == url and "&" not in url:
            self.pieces[start:] = [f"<{url}>"]
            return
        host = disguised_host("".join(self.label), url)
        self._add(f"]({_destination(url)})")
        if host is not None:
            self._add(f" ({self._plain(host)})")

    def _image(self, token: Token) -> None:
        alternative = _plain_content(token.children or ())
        name = f"image: {alternative}" if alternative else "image"
        url = safe_url(str(token.attrs.get("src", "")))
        if url is None or self.link is not None:
            self._text(f"[{name}]" if self.link is None else name)
        else:
            self._add(self._linked(name, url))

    def _linked(self, label: str, url: str) -> str:
        if label == url and "&" not in url:
            return f"<{url}>"
        self._escape_bang()
        written = plain_text(
            label, line_start=False, lone_dollar=self.lone_dollar, in_link=True, in_table=self.in_table
        )
        host = disguised_host(label, url)
        if host is None and not label.isascii() and _looks_like_url(label):
            host = url.split("/")[2]
        return f"[{written}]({_destination(url)})" + (f" ({plain_text(host, line_start=False)})" if host else "")

    def _escape_bang(self) -> None:
        """Escape an exclamation mark right before a link, which would make the link an image."""
        if self._last_character() == "!":
            self.pieces[-1] = self.pieces[-1][:-1] + "&#33;"


def _looks_like_url(label: str) -> bool:
    return label[:4].lower() in {"http", "www."}


def _destination(url: str) -> str:
    return url.replace("&", "&amp;")


def _lines_without_margins(text: str) -> list[str]:
    """Return the lines of a text without the blanks around line breaks, and without lines that are blank."""
    first, *others = text.split("\n")
    if not others:
        return [first]
    *inner, last = others
    return [first.rstrip(), *(stripped for line in inner if (stripped := line.strip())), last.lstrip()]


def _without_tail(url: str) -> str:
    """Drop characters that belong to the sentence and not to the address: punctuation at the end, and brackets that it does not open."""
    unopened = url.count(")") - url.count("(")
    end = len(url)
    while end:
        if url[end - 1] == ")" and unopened > 0:
            unopened -= 1
        elif url[end - 1] not in _URL_TAIL:
            break
        end -= 1
    return url[:end]


def _plain_content(tokens: Sequence[Token]) -> str:
    """Return the text of tokens and of all their children. A loop, because the tokens may be nested deeply."""
    parts: list[str] = []
    waiting = list(reversed(tokens))
    while waiting:
        token = waiting.pop()
        if token.children:
            waiting.extend(reversed(token.children))
        else:
            parts.append(" " if token.type in {"softbreak", "hardbreak"} else token.content)
    return "".join(parts)
