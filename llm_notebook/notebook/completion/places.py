"""Finds out what the word at the cursor is: a subcommand, an option, a value of some kind, or part of a prompt."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_notebook.notebook.commands.forms import FORMS, HIDDEN
from llm_notebook.notebook.completion.words import Word, split_words
from llm_notebook.notebook.line.options import option_actions, option_kinds

__all__ = ["Place", "place_in_cell", "place_on_line"]

_LINE = re.compile(r"[ \t]*(?:[\w.,\[\]'\" ]+=[ \t]*)?%llm(?P<text>[ \t].*)", re.DOTALL)
_CELL = re.compile(r"%%llm(?P<text>[ \t].*)?", re.DOTALL)
# What the words in capitals in a subcommand's manual stand for.
_PLACEHOLDERS: Mapping[str, str] = {
    "MODEL": "model",
    "ALIAS": "own-alias",
    "PROVIDER": "provider",
    "SOURCE": "file",
    "keys set NAME": "new-key",
    "keys remove NAME": "key",
    "local remove NAME": "local-model",
    "help NAME": "topic",
    "templates show NAME": "template",
    "history ID": "turn",
    "jobs ID": "run",
    "grants revoke ID": "grant",
    "ID": "call",
    "In[7]": "failed-cell",
    "aliases set ALIAS": "",
}


@dataclass(slots=True, frozen=True)
class Place:
    """What can be typed at the cursor.

    Attributes:
        kinds: the kinds of values that fit; none within a prompt.
        typed: the part that has been typed, including quotation marks.
        text: the same without quotation marks.
        words: literal words that fit, in addition to values of these kinds.
        given: the values of the options so far, by the option's long or only name.
        expression: what has been typed in `{{ }}`, if the cursor is there; None elsewhere.
    """

    kinds: tuple[str, ...] = ()
    typed: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    expression: str | None = None


def place_in_cell(text: str, line: int, column: int) -> Place | None:
    """Return the place of the cursor in a cell; None if it is not on one of our lines.

    Args:
        text: the cell.
        line, column: the position of the cursor, counted from 0.
    """
    lines = text.split("\n")
    before = lines[line][:column]
    # IPython passes over empty lines above a cell magic.
    first = next((at for at, one in enumerate(lines) if one.strip()), 0)
    if lines[first].startswith("%%llm"):
        until = first
        while until < line and re.search(r"(?<!\\)(?:\\\\)*\\\s*$", lines[until]):
            until += 1
        if line > until:
            return _in_prompt("\n".join([*lines[first + 1 : line], before]))
        continued = [re.sub(r"\\\s*$", " ", one) for one in lines[first:line]]
        found = _CELL.fullmatch(" ".join([*continued, before]))
        place = place_on_line(found["text"] or "", is_cell=True) if found is not None and found["text"] else None
        # A word that began on an earlier line cannot be replaced by a completion on this one.
        return place if place is None or before.endswith(place.typed) else Place()
    found = _LINE.fullmatch(before)
    return place_on_line(found["text"]) if found is not None else None


def _in_prompt(text: str) -> Place:
    """Return the place within a prompt, or within an expression in it."""
    opened = text.rfind("{{")
    inside = text[opened + 2 :] if opened >= 0 else ""
    if opened < 0 or "}}" in inside:
        return Place()
    found = re.search(r"[\w.]*\Z", inside)
    typed = found[0] if found is not None else ""
    return Place(("expression",), typed, typed, expression=typed)


def place_on_line(text: str, *, is_cell: bool = False) -> Place:
    """Return the place at the end of what has been typed after `%llm` or `%%llm`."""
    words = split_words(text)
    if not is_cell and words[0].text in FORMS and not words[0].is_open:
        return _in_subcommand(words[0].text, words[1:])
    given: dict[str, list[str]] = {}
    actions, kinds = option_actions(), option_kinds()
    at = 0
    while at < len(words):
        word = words[at]
        name = _option(word.text, actions)
        if name is None:
            return _at_start(word, at, given, is_cell=is_cell) if word.is_open else _in_prompt(text)
        if word.is_open and name == word.text:
            return _offer_options(word, given)
        nargs = actions[name].nargs
        count = nargs if isinstance(nargs, int) else 1
        wanted = kinds.get(name) or ("",) * count
        joined = word.text[len(name) :].removeprefix("=")
        values = (
            [Word(joined, word.typed[len(name) :].removeprefix("="), word.is_open)]
            if joined or "=" in word.text
            else []
        )
        if count == 0:
            values, wanted = [], ()
        values += words[at + 1 : at + 1 + len(wanted) - len(values)]
        dest = actions[name].dest
        for position, value in enumerate(values):
            if value.is_open:
                before = {**given, dest: [*given.get(dest, ()), *(one.text for one in values[:position])]}
                return Place((wanted[position],) if wanted[position] else (), value.typed, value.text, given=before)
            given.setdefault(dest, []).append(value.text)
        # A value may be joined to its option in one word; what is joined to a flag is not a value.
        is_joined = count > 0 and bool(joined or "=" in word.text)
        at += 1 + len(values) - is_joined
    return Place(given=given)


def _option(text: str, actions: Mapping[str, argparse.Action]) -> str | None:
    """Return the option that a word is or begins with; None if there is none."""
    if text.partition("=")[0] in actions:
        return text.partition("=")[0]
    is_short = len(text) > 2 and text[0] == "-" and text[1] != "-" and text[:2] in actions
    return text[:2] if is_short else None


def _at_start(word: Word, at: int, given: dict[str, list[str]], *, is_cell: bool) -> Place:
    """Return the place of an open word that may begin an option, and before which nothing but options has been typed."""
    if word.text.startswith("-"):
        return _offer_options(word, given)
    if at == 0 and not is_cell:
        if word.typed[:1] in ("'", '"'):
            return Place()
        names = tuple(sorted(FORMS.keys() - HIDDEN))
        return Place(("option",) if not word.text else (), word.typed, word.text, names, given)
    return Place(("option",) if not word.text else (), word.typed, word.text, given=given)


def _offer_options(word: Word, given: dict[str, list[str]]) -> Place:
    return Place(("option",), word.typed, word.text, given=given)


def _in_subcommand(name: str, words: Sequence[Word]) -> Place:
    """Return the place after a subcommand's name, according to the rows of its manual."""
    *before, last = words
    typed = [word.text for word in before]
    literal: list[str] = []
    kinds: list[str] = []
    for row in (*(row for row, _ in FORMS[name].rows), *(["list"] if "list" in FORMS[name].pattern else [])):
        expected = row.split()
        repeated = typed
        if expected and expected[0].startswith("-") and typed:
            # Options may come in any order.
            repeated = [] if len(typed) % len(expected) == 0 or typed[-1].startswith("-") is False else typed[-1:]
        if len(repeated) >= len(expected) or not all(map(_fits, expected, repeated)):
            continue
        following = expected[len(repeated)]
        kind = _kind(name, expected, len(repeated))
        if following.isupper() or following == "In[7]":
            kinds += [kind] if kind else []
        else:
            literal.append(following)
    return Place(tuple(dict.fromkeys(kinds)), last.typed, last.text, tuple(dict.fromkeys(literal)))


def _fits(expected: str, typed: str) -> bool:
    return expected.isupper() or expected == typed or (expected == "In[7]" and typed.startswith("In"))


def _kind(name: str, expected: Sequence[str], at: int) -> str:
    """Return the kind of value that a word in capitals means in a subcommand's manual."""
    whole = " ".join([name, *expected[: at + 1]])
    return _PLACEHOLDERS.get(whole, _PLACEHOLDERS.get(expected[at], ""))
