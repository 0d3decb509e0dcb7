"""Shows a finished text: in a notebook as Markdown, in a terminal as plain text."""

from __future__ import annotations

import uuid

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.display.encoding import write
from llm_notebook.notebook.frontend.kernel import in_kernel, publisher
from llm_notebook.transcript.visible import terminal_safe

__all__ = ["show_markdown"]


def show_markdown(shell: InteractiveShell, markdown: str, plain: str, *, html: str = "") -> None:
    """Show a finished text.

    Args:
        shell: the shell to show it in.
        markdown: the text for a notebook; it must be safe already.
        plain: the text for a terminal. Control characters in it do not reach the terminal.
        html: the text for pages that show HTML, if it looks better there than Markdown; it must be safe already.
    """
    if in_kernel(shell):
        bundle = {"text/markdown": markdown, "text/plain": terminal_safe(plain)} | ({"text/html": html} if html else {})
        publisher(shell)(bundle, uuid.uuid4().hex, False)
    else:
        write(terminal_safe(plain) + "\n")
