r"""Invisible, control and direction-changing characters, spelled out so that a person sees everything a text contains.

`visible` is for what somebody is asked to approve, `terminal_safe` for text that is streamed to a terminal, `encodable` for
text that must fit into a message.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["encodable", "terminal_safe", "visible"]

# Format, control, surrogate, private and unassigned characters, line and paragraph separators, and every space but the ordinary one.
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

_TERMINAL_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_SURROGATE = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Return `text` with every character that does not show itself replaced by its code point, like `\u{202e}`.

    Replaced are control characters (except newline and tab), format characters (zero-width, direction-changing, tags),
    variation selectors, fillers, spaces other than U+0020, line separators, lone surrogates, private and unassigned
    characters. Emoji joined by invisible characters come apart: in an approval nothing is hidden. A literal `\u{` is
    left as it is, so the result is for reading, not for decoding. Linear in the length of `text`.
    """
    return _MAYBE_HIDDEN.sub(_spelled_if_hidden, text)


def terminal_safe(text: str) -> str:
    r"""Return `text` with control characters (except newline and tab) as `\u{1b}`, so that a terminal obeys none of them.

    Direction-changing characters and lone surrogates are spelled out too. Every character is judged by itself: the result for a text
    equals the joined results for its chunks, wherever it was cut.
    """
    return _TERMINAL_CONTROL.sub(_spelled, text)


def encodable(text: str) -> str:
    r"""Return `text` with every lone surrogate, which UTF-8 cannot hold, spelled out like `\u{d800}`; character by character."""
    return _SURROGATE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match.group()):x}}}"


def _spelled_if_hidden(match: re.Match[str]) -> str:
    character = match.group()
    if unicodedata.category(character) in _HIDDEN_CATEGORIES or _ALWAYS_HIDDEN.match(character):
        return _spelled(match)
    return character
