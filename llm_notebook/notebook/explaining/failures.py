"""Remembers which cells of a kernel have failed, so that `%llm error` can explain the last one, or the one with a given number.

A frame holds its variables, which may be large. So only the latest failure keeps them, as in Python itself (`sys.last_value`). For earlier
ones, only the places and the lines are kept. The exceptions themselves belong to the user and are not changed.
"""

from __future__ import annotations

import sys
import traceback
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellError, CellHalted
from llm_notebook.notebook.explaining.frames import Frame, frames_of
from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

__all__ = ["Failure", "Failures"]

_MOST = 50
_MOST_LINKS = 5
_LONGEST = 20_000
_RUN_AGAIN = "Run this cell again, and then ask about its error. Nothing was sent."


@dataclass(slots=True)
class Failure:
    """An exception that ended a cell.

    Attributes:
        number: the number of the cell's execution; 0 if it is not known.
        source: the text of the cell; empty if it is not known.
        said: the type and the message of the exception, its notes, and the exceptions that led to it, in one or more lines each.
        line: the line of the cell that Python could not read; 0 if it could.
        packages: the packages that the exception comes from or names, under the names by which they are imported.
        frames: the frames from the cell to the place where it was raised.
        cell_id: the id that the front end gave the cell; empty if it is not known.
    """

    number: int
    source: str
    said: str
    line: int = 0
    packages: tuple[str, ...] = ()
    frames: list[Frame] = field(default_factory=list)
    cell_id: str = ""

    @classmethod
    def of(cls, error: BaseException, shell: InteractiveShell, number: int = 0, source: str = "") -> Failure:
        """Return what is known about an exception. Without a number, its cell is found from its frames."""
        frames = frames_of(error, shell, source)
        if not number:
            number, source = next(((frame.cell, frame.cell_source) for frame in frames if frame.cell), (0, ""))
        line = (error.lineno or 0) if isinstance(error, SyntaxError) and not frames else 0
        missing = error.name if isinstance(error, ImportError) else None
        return cls(number, source, _said(error), line, (missing or "", type(error).__module__), frames)

    @property
    def name(self) -> str:
        """What the cell is called."""
        return f"In[{self.number}]" if self.number else "the last cell"

    def let_go(self) -> None:
        """Drop everything that holds variables. The places and the lines are kept."""
        for frame in self.frames:
            frame.variables, frame.global_variables = {}, {}


class Failures:
    """The failures of one shell.

    Args:
        shell: the shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._known: OrderedDict[int, Failure] = OrderedDict()

    def open(self) -> None:
        """Start noting the cells that fail."""
        self._shell.events.register("post_run_cell", self._note)

    def close(self) -> None:
        """Stop noting cells that fail, and forget all failures."""
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
        failure = self._known.get(number) or self._from_python()
        if failure is not None and failure.number == number:
            clicked = self._clicked_cell()
            if clicked and failure.cell_id not in ("", clicked):
                raise CellError(f"In[{number}] is another cell in this kernel. {_RUN_AGAIN}")
            return failure
        known = ", ".join(f"In[{one}]" for one in list(self._known)[-5:])
        has = f"Those that are remembered: {known}." if known else "No failure is remembered."
        raise CellError(f"In[{number}] has not failed in this kernel. {has} Nothing was sent.")

    def said(self, number: int) -> str | None:
        """Return the message with which the cell with this number failed; None if it did not fail, or the failure is forgotten."""
        return self._known[number].said if number in self._known else None

    def _note(self, result: ExecutionResult) -> None:
        # A cell may run others, as with `%run`; the one that ends last is the outer one, and has the whole traceback.
        error = result.error_before_exec or result.error_in_exec
        source = getattr(result.info, "raw_cell", "") or ""
        if error is None or _is_ours(error, source):
            return
        number = result.execution_count or self._number()
        for earlier in self._known.values():
            earlier.let_go()
        self._known.pop(number, None)
        failure = Failure.of(error, self._shell, number, source)
        request = current_request(self._shell)
        failure.cell_id = "" if request is None else cell_id_of(request.message)
        self._known[number] = failure
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def _number(self) -> int:
        return max(0, self._shell.execution_count - 1)

    def _clicked_cell(self) -> str:
        """Return the id of the cell whose button was clicked; empty if the line was typed."""
        request = current_request(self._shell)
        content = {} if request is None else request.message.get("content")
        is_click = isinstance(content, dict) and content.get("store_history") is False
        return cell_id_of(request.message) if request is not None and is_click else ""

    def _from_python(self) -> Failure | None:
        """Return the failure that Python has kept from before this package was loaded."""
        error = getattr(sys, "last_value", None)
        if not isinstance(error, BaseException) or isinstance(error, (CellError, CellHalted)):
            return None
        return Failure.of(error, self._shell)


def _is_ours(error: BaseException, source: str) -> bool:
    """Return whether an exception is a sentence of our own magics, which explains itself."""
    if isinstance(error, (CellError, CellHalted)) or not source.lstrip().startswith(("%llm", "%%llm")):
        return isinstance(error, (CellError, CellHalted))
    from llm_notebook.notebook.running.problems import EXPECTED  # the magic has loaded it

    return isinstance(error, EXPECTED)


def _said(error: BaseException) -> str:
    lines: list[str] = []
    seen: set[int] = set()
    link, one = "", error
    while id(one) not in seen and len(seen) < _MOST_LINKS:
        seen.add(id(one))
        lines.append(link + _message(one))
        lines += [f"  in it: {_message(inner)}" for inner in getattr(one, "exceptions", ())[:_MOST_LINKS]]
        is_direct = one.__cause__ is not None
        link = "caused by: " if is_direct else "while this was handled: "
        following = one.__cause__ if is_direct or one.__suppress_context__ else one.__context__
        if following is None:
            break
        one = following
    return "\n".join(lines)


def _message(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception_only(type(error), error)).strip()[:_LONGEST]
    except Exception:  # its own `__str__` may fail in any way
        return type(error).__name__
