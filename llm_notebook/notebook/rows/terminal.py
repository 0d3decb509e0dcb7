"""Writes a run over rows in a terminal: the bar while it goes on, and then the same as a notebook shows, as text."""

from __future__ import annotations

import sys

from llm_notebook.notebook.prompts.known_secrets import LazyScrubber, removed
from llm_notebook.notebook.rows.head import head_block, labels_of
from llm_notebook.notebook.rows.words import job_of
from llm_notebook.rows.reporting.bar import Bar
from llm_notebook.rows.reporting.run import Failures, Run
from llm_notebook.transcript.answer.tables import plain_table
from llm_notebook.transcript.job import plain_job
from llm_notebook.transcript.sent_words import plain_sent

__all__ = ["WrittenRun"]


class WrittenRun:
    """Shows the run of a cell in a terminal.

    Args:
        run: the run.
        out, source: the variable that its table is assigned to, and what the user calls its rows; empty if that is not known.
        secrets: what takes secrets out of its rows, and knows which were found; None if nothing does.
    """

    def __init__(self, run: Run, *, out: str = "", source: str = "", secrets: LazyScrubber | None = None) -> None:
        self._secrets = secrets
        self._run = run
        self._bar = Bar(run)
        self._out, self._source = out, source

    def open(self) -> None:
        """Say what is expected, and draw the bar."""
        self._bar.open()

    def update(self) -> None:
        """Draw how far the run has come."""
        self._bar.update()

    def close(self, found: object, failures: list[Failures]) -> None:
        """Write how the run ended, and the first rows of the table."""
        self._bar.stop()
        label = str if found is None else labels_of(found)
        made = None if self._secrets is None else self._secrets.made
        written = plain_sent(removed(made)) if made is not None else []
        written += [plain_job(job_of(self._run, failures, label, is_cell=True))]
        if found is not None:
            written.append(plain_table(head_block(found, self._out, self._source), is_live=False))
        sys.stdout.write("\n\n".join(written) + "\n")
