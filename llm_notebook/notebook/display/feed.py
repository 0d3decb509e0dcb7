"""Numbers what changes in a transcript: deltas for those who follow it, the whole document for everyone else."""

from __future__ import annotations

import threading
from typing import Any

from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.view import TranscriptView

__all__ = ["Feed"]


class Feed:
    """What is sent of one transcript. Any thread may ask."""

    def __init__(self, view: TranscriptView) -> None:
        self.view = view
        self._writer = DeltaWriter(view)
        self._whole_at = 0
        self._is_new = False
        self._lock = threading.Lock()

    def next(self) -> dict[str, Any] | None:
        """The message that brings a reader of the message before up to date; None where nothing is new.

        Whenever the text has doubled it is the whole document: who has missed something is healed without asking, and all
        messages together stay in proportion to the text.
        """
        with self._lock:
            if self._is_new:
                self._is_new = False
                return {"type": "state", "document": self._writer.full()}
            delta = self._writer.next()
            if delta is None or self.view.size < 2 * self._whole_at or self.view.size == self._whole_at:
                return delta
            self._whole_at = self.view.size
            return {"type": "state", "document": self._writer.full()}

    def start_over(self) -> None:
        """The transcript begins anew: its readers are sent the whole."""
        with self._lock:
            self.view.start_over()
            self._writer = DeltaWriter(self.view, self._writer.seq + 1)
            self._whole_at, self._is_new = 0, True

    def document(self) -> dict[str, Any]:
        """The whole transcript as it is now."""
        with self._lock:
            return self._writer.full()
