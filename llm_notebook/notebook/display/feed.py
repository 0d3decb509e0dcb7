"""Turns the changes of one transcript into messages: deltas for the pages that follow it, the whole document for the others."""

from __future__ import annotations

import threading
from typing import Any

from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.view import TranscriptView

__all__ = ["Feed"]


class Feed:
    """The messages about one transcript, numbered. Every thread may call its methods.

    Args:
        view: the transcript.
    """

    def __init__(self, view: TranscriptView) -> None:
        self.view = view
        self._writer = DeltaWriter(view)
        self._whole_at = 0
        self._is_new = False
        self._lock = threading.Lock()

    def next(self) -> dict[str, Any] | None:
        """Return the message that brings a reader of the previous message up to date, or None if nothing is new.

        Each time the text has doubled, the message is the whole document. A page that missed a delta recovers without asking,
        and because the sizes form a geometric series, all messages together stay in proportion to the text.
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
        """Empty the transcript, for an answer that is asked for again; the next message is the whole document."""
        with self._lock:
            self.view.start_over()
            self._writer = DeltaWriter(self.view, self._writer.seq + 1)
            self._whole_at, self._is_new = 0, True

    def document(self) -> dict[str, Any]:
        """Return the whole transcript as it is at the moment."""
        with self._lock:
            return self._writer.full()
