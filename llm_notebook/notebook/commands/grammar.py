"""Tells the `%llm` lines that are subcommands from those that are prompts.

Both begin alike: `%llm models` lists the models, `%llm models of cars, please` is a question. So a line is a subcommand only if
the whole of it has the form of one (`forms`), and any other line is a prompt. Two kinds of line are refused rather than sent to a
model: near misses of a subcommand, such as `%llm alias set a b`, and whatever looks as if it contained a key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llm_notebook.notebook.commands.forms import CALL_ID, FORMS, HIDDEN
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.line.options import option_actions
from llm_notebook.notebook.line.typed import begins_like_option

__all__ = ["Subcommand", "parse_subcommand"]

_REMEDY = "For a prompt, put -- in front of it or quotes around it, or use %%llm. Nothing was sent."
_QUOTES = "\"'`“”„‟‘’‚‛«»‹›「『"  # noqa: RUF001  those that look alike belong here too
_QUOTED_WORD = r"""(?:"[^"]+"|'[^']+'|\S+)"""


@dataclass(slots=True)
class Subcommand:
    """A `%llm` line that is a subcommand.

    Attributes:
        name: its name, a key of `FORMS`.
        words: the words after the name.
        text: what follows the name, as it was typed.
    """

    name: str
    words: list[str]
    text: str = ""


def parse_subcommand(line: str) -> Subcommand | None:
    """Parse a line as a subcommand.

    Returns:
        None if the line is a prompt.

    Raises:
        CellError: the line is so close to a subcommand that it must be a slip, or seems to contain a key.
    """
    words = line.split()
    if not words or words[0][0] in _QUOTES:
        return None
    name, rest = words[0].removesuffix("?"), " ".join(words[1:])
    if name not in FORMS:
        _refuse_misspelled(words)
        return None
    if words[0].endswith("?"):
        return None if rest else Subcommand("help", [] if name in HIDDEN else [name])
    if _fits(name, rest):
        return Subcommand(
            name, _words(line)[1:] if name == "local" else words[1:], line.strip()[len(words[0]) :].strip()
        )
    _refuse_key(words)
    form = FORMS[name]
    if form.takes_call and words[1:] and (len(words) == 2 or re.fullmatch(CALL_ID, words[1])):
        raise CellError(
            f"`%llm {name}` takes the ID of a call, as `%llm pending` lists them. {' '.join(words[1:])} is not one. {_REMEDY}"
        )
    if _is_slip(name, words):
        spelled = ", ".join(f"`%llm {name} {row}`" for row, _ in form.rows if row) or f"`%llm {name}` alone"
        raise CellError(f"This is not quite a `%llm {name}` command; there are {spelled}. {_REMEDY}")
    return None


def _fits(name: str, rest: str) -> bool:
    """Return whether all that follows a subcommand's name has the form that it takes."""
    if name != "help":
        return re.fullmatch(FORMS[name].pattern, rest) is not None
    asked = rest.removeprefix("%%llm ").removeprefix("%llm ")
    return not rest or asked in option_actions() or (asked in FORMS and asked not in HIDDEN)


def _words(line: str) -> list[str]:
    """Split a line into words. Quotation marks keep spaces together and are removed."""
    return [re.sub(r"""^(["'])(.+)\1$""", r"\2", word) for word in re.findall(_QUOTED_WORD, line)]


def _refuse_misspelled(words: list[str]) -> None:
    """Refuse `%llm model` and `%llm alias set a b`. A longer sentence that begins like them is a prompt."""
    for name in FORMS:
        if nearest(words[0].lower(), [name], cutoff=0.8):
            _refuse_key([name, *words[1:]])
            if _fits(name, " ".join(words[1:])):
                meant = " ".join([name, *words[1:]])
                raise CellError(f"Did you mean `%llm {meant}`? {_REMEDY}")


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
    form = FORMS[name]
    if len(words) == 1 or words[1].startswith("-"):
        return True
    if re.fullmatch(form.slips, " ".join(words[1:]), re.IGNORECASE):
        return True
    known = list(FORMS) if name == "help" else _own_words(name)
    if name == "keys" and len(words) == 2:
        return True
    if name == "help":
        return len(words) == 2 and (begins_like_option(words[1]) or bool(nearest(words[1], known, cutoff=0.8)))
    if name == "local" and words[1] in known and any(re.search(r"^--|\.gguf\b", word) for word in words[2:]):
        return True
    return len(words) <= 5 and bool(known) and (words[1] in known or bool(nearest(words[1], known, cutoff=0.7)))


def _own_words(name: str) -> list[str]:
    """Return the words that may follow a subcommand's name and are no values."""
    first = [row.split()[0] for row, _ in FORMS[name].rows if row]
    return [
        *(word for word in first if word.islower() and word.isalpha()),
        *(["list"] if "list" in FORMS[name].pattern else []),
    ]
