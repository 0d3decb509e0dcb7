r"""Spells out invisible, control and direction-changing characters, so that a person sees everything in a text.

`visible` is for text that a human is asked to approve, `terminal_safe` for text that is streamed to a terminal, `encodable` for text
that is sent as UTF-8, and `encodable_document` for all texts of a document at once.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from llm_notebook.errors import terminal_safe

__all__ = ["byte_length", "encodable", "encodable_document", "spelled_out", "terminal_safe", "visible", "visible_texts"]

# Control, format, surrogate, private and unassigned characters, line and paragraph separators, and spaces other than U+0020.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})

# Characters of other categories that are drawn as nothing, or as an empty cell.
_DRAWN_AS_NOTHING = (
    "\u034f"  # combining grapheme joiner
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers
    "\u17b4\u17b5"  # Khmer inherent vowels
    "\u180b-\u180d\u180f"  # Mongolian variation selectors
    "\u2800"  # Braille blank
    "\ufe00-\ufe0f"  # variation selectors
    "\U000e0100-\U000e01ef"  # variation selectors supplement
    "\U0001d159"  # musical null notehead
)

_MAYBE_HIDDEN = re.compile(rf"[^\n\t\x20-\x7e\w]|[{_DRAWN_AS_NOTHING}]|[\U000e0000-\U000e0fff]")
_ALWAYS_HIDDEN = re.compile(f"[{_DRAWN_AS_NOTHING}]")

# More marks than this on one letter are spelled out.
_MOST_MARKS = 4

_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return `text` with every character that does not show itself replaced by its code point, like `\u{202e}`.

    This replaces control characters (except newline and tab), format characters (zero-width, direction-changing, tags),
    variation selectors, fillers, spaces other than U+0020, line separators, lone surrogates, and private and unassigned
    characters, and a letter's combining marks after the fourth, which would pile up over other lines. Emoji that are joined by
    invisible characters come apart, because an approval must not hide anything. A literal `\u{` is left unchanged, so the result is for reading
    and cannot be decoded. Takes time linear in the length.
    """
    return _MAYBE_HIDDEN.sub(_spelled_if_hidden, text)


def visible_texts(texts: Iterable[str]) -> list[str]:
    """Return `visible()` of each of several texts."""
    return [visible(text) for text in texts]


def encodable(text: str) -> str:
    r"""Return `text` with every lone surrogate, which cannot be encoded in UTF-8, spelled out like `\u{d800}`.

    Each character is replaced independently of the others, so that a text can be passed in chunks.
    """
    return _SURROGATE.sub(spelled_out, text)


def byte_length(text: str) -> int:
    """Return how many bytes a text takes as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def encodable_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON document in which every text is `encodable()`, however deeply it is nested."""
    written = json.dumps(document, ensure_ascii=False)
    if _SURROGATE.search(written) is None:
        return document
    spelled: dict[str, Any] = json.loads(_SURROGATE.sub(lambda match: f"\\{spelled_out(match)}", written))
    return spelled


def spelled_out(match: re.Match[str]) -> str:
    r"""Return the character that a pattern has found as its code point, like `\u{202e}`."""
    return f"\\u{{{ord(match.group()):x}}}"


def _spelled_if_hidden(match: re.Match[str]) -> str:
    character = match.group()
    category = unicodedata.category(character)
    if category in _HIDDEN_CATEGORIES or _ALWAYS_HIDDEN.match(character):
        return spelled_out(match)
    if category.startswith("M"):
        before = match.string[max(0, match.start() - _MOST_MARKS) : match.start()]
        if len(before) == _MOST_MARKS and all(unicodedata.category(mark).startswith("M") for mark in before):
            return spelled_out(match)
    return character
