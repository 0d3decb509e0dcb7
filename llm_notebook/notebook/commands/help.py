"""`%llm help` and `%llm help NAME`: the manuals as tables. Each begins with an example."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.commands.forms import FORMS
from llm_notebook.notebook.commands.lists.tables import code, markdown_table
from llm_notebook.notebook.commands.manuals import (
    EXAMPLES,
    MORE,
    Rows,
    aligned,
    option_rows,
    subcommand_rows,
    values_of,
)
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.transcript.markdown.safe import safe_markdown

__all__ = ["show_manual"]


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
        values = values_of(action)
        example = f"%%llm {' '.join([name, *values])}\nA prompt."
        _show(shell, [example], [("", option_rows([action]))], [])
    else:
        options = ("Options, before the prompt", option_rows(actions))
        subcommands = ("Subcommands; `%llm help NAME` explains one", subcommand_rows())
        _show(shell, EXAMPLES.split("\n\n"), [options, subcommands], MORE)


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
            markdown.append(markdown_table(["You type", "What it does"], cells))
            plain.append(aligned(rows).replace("`", ""))
    markdown += map(safe_markdown, notes)
    plain += (note.replace("`", "") for note in notes)
    show_markdown(shell, "\n\n".join(markdown), "\n\n".join(plain))


def _cell(meaning: str) -> str:
    return safe_markdown(meaning).strip().replace("|", "\\|")
