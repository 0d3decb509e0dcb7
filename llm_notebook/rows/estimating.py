"""Estimates the size and the cost of a run before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llm_notebook.parts.messages import Usage
from llm_notebook.providers.catalog.costs import cost_of
from llm_notebook.rows.errors import RowsError
from llm_notebook.rows.reporting.run import Estimate, dollars

if TYPE_CHECKING:
    from llm_notebook.rows.asking import Asker
    from llm_notebook.rows.plan import Question
    from llm_notebook.rows.tables import Table

__all__ = ["CostRefused", "Estimator"]

_LETTERS_A_TOKEN = 4
_TOKENS_OF_A_FIELD, _TOKENS_OF_AN_ANSWER = 20, 150
_LOOKED_AT = 400  # rows, where a guess will do


class CostRefused(RowsError):
    """A run is expected to cost more than its limit. Nothing was sent.

    Attributes:
        estimate: the expected size and cost of the run.
        limit: the limit in US dollars.
    """

    def __init__(self, estimate: Estimate, limit: float) -> None:
        self.estimate, self.limit = estimate, limit
        super().__init__(
            f"Not started: it would cost about {dollars(estimate.cost or 0.0)}, and limit_cost is {dollars(limit)}."
            f" {estimate.rows:,} rows are {estimate.size}. Nothing was sent; `sample=20` asks 20 rows first and shows them."
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a pickle is made from."""
        return CostRefused, (self.estimate, self.limit)


class Estimator:
    """Estimates the size and the cost of a run from the lengths of its prompts.

    Args:
        asker: makes the questions.
        table: the rows.
        asks_known: whether rows that were answered before are asked again.
    """

    def __init__(self, asker: Asker, table: Table, *, asks_known: bool) -> None:
        self._asker = asker
        self._table = table
        self._asks_known = asks_known
        columns = len(asker.reader.columns)
        self._answer = _TOKENS_OF_AN_ANSWER if asker.reader.schema is None else _TOKENS_OF_A_FIELD * columns

    def exact(self) -> tuple[Estimate, float]:
        """Look at every row. Return (the estimate for the rows that are left to ask, the expected cost of one of them in US dollars)."""
        if self._table.count is None:
            return Estimate(0, 0, None), self._cost(0)
        tokens = [self._tokens(question) for question in self._left(enumerate(self._table.rows()))]
        total = sum(map(self._cost, tokens))
        return Estimate(len(tokens), sum(tokens), total), total / len(tokens) if tokens else 0.0

    def guess(self) -> Estimate | None:
        """Look at some rows, evenly spread, and return an estimate for all of them; None if it is not known how many there are."""
        count = self._table.count
        if count is None:
            return None
        step = max(1, count // _LOOKED_AT)
        looked_at = [(at, row) for at, row in enumerate(self._table.rows()) if at % step == 0]
        tokens = [self._tokens(question) for question in self._left(iter(looked_at))]
        share = count / len(looked_at)
        cost = cost_of(self._asker.model, Usage(sum(tokens), self._answer * len(tokens))).usd
        return Estimate(round(len(tokens) * share), round(sum(tokens) * share), None if cost is None else cost * share)

    def _left(self, rows: Iterator[tuple[int, Mapping[str, Any]]]) -> list[Question]:
        """Return the questions of the rows that are not answered yet, with equal questions only once."""
        questions = {}
        for position, row in rows:
            try:
                question = self._asker.question(position, row)
            except RowsError:
                continue
            questions[question.key] = question
        known = {} if self._asks_known else self._asker.known(list(questions.values()))
        return [question for key, question in questions.items() if key not in known or known[key].status != "complete"]

    def _tokens(self, question: Question) -> int:
        return (len(question.prompt.system or "") + len(question.prompt.prompt)) // _LETTERS_A_TOKEN

    def _cost(self, tokens: int) -> float:
        expected = cost_of(self._asker.model, Usage(tokens, self._answer))
        if expected.usd is None:
            raise RowsError(f"limit_cost cannot be held: {expected.unknown} Leave it out. Nothing was sent.")
        return expected.usd
