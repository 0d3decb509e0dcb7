"""The journal that this process uses: whether there is one, and how it is opened, read and closed."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnEntry
    from llm_notebook.journal.protocol import Journal

__all__ = ["CurrentJournal", "history", "open_journal"]


class CurrentJournal:
    """The process's journal, opened when it is first needed.

    Attributes:
        keeps: True if every prompt is recorded in the user's own journal, as in notebooks.
        problem: why there is no journal although there should be one; empty if there is no problem.
    """

    def __init__(self) -> None:
        self.keeps = False
        self.problem = ""
        self._journal: Journal | None = None
        self._is_own = False
        self._reading: Journal | None = None
        self._has_warned = False

    @property
    def journal(self) -> Journal | None:
        """The journal in which every prompt is recorded; None if no journal is wanted or it cannot be opened."""
        # After a failure the journal is not tried again for every prompt; `problem` is shown instead.
        wanted = self.keeps or "LLM_NOTEBOOK_JOURNAL" in os.environ
        if self._journal is None and wanted and not self.problem:
            try:
                self._journal, self._is_own = _open_file(None), True
            except JournalError as error:
                self.problem = str(error)
        return self._journal

    @property
    def to_read(self) -> Journal:
        """The journal from which to read. It is opened even if no prompt is recorded in it.

        Raises:
            JournalError: the journal cannot be opened.
        """
        if self.journal is not None:
            return self.journal
        if self._reading is None:
            self._reading = _open_file(None)
        return self._reading

    def open(self, path: str | Path | None = None) -> Journal:
        """Open a journal and record every following prompt in it.

        Raises:
            JournalError: the journal cannot be opened.
        """
        self._journal, self._is_own = _open_file(path), False
        self.problem, self._has_warned = "", False
        return self._journal

    def stop_keeping(self) -> None:
        """Record nothing more, except in a journal that the user has opened."""
        self.keeps = False
        if self._is_own and "LLM_NOTEBOOK_JOURNAL" not in os.environ:
            self.close()

    def warn_once(self, problem: str) -> None:
        """Warn, once, that prompts are not recorded, and why. Otherwise every prompt would repeat the warning."""
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(f"What you ask is not saved: {problem}", stacklevel=2)

    def close(self) -> None:
        """Record nothing more, and close every open journal."""
        open_ones = [journal for journal in (self._journal, self._reading) if journal is not None]
        self._journal = self._reading = None
        self.keeps, self.problem, self._has_warned = False, "", False
        for journal in open_ones:
            journal.close()


def open_journal(path: str | Path | None = None) -> Journal:
    """Open a journal and record in it every following turn, tool call and decision of this process.

    Args:
        path: the journal's file. By default the user's own journal, which notebooks use too: the file that
            `LLM_NOTEBOOK_JOURNAL` names, or else one in the platform's data folder.

    Raises:
        JournalError: the journal cannot be opened.
    """
    return process.of(CurrentJournal).open(path)


def history(query: str = "", *, limit: int = 50) -> list[TurnEntry]:
    """Return the latest turns of the journal, newest first.

    Args:
        query: words that the prompt or the answer must contain. All turns match an empty query.
        limit: the largest number of turns to return.

    Raises:
        JournalError: the journal cannot be read.
    """
    return process.of(CurrentJournal).to_read.history(query, limit=limit)


def _open_file(path: str | Path | None) -> Journal:
    from llm_notebook.journal.sqlite import open_sqlite_journal  # loads sqlite3

    return open_sqlite_journal(path)
