"""Finds secrets by the name and the sign before them, in code, settings, JSON, addresses and prose: `password = "…"`, `?api_key=…`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits

from llm_notebook.objects.secret_names import BARE, LOOKS_SECRET, REMOVED, is_secret_name, is_telling_name
from llm_notebook.objects.secret_spans import Span

__all__ = ["DESCRIPTIONS", "QUOTED", "is_value", "names_secrets", "values_after_names", "words_in"]

_SHORTEST = 6
# Every name of a secret contains one of these.
_SECRET_WORDS = ("key", "token", "secret", "pass", "pwd", "credential", "authorization", "cookie")
# A piece of text at whose end a name may be, and what stands between a name and the end of the sign after it.
_PIECES = re.compile(r"[A-Za-z0-9_.-]+")
_IN_A_PIECE = frozenset(f"{ascii_letters}{digits}_.-")
_SIGN = re.compile(r"""\\?["'*`]{0,3}\]?\s{0,20}[=:!]""")
_LONGEST_SIGN = 30
_LONGEST_NAME = 200
# The only letter that becomes two when it is made small.
_LONGER = re.compile("\u0130")
# A name and the sign after it, in code, JSON, settings and addresses.
_NAMED = re.compile(
    r"""(?<![A-Za-z0-9_])-{0,2}(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,100})"""
    r"""\\?["'*`]{0,3}\]?\s{0,20}(?:=>|:=|==?|!=|:\*{0,2})\s{0,20}"""
)
QUOTED = re.compile(
    r"""[rbufRBUF]{0,2}(?P<quote>\\?(?:\"{3}|'{3}|["']))(?P<value>(?:(?!(?P=quote))(?:\\.|.)){1,4000})""", re.DOTALL
)
# Nobody writes a longer value there; without a limit, some texts would take forever to search.
_UNQUOTED = re.compile(r"""(?P<value>[^\s"'(){}\[\],;|&<>\\]{1,500})""")
_OPENS = frozenset("({[")
# Where a word without quotation marks is a value and not the name of a variable: in the query of an address, and in an option of a command.
_BEFORE_VALUE = re.compile(r"(?:[?&]|(?:^|\s)--)\Z")
# In code, but not in settings or prose, a name before such a value is that of an argument.
_IN_CALL = re.compile(r"\w\([^()\n]*\Z")
_LINE_OF_SETTINGS = re.compile(r"""[ \t]*(?:[-*+][ \t]+)?(?:(?:export|set)[ \t]+)?["'*`]{0,3}[\w.-]*\Z""")
# What follows the name of a secret that is described rather than given.
DESCRIPTIONS = frozenset(
    "str string text int integer bytes bool boolean none null true false required optional any".split()
)
_SHORTEST_SETTING = 3
_ENDS = ".:!?`*"


def words_in(text: str) -> list[int]:
    """Return where the words begin that are in every name of a secret, in order."""
    lowered = text.lower()
    # A few letters become longer, and then the places differ.
    searched = lowered if len(lowered) == len(text) else _LONGER.sub("i", text).lower()
    return sorted(at for word in _SECRET_WORDS for at in _occurrences(searched, word))


def names_secrets(text: str, words: Iterable[int]) -> bool:
    """Return whether a text has the name of a secret in it, other than a mere `key` or `token`.

    Args:
        text: the text.
        words: what `words_in()` has found in it.
    """
    end = 0
    for at in words:
        if at < end:
            continue
        start = _start_of_piece(text, at)
        piece = _PIECES.match(text, start)
        end = piece.end() if piece is not None else at
        if _is_strong(text[start : min(end, start + _LONGEST_NAME)].strip(".").rpartition(".")[2]):
            return True
    return False


@functools.lru_cache(maxsize=4096)
def _is_strong(name: str) -> bool:
    return is_telling_name(name)


def values_after_names(text: str, words: Iterable[int], *, is_code: bool, are_values: bool = False) -> Iterator[Span]:
    """Yield the values in a text that follow the names of secrets, in order.

    Args:
        text: the text.
        words: what `words_in()` has found in it.
        is_code: see `Scrubber.scrub()`.
        are_values: see there.
    """
    at = 0
    for start, end in _places_of_names(text, words):
        named = _NAMED.search(text, max(at, start), end + _LONGEST_SIGN) if end > at else None
        if named is None:
            continue
        at = named.end()
        name = named["name"].rpartition(".")[2]
        if not is_secret_name(name):
            continue
        quoted = QUOTED.match(text, at)
        value = quoted or _UNQUOTED.match(text, at)
        if value is None or REMOVED in value["value"]:
            continue
        # What is called or subscripted is code.
        if quoted is None and text[value.end() : value.end() + 1] in _OPENS:
            continue
        is_setting = quoted is None and _is_setting(text, named, value, is_code=is_code, are_values=are_values)
        if not is_setting and not is_value(name, value["value"], is_quoted=quoted is not None):
            continue
        # The value may be the end of a sentence.
        found = value["value"].rstrip(_ENDS) if is_setting else value["value"]
        at = value.start("value") + len(found)
        yield value.start("value"), at, name


def _places_of_names(text: str, words: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield (the start, the end) of each piece of a text that may end with the name of a secret and has a sign after it, in order.

    Only what contains one of the words is looked at: most texts have many names, and no such one.
    """
    end = 0
    for at in words:
        if at < end:
            continue
        piece = _PIECES.match(text, at)
        end = at if piece is None else piece.end()
        if _SIGN.match(text, end):
            yield _start_of_piece(text, at), end


def _start_of_piece(text: str, at: int) -> int:
    while at and text[at - 1] in _IN_A_PIECE:
        at -= 1
    return at


def _occurrences(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def is_value(name: str, value: str, *, is_quoted: bool) -> bool:
    """Return whether what follows a secret's name is a secret, and not code, a type, or a word such as `None`."""
    if re.fullmatch(r"_*key\d*", name, re.IGNORECASE):
        return LOOKS_SECRET.fullmatch(value) is not None
    if is_quoted:
        return bool(value.strip())
    # Without quotation marks it is a secret only where it cannot be the name of something: `token: str`, `key = len`.
    is_number = value.replace(".", "", 1).isdigit()
    has_digit = any(character.isdigit() for character in value)
    return len(value) >= _SHORTEST and has_digit and (not is_number or len(value) > 7)


def _is_setting(text: str, named: re.Match[str], found: re.Match[str], *, is_code: bool, are_values: bool) -> bool:
    """Return whether the place of a word without quotation marks shows that it is a value.

    Args:
        text: the whole text.
        named: the name of the secret, and the sign after it.
        found: the value.
        is_code: a word may be the name of a variable.
        are_values: no word is one.
    """
    value, name = found["value"].rstrip(_ENDS), named["name"].rpartition(".")[2]
    if len(value) < _SHORTEST_SETTING or value[0] in "$%:?" or value.lower() in DESCRIPTIONS:
        return False
    if BARE.fullmatch(name) and "token" not in name.lower():
        return False
    # A line is looked at only near the name: texts may be long.
    before = text[max(0, named.start("name") - 200) : named.start("name")].rpartition("\n")[2]
    sign = text[named.end("name") : named.end()]
    is_close = sign == "="
    if are_values:
        return is_close or sign.startswith(":")
    if is_close and _BEFORE_VALUE.search(before):
        return True
    if is_code:
        return False
    after = text[found.end() : found.end() + 200].partition("\n")[0].strip()
    is_line = not after and _LINE_OF_SETTINGS.fullmatch(before) is not None
    is_argument = _IN_CALL.search(before) is not None or (after == "," and not before.strip())
    # A colon without a space after it may be part of a name.
    is_assigned = sign.strip(" \t\"'*`") in ("=", ":") and sign != ":"
    return (is_line and is_assigned) or (is_close and not is_argument)
