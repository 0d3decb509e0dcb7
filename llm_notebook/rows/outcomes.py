"""The outcome of a row: an answer that fits, or the reason why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from llm_notebook.answers.columns import Column, columns_of, row_values
from llm_notebook.answers.fitting import Fitting
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import Message, TextPart, Usage
from llm_notebook.rows.errors import RowsError
from llm_notebook.tools.answers import json_in
from llm_notebook.tools.schemas import schema_of

__all__ = ["ANSWER", "NOTES", "AnswerReader", "Outcome"]

ANSWER = "answer"
"""The column for answers without a schema."""
NOTES = ("error", "cost", "turn")
"""The columns that every result has: why a row failed, what it cost in US dollars, and the id of its turn in the journal."""

# A provider that filters an answer, or ends it at a limit, would do the same again.
_ENDED_EARLY = {
    "length": "The answer was cut off at the token limit: raise max_tokens.",
    "content_filter": "The provider's filter stopped the answer.",
    "error": "The provider ended the answer with an error.",
}


@dataclass(slots=True)
class Outcome:
    """The outcome of a row.

    Attributes:
        values: the values of the new columns; empty if there is no answer that fits.
        failure: the kind of failure in one word; empty if there is none. In addition to those of `errors.failure_kind()`: `misfit`,
            `prompt` (the prompt could not be made), `journal`, `unasked`.
        error: the failure as a sentence.
        usage: the tokens that were used; None if that is not known.
        cost: the cost in US dollars; None if that is not known.
        turn_id: the id of the turn in the journal; empty if there is none.
        at: when the row was answered earlier, if this run did not ask it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    failure: str = ""
    error: str = ""
    usage: Usage | None = None
    cost: float | None = None
    turn_id: str = ""
    at: datetime | None = None


class AnswerReader:
    """Reads answers as the values of new columns.

    Args:
        schema: what each answer must fit, in any of the forms of a schema; None for answers that are text.

    Attributes:
        schema: the same as JSON Schema; None for text.
        columns: the new columns.

    Raises:
        RowsError: the schema is not valid, or it has no columns.
    """

    def __init__(self, schema: object = None) -> None:
        self.schema: dict[str, Any] | None = None
        self.columns = [Column(ANSWER, "text")]
        if schema is None:
            return
        try:
            self.schema = schema_of(schema)
            source = None if isinstance(schema, dict | str) else schema
            self._fitting = Fitting(self.schema, source)
        except (TypeError, ValueError) as error:
            raise RowsError(f"{error} Nothing was sent.") from None
        self.columns = columns_of(self.schema)
        if not self.columns:
            raise RowsError("The schema names no fields, so there are no columns to fill. Nothing was sent.")
        taken = next((column.name for column in self.columns if column.name in NOTES), None)
        if taken is not None:
            raise RowsError(
                f"The schema has a field {taken!r}, and the result needs that name: rename it. Nothing was sent."
            )

    def read(self, messages: list[Message], finish: Finish | None) -> Outcome:
        """Return the outcome of an answer.

        Args:
            messages: what the model said.
            finish: why it stopped; None if that is not known.
        """
        if finish is not None and finish.reason in _ENDED_EARLY:
            return Outcome(failure="ended", error=_ENDED_EARLY[finish.reason])
        text = "".join(part.text for message in messages for part in message.parts if isinstance(part, TextPart))
        if self.schema is None:
            return Outcome({ANSWER: text}) if text else Outcome(failure="misfit", error="The answer is empty.")
        found = next(json_in(text), None)
        if found is None:
            return Outcome(failure="misfit", error=f"The answer is no JSON: {text[:80]!r}.")
        value, misfit = self._fitting.check(json.loads(found))
        if misfit is not None:
            return Outcome(failure="misfit", error=f"The answer does not fit: {misfit.sentence}.")
        values = row_values(self._fitting.json_of(value))
        return Outcome({column.name: values.get(column.name) for column in self.columns})
