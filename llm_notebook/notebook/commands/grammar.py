"""Which `%llm` lines are about the tool itself rather than prompts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_notebook.notebook.errors import CellError, nearest

__all__ = ["Subcommand", "subcommand"]


@dataclass(slots=True)
class Subcommand:
    """A line that is about the tool itself rather than a prompt.

    Attributes:
        words: what follows the name.
        text: the same as it was typed.
    """

    name: str
    words: list[str]
    text: str = ""


# Part of a ULID: the digit tells it from a word of a prompt.
_ID = r"(?=[a-z]*\d)[0-9a-z]{5,26}"
# An address, or a path; one with spaces in it is quoted.
_SOURCE = r"""(?:"[^"]+"|'[^']+'|\S+)"""
_FORMS = {
    "models": r"|list|refresh(?: [a-z]+)?|(?:(?:-q \S+|--schemas|--tools|--options)(?: |$))+",
    "default": r"\S*",
    "aliases": r"|list|set \S+ \S+|remove \S+",
    "keys": r"|set [^\s=]+|list|path|remove \S+",
    "local": rf"|list|remove \S+|install(?: {_SOURCE}(?: --as \S+| --sha256 \S+)*)?",
    "pending": r"",
    "approve": _ID,
    "deny": rf"{_ID}( .*)?",
    "resume": rf"|{_ID}",
    "history": rf"|{_ID}|-q .+",
    "grants": rf"|list|revoke {_ID}",
    "act": r"\{.*\}",
    "help": r"",
}
_SPELLED_FORMS = {
    "models": ["-q TEXT", "--schemas", "--tools", "--options", "refresh PROVIDER"],
    "default": ["MODEL"],
    "aliases": ["set ALIAS MODEL", "remove ALIAS"],
    "keys": ["set NAME", "list", "path", "remove NAME"],
    "local": ["install", "install SOURCE --as NAME --sha256 DIGEST", "list", "remove NAME"],
    "pending": [],
    "approve": ["ID"],
    "deny": ["ID REASON"],
    "resume": ["ID"],
    "history": ["-q TEXT", "ID"],
    "grants": ["list", "revoke ID"],
    "act": ["JSON"],
    "help": [],
}


def subcommand(line: str) -> Subcommand | None:
    """The subcommand that a `%llm` line is, or None where the line is a prompt.

    A line is a subcommand only if all of it fits: `%llm models` is one, `%llm models of cars` is a question.

    Raises:
        CellError: the line is so close to a subcommand that it must be a slip.
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
    if _is_slip(name, words):
        forms = ", ".join(f"`%llm {name} {form}`" for form in _SPELLED_FORMS[name])
        raise CellError(f"This is not quite a `%llm {name}` command; there are {forms}. Nothing was sent.")
    return None


def _words(line: str) -> list[str]:
    """The words of a line. Quotes hold together what has spaces in it, and go away."""
    return [re.sub(r"""^(["'])(.+)\1$""", r"\2", word) for word in re.findall(_SOURCE, line)]


def _refuse_misspelled(words: list[str]) -> None:
    """`%llm model` and `%llm alias set a b` are slips; a longer sentence that begins so is a prompt."""
    for name, form in _FORMS.items():
        if nearest(words[0], [name], cutoff=0.8):
            _refuse_key([name, *words[1:]])
            if re.fullmatch(form, " ".join(words[1:])):
                meant = " ".join([name, *words[1:]])
                raise CellError(f"Did you mean `%llm {meant}`? Put -- before a prompt. Nothing was sent.")


def _refuse_key(words: list[str]) -> None:
    """Whatever follows `keys set`, or looks like a key, must not be sent to a model."""
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
    """The words behind a subcommand's name are an option, or nearly one of its own words."""
    if len(words) == 1 or words[1].startswith("-"):
        return True
    known = [form.split()[0] for form in _SPELLED_FORMS[name] if form[0].islower()]
    if name == "keys" and len(words) == 2:
        return True
    if name == "local" and words[1] in known and any(re.search(r"^--|\.gguf\b", word) for word in words[2:]):
        return True
    return len(words) <= 5 and bool(known) and (words[1] in known or bool(nearest(words[1], known)))
