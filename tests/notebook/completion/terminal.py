"""An IPython in a terminal in which the cases of completion can be typed: `python -m tests.notebook.completion.terminal`.

Tab completes as readline does, at once. A cell that ends in `MARK` is not run: the text that stands in the line is printed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from IPython.terminal.interactiveshell import TerminalInteractiveShell
from traitlets.config import Config

from tests.notebook.completion.cases import prepare

__all__ = ["MARK", "SAYS"]

MARK = "\u00df"
"""A letter that stands in no case. Whoever sees it drawn knows that the keys before it have been handled."""

SAYS = "THE CELL IS "


def _printing(lines: list[str]) -> list[str]:
    text = "".join(lines)
    # The cell must not become one of the cells that may be asked about.
    return [f"print({SAYS!r} + ascii({text!r})); del In[2:]\n"] if MARK in text else lines


def main() -> None:
    """Show the prompt of IPython until it is closed."""
    config = Config()
    config.HistoryManager.enabled = False
    config.TerminalInteractiveShell.display_completions = "readlinelike"
    config.TerminalInteractiveShell.colors = "NoColor"
    config.TerminalInteractiveShell.confirm_exit = False
    config.TerminalInteractiveShell.auto_match = False
    config.TerminalInteractiveShell.autosuggestions_provider = None
    with tempfile.TemporaryDirectory() as folder:
        shell = TerminalInteractiveShell.instance(config=config)
        prepare(shell, Path(folder))
        shell.input_transformers_cleanup.insert(0, _printing)
        shell.mainloop()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
