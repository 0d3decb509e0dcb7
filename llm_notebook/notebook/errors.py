"""How a cell says that it did not do what was asked: one sentence, no traceback, and the cells queued behind it do not run."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

__all__ = ["CellError", "CellHalted", "QuietHalts", "nearest", "option_sentence"]


class CellError(Exception):
    """What was asked cannot be done. The message is the whole of what the cell shows."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CellHalted(Exception):
    """A signal: the cell has already shown how it ended; this only keeps the cells queued behind it from running."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class QuietHalts:
    """Lets CellHalted end a cell of this shell without showing anything. A handler that the user had set goes on working."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._exceptions = tuple(shell.custom_exceptions)
        self._before: Any = shell.CustomTB
        handler = self._before if self._exceptions else None

        def quiet(_shell: Any, etype: type, value: BaseException, tb: Any, tb_offset: Any = None) -> Any:
            if isinstance(value, CellHalted) or handler is None:
                return []
            return handler(etype, value, tb, tb_offset)

        shell.set_custom_exc((*self._exceptions, CellHalted), quiet)
        self._ours: Any = shell.CustomTB

    def undo(self) -> None:
        """Put back what was there before, unless the user has put something else there since."""
        if self._shell.CustomTB == self._ours:
            self._shell.custom_exceptions = self._exceptions
            self._shell.CustomTB = self._before


def nearest(wrong: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """` Did you mean X?` where something known is close, else nothing. `cutoff`: how alike, from 0 to 1."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {close[0]}?" if close else ""


def option_sentence(error: Any, model_id: str, known: Iterable[str]) -> str:
    """A pydantic ValidationError of a model's options as one sentence."""
    known = list(known)
    said = []
    for problem in error.errors():
        name = ".".join(str(place) for place in problem["loc"][:1])
        if problem["type"] == "extra_forbidden":
            others = f" It has {', '.join(known)}." if known else " It takes no options."
            said.append(f"{model_id} has no option {name!r}.{nearest(name, known) or others}")
        else:
            said.append(f"Option {name}: {problem['msg'][:1].lower()}{problem['msg'][1:]}, not {problem['input']!r}.")
    return " ".join(said) + " Nothing was sent."
