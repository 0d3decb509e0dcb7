"""Shows the sentences and tables of the subcommands, in a notebook and in a terminal."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.display.columns import columns, padded
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.transcript.markdown.escape import inline_code, plain_text
from llm_notebook.transcript.visible import visible

__all__ = ["code", "literal_cell", "markdown_table", "say", "spoken", "table"]


def say(shell: InteractiveShell, text: str, *names: str) -> None:
    """Show one sentence.

    Args:
        shell: the shell to show it in.
        text: the sentence as Markdown, with a `{}` for each name.
        names: names from configuration files and from users, which are shown literally.
    """
    show_markdown(shell, text.format(*map(code, names)), spoken(text, *names))


def spoken(text: str, *names: str) -> str:
    """Return a sentence of `say` as plain text."""
    return text.replace("`", "").format(*map(visible, names))


def table(shell: InteractiveShell, header: list[str], rows: list[list[str]], below: str = "") -> None:
    """Show a table whose first column is code.

    Args:
        shell: the shell to show it in.
        header: the titles of the columns.
        rows: the cells, which are shown literally.
        below: a sentence below the table, as Markdown.
    """
    widths = [max(columns(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    plain = [
        "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    markdown = markdown_table(
        header, [[code(row[0], in_table=True), *(literal_cell(text) for text in row[1:])] for row in rows]
    )
    tail = f"\n\n{below}" if below else ""
    show_markdown(shell, markdown + tail, "\n".join(plain) + tail.replace("`", ""))


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table as Markdown.

    Args:
        header: the titles of the columns, which are shown literally.
        rows: the cells, as Markdown that is safe within a table.
    """
    lines = [list(map(literal_cell, header)), ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str, *, in_table: bool = False) -> str:
    """Return a name as Markdown code that reads exactly as the name does."""
    return inline_code(visible(text), in_table=in_table, in_link=False, after_formula=False) if text else ""


def literal_cell(text: str) -> str:
    """Return Markdown that shows a text literally in a table."""
    return plain_text(visible(text).replace("\n", " "), line_start=True, in_table=True, lone_dollar=False)
