"""Questions that are asked while output is captured, as by `%%capture`: when the cell is over, they are shown and stop the queue.

Code that captures output also catches the exception that would stop the cells below. Without this module, the question would never be
seen, and the cell would count as done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.notebook.errors import CellHalted
from llm_notebook.notebook.frontend.kernel import is_captured

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["CapturedQuestions"]


class CapturedQuestions:
    """Shows the questions of a shell that were asked while output was captured.

    Args:
        turns: the turns of the shell.
    """

    def __init__(self, turns: LiveTurns) -> None:
        self._turns = turns
        self._hidden: list[str] = []

    def open(self) -> None:
        """Start watching the shell."""
        self._turns.paused = self._note
        self._turns.shell.events.register("post_run_cell", self._show)

    def close(self) -> None:
        """Stop watching the shell."""
        self._turns.shell.events.unregister("post_run_cell", self._show)

    def _note(self, transcript: str) -> None:
        if self._turns.front.is_notebook and is_captured(self._turns.shell):
            self._hidden.append(transcript)

    def _show(self, result: ExecutionResult) -> None:
        """Show what was hidden, unless the cell that has ended ran inside another one whose output is still captured."""
        if not self._hidden or is_captured(self._turns.shell):
            return
        hidden, self._hidden = self._hidden, []
        shown = [turn for name in hidden if (turn := self._turns.turns.get(name)) is not None and turn.is_waiting]
        for turn in shown:
            try:
                self._turns.show_again(turn)
            except CellHalted as halted:
                result.error_in_exec = result.error_in_exec or halted
