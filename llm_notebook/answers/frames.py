"""Rows as a data frame of pandas, polars or pyarrow, with the types that the schema gives. A library is loaded only when it is asked for."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from llm_notebook.answers.columns import Column, row_values

__all__ = ["FrameLibrary", "frame_of", "is_installed"]

FrameLibrary = Literal["pandas", "polars", "pyarrow"]


def is_installed(library: FrameLibrary) -> bool:
    """Return whether a library can be imported, without importing it."""
    return importlib.util.find_spec(library) is not None


def frame_of(library: FrameLibrary, rows: Sequence[object], columns: Sequence[Column]) -> object:
    """Return rows as a data frame.

    Integers become `Int64`, numbers `Float64`, dates and times `datetime64`, and a field with few possible values becomes a categorical. A
    value that is absent or null is a missing value. A column whose values do not fit its type holds Python objects, or JSON in pyarrow,
    which has no such columns.

    Args:
        library: the library whose frame is wanted.
        rows: the rows as JSON values, which fit the columns.
        columns: the columns, in order.
    """
    values = {column.name: [row_values(row).get(column.name) for row in rows] for column in columns}
    make = {"pandas": _pandas, "polars": _polars, "pyarrow": _arrow}[library]
    return make({column.name: column for column in columns}, values)


def _pandas(columns: dict[str, Column], values: dict[str, list[Any]]) -> object:
    import pandas as pd  # only frames of pandas need it

    return pd.DataFrame({name: _pandas_series(pd, columns[name], found) for name, found in values.items()})


def _pandas_series(pd: Any, column: Column, values: list[Any]) -> object:
    if column.kind == "any":
        return pd.Series(values, dtype=None if values else object)
    if column.kind == "category":
        return pd.Series(pd.Categorical(values, categories=column.categories))
    if column.kind in ("date", "datetime"):
        return _pandas_times(pd, column, values)
    dtype = {"text": "string", "integer": "Int64", "number": "Float64", "boolean": "boolean"}[column.kind]
    try:
        return pd.Series(pd.array(values, dtype=dtype))
    except (OverflowError, TypeError, ValueError):
        # For example, an integer of more than 64 bits.
        return pd.Series(values, dtype=object)


def _pandas_times(pd: Any, column: Column, values: list[Any]) -> object:
    times, has_zone = _times(column, values)
    if times is None:
        return pd.Series(values, dtype=object)
    # In microseconds, since nanoseconds cannot represent days before 1677.
    return pd.Series(times, dtype="datetime64[us, UTC]" if has_zone else "datetime64[us]")


def _times(column: Column, values: list[Any]) -> tuple[list[datetime | None] | None, bool]:
    """Return (the times, in UTC if they have zones; whether they have zones). If only some have zones, the times are None."""
    found = [None if value is None else column.read_time(value) for value in values]
    times = [_time(one) for one in found]
    zones = {one.tzinfo is not None for one in times if one is not None}
    if len(zones) > 1:
        return None, False
    if zones == {True}:
        return [None if one is None else one.astimezone(UTC) for one in times], True
    return times, False


def _time(value: date | datetime | None) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else datetime(value.year, value.month, value.day)  # noqa: DTZ001


def _polars(columns: dict[str, Column], values: dict[str, list[Any]]) -> object:
    import polars as pl  # only frames of polars need it

    return pl.DataFrame([_polars_series(pl, columns[name], found) for name, found in values.items()])


def _polars_series(pl: Any, column: Column, values: list[Any]) -> object:
    name = column.name
    if column.kind in ("date", "datetime"):
        times, has_zone = _times(column, values)
        if times is None:
            return pl.Series(name, values, dtype=pl.String)
        series = pl.Series(name, times, dtype=pl.Datetime("us", "UTC" if has_zone else None))
        return series.cast(pl.Date) if column.kind == "date" else series
    if column.kind == "category" and all(isinstance(value, str) for value in column.categories):
        return pl.Series(name, values, dtype=pl.Enum(column.categories))
    dtypes = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean}
    try:
        return pl.Series(name, values, dtype=dtypes.get(column.kind), strict=True)
    except (OverflowError, TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, values, dtype=pl.Object)


def _arrow(columns: dict[str, Column], values: dict[str, list[Any]]) -> object:
    import pyarrow as pa  # only its tables need it

    return pa.table({name: _arrow_array(pa, columns[name], found) for name, found in values.items()})


def _arrow_array(pa: Any, column: Column, values: list[Any]) -> object:
    types = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    if column.kind in ("date", "datetime"):
        times, has_zone = _times(column, values)
        if times is None:
            return pa.array(values, pa.string())
        array = pa.array(times, pa.timestamp("us", "UTC" if has_zone else None))
        return array.cast(pa.date32()) if column.kind == "date" else array
    try:
        if column.kind == "category" and all(isinstance(value, str) for value in column.categories):
            return pa.array(values, pa.string()).dictionary_encode()
        return pa.array(values, types.get(column.kind))
    except (OverflowError, TypeError, pa.ArrowException):
        return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())
