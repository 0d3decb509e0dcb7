"""The errors of runs over rows."""

from __future__ import annotations

from llm_notebook.errors import ModelError, TransportError

__all__ = ["RowsError", "WorkerLost", "WorkersGone"]


class RowsError(ModelError, ValueError):
    """A run over rows cannot begin, or had to stop. The message is one sentence that says what to do.

    Attributes:
        partial: the table as far as the run got; None if nothing was sent.
    """

    def __init__(self, message: str, *, partial: object = None) -> None:
        super().__init__(message)
        self.partial = partial


class WorkerLost(TransportError):
    """No worker has asked a row, or its answer has not come back."""


class WorkersGone(WorkerLost):
    """No worker is left to ask any more rows."""
