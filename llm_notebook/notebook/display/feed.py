"""Turns the changes of one transcript into messages: deltas for the pages that follow it, the whole document for the others."""

from __future__ import annotations

import threading
from typing import Any

from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.view import TranscriptView

__all__ = ["Feed"]


class Feed:
    """The numbered messages about one transcript. Any thread may call its methods.

    Args:
        view: the transcript.
    """

    def __init__(self, view: TranscriptView) -> None:
        self.view = view
        self._writer = DeltaWriter(view)
        self._is_new = True
        self._lock = threading.Lock()

    def next(self) -> dict[str, Any] | None:
        """Return the message that brings a reader of the previous message up to date, or None if nothing is new.

        The first message is the whole document, which is still short then. After that, contents are sent only once.
        """
        with self._lock:
            if self._is_new:
                self._is_new = False
                return {"type": "state", "document": self._writer.full()}
            return self._writer.next()

    def rest(self) -> list[dict[str, Any]]:
        """Return the messages that bring a reader up to date with the latest `document()`."""
        with self._lock:
            deltas = self._writer.rest()
            if self._is_new:
                self._is_new = False
                return [{"type": "state", "document": self._writer.full()}]
            return deltas

    def start_over(self) -> None:
        """Empty the transcript, because the answer is asked for again. The next message is the whole document."""
        with self._lock:
            self.view.start_over()
            self._writer = DeltaWriter(self.view, self._writer.seq + 1)
            self._is_new = True

    def beginning(self) -> TranscriptView:
        """Return the transcript as it was before anything had arrived."""
        return TranscriptView(self.view.model_id, id=self.view.id, began=self.view.began)

    def document(self) -> dict[str, Any]:
        """Return the whole transcript in its current state."""
        with self._lock:
            return self._writer.full()
