"""Shows the sentences and tables of the subcommands, in a notebook and in a terminal."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.display.notebook import show_markdown
from llm_notebook.transcript.markdown.escape import inline_code, plain_text
from llm_notebook.transcript.visible import visible

__all__ = ["code", "say", "table"]


def say(shell: InteractiveShell, text: str, *names: str) -> None:
    """Show one sentence.

    Args:
        shell: the shell to show it in.
        text: the sentence as Markdown, with a `{}` for each name.
        names: names from configuration files and from users, which are shown literally.
    """
    plain = text.replace("`", "").format(*(visible(name) for name in names))
    show_markdown(shell, text.format(*map(code, names)), plain)


def table(shell: InteractiveShell, header: list[str], rows: list[list[str]], below: str = "") -> None:
    """Show a table whose first column is code.

    Args:
        shell: the shell to show it in.
        header: the titles of the columns.
        rows: the cells, which are shown literally.
        below: a sentence below the table, as Markdown.
    """
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    plain = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    written = [[code(row[0], in_table=True), *(_cell(text) for text in row[1:])] for row in rows]
    markdown = "\n".join(
        f"| {' | '.join(line)} |" for line in [list(map(_cell, header)), ["---"] * len(header), *written]
    )
    tail = f"\n\n{below}" if below else ""
    show_markdown(shell, markdown + tail, "\n".join(plain) + tail.replace("`", ""))


def code(text: str, *, in_table: bool = False) -> str:
    """Return a name as Markdown code that reads exactly as the name does."""
    return inline_code(visible(text), in_table=in_table, in_link=False, after_formula=False) if text else ""


def _cell(text: str) -> str:
    return plain_text(visible(text).replace("\n", " "), line_start=True, in_table=True, lone_dollar=False)
