"""Which execution each cell of a kernel had last, where pages send the ids of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

__all__ = ["RunCells"]


class RunCells:
    """Remembers which execution each cell of a shell had last, by the ids that pages send.

    Args:
        shell: the shell.

    Attributes:
        numbers: the numbers of the executions, by the ids of the cells.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.numbers: dict[str, int] = {}

    def open(self) -> None:
        """Begin to watch the shell."""
        self._shell.events.register("post_run_cell", self._note)

    def close(self) -> None:
        """Stop watching."""
        self._shell.events.unregister("post_run_cell", self._note)

    def _note(self, result: ExecutionResult) -> None:
        request = current_request(self._shell)
        # What a cell runs in its turn has no number, or the same request with a later one.
        if request is not None and result.execution_count and (cell := cell_id_of(request.message)):
            self.numbers[cell] = result.execution_count
