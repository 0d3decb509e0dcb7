"""Tells when a cell of the notebook is over, as opposed to code that the cell itself runs.

IPython reports the same events for both: `get_ipython().run_cell()`, `%run other.ipynb` and magics that run code are cells within a cell.
A cell within a cell is recognized by its text, and by its request, which is that of the outer cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llm_notebook.notebook.frontend.kernel import current_request

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

__all__ = ["CellWatch"]


class CellWatch:
    """Watches a shell for the beginning and the end of its cells.

    Args:
        shell: the shell.
        over: becomes the attribute of this name.

    Attributes:
        over: called with the result of a cell when it is over; with None for a cell that was cancelled before it had a result.
        is_running: whether a cell is running that began while the shell was watched.
    """

    def __init__(
        self, shell: InteractiveShell, over: Callable[[ExecutionResult | None], None] = lambda _result: None
    ) -> None:
        self.is_running = False
        self._shell = shell
        self.over = over
        self._text = ""
        self._request = ""
        shell.events.register("pre_run_cell", self._note_start)
        shell.events.register("post_run_cell", self._note_end)

    def close(self) -> None:
        """Stop watching."""
        self._shell.events.unregister("pre_run_cell", self._note_start)
        self._shell.events.unregister("post_run_cell", self._note_end)

    def _note_start(self, info: ExecutionInfo) -> None:
        request = self._request_id()
        # IPython may not report the end of a cell that was interrupted. The next cell has a different request.
        if not self.is_running or request != self._request:
            self.is_running, self._text, self._request = True, str(info.raw_cell), request

    def _note_end(self, result: ExecutionResult | None) -> None:
        is_inside = result is not None and result.info is not None and result.info.raw_cell != self._text
        if self.is_running and is_inside and self._request_id() == self._request:
            return
        self.is_running = False
        self.over(result)

    def _request_id(self) -> str:
        request = current_request(self._shell)
        return "" if request is None else str(request.message.get("header", {}).get("msg_id", ""))
