"""Reads the rows of an answer that is to be a table: finds them as they arrive, checks each, and keeps the first one that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_notebook.answers.columns import Column, columns_of, row_values
from llm_notebook.answers.fitting import Fitting, Misfit
from llm_notebook.answers.row_scanner import RowScanner

__all__ = ["MisfitRow", "RowReader"]


@dataclass(slots=True)
class MisfitRow:
    """The first row that does not fit.

    Attributes:
        number: its number, counted from 0.
        row: the row, as JSON values.
        misfit: how it misfits.
    """

    number: int
    row: object
    misfit: Misfit


class RowReader:
    """Reads the rows of one answer.

    Args:
        schema: the JSON Schema of one row; None if any row will do.
        source: the class or annotation that the schema was made from; None if there was none.

    Attributes:
        columns: the columns. One that the schema does not name is added with the first row that has it.
        rows: the rows that fit, up to the first one that does not, as JSON values.
        objects: the same rows as objects of the class.
        wrong: the first row that does not fit; None as long as all rows fit.
    """

    def __init__(self, schema: dict[str, Any] | None, source: object = None) -> None:
        self.columns: list[Column] = columns_of(schema) if schema is not None else []
        self.rows: list[Any] = []
        self.objects: list[Any] = []
        self.wrong: MisfitRow | None = None
        self._scanner = RowScanner()
        self._fitting = Fitting(schema, source) if schema is not None else None
        self._shape: tuple[bool, bool, int, bool] = (False, True, len(self.columns), True)
        # Once the table has begun, only a row can change it.
        self._is_settled = False
        self._names = {column.name for column in self.columns}

    @property
    def has_begun(self) -> bool:
        """Whether the beginning of the table was found."""
        return self._scanner.has_begun

    @property
    def may_begin(self) -> bool:
        """Whether what has arrived so far may be the beginning of the table, and nothing else."""
        return self._scanner.may_begin

    def feed(self, chunk: str) -> bool:
        """Take the next piece of the answer. Returns whether more has changed than the number of rows, such as the columns."""
        scanner = self._scanner
        scanner.pending.append(chunk)
        # Nearly every piece ends here, so that a row costs little more than its parsing.
        if scanner.awaits not in chunk:
            return False
        count = scanner.scan()
        if not count and self._is_settled:
            return False
        before = self._shape
        for row in scanner.rows[len(scanner.rows) - count :]:
            self._take(row)
        self._shape = self.has_begun, self.may_begin, len(self.columns), self.wrong is None
        self._is_settled = self.has_begun
        return before != self._shape

    def close(self, text: str) -> None:
        """Read what has not been read yet.

        Args:
            text: the whole answer, all of which was fed.

        Raises:
            NoRows: it is not a list of rows. The rows that were found are kept.
        """
        rows = self._scanner.close(text)
        if rows is not self._scanner.rows:
            self.rows, self.objects, self.wrong = [], [], None
            for row in rows:
                self._take(row)

    def label(self, number: int) -> str:
        """Return the label before a row, given the row's number."""
        return str(number)

    def frame_rows(self) -> list[Any]:
        """Return the rows as JSON values, including the changes that their class makes to them."""
        fitting = self._fitting
        return self.rows if fitting is None else [fitting.json_of(row) for row in self.objects]

    def _take(self, row: object) -> None:
        if self.wrong is not None:
            return
        made, misfit = self._fitting.check(row) if self._fitting is not None else (row, None)
        if misfit is not None:
            self.wrong = MisfitRow(len(self.rows), row, misfit)
            return
        self.objects.append(made)
        if not (isinstance(row, dict) and row.keys() <= self._names):
            more = [name for name in row_values(row) if name not in self._names]
            self.columns += map(Column, more)
            self._names.update(more)
        self.rows.append(row)
