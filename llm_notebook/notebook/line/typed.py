"""Reads what people type where options stand: it splits a line into its options and its prompt, as keyboards and editors leave them.

Phones, macOS, Word and chat programs turn `--ta` into `—ta`, quotation marks into curly ones, and spaces into spaces that do not break;
text that was copied from a page may hold characters of no width. Somebody who types `—ta` means an option that has a tool ask first. To send
that to the model as text would drop it without a word, so here it is understood, or else refused by the caller.
"""

from __future__ import annotations

import argparse
import io
import re
import shlex
import unicodedata
from collections.abc import Collection, Mapping

from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.line.expressions import read_expression
from llm_notebook.notebook.line.hints import is_known_elsewhere, option_hint
from llm_notebook.notebook.line.options import NAMING_OBJECTS

__all__ = [
    "Given",
    "begins_like_option",
    "continued",
    "long_option_in",
    "plain_option",
    "read_value",
    "seems_options",
    "split_line",
    "value_places",
]

_DASH = "-\u02d7\u2010-\u2015\u2043\u2212\u2796\u2e3a\u2e3b\ufe58\ufe63\uff0d"
# Drawn as nothing: zero-width and direction-changing characters, fillers and variation selectors.
_NOTHING = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
# Those of them that are spaces.
_NARROW = "\u180e\u200b\u2060\ufeff"
_HEAD = re.compile(rf"[{_NOTHING}]*[{_DASH}][{_DASH}{_NOTHING}]*(?=[^\W\d_])")
_BEHIND_DASH = re.compile(rf"(?<=[{_DASH}])[{_NOTHING}]+")
_SPACED = re.compile(rf"[^\s{_NARROW}]+")
_INVISIBLE = re.compile(f"[{_NOTHING}]")
# What may close each typographic quotation mark. Languages disagree about which mark opens and which closes.
_CLOSING = {
    "\u201c": '\u201d\u201c"',
    "\u201d": '\u201d"',
    "\u201e": '\u201c\u201d"',
    "\u201f": '\u201d"',
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2018": "\u2019'",
    "\u2019": "\u2019'",
    "\u201a": "\u2018\u2019'",
    "\u201b": "\u2019'",
    "\u2039": "\u203a",
    "\u203a": "\u2039",
    "\uff02": "\uff02",
    "\uff07": "\uff07",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
}
# Quoted words of a prompt, in which an option is only mentioned. An apostrophe inside of a word opens nothing.
_QUOTED = re.compile(
    "|".join(
        rf"(?<![^\s(\[{{=,:]){re.escape(opening)}[^{re.escape(opening + closing)}]*[{re.escape(closing)}]"
        for opening, closing in {'"': '"', "'": "'", "`": "`", **_CLOSING}.items()
    )
)
_WORD = re.compile(r"\S+")
# What may stand between an option and its value: spaces, and ends of lines that a backslash continues.
_BEFORE_VALUE = re.compile(rf"(?:[^\S\n]|[{_NARROW}]|\\[^\S\n]*\n)*")
_LONGEST_VALUE = 10_000

Given = list[tuple[str, list[str]]]
"""Options in the order in which they were given: (name of the attribute in argparse, values)."""


def continued(line: str, cell: str) -> tuple[str, str]:
    """Return the first line of a cell with the lines that it continues in, and the rest of the cell.

    As in a shell, a backslash at the end of a line continues it. Spaces behind the backslash, which nobody sees, change nothing.
    """
    while (found := re.search(r"(?<!\\)(?:\\\\)*(\\)\s*$", line)) is not None:
        following, _, cell = cell.partition("\n")
        before = line[: found.start(1)]
        between = "" if not before or before[-1].isspace() or following[:1].isspace() else " "
        line = f"{before}{between}{following}"
    return line, cell


def begins_like_option(text: str) -> bool:
    """Return whether a text begins with a dash of any kind and a letter."""
    return _HEAD.match(text) is not None


def plain_option(text: str, names: Collection[str]) -> str:
    """Return a text that begins like an option, with the option as it is typed on a plain keyboard.

    Args:
        text: begins with a dash of any kind and a letter.
        names: the options that there are, with their dashes.

    Returns:
        The text unchanged if there is nothing odd in it, or if it cannot be told which option it means.
    """
    head = _HEAD.match(text)
    word = _WORD.match(text)
    assert head is not None
    assert word is not None
    name, equals, value = word[0][head.end() :].partition("=")
    name = unicodedata.normalize("NFKC", _INVISIBLE.sub("", name))
    if head[0] in ("-", "--") and f"{head[0]}{name}{equals}{value}" == word[0]:
        return text
    # One typographic dash may stand for two.
    meant = next((dashes + name for dashes in ("--", "-") if dashes + name in names), None)
    return text if meant is None else f"{meant}{equals}{value}{text[word.end() :]}"


def read_value(text: str) -> tuple[str | None, str]:
    """Read one word by the rules of a shell, with typographic quotation marks too. Return (the word or None, the text after it).

    Raises:
        ValueError: a quotation mark is never closed.
    """
    text = text.lstrip()
    closing = _CLOSING.get(text[:1])
    if closing is not None:
        end = re.search(rf"[{re.escape(closing)}](?=\s|$)", text[1:])
        if end is None:
            raise ValueError(f"{text[0]} is never closed")
        return text[1 : 1 + end.start()], text[1 + end.end() :].lstrip()
    source = io.StringIO(text)
    lexer = shlex.shlex(source, posix=True, punctuation_chars="")
    lexer.whitespace_split = True
    lexer.commenters = ""
    # The spaces of all alphabets, such as the one that does not break.
    lexer.whitespace = "".join(sorted({character for character in text if character.isspace() or character in _NARROW}))
    word = lexer.get_token()
    return word, source.read().lstrip()


def long_option_in(prompt: str, names: Collection[str]) -> str | None:
    """Return the first long option, as on a plain keyboard, that is a word of a prompt and not quoted; None if there is none.

    Args:
        prompt: what follows the options of a line.
        names: the options that there are, with their dashes.
    """
    # A quoted text counts as a word that is no option.
    unquoted = _QUOTED.sub("quoted", _BEHIND_DASH.sub("", prompt))
    for found in _SPACED.finditer(unquoted):
        if begins_like_option(found[0]):
            plain = plain_option(found[0], names).partition("=")[0]
            if plain.startswith("--") and plain in names:
                return plain
    return None


def split_line(line: str, actions: Mapping[str, argparse.Action], *, is_cell: bool = False) -> tuple[Given, str]:
    """Split a line into (options, prompt)."""
    given: Given = []
    rest = line.strip()
    while begins_like_option(rest):
        option, rest = _option(plain_option(rest, actions), actions)
        given += option
    if not rest:
        return given, ""
    if re.match(r"--(\s|$)", rest):
        return given, rest[2:].lstrip()
    _refuse_comment(rest, follows=bool(given) or is_cell)
    text, behind = _quoted(rest)
    given_behind: Given = []
    while begins_like_option(behind) and _spelling(plain := plain_option(behind, actions), actions):
        option, behind = _option(plain, actions)
        given_behind += option
    if text is not None and not behind:
        return given + given_behind, text
    # What follows is no option, so the marks belong to the prompt: `"git" -z what is it`. But a slip like
    # `"2+2?" --usgae` is refused rather than sent, quotation marks and all.
    late = behind.split(None, 1)[0].partition("=")[0] if behind.startswith("--") else ""
    if late and (is_known_elsewhere(late) or nearest(late, actions, cutoff=0.75)):
        _option(behind, actions)
    _refuse_late_option(rest, actions)
    return given, rest


def _quoted(text: str) -> tuple[str | None, str]:
    """Split a prompt that is quoted, and perhaps has something with a dash behind it, into (what is in the marks, what is behind).

    There is no other such mark in the prompt that is not escaped. Typographic marks belong to a prompt that has nothing behind it.
    """
    found = re.fullmatch(
        r"""(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)(?:\s+(?P<behind>\S.*))?""", text, re.DOTALL
    )
    if found is not None:
        quote, behind = found["quote"], found["behind"] or ""
        is_whole = not behind or begins_like_option(behind)
        return (found["text"].replace(f"\\{quote}", quote), behind) if is_whole else (None, "")
    if text[:1] in "\"'":
        return None, ""
    try:
        word, behind = read_value(text)
    except ValueError:
        return None, ""
    is_quoted = word is not None and text.startswith(f"{text[:1]}{word}") and not text[:1].isascii()
    return (word, behind) if is_quoted and begins_like_option(behind) else (None, "")


def _refuse_comment(rest: str, *, follows: bool) -> None:
    """Refuse what seems to be a comment behind the options, or a backslash that does not end its line."""
    if follows and rest.startswith("#"):
        raise CellError(
            "What stands behind # would be sent to the model: there are no comments on this line."
            " Put -- before a prompt that begins with #. Nothing was sent."
        )
    if follows and re.match(r"\\\s", rest):
        raise CellError("A backslash continues a line only at its very end. Nothing was sent.")


def _refuse_late_option(prompt: str, actions: Mapping[str, argparse.Action]) -> None:
    """Refuse a long option in a prompt that is not quoted: it would be sent as text and have no effect."""
    late = long_option_in(prompt, actions)
    if late is not None:
        raise CellError(
            f"{late} stands in the prompt, where it has no effect. Put options before the prompt, or the whole prompt in quotes;"
            f" for a prompt about {late}, put -- before the prompt. Nothing was sent."
        )


def _spelling(text: str, actions: Mapping[str, argparse.Action]) -> str | None:
    """Return the spelling of the option that the text begins with, or None if it begins with none."""
    word = text.split(None, 1)[0]
    name = word.partition("=")[0]
    if name in actions:
        return name
    if word.startswith("--") or f"-{name}" in actions:
        return None
    # -mgpt-4o and -cu are read as shell commands read them.
    return word[:2] if word[:2] in actions else None


def _option(text: str, actions: Mapping[str, argparse.Action]) -> tuple[Given, str]:
    """Read the option that the text begins with. Return (the option with its values, the text after it).

    Raises:
        CellError: the option is unknown or incomplete.
    """
    word = text.split(None, 1)[0]
    name = _spelling(text, actions)
    if name is None:
        wrong = word.partition("=")[0]
        raise CellError(
            f"There is no option {wrong}.{option_hint(wrong, actions)} Put -- before a prompt that begins with a dash."
            " Nothing was sent."
        )
    action = actions[name]
    behind = text[len(name) :]
    if action.nargs == 0:
        if not behind or behind[0].isspace():
            return [(action.dest, [])], behind.lstrip()
        if name.startswith("--") or not behind[0].isalpha():
            raise CellError(f"{name} takes no value. Nothing was sent.")
        # Flags may share a dash: what follows is the next one.
        return [(action.dest, [])], f"-{behind}"
    count = action.nargs if isinstance(action.nargs, int) else 1
    values, rest = _values(behind.removeprefix("=").lstrip(), count, name, actions)
    return [(action.dest, values)], rest


def _values(text: str, count: int, name: str, actions: Mapping[str, argparse.Action]) -> tuple[list[str], str]:
    """Read `count` words by the rules of a shell. Return (the words, the text after them)."""
    values: list[str] = []
    while len(values) < count:
        expression = read_expression(text) if not values and actions[name].dest in NAMING_OBJECTS else None
        try:
            value, rest = expression or read_value(text)
        except ValueError:
            raise CellError(f"A quotation mark after {name} is never closed. Nothing was sent.") from None
        needs = f"{name} needs {'a value' if count == 1 else f'{count} values'}"
        if value is None:
            raise CellError(f"{needs}. Nothing was sent.")
        if (option := long_option_in(text[: len(text) - len(rest)], actions)) is not None:
            raise CellError(f"{needs}, and {option} is an option. Put it in quotes if it is meant. Nothing was sent.")
        values.append(value)
        text = rest
    return values, text


def seems_options(line: str, actions: Mapping[str, argparse.Action], *, begins: bool) -> bool:
    """Return whether a line below the options is more of them: it consists of options, or begins the prompt with a long one."""
    if not begins_like_option(line):
        return False
    name = plain_option(line, actions).split(None, 1)[0].partition("=")[0]
    if begins and name.startswith("--") and name in actions:
        return True
    try:
        given, prompt = split_line(line, actions)
    except CellError:
        return False
    return bool(given) and not prompt and (begins or name.startswith("--"))


def value_places(text: str, name: str) -> list[tuple[int, int]]:
    """Return where the values of a long option stand in a text, wherever in it the option is, however it is typed.

    Args:
        text: the text of a cell.
        name: the option, with its dashes.

    Returns:
        The positions of each value, with its quotation marks: (the first, the one behind the last).
    """
    places: list[tuple[int, int]] = []
    # A character of no width is part of the option if that is its name then, and a space otherwise.
    for found in sorted([*_WORD.finditer(text), *_SPACED.finditer(text)], key=re.Match.start):
        if (places and found.start() < places[-1][1]) or not begins_like_option(found[0]):
            continue
        option, equals, value = plain_option(found[0], (name,)).partition("=")
        if option == name:
            behind = found.end() - len(value) if equals else found.end()
            before = _BEFORE_VALUE.match(text, behind)
            start = before.end() if before is not None else behind
            if start < (end := _end_of_value(text, start)):
                places.append((start, end))
    return places


def _end_of_value(text: str, start: int) -> int:
    """Return where the value that begins at a position ends; the end of its line if its quotation marks are never closed."""
    if text[start : start + 1] in ("", "\n"):
        return start
    behind = text[start : start + _LONGEST_VALUE]
    try:
        rest = read_value(behind)[1]
    except ValueError:
        return start + len(behind.partition("\n")[0])
    return start + len(behind[: len(behind) - len(rest)].rstrip())
