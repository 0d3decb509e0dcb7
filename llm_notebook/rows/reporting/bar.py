"""The progress bar of a run, on stderr."""

from __future__ import annotations

import sys
from typing import Any

from llm_notebook.rows.reporting.run import Failures, Run, dollars

__all__ = ["Bar"]


class Bar:
    """A bar with the rate, the cost, the failures and the time left. If tqdm, which draws it, is missing, only the sentences around it are written.

    Args:
        run: the run that it shows.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._bar: Any = None

    def open(self) -> None:
        """Say how much the run is expected to take, and draw the bar."""
        run = self._run
        if run.estimate is not None and run.estimate.rows:
            sys.stderr.write(f"{run.estimate}{'' if run.is_kept else '; nothing is kept, so it cannot be resumed'}\n")
        try:
            from tqdm import tqdm  # only runs that show a bar need it
        except ImportError:
            return
        self._bar = tqdm(total=run.progress.count, unit=" rows", dynamic_ncols=True)

    def update(self) -> None:
        """Show the current progress."""
        if self._bar is None:
            return
        progress = self._run.progress
        words = [f"{dollars(progress.cost)} so far"] if progress.cost else []
        words += [f"{progress.failed:,} failed"] if progress.failed else []
        words += [] if self._run.is_kept else ["not kept"]
        self._bar.set_postfix_str(", ".join(words), refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self, found: object, failures: list[Failures]) -> None:
        """Draw the last state of the bar, and write the summary below it."""
        self.stop()
        stopped = f"{self._run.reason} " if self._run.reason else ""
        sys.stderr.write(f"{stopped}{self._run.summary}\n".replace("`", ""))

    def stop(self) -> None:
        """Draw the last state of the bar."""
        if self._bar is not None:
            self.update()
            self._bar.close()
