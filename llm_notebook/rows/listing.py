"""Lists the runs over rows in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal

if TYPE_CHECKING:
    from llm_notebook.journal.runs import RowsEntry

__all__ = ["runs"]


def runs(*, limit: int = 50) -> list[RowsEntry]:
    """Return the latest runs over rows, newest first: what was asked, how far they got, and what they used.

    Args:
        limit: the largest number of runs.

    Raises:
        JournalError: the journal cannot be read.
    """
    return process.of(CurrentJournal).to_read.runs(limit=limit)
