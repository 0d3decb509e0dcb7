"""The rows of an iterator that were read and have not been handed on yet. There are only so many, so that the memory stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from llm_notebook.rows.errors import RowsError

__all__ = ["Window"]


class Window:
    """The rows between those that are not read yet and those that were handed on.

    A row that takes long holds up those after it, since rows are handed on in order. Then nothing more is read until it is done.

    Args:
        most: how many rows there may be.
        taken: names that no row may have, because the result needs them.

    Attributes:
        on_room: is called when a row was handed on.
    """

    def __init__(self, most: int, taken: Collection[str]) -> None:
        self._most = most
        self._names = frozenset(taken)
        self._rows: dict[int, Mapping[str, Any]] = {}
        self.on_room: Callable[[], object] = lambda: None

    @property
    def room(self) -> int:
        """How many more rows may be read."""
        return self._most - len(self._rows)

    def take(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Take rows that were read, with their numbers.

        Raises:
            RowsError: a row has a name that the result needs.
        """
        for position, row in rows:
            if not self._names.isdisjoint(row):
                name = sorted(self._names & set(row))[0]
                raise RowsError(f"Row {position} has a column {name!r}, and the result needs that name: rename it.")
            self._rows[position] = row

    def hand_on(self, position: int) -> Mapping[str, Any]:
        """Return a row that is done, and forget it."""
        row = self._rows.pop(position)
        self.on_room()
        return row
