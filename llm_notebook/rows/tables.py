"""The tables that a run reads and returns: data frames, lists of dicts or texts, and iterators of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from llm_notebook.answers.columns import Column
from llm_notebook.answers.frames import FrameLibrary, frame_of
from llm_notebook.rows.errors import RowsError
from llm_notebook.rows.outcomes import NOTES, Outcome

__all__ = ["TEXT", "Table", "check_names", "open_table", "with_outcome"]

TEXT = "text"
"""The column for rows that are plain texts."""
_LOOKED_AT = 64  # rows of an iterator, at most, for their names


class Table(Protocol):
    """A table as a run reads it.

    Attributes:
        count: how many rows it has; None if that is not known.
    """

    @property
    def count(self) -> int | None: ...

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        """Return the names of its columns. Of an iterator, they are those of its first rows, which are read for that.

        Args:
            wanted: the names that are looked for. As long as one of them is missing, another row of an iterator is read, within reason.
        """

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield its rows, once."""

    def result(self, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> object:
        """Return a table of the same kind with the new columns."""


def open_table(data: object) -> Table:
    """Return a table for a data frame, a list or an iterator.

    Raises:
        RowsError: `data` is none of these, has no rows, or has a label twice in its index.
    """
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(data).__mro__}
    if "pandas.DataFrame" in kinds:
        return _PandasTable(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _ListTable(data)
    if isinstance(data, Iterator):
        return _IteratorTable(data)
    if hasattr(data, "__dataframe__") or hasattr(data, "__arrow_c_stream__"):
        return _NarwhalsTable(data)
    raise _no_table(data)


def _no_table(data: object) -> RowsError:
    hint = ": use its to_frame()" if hasattr(data, "to_frame") else ""
    return RowsError(
        f"The rows are a data frame, a list of dicts or texts, or an iterator of them, not {type(data).__name__}{hint}."
        " Nothing was sent."
    )


def with_outcome(row: Mapping[str, Any], columns: Sequence[Column], outcome: Outcome) -> dict[str, Any]:
    """Return a row as a dict with its outcome."""
    values = {column.name: outcome.values.get(column.name) for column in columns}
    return {**row, **values, **_notes(outcome)}


def _notes(outcome: Outcome) -> dict[str, Any]:
    return {"error": outcome.error or None, "cost": outcome.cost, "turn": outcome.turn_id or None}


def check_names(names: Iterable[str], columns: Sequence[Column]) -> None:
    """Refuse new columns that would replace old ones.

    Raises:
        RowsError: the table already has a column with the name of a new one.
    """
    clashes = sorted(set(names) & {*(column.name for column in columns), *NOTES})
    if clashes:
        raise RowsError(
            f"There is a column {clashes[0]!r} already, and the result needs that name: rename it. Nothing was sent."
        )


@dataclass(slots=True)
class _PandasTable:
    frame: Any

    def __post_init__(self) -> None:
        _refuse_empty(len(self.frame))
        # Columns and rows that are added while the run goes on are not in it.
        self.frame = self.frame.copy(deep=False)
        names = [str(name) for name in self.frame.columns]
        if len(set(names)) < len(names):
            doubled = next(name for name in names if names.count(name) > 1)
            raise RowsError(f"There are two columns {doubled!r}: rename one. Nothing was sent.")
        if not self.frame.index.is_unique:
            [label, *_] = self.frame.index[self.frame.index.duplicated()].tolist()
            raise RowsError(
                f"The index has the label {label!r} more than once, so rows could not be told apart: use"
                " df.reset_index(drop=True). Nothing was sent."
            )

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        return [str(name) for name in self.frame.columns]

    @property
    def count(self) -> int | None:
        return len(self.frame)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        labels, names = list(self.frame.columns), self.names()
        # A label that is no text, such as a number, is a key too.
        others = {at: label for at, label in enumerate(labels) if not isinstance(label, str)}
        for values in self.frame.itertuples(index=False, name=None):
            row = dict(zip(names, values, strict=True))
            yield row | {label: values[at] for at, label in others.items()} if others else row

    def result(self, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> object:
        added = _frame("pandas", columns, outcomes).set_axis(self.frame.index)
        found = self.frame.copy()
        # Where columns have labels of several levels, the new ones have theirs on the first.
        below = ("",) * (found.columns.nlevels - 1)
        for name in added.columns:
            found[(name, *below) if below else name] = added[name]
        return found


@dataclass(slots=True)
class _NarwhalsTable:
    """A frame of polars, pyarrow or another library that narwhals knows."""

    native: object
    _frame: Any = None

    def __post_init__(self) -> None:
        try:
            import narwhals.stable.v2 as narwhals  # only these frames need it
        except ImportError:
            raise RowsError(
                f"Rows of a {type(self.native).__name__} need narwhals: pip install narwhals. Nothing was sent."
            ) from None
        try:
            self._frame = narwhals.from_native(self.native, eager_only=True)
        except TypeError:
            raise _no_table(self.native) from None
        except narwhals.exceptions.DuplicateError:
            raise RowsError("There are two columns of the same name: rename one. Nothing was sent.") from None
        _refuse_empty(len(self._frame))

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        return list(self._frame.columns)

    @property
    def count(self) -> int | None:
        return len(self._frame)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        yield from self._frame.iter_rows(named=True)

    def result(self, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> object:
        import narwhals.stable.v2 as narwhals  # already loaded at this point

        library = self._frame.implementation
        if library.is_polars() or library.is_pyarrow():
            added = narwhals.from_native(_frame("polars" if library.is_polars() else "pyarrow", columns, outcomes))
            return self._frame.with_columns(*added.iter_columns()).to_native()
        listed = _frame("pandas", columns, outcomes)
        series = [narwhals.new_series(name, listed[name].to_list(), backend=library) for name in listed.columns]
        return self._frame.with_columns(*series).to_native()


@dataclass(slots=True)
class _ListTable:
    items: Sequence[object]

    def __post_init__(self) -> None:
        self.items = list(self.items)
        _refuse_empty(len(self.items))

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        return list(dict.fromkeys(name for item in self.items for name in _first_row(item)))

    @property
    def count(self) -> int | None:
        return len(self.items)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        return map(_row, self.items)

    def result(self, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> object:
        return [with_outcome(_row(item), columns, outcome) for item, outcome in zip(self.items, outcomes, strict=True)]


class _IteratorTable:
    count: int | None = None

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._first: list[Mapping[str, Any]] | None = None

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        names: dict[str, None] = {}
        if self._first is None:
            self._first = []
            # Each may take a while to come, and the first could be asked in the meantime.
            for item in islice(self._items, _LOOKED_AT):
                self._first.append(_first_row(item))
                names |= dict.fromkeys(self._first[-1])
                if names.keys() >= set(wanted):
                    break
        return list(dict.fromkeys(name for row in self._first for name in row))

    def rows(self) -> Iterator[Mapping[str, Any]]:
        return chain(self._first or (), map(_row, self._items))

    def result(self, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> object:
        raise NotImplementedError("The rows of an iterator are handed on one by one.")


def _row(item: object) -> Mapping[str, Any]:
    if isinstance(item, str):
        return {TEXT: item}
    if isinstance(item, Mapping):
        return item
    raise RowsError(f"Each row is a dict or a text, not {type(item).__name__}.")


def _first_row(item: object) -> Mapping[str, Any]:
    """Return a row that is read before anything is sent."""
    try:
        return _row(item)
    except RowsError as error:
        raise RowsError(f"{error} Nothing was sent.") from None


def _refuse_empty(count: int) -> None:
    if not count:
        raise RowsError("There are no rows, so there is nothing to ask. Nothing was sent.")


def _frame(library: FrameLibrary, columns: Sequence[Column], outcomes: Sequence[Outcome]) -> Any:
    notes = [Column("error", "text"), Column("cost", "number"), Column("turn", "text")]
    rows = [{**outcome.values, **_notes(outcome)} for outcome in outcomes]
    return frame_of(library, rows, [*columns, *notes])
