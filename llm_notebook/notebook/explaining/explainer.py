"""`%llm error`: turns the line into a prompt about a failure, and says what the reader is shown of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.explaining.failures import Failures
from llm_notebook.notebook.explaining.report import EXPLAIN, FIX, report_on
from llm_notebook.notebook.line.arguments import parse_line
from llm_notebook.notebook.line.options import Arguments
from llm_notebook.notebook.prompts.known_secrets import scrubber_for
from llm_notebook.parts.sent import Sent
from llm_notebook.transcript.beside import Beside
from llm_notebook.transcript.proposals import Proposal

__all__ = ["explain_failure"]


def explain_failure(
    command: Subcommand, failures: Failures, variables: Mapping[str, Any]
) -> tuple[Arguments, Beside, list[Sent]]:
    """Return (the options and the prompt that ask about a failure, what is shown beside the answer, what is sent).

    Args:
        command: the line.
        failures: the failures of this kernel.
        variables: the notebook's variables.

    Raises:
        CellError: there is no such failure.
    """
    number = re.search(r"\d+", re.sub(r"-m \S+", "", " ".join(command.words)))
    model = re.search(r"-m (\S+)", " ".join(command.words))
    asks_for_fix = "fix" in command.words
    failure = failures.find(int(number[0]) if number is not None else None)
    report = report_on(failure, variables, scrubber_for(variables), asks_for_fix=asks_for_fix)
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
