"""Splits a line that is still being typed into its words, of which the last one may be unfinished."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Word", "quoted", "split_words"]

_QUOTES = "\"'"


@dataclass(slots=True, frozen=True)
class Word:
    """A word of a line.

    Attributes:
        text: the word, without quotation marks.
        typed: the word as it was typed.
        is_open: whether the line ends within it or right after it, so that it may still grow.
    """

    text: str
    typed: str
    is_open: bool = False


def split_words(line: str) -> list[Word]:
    """Split a line into words by the rules of a shell. The last one is open, and empty if the line ends in a space."""
    words: list[Word] = []
    at = 0
    while at < len(line):
        while at < len(line) and line[at].isspace():
            at += 1
        start, text, quote = at, [], ""
        while at < len(line) and (quote or not line[at].isspace()):
            character = line[at]
            if quote:
                if character == quote:
                    quote = ""
                else:
                    text.append(character)
            elif character in _QUOTES and (at == start or line[at - 1] in "=" + _QUOTES):
                quote = character
            else:
                text.append(character)
            at += 1
        if start < at:
            is_last = at == len(line)
            words.append(Word("".join(text), line[start:at], is_last))
    if not words or not words[-1].is_open:
        words.append(Word("", "", is_open=True))
    return words


def quoted(text: str, typed: str) -> str:
    """Return a completion as it is to be typed: in quotation marks if it has spaces, or if a quotation mark was typed already."""
    mark = typed[:1] if typed and typed[0] in _QUOTES else "'" if re.search(r"[\s\"']", text) else ""
    if mark and mark in text:
        mark = "'" if mark == '"' else '"'
    return f"{mark}{text}{mark}" if mark else text
