"""The exceptions with which a cell ends: one sentence instead of a traceback, and the cells queued behind it do not run.

IPython shows what an exception's `_render_traceback_` returns in place of a traceback. Jupyter stops the queue for any exception.
"""

from __future__ import annotations

import difflib
import functools
import sys
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, cast

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.errors import Paused, terminal_safe

if TYPE_CHECKING:
    from types import TracebackType

    from pydantic import ValidationError

    from llm_notebook.errors import ChainLimitReached
    from llm_notebook.models.pauses import PauseChain
    from llm_notebook.transcript.endings import Problem

__all__ = ["CellError", "CellHalted", "QuietHalts", "limit_error", "nearest", "option_sentence"]


_TRIO_SAYS = "IPython detected, but you already have a custom exception handler installed"


class CellError(Exception):
    """Raised when a cell cannot do what it was asked to do. The cell shows the message and nothing else.

    Attributes:
        problem: how a transcript explains it; None if it says no more than the message.
    """

    problem: Problem | None = None

    def __str__(self) -> str:
        return terminal_safe(super().__str__())

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class CellHalted(Exception):
    """Raised to stop the cells queued behind this one, which has already shown how it ended.

    Args:
        said: how it ended, for code that catches this.
        transcript: the id of the transcript whose question ended the cell; empty if none did.
    """

    def __init__(self, said: str, transcript: str = "") -> None:
        super().__init__(said)
        self.transcript = transcript

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class ShowPause(Protocol):
    """Shows the card of a pause. Returns whether it could."""

    def __call__(self, pause: PauseChain, *, halts: bool) -> bool:
        """Show it. `halts` says whether the cells below must not run."""


class QuietHalts:
    """Lets CellHalted end a cell of a shell without showing anything, and a PauseChain with its card instead of a traceback.

    A PauseChain that is displayed is shown as its card too.

    A shell has one custom handler for a tuple of exceptions. One that the user has set keeps working for its own exceptions.

    Args:
        shell: the shell.
        show: shows the card of a pause; returns whether it could.
    """

    def __init__(self, shell: InteractiveShell, show: ShowPause) -> None:
        self._shell = shell
        self._exceptions = tuple(shell.custom_exceptions)
        self._before = shell.CustomTB
        handler = self._before if self._exceptions else None

        def quiet(
            _shell: InteractiveShell,
            etype: type[BaseException],
            value: BaseException,
            tb: TracebackType | None,
            tb_offset: int | None = None,
        ) -> Any:
            if isinstance(value, CellHalted) or (
                isinstance(value, Paused) and show(cast("PauseChain", value), halts=True)
            ):
                return []
            if handler is not None and isinstance(value, self._exceptions):
                return handler(etype, value, tb, tb_offset)
            return shell.showtraceback((etype, value, tb), tb_offset=tb_offset)

        shell.set_custom_exc((*self._exceptions, CellHalted, Paused), quiet)
        self._ours = shell.CustomTB
        showtraceback = shell.showtraceback
        self._shown_before = vars(shell).get("showtraceback")

        def show_others(exc_tuple: Any = None, *arguments: Any, **keywords: Any) -> None:
            if not isinstance((exc_tuple or sys.exc_info())[1], CellHalted):
                showtraceback(exc_tuple, *arguments, **keywords)

        # An `Output` widget of ipywidgets takes exceptions out of its block and shows them itself.
        shell.showtraceback = show_others  # type: ignore[method-assign]
        self._show_others = show_others
        formatter = shell.display_formatter
        self._formatter = None if formatter is None else formatter.ipython_display_formatter
        if self._formatter is not None:
            self._formatter.for_type(Paused, functools.partial(_display, show))
        # Wherever trio is installed, httpcore imports it, and before 0.23 it warns of any handler in its place: here of ours.
        warnings.filterwarnings("ignore", _TRIO_SAYS, RuntimeWarning)
        self._filter = warnings.filters[0]

    def undo(self) -> None:
        """Restore the handler that was set before, unless the user has set another one since."""
        if self._shell.CustomTB == self._ours:
            self._shell.custom_exceptions = self._exceptions
            self._shell.CustomTB = self._before
        if vars(self._shell).get("showtraceback") is self._show_others:
            del self._shell.showtraceback
            if self._shown_before is not None:
                self._shell.showtraceback = self._shown_before  # type: ignore[method-assign]
        if self._formatter is not None:
            self._formatter.pop(Paused, None)
        filters = cast("list[Any]", warnings.filters)
        if self._filter in filters:
            filters.remove(self._filter)


def _display(show: ShowPause, pause: PauseChain) -> None:
    if not show(pause, halts=False):
        # IPython then writes the object as it would without us.
        raise NotImplementedError


def nearest(wrong: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ` Did you mean X?` if a known word resembles the wrong one, or an empty string.

    Args:
        wrong: what was typed.
        known: the words that would be right.
        cutoff: how alike they must be, from 0 to 1.
    """
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=cutoff)
    return f" Did you mean {close[0]}?" if close else ""


def option_sentence(error: ValidationError, model_id: str, known: Iterable[str]) -> str:
    """Return what is wrong with a model's options, in one sentence for each of them.

    Args:
        error: what pydantic raised for the options.
        model_id: the model.
        known: the names of the options that it has.
    """
    known = list(known)
    sentences = []
    for problem in error.errors():
        name = ".".join(str(place) for place in problem["loc"][:1])
        if problem["type"] == "extra_forbidden":
            others = f" It has {', '.join(known)}." if known else " It takes no options."
            sentences.append(f"{model_id} has no option {name!r}.{nearest(name, known) or others}")
        else:
            sentences.append(
                f"Option {name}: {problem['msg'][:1].lower()}{problem['msg'][1:]}, not {problem['input']!r}."
            )
    return " ".join(sentences) + " Nothing was sent."


def limit_error(reached: ChainLimitReached) -> CellError:
    """Return the error of a cell whose chain has reached its limit where nobody can let it continue. It names the remedy."""
    unfinished = (
        f"the model still asked for {', '.join(reached.names)}, which was not run"
        if reached.names
        else "the provider was still at work with its own tools"
    )
    return CellError(
        f"Stopped after {reached.limit} answers in a row: {unfinished}. "
        f"`--cl {2 * reached.limit}` allows more answers, and `--cl 0` any number."
    )
