"""Tables of pandas and arrays of numpy as a model reads them best: in prompts, and as what tools return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from numpy import dtype, generic, ndarray
    from pandas import DataFrame, Series

__all__ = ["table_text"]

_MOST_ROWS = 50
_MOST_COLUMNS = 20


def table_text(value: object) -> str | None:
    """Return a table or an array as text, a table as Markdown; None for any other value.

    Large ones are cut, and a last line says what was left out.
    """
    # Compared by name, so that pandas and numpy need not be loaded.
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(value).__mro__}
    if "pandas.DataFrame" in kinds:
        return _table(cast("DataFrame", value))
    if "pandas.Series" in kinds:
        return _table(cast("Series[Any]", value).to_frame())
    if "numpy.ndarray" in kinds:
        return _array(cast("ndarray[tuple[int, ...], dtype[generic]]", value))
    return None


def _table(frame: DataFrame) -> str:
    rows, columns = frame.shape
    part = frame.iloc[:_MOST_ROWS, :_MOST_COLUMNS]
    plain_index = type(frame.index).__name__ == "RangeIndex"
    names = [_label(name) for name in part.columns]
    header = names if plain_index else [*("" if name is None else str(name) for name in frame.index.names), *names]
    lines = [_row(header), _row(["---"] * len(header))]
    for label, cells in zip(part.index, part.itertuples(index=False, name=None), strict=True):
        labels = () if plain_index else label if frame.index.nlevels > 1 else (label,)
        lines.append(_row([str(cell) for cell in (*labels, *cells)]))
    left_out = []
    if rows > _MOST_ROWS:
        left_out.append(f"{rows - _MOST_ROWS:,} of {rows:,} rows")
    if columns > _MOST_COLUMNS:
        left_out.append(f"{columns - _MOST_COLUMNS:,} of {columns:,} columns")
    if left_out:
        lines += ["", f"({' and '.join(left_out)} left out)"]
    return "\n".join(lines)


def _label(name: object) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").splitlines()) for cell in cells) + " |"


def _array(array: ndarray[tuple[int, ...], dtype[generic]]) -> str:
    """Return what numpy prints, and a line that says so where numpy leaves elements out."""
    import numpy  # the user has an array, so it is loaded

    text = str(array)
    if array.size <= numpy.get_printoptions()["threshold"]:
        return text
    shape = " by ".join(f"{length:,}" for length in array.shape)
    return f"{text}\n(an array of {shape} {array.dtype} values; all but the first and last ones are left out)"
