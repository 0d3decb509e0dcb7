"""Tells the `%llm` lines that are subcommands from those that are prompts.

Both begin alike: `%llm models` lists the models, `%llm models of cars, please` is a question. So a line is a subcommand only if
the whole of it has the form of one (`_FORMS`), and any other line is a prompt. Two kinds of line are refused rather than sent to a
model: near misses of a subcommand, such as `%llm alias set a b`, and whatever looks as if it contained a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_notebook.notebook.errors import CellError, nearest

__all__ = ["Subcommand", "parse_subcommand"]


@dataclass(slots=True)
class Subcommand:
    """A `%llm` line that is a subcommand.

    Attributes:
        name: its name, a key of `_FORMS`.
        words: the words after the name.
        text: what follows the name, as it was typed.
    """

    name: str
    words: list[str]
    text: str = ""


# Part of a ULID. The digit distinguishes it from a word of a prompt.
_ID = r"(?=[a-z]*\d)[0-9a-z]{5,26}"
# An address or a path; quotation marks enclose one with spaces.
_SOURCE = r"""(?:"[^"]+"|'[^']+'|\S+)"""
# What may follow each name: a regular expression that must match all of it, with single spaces between the words.
_FORMS = {
    "models": r"|list|refresh(?: [a-z]+)?|(?:(?:-q \S+|--schemas|--tools|--options)(?: |$))+",
    "default": r"\S*",
    "aliases": r"|list|set \S+ \S+|remove \S+",
    "keys": r"|set [^\s=]+|list|path|remove \S+",
    "local": rf"|list|remove \S+|install(?: {_SOURCE}(?: --as \S+| --sha256 \S+)*)?",
    "pending": rf"|{_ID}",
    "approve": _ID,
    "deny": rf"{_ID}( .*)?",
    "forget": _ID,
    "resume": rf"|{_ID}",
    "history": rf"|{_ID}|-q .+",
    "grants": rf"|list|revoke {_ID}",
    "act": r"\{.*\}",
    "help": r"",
}
_TAKE_ID = ("pending", "approve", "deny", "forget", "resume")
# The same as a person would write it, for the messages about slips.
_SPELLED_FORMS = {
    "models": ["-q TEXT", "--schemas", "--tools", "--options", "refresh PROVIDER"],
    "default": ["MODEL"],
    "aliases": ["set ALIAS MODEL", "remove ALIAS"],
    "keys": ["set NAME", "list", "path", "remove NAME"],
    "local": ["install", "install SOURCE --as NAME --sha256 DIGEST", "list", "remove NAME"],
    "pending": ["ID"],
    "approve": ["ID"],
    "deny": ["ID REASON"],
    "forget": ["ID"],
    "resume": ["ID"],
    "history": ["-q TEXT", "ID"],
    "grants": ["list", "revoke ID"],
    "act": ["JSON"],
    "help": [],
}


def parse_subcommand(line: str) -> Subcommand | None:
    """Parse a line as a subcommand.

    Returns:
        None if the line is a prompt.

    Raises:
        CellError: the line is so close to a subcommand that it must be a slip, or seems to contain a key.
    """
    words = line.split()
    if not words:
        return None
    name, rest = words[0].removesuffix("?"), " ".join(words[1:])
    if name not in _FORMS:
        _refuse_misspelled(words)
        return None
    if words[0].endswith("?"):
        return None if rest else Subcommand("help", [])
    if re.fullmatch(_FORMS[name], rest):
        return Subcommand(
            name, _words(line)[1:] if name == "local" else words[1:], line.strip()[len(words[0]) :].strip()
        )
    _refuse_key(words)
    if name in _TAKE_ID and words[1:] and (len(words) == 2 or re.fullmatch(_ID, words[1])):
        raise CellError(
            f"`%llm {name}` takes the ID of a call, as `%llm pending` lists them. {' '.join(words[1:])} is not one."
            " Put -- before a prompt. Nothing was sent."
        )
    if _is_slip(name, words):
        forms = ", ".join(f"`%llm {name} {form}`" for form in _SPELLED_FORMS[name])
        raise CellError(f"This is not quite a `%llm {name}` command; there are {forms}. Nothing was sent.")
    return None


def _words(line: str) -> list[str]:
    """Split a line into words. Quotation marks keep spaces together and are removed."""
    return [re.sub(r"""^(["'])(.+)\1$""", r"\2", word) for word in re.findall(_SOURCE, line)]


def _refuse_misspelled(words: list[str]) -> None:
    """Refuse `%llm model` and `%llm alias set a b`. A longer sentence that begins like them is a prompt."""
    for name, form in _FORMS.items():
        if nearest(words[0], [name], cutoff=0.8):
            _refuse_key([name, *words[1:]])
            if re.fullmatch(form, " ".join(words[1:])):
                meant = " ".join([name, *words[1:]])
                raise CellError(f"Did you mean `%llm {meant}`? Put -- before a prompt. Nothing was sent.")


def _refuse_key(words: list[str]) -> None:
    """Refuse a line that has more than a name after `keys set`, or a word that looks like a key: no model may see it."""
    if words[0] != "keys":
        return
    names_only = words[1:2] == ["set"] and len(words) <= 3
    if (words[1:2] == ["set"] and not names_only) or any(
        re.fullmatch(r"sk-.*|.*=.*|.{20,}", word) for word in words[1:]
    ):
        raise CellError(
            "A key is never typed into a cell, where it would be saved: run `%llm keys set NAME` alone, and you are asked for it."
            " Take this one out of the cell."
        )


def _is_slip(name: str, words: list[str]) -> bool:
    """Return whether the words after a subcommand's name are an option, or nearly one of its own words."""
    if len(words) == 1 or words[1].startswith("-"):
        return True
    known = [form.split()[0] for form in _SPELLED_FORMS[name] if form[0].islower()]
    if name == "keys" and len(words) == 2:
        return True
    if name == "local" and words[1] in known and any(re.search(r"^--|\.gguf\b", word) for word in words[2:]):
        return True
    return len(words) <= 5 and bool(known) and (words[1] in known or bool(nearest(words[1], known)))
