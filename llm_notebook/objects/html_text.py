"""HTML as text: what a reader of the page would read, with the cells of tables apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["html_text"]

_SPACES = re.compile(r"\s+")
_UNSEEN = frozenset("script style template head title svg".split())
_LINES = frozenset(
    "address article blockquote br div dd dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre section table tr ul".split()
)


def html_text(html: str) -> str:
    """Return the text of a piece of HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()).removesuffix("|").rstrip() for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _LINES:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in ("td", "th"):
            self.pieces.append(" | ")
        elif tag in _LINES:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # Line breaks in the source are not line breaks on the page.
            self.pieces.append(_SPACES.sub(" ", data))
