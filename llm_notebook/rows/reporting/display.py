"""Where a run over rows is shown: a front end brings its own display, and elsewhere a bar is written to stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from llm_notebook.rows.reporting.run import Failures, Run

__all__ = ["Hidden", "RunDisplay", "RunDisplays"]


class RunDisplay(Protocol):
    """Shows one run."""

    def open(self) -> None:
        """Show that the run begins. It is called in the thread that asks for the run."""

    def update(self) -> None:
        """Note that the run has come further. This is cheap enough to be called for every row, and in any thread."""

    def close(self, found: Any, failures: list[Failures]) -> None:
        """Show how the run ended.

        Args:
            found: the table, as far as the run came; None where there is none, as for an iterator.
            failures: the rows that failed.
        """


class Hidden:
    """Shows nothing."""

    def open(self) -> None:
        """Show nothing."""

    def update(self) -> None:
        """Show nothing."""

    def close(self, found: Any, failures: list[Failures]) -> None:
        """Show nothing."""


class RunDisplays:
    """The process's way to show runs.

    Attributes:
        make: makes the display of a run.
        notebook: returns the path of the notebook that asks for a run; None if it is not known.
    """

    def __init__(self) -> None:
        self.make: Callable[[Run], RunDisplay] = _bar
        self.notebook: Callable[[], str | None] = lambda: None


def _bar(run: Run) -> RunDisplay:
    from llm_notebook.rows.reporting.bar import Bar  # a front end that draws runs itself needs none

    return Bar(run)
