"""Samples of rows, which show what answers a run gives before all of it is paid for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from llm_notebook.rows.tables import open_table

__all__ = ["sample_of"]


def sample_of(data: object, size: int) -> tuple[object, int | None]:
    """Return (some rows of a table, as a table of the same kind; how many rows the table has, or None if that is not known).

    The rows are the same each time. They keep their order and are spread evenly, so that the sample of a sorted table does not show only one
    kind of row. The sample of an iterator is its first rows.

    Args:
        data: a table.
        size: how many rows are wanted.

    Raises:
        RowsError: `data` is not a table.
    """
    if isinstance(data, Iterator):
        return islice(data, size), None
    count = open_table(data).count or 0
    if size >= count:
        return data, count
    positions = [number * count // size for number in range(size)]
    return _taken(data, positions), count


def _taken(data: Any, positions: list[int]) -> Any:
    if hasattr(data, "iloc"):
        return data.iloc[positions]
    if isinstance(data, Sequence):
        return [data[position] for position in positions]
    import narwhals.stable.v2 as narwhals  # only these frames need it, and `open_table()` has found it

    return narwhals.from_native(data, eager_only=True)[positions].to_native()
