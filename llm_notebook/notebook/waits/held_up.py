"""Keeps track of the cells that a question has held up: they were queued after its cell, and the kernel skipped them.

A question ends its cell with an error that is not shown, so that the cells queued after it do not run. The front end may have queued some or
none, and only the kernel learns which, as it skips them one by one. Each is noted, by its cell id, in the turn that waits, until the cell
has been run after all. Cells without ids are not noted, because it would be impossible to tell when they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request, in_kernel, soon, watch_skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.notebook.running.live_turn import LiveTurn

__all__ = ["HeldUpCells"]

# The kernel skips the queued cells one after the other, and the record is shown once for all of them.
_SHOWN_AFTER = 0.1  # seconds


class HeldUpCells:
    """Watches a kernel for cells that are skipped, and for skipped cells that run after all.

    Args:
        shell: the shell of the kernel. In a terminal nothing is queued.
        turns: returns the turns that may have held up cells.
    """

    def __init__(self, shell: InteractiveShell, turns: Callable[[], Iterable[LiveTurn]]) -> None:
        self._shell = shell
        self._turns = turns
        self._halted: LiveTurn | None = None
        self._is_due = False
        self._unwatch: Callable[[], None] = lambda: None

    def open(self) -> None:
        """Start watching."""
        if in_kernel(self._shell):
            self._unwatch = watch_skipped(self._shell, self._note_skipped)
            self._shell.events.register("pre_run_cell", self._note_run)

    def close(self) -> None:
        """Stop watching."""
        if in_kernel(self._shell):
            self._unwatch()
            self._shell.events.unregister("pre_run_cell", self._note_run)

    def halt(self, turn: LiveTurn) -> None:
        """Note that a turn ends its cell with a question, so that cells skipped from now on are held up by it."""
        self._halted = turn

    def _note_skipped(self, request: dict[str, Any]) -> None:
        turn, cell = self._halted, _cell_of(request)
        if turn is None or not cell or cell in turn.view.held_up:
            return
        # The same cell may have been queued a second time.
        if turn.request is not None and cell == _cell_of(turn.request.message):
            return
        turn.view.held_up = [*turn.view.held_up, cell]
        if not self._is_due:
            self._is_due = True
            soon(self._shell, _SHOWN_AFTER, lambda: self._show(turn))

    def _show(self, turn: LiveTurn) -> None:
        self._is_due = False
        if not turn.is_running:
            turn.display.refresh()

    def _note_run(self, *_info: object) -> None:
        # Cells skipped after this one are held up by it, unless it halts with a question too.
        self._halted = None
        turns = [turn for turn in self._turns() if turn.view.held_up]
        request = current_request(self._shell) if turns else None
        cell = _cell_of(request.message) if request is not None else ""
        for turn in turns:
            if cell and cell in turn.view.held_up:
                turn.view.held_up = [held for held in turn.view.held_up if held != cell]
                if not turn.is_running:
                    turn.display.refresh()


def _cell_of(request: dict[str, Any]) -> str:
    """Return the id of the cell that a request runs; empty for a click, which runs in a cell but does not run the cell."""
    content = request.get("content")
    return cell_id_of(request) if isinstance(content, dict) and content.get("store_history") else ""
