"""Remembers which cells of a kernel have failed, so that `%llm error` can explain the last one, or one by its number.

An exception holds its frames, and a frame holds its variables, which may be large. So only the latest failure keeps them, as Python does
itself (`sys.last_value`); of an earlier one there remain the places and the lines.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellError, CellHalted
from llm_notebook.notebook.explaining.frames import Frame, frames_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

__all__ = ["Failure", "Failures"]

_MOST = 50
_OURS = (CellError, CellHalted)


@dataclass(slots=True)
class Failure:
    """An exception that ended a cell.

    Attributes:
        number: the number of the cell's execution; 0 if it is not known.
        source: the text of the cell; empty if it is not known.
        error: the exception.
        frames: where it was raised, from the cell to the place.
    """

    number: int
    source: str
    error: BaseException
    frames: list[Frame] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the cell is called."""
        return f"In[{self.number}]" if self.number else "the last cell"

    def let_go(self) -> None:
        """Keep the places and the lines, and nothing that holds variables."""
        for frame in self.frames:
            frame.variables, frame.global_variables = {}, {}
        _forget_tracebacks(self.error)


class Failures:
    """The failures of one shell.

    Args:
        shell: the shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._known: OrderedDict[int, Failure] = OrderedDict()

    def open(self) -> None:
        """Begin to take note of cells that fail."""
        self._shell.events.register("post_run_cell", self._note)

    def close(self) -> None:
        """End it, and forget them all."""
        self._shell.events.unregister("post_run_cell", self._note)
        self._known.clear()

    def find(self, number: int | None) -> Failure:
        """Return the failure of the cell with this number, or the latest one.

        Raises:
            CellError: there is none.
        """
        if number is None:
            latest = next(reversed(self._known.values()), None) or self._from_python()
            if latest is None:
                raise CellError("No cell of this kernel has failed, so there is nothing to explain. Nothing was sent.")
            return latest
        if number in self._known:
            return self._known[number]
        known = ", ".join(f"In[{one}]" for one in list(self._known)[-5:])
        has = f"Those that are remembered: {known}." if known else "No failure is remembered."
        raise CellError(f"In[{number}] has not failed in this kernel. {has} Nothing was sent.")

    def _note(self, result: ExecutionResult) -> None:
        # A cell may run others, as with `%run`; the one that ends last is the outer one, and has the whole traceback.
        error = result.error_before_exec or result.error_in_exec
        if error is None or isinstance(error, _OURS):
            return
        number = result.execution_count or self._number()
        source = getattr(result.info, "raw_cell", "") or ""
        for earlier in self._known.values():
            earlier.let_go()
        self._known.pop(number, None)
        self._known[number] = Failure(number, source, error, frames_of(error, self._shell))
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def _number(self) -> int:
        return max(0, self._shell.execution_count - 1)

    def _from_python(self) -> Failure | None:
        """Return what failed before this package was loaded, as Python has kept it."""
        error = getattr(sys, "last_value", None)
        if not isinstance(error, BaseException) or isinstance(error, _OURS):
            return None
        frames = frames_of(error, self._shell)
        number, source = next(((frame.cell, frame.cell_source) for frame in frames if frame.cell), (0, ""))
        return Failure(number, source, error, frames)


def _forget_tracebacks(error: BaseException) -> None:
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = None
        pending += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
