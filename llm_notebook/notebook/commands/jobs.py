"""`%llm jobs`: the runs over rows in the journal, how far each came, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.commands.lists.excerpts import excerpt
from llm_notebook.notebook.commands.lists.listings import Bar, Group, Line, show_listing
from llm_notebook.notebook.commands.lists.places import notebook_names
from llm_notebook.notebook.commands.lists.sheets import Column
from llm_notebook.notebook.commands.lists.tables import say
from llm_notebook.notebook.commands.usage import cost_of_tokens
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.parts.messages import Usage
from llm_notebook.rows.reporting.run import dollars
from llm_notebook.transcript.words import duration, short_id

if TYPE_CHECKING:
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.journal.runs import RowsEntry

__all__ = ["cost_of_run", "share_of_run", "show_jobs", "state_of_run"]

_LONGEST = 80
_COLUMNS = (
    Column("Run"),
    Column("Asked", "llm-fill llm-lead"),
    Column("Model", "llm-nowrap"),
    Column("When", "llm-nowrap"),
    Column("Rows", "llm-r"),
    Column("answered", "llm-r"),
    Column("failed", "llm-r"),
    Column("Cost", "llm-r"),
    Column("State", "llm-nowrap"),
    Column("", "llm-nowrap", "How far it has come"),
)
_STATES: Mapping[str, str] = MappingProxyType(
    {"streaming": "running", "complete": "done", "interrupted": "stopped", "failed": "failed"}
)
_NOTE = (
    "A run that goes on with an earlier one counts its rows too, and what they cost. To go on with one that was stopped, run its cell"
    " again: it asks only what is left. `%llm history TURN` shows the conversation of a row, by the column `turn`."
)


def show_jobs(shell: InteractiveShell, journal: Journal, words: Sequence[str]) -> None:
    """Show the latest runs over rows, or one of them.

    Args:
        shell: the shell to show them in.
        journal: the journal.
        words: a part of the id of one run; empty or `list` for the latest.

    Raises:
        CellError: there is no such run.
    """
    runs = journal.runs()
    named = words[0].lower() if words and words[0] != "list" else ""
    if named:
        runs = [run for run in runs if named in run.begun.rows_id.lower()]
        if len(runs) != 1:
            raise CellError(f"No run is called {words[0]}. `%llm jobs` lists them.")
    if not runs:
        say(shell, "No run over rows is in the journal. `%%llm --each df` begins one.")
        return
    here = current_execution(shell).notebook
    names = notebook_names((run.begun.notebook or "" for run in runs), here)
    groups: dict[str, Group] = {}
    for run in runs:
        place = names[run.begun.notebook or ""] or ("no notebook" if len(names) > 1 else "")
        groups.setdefault(place, Group(place)).lines.append(_line(run, is_whole=bool(named)))
    show_listing(shell, "Runs over rows", _COLUMNS, list(groups.values()), _NOTE)


def _line(run: RowsEntry, *, is_whole: bool) -> Line:
    begun = run.begun
    took = f", {duration((run.ended_at - begun.at).total_seconds())}" if run.ended_at is not None else ""
    return Line(
        [
            short_id(begun.rows_id).lower(),
            excerpt(begun.prompt, len(begun.prompt) if is_whole else _LONGEST),
            begun.model_id,
            _when(begun.at),
            "" if begun.count is None else f"{begun.count:,}",
            f"{run.answered:,}{f' ({run.known:,} before)' if run.known else ''}",
            f"{run.failed:,}" if run.failed else "",
            cost_of_run(run),
            f"{state_of_run(run)}{took}",
            Bar(share_of_run(run)),
        ]
    )


def cost_of_run(run: RowsEntry) -> str:
    """Return what a run cost, with the rows that it has taken over, in words; empty where nothing is billed."""
    if run.cost:
        return dollars(run.cost)
    cost = cost_of_tokens(run.begun.model_id, Usage(run.input_tokens, run.output_tokens), run.begun.at)
    return "" if cost is None else str(cost) if cost.usd is not None else "not known"


def share_of_run(run: RowsEntry) -> float:
    """Return how far a run has come, from 0 to 1."""
    if run.status == "complete":
        return 1.0
    return min(1.0, (run.answered + run.failed) / run.begun.count) if run.begun.count else 0.0


def state_of_run(run: RowsEntry) -> str:
    """Return the state of a run in a word."""
    return _STATES[run.status]


def _when(at: datetime) -> str:
    local, now = at.astimezone(), datetime.now().astimezone()
    return f"today, {local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"
