"""Keeps the same run from being begun twice in this process: the second would pay for answers that the first is getting anyway."""

from __future__ import annotations

import threading
import weakref

from llm_notebook.rows.errors import RowsError

__all__ = ["RunsHere"]


class RunsHere:
    """The runs that are under way in this process, by what they ask. A run that nothing refers to any more is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going_on: weakref.WeakValueDictionary[str, object] = weakref.WeakValueDictionary()

    def begin(self, same: str, run: object) -> None:
        """Note that a run begins.

        Args:
            same: a digest of what it asks.
            run: the run.

        Raises:
            RowsError: the same run is already under way here.
        """
        with self._lock:
            if self._going_on.setdefault(same, run) is not run:
                raise RowsError(
                    "The same run goes on in this process: wait for it, or stop it; then this call takes over what it has."
                    " Nothing was sent."
                )

    def end(self, run: object) -> None:
        """Note that a run is over."""
        with self._lock:
            for same in [same for same, going_on in self._going_on.items() if going_on is run]:
                del self._going_on[same]
