"""The first rows of a complete table, shown in the same way as the rows of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_notebook.answers.columns import Column
from llm_notebook.answers.rows import RowReader

__all__ = ["KnownColumn", "KnownRows"]


@dataclass(slots=True)
class KnownColumn(Column):
    """A column whose type is known from its table.

    Attributes:
        type_name: the name that its library gives the type; empty if there is none.
    """

    type_name: str = ""

    @property
    def dtype(self) -> str:
        """The name that its library gives the type."""
        return self.type_name


class KnownRows(RowReader):
    """Rows that are known from the start.

    Args:
        columns: their columns.
        rows: the rows, as JSON values.
        labels: the label before each row.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[object], labels: Sequence[str]) -> None:
        super().__init__(None)
        self.columns, self.rows, self._labels = list(columns), list(rows), list(labels)

    @property
    def has_begun(self) -> bool:
        """Whether there is a table."""
        return True

    @property
    def may_begin(self) -> bool:
        """Whether a table may still begin."""
        return False

    def label(self, number: int) -> str:
        """Return the label before a row, given the row's number."""
        return self._labels[number]
