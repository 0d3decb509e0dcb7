"""Draws a run over rows in the cell that asks for it, as a transcript with a bar in the place of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from llm_notebook.notebook.frontend.kernel import current_request
from llm_notebook.notebook.prompts.known_secrets import LazyScrubber, removed
from llm_notebook.notebook.rows.head import head_block, labels_of
from llm_notebook.notebook.rows.words import job_of
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.running.live_turns import LiveTurns
from llm_notebook.parts.identifiers import new_id
from llm_notebook.rows.reporting.run import Failures, Run
from llm_notebook.transcript.beside import Beside
from llm_notebook.transcript.job import Job
from llm_notebook.transcript.view import State, TranscriptView
from llm_notebook.turns.concurrency.interrupts import held_interrupts

__all__ = ["DrawnRun"]

_STATES: dict[str, State] = {"done": "done", "stopped": "interrupted", "limit": "interrupted", "fault": "failed"}


class DrawnRun:
    """Shows one run in a notebook.

    Attributes:
        turn: the transcript that shows it; None before it is open.
        again: runs the rows again, into a transcript; None where a click cannot do that.

    Args:
        turns: the turns of the shell.
        run: the run.
        turn: the transcript that shows it; None for a new one.
        out, source: the variable that its table is assigned to, and what the user calls its rows; empty if that is not known.
        is_cell: a `%%llm --each` cell asks for it.
        secrets: what takes secrets out of its rows, and knows which were found; None if nothing does.
    """

    def __init__(
        self,
        turns: LiveTurns,
        run: Run,
        *,
        turn: LiveTurn | None = None,
        out: str = "",
        source: str = "",
        is_cell: bool = False,
        secrets: LazyScrubber | None = None,
    ) -> None:
        self._turns = turns
        self._secrets = secrets
        self._run = run
        self._out, self._source = out, source
        self._is_cell = is_cell
        self.turn = turn
        self.again: Callable[[LiveTurn], None] | None = None
        self._beside = Beside()
        self._last: Job | None = None
        self._changed: Callable[[], None] = lambda: None

    def open(self) -> None:
        """Show the bar, before any row has come."""
        view = TranscriptView(self._run.model_id, id=new_id()) if self.turn is None else self.turn.view
        is_again = view.beside is not None
        view.beside = self._beside = Beside(make_job=self._job)
        # How a turn is displayed depends on whether it has a bar.
        self.turn = turn = self.turn or self._turns.register(view, None)
        if is_again:
            turn.feed.start_over()
        view.began = datetime.now().astimezone().isoformat(timespec="seconds")
        view.seconds, view.state = 0.0, "streaming"
        self._beside.renew_job()
        turn.again = self.again
        turn.request, turn.is_running = current_request(self._turns.shell), True
        self._changed = turn.display.changed
        turn.display.open()

    def update(self) -> None:
        """Note that the run has come further. What is drawn of it is made when it is drawn, a few times a second."""
        self._changed()

    def close(self, found: object, failures: list[Failures]) -> None:
        """Show the last state of the bar, and the first rows of the table."""
        turn = self.turn
        if turn is None:
            return
        view = turn.view
        # A second ■ must not lose what the first has left.
        with held_interrupts():
            label = str if found is None else labels_of(found)
            self._last = job_of(self._run, failures, label, is_cell=self._is_cell)
            if found is not None and self._run.state in ("done", "limit"):
                view.add(head_block(found, self._out, self._source), self._run.elapsed)
            if self._secrets is not None and self._secrets.made is not None:
                view.sent = removed(self._secrets.made)
            view.end(_STATES[self._run.state], self._run.elapsed)
            turn.is_running = False
            turn.display.close()
            self._beside.make_job = None

    def _job(self) -> Job:
        return self._last or job_of(self._run, is_cell=self._is_cell)
