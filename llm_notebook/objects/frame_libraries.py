"""Frames and series of pandas, polars, pyarrow and every library that narwhals knows. No library is loaded before an object of it is passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from llm_notebook.objects.described import Bounds, Described
from llm_notebook.objects.frames import MOST_COUNTED, Column, Frame, counted, described_frame, most_rows, range_of

__all__ = [
    "describe_arrow_array",
    "describe_arrow_table",
    "describe_narwhals",
    "describe_pandas",
    "describe_pandas_series",
    "describe_polars",
]

_MOST_LOOKED_AT = 100
# How the names of the dtypes begin whose least and greatest values are worth telling.
_ORDERED = ("int", "float", "uint", "decimal", "date", "time", "duration", "double", "half")


def describe_pandas(frame: object, bounds: Bounds) -> Described:
    """Describe a pandas DataFrame, or an object of a class derived from it, to a model."""
    return described_frame(_pandas(frame, bounds), bounds)


def describe_pandas_series(series: Any, bounds: Bounds) -> Described:
    """Describe a pandas Series to a model."""
    return described_frame(_pandas(series.to_frame(), bounds, "pandas Series", is_series=True), bounds)


def _pandas(frame: Any, bounds: Bounds, kind: str = "", *, is_series: bool = False) -> Frame:
    rows, width = frame.shape
    part = frame.iloc[: most_rows(bounds) + 1, :_MOST_LOOKED_AT]
    columns = [_pandas_column(frame.iloc[:, position]) for position in range(min(width, _MOST_LOOKED_AT))]
    has_labels = type(frame.index).__name__ != "RangeIndex"
    labels = ["" if name is None else str(name) for name in frame.index.names] if has_labels else []

    def head() -> Iterator[tuple[object, ...]]:
        for label, cells in zip(part.index, part.itertuples(index=False, name=None), strict=True):
            yield (*((label if frame.index.nlevels > 1 else (label,)) if has_labels else ()), *cells)

    name = kind or f"pandas {type(frame).__name__}"
    return Frame(name, rows, width, columns, [*labels, *(column.name for column in columns)], head(), is_series)


def _pandas_column(series: Any) -> Column:
    name = " ".join(map(str, series.name)) if isinstance(series.name, tuple) else str(series.name)
    dtype = str(series.dtype)
    missing, found = None, ""
    # A column may hold objects of any class, and these may raise anything.
    with suppress(Exception):
        missing = int(series.isna().sum())
    with suppress(Exception):
        if dtype.lower().startswith(_ORDERED):
            found = range_of(series.min(), series.max())
        elif len(series) <= MOST_COUNTED:
            found = counted(int(series.nunique()), "different value")
    return Column(name, dtype, missing, found)


def describe_polars(frame: object, bounds: Bounds) -> Described:
    """Describe a polars DataFrame, LazyFrame or Series to a model. Narwhals uses the same names for all libraries.

    Only the first rows of a LazyFrame are computed.
    """
    return _described_like_polars(frame, f"polars {type(frame).__name__}", bounds)


def describe_narwhals(frame: object, bounds: Bounds) -> Described | None:
    """Describe a frame or series of a library that narwhals knows to a model; None if narwhals is not installed or does not know it.

    Where rows are computed only on demand, as in DuckDB, only the first ones are.
    """
    try:
        import narwhals  # only for frames of libraries that we do not know ourselves
    except ImportError:
        return None
    known = narwhals.from_native(frame, pass_through=True, allow_series=True)
    if not isinstance(known, narwhals.DataFrame | narwhals.LazyFrame | narwhals.Series):
        return None
    library = type(frame).__module__.partition(".")[0].strip("_")
    return _described_like_polars(known, f"{library} {type(frame).__name__}", bounds)


def _described_like_polars(frame: Any, kind: str, bounds: Bounds) -> Described:
    most, columns, length = most_rows(bounds) + 1, [], None
    if not hasattr(type(frame), "columns"):
        column = _column(frame)
        rows = ((value,) for value in frame.head(most).to_list())
        return described_frame(Frame(kind, len(frame), 1, [column], [column.name], rows, True), bounds)
    if hasattr(type(frame), "collect"):
        schema = frame.collect_schema()
        columns = [Column(name, str(dtype)) for name, dtype in islice(schema.items(), _MOST_LOOKED_AT)]
        width = len(schema)
    else:
        length, width = frame.shape
        columns = [_column(frame[name]) for name in frame.columns[:_MOST_LOOKED_AT]]
    names = [column.name for column in columns]
    part = frame.head(most).select(names)
    part = part.collect() if length is None else part
    return described_frame(Frame(kind, length, width, columns, names, part.iter_rows()), bounds)


def _column(series: Any) -> Column:
    dtype, found, missing = str(series.dtype), "", None
    with suppress(Exception):
        missing = int(series.null_count())
    with suppress(Exception):
        if dtype.lower().startswith(_ORDERED):
            found = range_of(series.min(), series.max())
        elif len(series) <= MOST_COUNTED:
            found = counted(int(series.n_unique()) - bool(missing), "different value")
    return Column(str(series.name), dtype, missing, found)


def describe_arrow_table(table: Any, bounds: Bounds) -> Described:
    """Describe a pyarrow Table or RecordBatch to a model."""
    names = [str(name) for name in table.schema.names]
    columns = [_arrow_column(name, table.column(position)) for position, name in enumerate(names[:_MOST_LOOKED_AT])]
    part = table.slice(0, most_rows(bounds) + 1)
    rows = zip(*(part.column(position).to_pylist() for position in range(len(columns))), strict=True)
    kind = f"pyarrow {type(table).__name__}"
    return described_frame(Frame(kind, table.num_rows, len(names), columns, names[: len(columns)], rows), bounds)


def describe_arrow_array(array: Any, bounds: Bounds) -> Described:
    """Describe a pyarrow Array or ChunkedArray to a model."""
    column = _arrow_column("value", array)
    rows = ((value,) for value in array.slice(0, most_rows(bounds) + 1).to_pylist())
    kind = f"pyarrow {type(array).__name__}"
    return described_frame(Frame(kind, len(array), 1, [column], [column.name], rows, True), bounds)


def _arrow_column(name: str, array: Any) -> Column:
    import pyarrow.compute  # the user has a table of it, so it is loaded

    dtype, found = str(array.type), ""
    with suppress(Exception):
        if dtype.startswith(_ORDERED):
            ends = pyarrow.compute.min_max(array).as_py()
            found = range_of(ends["min"], ends["max"])
        elif len(array) <= MOST_COUNTED:
            found = counted(pyarrow.compute.count_distinct(array).as_py(), "different value")
    return Column(name, dtype, int(array.null_count), found)
