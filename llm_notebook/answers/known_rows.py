"""The first rows of a table that is complete, to be shown as the rows of an answer are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llm_notebook.answers.columns import Column
from llm_notebook.answers.rows import RowReader

__all__ = ["KnownColumn", "KnownRows"]


@dataclass(slots=True)
class KnownColumn(Column):
    """A column whose type is known from its table.

    Attributes:
        type_name: what its library calls the type; empty where it has none.
    """

    type_name: str = ""

    @property
    def dtype(self) -> str:
        """What its library calls the type."""
        return self.type_name


class KnownRows(RowReader):
    """Rows that are there already.

    Args:
        columns: their columns.
        rows: the rows, as JSON values.
        labels: what stands before each of them.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[Any], labels: Sequence[str]) -> None:
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
        """Return what stands before a row, by the number of the row."""
        return self._labels[number]
