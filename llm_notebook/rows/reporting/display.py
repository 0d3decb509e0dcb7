"""Where a run over rows is shown: in the front end's own display if it has one, otherwise as a bar on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llm_notebook.rows.reporting.run import Failures, Run

__all__ = ["Hidden", "RunDisplay", "RunDisplays"]


class RunDisplay(Protocol):
    """Shows one run."""

    def open(self) -> None:
        """Show the beginning of the run. This is called in the thread that asks for the run."""

    def update(self) -> None:
        """Take note of progress. This is cheap enough to be called for every row, and may be called in any thread."""

    def close(self, found: object, failures: list[Failures]) -> None:
        """Show how the run ended.

        Args:
            found: the table as far as the run got; None if there is none, as for an iterator.
            failures: the rows that failed.
        """


class Hidden:
    """Shows nothing."""

    def open(self) -> None:
        """Show nothing."""

    def update(self) -> None:
        """Show nothing."""

    def close(self, found: object, failures: list[Failures]) -> None:
        """Show nothing."""


class RunDisplays:
    """How this process shows runs.

    Attributes:
        make: makes the display of a run.
        notebook: returns the path of the notebook that asks for a run; None if it is not known.
    """

    def __init__(self) -> None:
        self.make: Callable[[Run], RunDisplay] = _bar
        self.notebook: Callable[[], str | None] = lambda: None


def _bar(run: Run) -> RunDisplay:
    from llm_notebook.rows.reporting.bar import Bar  # not needed by a front end that draws runs itself

    return Bar(run)
