"""Which execution each cell of a kernel had last, and which tags the cell had, where pages send that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request, tags_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

__all__ = ["RunCells"]


class RunCells:
    """Remembers which execution each cell of a shell had last, by the ids that pages send, and the tags that the cell had.

    Args:
        shell: the shell.

    Attributes:
        numbers: the numbers of the executions, by the ids of the cells.
        tags: the tags of the cells that had some, by the numbers of their executions. JupyterLab sends them; nbclient doesn't.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.numbers: dict[str, int] = {}
        self.tags: dict[int, tuple[str, ...]] = {}

    def open(self) -> None:
        """Begin to watch the shell."""
        self._shell.events.register("post_run_cell", self._note)

    def close(self) -> None:
        """Stop watching."""
        self._shell.events.unregister("post_run_cell", self._note)

    def _note(self, result: ExecutionResult) -> None:
        request = current_request(self._shell)
        # What a cell runs in its turn has no number, or the same request with a later one.
        if request is None or not result.execution_count:
            return
        if cell := cell_id_of(request.message):
            self.numbers[cell] = result.execution_count
        if tags := tags_of(request.message):
            self.tags[result.execution_count] = tags
