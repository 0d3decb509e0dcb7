"""What is wrong with a run over rows."""

from __future__ import annotations

from llm_notebook.errors import ModelError, TransportError

__all__ = ["RowsError", "WorkerLost", "WorkersGone"]


class RowsError(ModelError, ValueError):
    """A run over rows cannot begin, or had to stop. The message is one sentence that says what to do.

    Attributes:
        partial: the table as far as the run came; None if nothing was sent.
    """

    def __init__(self, message: str, *, partial: object = None) -> None:
        super().__init__(message)
        self.partial = partial


class WorkerLost(TransportError):
    """No worker has asked a row, or none has told what came of it."""


class WorkersGone(WorkerLost):
    """No worker will ask any further row."""
