"""`--context`: reads the cells of the notebook that a prompt asks for, from the page where it sends them, else from the kernel."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_notebook.notebook.context.cells import Answer, NotebookCell, chosen_cells
from llm_notebook.notebook.context.front_end import cells_of_page
from llm_notebook.notebook.context.history import History
from llm_notebook.notebook.context.run_cells import RunCells
from llm_notebook.notebook.context.telling import Reads, tell_cells
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.line.arguments import parse_cell, parse_line, typed_text
from llm_notebook.notebook.waits.recalling import read_rounds
from llm_notebook.objects.described import MOST_BYTES, Bounds, Described
from llm_notebook.parts.sent import Sent
from llm_notebook.transcript.reloading import view_of_turns

if TYPE_CHECKING:
    from llm_notebook.models.conversations import Conversation
    from llm_notebook.notebook.cells.session import Session
    from llm_notebook.notebook.explaining.failures import Failures
    from llm_notebook.notebook.prompts.given import Given
    from llm_notebook.notebook.running.live_turns import LiveTurns
    from llm_notebook.transcript.view import TranscriptView
    from llm_notebook.turns.origin import Origin

__all__ = ["ContextSource", "add_context"]

_ADVICE = "AGENTS.md"


@dataclass(slots=True)
class ContextSource:
    """Where the cells of a notebook are to be had.

    Attributes:
        turns: the turns that this kernel shows.
        failures: the cells that have failed.
        run: which executions the cells had last in this kernel.
        session: the conversations of the notebook.
    """

    turns: LiveTurns
    failures: Failures
    run: RunCells
    session: Session

    def cells(self) -> tuple[list[NotebookCell], int]:
        """Return (the cells without the one that runs, how many of them are above it)."""
        history = History(self.turns.shell, self.failures, self.run.tags, self.session.answers)
        found = cells_of_page(self.turns.shell, self._answer)
        if found is None:
            cells = history.cells()
            return cells, len(cells)
        cells, here = found
        return [self._as_run(cell, history) for cell in cells], here

    def _as_run(self, cell: NotebookCell, history: History) -> NotebookCell:
        """Return a cell with the outputs of its latest run: with Run All, the page has sent it before it was run."""
        number = self.run.numbers.get(cell.id, cell.number)
        return cell if number == cell.number else replace(cell, number=number, outputs=history.late_outputs(number))

    def _answer(self, transcript: str) -> Answer | None:
        live = self.turns.turns.get(transcript)
        if live is not None and live.context is not None:
            return _answer_of(live.view, live.context[1].question)
        rounds = read_rounds(transcript)
        if not rounds:
            return None
        return _answer_of(view_of_turns(rounds), _question(rounds[0].begun.settings.get("text", "")))


def _answer_of(view: TranscriptView, question: str) -> Answer:
    return Answer(question, view.answer, len(view.calls))


def _question(typed: str) -> str:
    """Return the prompt of a magic as it was typed, without the options before it."""
    line, _, cell = typed.partition("\n")
    with suppress(CellError):
        arguments, rest = parse_cell(line, cell) if cell else (parse_line(line), None)
        return typed_text(arguments, rest)
    return typed


def add_context(
    context: str, source: ContextSource, conversation: Conversation, given: Given, origin: Origin, max_size: int | None
) -> None:
    """Add the cells that a prompt asks for to what is given with it, and the answers among them to its conversation.

    Args:
        context: `above`, `all`, or a number of cells.
        source: where the cells are to be had.
        conversation: what the prompt continues.
        given: what goes with the prompt.
        origin: where it is asked.
        max_size: how many bytes the text of a cell, and of each of its outputs, has at most; None for the usual size.
    """
    model, history, most = conversation.model, conversation.history(), max_size or MOST_BYTES
    cells, here = source.cells()
    reads = Reads(model.model_id, model.attachment_types, model.supports_conversation, history)
    told = tell_cells(chosen_cells(cells, here, context), reads, most, given.secrets())
    if told.turns:
        conversation.loaded_messages = [*history, *told.turns]
    advice = _read_advice(origin, given, most)
    given.system_fragments[:0] = [found for found, _ in advice]
    given.fragments[:0] = told.fragments()
    given.told += [*(sent for _, sent in advice), *told.sent]
    if not told.sent:
        given.remarks.append("There are no cells to send with it.")


def _read_advice(origin: Origin, given: Given, max_size: int) -> list[tuple[Described, Sent]]:
    """Return (`AGENTS.md` beside the notebook, for the system prompt; its description for the reader), if there is one."""
    folder = Path(origin.path).parent if origin.path else Path()
    path = folder / _ADVICE
    if not os.path.lexists(path):
        return []
    # The folder may be somebody else's, and the link lead to any file of the user's.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        given.remarks.append(
            f"`{_ADVICE}` is a link to a file outside of its folder and was not sent. `--sf {_ADVICE}` sends it."
        )
        return []
    try:
        # Of what is no file, such as a pipe, there may be no end.
        text = path.read_text(encoding="utf-8") if path.is_file() else None
    except (OSError, ValueError):
        text = None
    if text is None:
        given.remarks.append(f"`{_ADVICE}` is no file of text that can be read and was not sent.")
        return []
    fitted, left_out = Bounds(max_size, scrubber=given.secrets(_ADVICE)).fitted(text, is_code=False)
    kind = f"text, {len(text):,} characters"
    sent = Sent(_ADVICE, kind, -(-len(fitted) // 4), left_out=left_out, in_system=True, group="context")
    return [(Described(kind, fitted, name=_ADVICE, is_told=True), sent)]
