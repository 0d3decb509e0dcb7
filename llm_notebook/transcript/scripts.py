"""Finds words whose letters come from several scripts, for texts that a human is asked to approve.

Letters of different scripts can look the same: what reads `paypal` may be another word. On a page each such letter is marked, by
`labextension/src/transcript/dom/scripts.ts`, which tells the same scripts apart. In plain text, a sentence says what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

__all__ = ["mixed_words_note"]

# The scripts whose letters are told apart, by the first word of the names of their letters. All others count as one.
_SCRIPTS = frozenset(
    "LATIN CYRILLIC GREEK ARMENIAN GEORGIAN HEBREW ARABIC CHEROKEE COPTIC LISU THAI DEVANAGARI".split()
)
# Scripts that are written together with each other, and with Latin, in one word.
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "HALFWIDTH")
# Letters that a font styles, which look like plain Latin or Greek ones, and signs that are used in words of any script.
_STYLED = re.compile("[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff\u2100-\u214f]")
_COMMON = frozenset("ªºµ")
_WORDS = re.compile(r"[^\W_]{1,1000}")
_NOT_LATIN = re.compile(r"[^\x00-\u024f]")


def mixed_words_note(text: str) -> str:
    """Return a sentence that counts the words of several scripts and names the first such letter; empty if there is none."""
    words, first = 0, ""
    for match in _WORDS.finditer(text) if _NOT_LATIN.search(text) else ():
        word = match.group()
        if word.isascii() or not _NOT_LATIN.search(word):
            continue
        scripts = {letter: script for letter in dict.fromkeys(word) if (script := _script_of(letter))}
        if len(set(scripts.values())) > 1:
            words += 1
            [(main, _)] = Counter(scripts[letter] for letter in word if letter in scripts).most_common(1)
            letter, script = next((letter, script) for letter, script in scripts.items() if script != main)
            first = first or f"is a {script} {letter} (U+{ord(letter):04X}), not a {main} one"
    if not words:
        return ""
    said = "1 word mixes" if words == 1 else f"{words:,} words mix"
    return f"{said} scripts: the first odd letter {first}."


def _script_of(letter: str) -> str:
    """Return the script of a letter; empty for digits, marks and letters that stand beside any other."""
    if _STYLED.match(letter):
        return "styled"
    if not letter.isalpha() or letter in _COMMON:
        return ""
    script = unicodedata.name(letter, "").partition(" ")[0]
    if script in _SCRIPTS:
        return script.capitalize()
    return "" if script.startswith(_EAST_ASIAN) or unicodedata.category(letter) == "Lm" else "foreign"
