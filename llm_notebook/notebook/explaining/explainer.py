"""`%llm error`: turns the line into a prompt about a failure, and says what the reader is shown of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.context.cells import NotebookCell, why_hidden
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.explaining.failures import Failure, Failures
from llm_notebook.notebook.explaining.report import EXPLAIN, FIX, report_on
from llm_notebook.notebook.line.arguments import parse_line
from llm_notebook.notebook.line.options import Arguments
from llm_notebook.notebook.prompts.known_secrets import scrubber_for
from llm_notebook.parts.sent import Sent
from llm_notebook.transcript.beside import Beside
from llm_notebook.transcript.proposals import Proposal

__all__ = ["explain_failure"]


def explain_failure(
    command: Subcommand, failures: Failures, variables: Mapping[str, Any], tags: Mapping[int, Sequence[str]]
) -> tuple[Arguments, Beside, list[Sent]]:
    """Return (the options and the prompt that ask about a failure, what is shown beside the answer, what is sent).

    Args:
        command: the line.
        failures: the failures of this kernel.
        variables: the notebook's variables.
        tags: the tags of cells, by the numbers of their executions.

    Raises:
        CellError: there is no such failure, or a cell that it comes from is one that never goes to a model.
    """
    number = re.search(r"\d+", re.sub(r"-m \S+", "", " ".join(command.words)))
    model = re.search(r"-m (\S+)", " ".join(command.words))
    asks_for_fix = "fix" in command.words
    failure = failures.find(int(number[0]) if number is not None else None)
    _refuse_hidden(failure, tags)
    # The message of an error often repeats an argument of the function that raised it.
    held = {f"frame {number}": frame.variables for number, frame in enumerate(failure.frames)}
    report = report_on(failure, variables, scrubber_for({**variables, **held}), asks_for_fix=asks_for_fix)
    system = EXPLAIN + (FIX if asks_for_fix else "")
    # The text is sent unchanged: braces in the cell are not expressions of the prompt.
    arguments = replace(
        parse_line(""),
        prompt=report.text,
        system=system,
        raw=True,
        context="none",
        model=model[1] if model is not None else None,
    )
    proposal = Proposal(failure.name, report.source) if asks_for_fix else None
    return arguments, Beside(proposal), report.sent


def _refuse_hidden(failure: Failure, tags: Mapping[int, Sequence[str]]) -> None:
    """Raise an error if the cell that failed, or one whose function failed in it, is hidden from models."""
    cells = {frame.cell: frame.cell_source for frame in failure.frames if frame.cell} | {failure.number: failure.source}
    for number, source in cells.items():
        if hidden := why_hidden(NotebookCell(source, number=number, tags=tuple(tags.get(number, ())))):
            raise CellError(f"The error comes from the cell [{number}], which is {hidden}. Nothing was sent.")
