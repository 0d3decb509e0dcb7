"""The bar that shows how far a run has come, outside of transcripts."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from llm_notebook.rows.progress import Progress

__all__ = ["Bar"]


class Bar:
    """A bar with rate, cost, failures and the time that is left. It is drawn by tqdm; where that is missing, only the summary is printed.

    Args:
        progress: what it shows.
        is_wanted: False shows nothing.
    """

    def __init__(self, progress: Progress, is_wanted: bool) -> None:
        self._progress = progress
        self._is_wanted = is_wanted
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._is_wanted:
            try:
                from tqdm import tqdm  # only runs that show a bar need it
            except ImportError:
                return self
            self._bar = tqdm(total=self._progress.count, unit=" rows", dynamic_ncols=True)
        return self

    def update(self) -> None:
        """Show what the progress is."""
        if self._bar is None:
            return
        progress = self._progress
        words = [f"${progress.cost:.4f}"] if progress.cost else []
        words += [f"{progress.failed:,} failed"] if progress.failed else []
        self._bar.set_postfix_str(", ".join(words), refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self.update()
            self._bar.close()
        if self._is_wanted:
            sys.stderr.write(f"{self._progress.summary}\n")
