"""The manual of `%llm` as text, for `%llm?`, and what it is made of. It begins with an example.

It is made of the declared options and the table of subcommands, so what is there is in it.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable

from llm_notebook.notebook.commands.forms import FORMS, HIDDEN
from llm_notebook.notebook.display.columns import columns, padded

__all__ = [
    "ABOUT",
    "EXAMPLES",
    "MORE",
    "Rows",
    "aligned",
    "option_rows",
    "subcommand_rows",
    "values_of",
    "whole_manual",
]

ABOUT = "Ask a language model; the answer streams into the output of this cell."
EXAMPLES = """\
%%llm -m smollm2
Three names for a pelican, with a reason for each.

%llm What is 2+2?
answer = %llm What is 2+2?

%%llm -f df.head(20) -a fig --context above
Why does the figure fall in August?
The table, the figure and the cells above go with this.

%%llm --schema-multi "name, age int, born date" --out people
Ten people who changed how we count. The rows become a DataFrame.

%%llm --each df --schema "label, score float" --out labelled
Classify the complaint: {{ text }}

%llm error fix"""
MORE = (
    "`{{ expression }}` in a prompt becomes the value of a Python expression: text, numbers, a DataFrame.",
    "`%llm error` explains the last exception, and `%llm error fix` proposes a mended cell. Neither runs anything.",
    "`--dry-run` shows what a cell would send, and sends nothing.",
    "Tab completes subcommands, options, models, and variables that fit.",
    "No key? `%llm local install` fetches a small model that runs on this machine: `%%llm -m smollm2`.",
)

_WIDTH = 80
_CODE = re.compile("`[^`]*`")

Rows = list[tuple[str, str]]
"""Rows of a manual: (what is typed, what it does)."""


def whole_manual(actions: Iterable[argparse.Action]) -> str:
    """Return the manual of `%llm` as text.

    Args:
        actions: the options.
    """
    sections = [ABOUT, _indented(EXAMPLES), "Options, before the prompt:", aligned(option_rows(actions))]
    more = "\n".join(_wrapped(sentence, _WIDTH, "") for sentence in MORE)
    sections += ["Subcommands; `%llm help NAME` explains one:", aligned(subcommand_rows()), more]
    return "\n\n".join(sections)


def option_rows(actions: Iterable[argparse.Action]) -> Rows:
    """Return a row for each option."""
    return [
        (" ".join([", ".join(action.option_strings), *values_of(action)]), (action.help or "").replace("%%", "%"))
        for action in actions
        if action.option_strings
    ]


def values_of(action: argparse.Action) -> list[str]:
    """Return how the manual writes the values of an option."""
    if action.nargs == 0:
        return []
    return [*action.metavar] if isinstance(action.metavar, tuple) else [action.metavar or action.dest.upper()]


def subcommand_rows() -> Rows:
    """Return a row for each subcommand that does something."""
    return [(f"%llm {name}", form.about) for name, form in FORMS.items() if name not in HIDDEN and not form.later]


def aligned(rows: Rows) -> str:
    """Return rows as lines of text that fit in a narrow terminal, with the meanings below each other."""
    # A long option stands on a line of its own rather than moving all meanings to the right.
    widest = max((columns(typed) for typed, _ in rows if columns(typed) <= 30), default=0)
    margin = " " * (widest + 4)
    lines = []
    for typed, meaning in rows:
        wrapped = _wrapped(meaning, _WIDTH - len(margin), margin)
        if columns(typed) > widest:
            lines += [f"  {typed}", f"{margin}{wrapped}"]
        else:
            lines.append(f"  {padded(typed, widest)}  {wrapped}".rstrip())
    return "\n".join(lines)


def _wrapped(text: str, width: int, margin: str) -> str:
    """Return a text as lines, broken between words but not within code, with a margin before each but the first."""
    held = _CODE.sub(lambda found: found[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(held, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{margin}".join(lines).replace("\0", " ")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
