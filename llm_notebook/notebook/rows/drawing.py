"""Lets `map_rows()` in a cell of Python draw its bar as a `%%llm --each` cell does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.rows.reporting.display import RunDisplays

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.notebook.frontend.frontend import FrontEnd
    from llm_notebook.notebook.running.live_turns import LiveTurns
    from llm_notebook.rows.reporting.display import RunDisplay
    from llm_notebook.rows.reporting.run import Run

__all__ = ["draw_runs", "stop_drawing_runs"]


def draw_runs(shell: InteractiveShell, front: FrontEnd, turns: Callable[[], LiveTurns]) -> None:
    """Draw the runs that this process asks for as transcripts, where there is a notebook.

    Args:
        shell: the shell.
        front: its front end.
        turns: returns the turns of the shell, which are made when they are first needed.
    """
    displays = process.of(RunDisplays)
    displays.notebook = lambda: current_execution(shell).notebook or None
    if not front.is_notebook:
        return
    usual = displays.make

    def make(run: Run) -> RunDisplay:
        from llm_notebook.notebook.rows.display import DrawnRun  # what only runs over rows need

        # What a thread of the user's asks for belongs to no cell.
        is_in_cell = threading.current_thread() is threading.main_thread()
        return DrawnRun(turns(), run) if is_in_cell else usual(run)

    displays.make = make


def stop_drawing_runs() -> None:
    """Undo `draw_runs()`."""
    process.made.pop(RunDisplays, None)
