"""Presses Tab in a shell of this process, and imports nothing of ours."""

from __future__ import annotations

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["completions"]


def completions(shell: InteractiveShell, typed: str) -> list[str]:
    """Return what the whole cell before the cursor, or the line of it, may become: the texts that replace what was typed."""
    cursor = typed.index("|")
    text = typed[:cursor] + typed[cursor + 1 :]
    with provisionalcompleter():
        return [completion.text for completion in shell.Completer.completions(text, cursor)]
