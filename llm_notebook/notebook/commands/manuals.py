"""The manuals: `%llm?` as text, and `%llm help` and `%llm help NAME` as tables. Each begins with an example.

They are made of the declared options and the table of subcommands, so what is there is in them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.commands.forms import FORMS, HIDDEN
from llm_notebook.notebook.commands.lists.tables import code, markdown_table
from llm_notebook.notebook.display.columns import columns, padded
from llm_notebook.notebook.display.notebook import show_markdown
from llm_notebook.transcript.markdown.safe import safe_markdown

__all__ = ["ABOUT", "show_manual", "whole_manual"]

ABOUT = "Ask a language model; the answer streams into the output of this cell."
_EXAMPLES = """\
%%llm -m smollm2
Three names for a pelican, with a reason for each.

%llm What is 2+2?
answer = %llm What is 2+2?"""
_MORE = (
    "`{{ expression }}` in a prompt becomes the value of a Python expression: text, numbers, a DataFrame.",
    "Tab completes subcommands, options, models, and variables that fit.",
    "No key? `%llm local install` fetches a small model that runs on this machine: `%%llm -m smollm2`.",
)

Rows = list[tuple[str, str]]
"""Rows of a manual: (what is typed, what it does)."""


def whole_manual(actions: Iterable[argparse.Action]) -> str:
    """Return the manual of `%llm` as text.

    Args:
        actions: the options.
    """
    sections = [ABOUT, _indented(_EXAMPLES), "Options, before the prompt:", _aligned(_option_rows(actions))]
    sections += ["Subcommands; `%llm help NAME` explains one:", _aligned(_subcommand_rows()), "\n".join(_MORE)]
    return "\n\n".join(sections)


def show_manual(shell: InteractiveShell, words: Sequence[str], actions: Iterable[argparse.Action]) -> None:
    """Show the manual of `%llm`, or that of a subcommand or an option.

    Args:
        shell: the shell to show it in.
        words: the subcommand or option; none for the whole manual. `%llm` may stand before it.
        actions: the options.
    """
    actions = list(actions)
    name = words[-1] if words else ""
    if name in FORMS:
        form = FORMS[name]
        example = f"%llm {form.example or name}"
        rows = [(f"%llm {name} {row}".rstrip(), meaning) for row, meaning in form.rows]
        _show(shell, [example], [(form.about, rows)], [form.later] if form.later else [])
    elif name.startswith("-"):
        action = next(one for one in actions if name in one.option_strings)
        values = _values(action)
        example = f"%%llm {' '.join([name, *values])}\nA prompt."
        _show(shell, [example], [("", _option_rows([action]))], [])
    else:
        options = ("Options, before the prompt", _option_rows(actions))
        subcommands = ("Subcommands; `%llm help NAME` explains one", _subcommand_rows())
        _show(shell, _EXAMPLES.split("\n\n"), [options, subcommands], _MORE)


def _show(
    shell: InteractiveShell, examples: Sequence[str], tables: list[tuple[str, Rows]], notes: Sequence[str]
) -> None:
    markdown = [f"```\n{example}\n```" for example in examples]
    plain = list(examples)
    for title, rows in tables:
        if title:
            markdown.append(safe_markdown(title))
            plain.append(title.replace("`", ""))
        if rows:
            cells = [[code(typed, in_table=True), _cell(meaning)] for typed, meaning in rows]
            markdown.append(markdown_table(["", ""], cells))
            plain.append(_aligned(rows).replace("`", ""))
    markdown += map(safe_markdown, notes)
    plain += (note.replace("`", "") for note in notes)
    show_markdown(shell, "\n\n".join(markdown), "\n\n".join(plain))


def _cell(meaning: str) -> str:
    return safe_markdown(meaning).strip().replace("|", "\\|")


def _option_rows(actions: Iterable[argparse.Action]) -> Rows:
    return [
        (" ".join([", ".join(action.option_strings), *_values(action)]), (action.help or "").replace("%%", "%"))
        for action in actions
        if action.option_strings
    ]


def _values(action: argparse.Action) -> list[str]:
    if action.nargs == 0:
        return []
    return [*action.metavar] if isinstance(action.metavar, tuple) else [action.metavar or action.dest.upper()]


def _subcommand_rows() -> Rows:
    return [(f"%llm {name}", form.about) for name, form in FORMS.items() if name not in HIDDEN and not form.later]


def _aligned(rows: Rows) -> str:
    # A long option stands on a line of its own rather than moving all meanings to the right.
    widest = max((columns(typed) for typed, _ in rows if columns(typed) <= 30), default=0)
    lines = []
    for typed, meaning in rows:
        if columns(typed) > widest:
            lines += [f"  {typed}", f"  {' ' * widest}  {meaning}"]
        else:
            lines.append(f"  {padded(typed, widest)}  {meaning}".rstrip())
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))
