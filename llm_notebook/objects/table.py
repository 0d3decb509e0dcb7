"""The one table of how Python objects are described to a model, for `-f` and `-a`, `{{ expression }}`, the results of tools, and Python.

An object is looked up by the name of its class or of one that it inherits from, such as `pandas.DataFrame`, so no library has to be loaded to
find out whether an object is one of its own. The nearest class counts. A class that this table names comes first, then what plugins
describe, then inherited classes, so that a plugin can describe a class derived from DataFrame. An object that no name fits is described by
its JSON form if it has one, otherwise by what it shows in Jupyter, otherwise by its `repr()`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import is_dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from llm_notebook.objects import code, figures, frame_libraries, plain
from llm_notebook.objects.arrays import describe_array, describe_xarray
from llm_notebook.objects.described import MOST_BYTES, Bounds, Described
from llm_notebook.objects.offered import class_name, offered_describer
from llm_notebook.objects.pictures import describe_pil
from llm_notebook.objects.secrets import Scrubber
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.json_values import safe_repr

__all__ = ["brief", "describe", "describe_known", "figure_kind", "library_kind", "pictures_apart"]

Describe = Callable[[Any, Bounds], Described | None]
"""Describes an object; returns None if it cannot, so that the next entry of the table is tried."""

_KINDS: MappingProxyType[str, Describe] = MappingProxyType(
    {
        "pandas.DataFrame": frame_libraries.describe_pandas,
        "pandas.Series": frame_libraries.describe_pandas_series,
        "pandas.Index": lambda index, bounds: frame_libraries.describe_pandas_series(
            index.to_series().reset_index(drop=True), bounds
        ),
        # What a style changes is how a frame looks, and a model reads it as text.
        "pandas.Styler": lambda style, bounds: frame_libraries.describe_pandas(style.data, bounds),
        **dict.fromkeys(("polars.DataFrame", "polars.LazyFrame", "polars.Series"), frame_libraries.describe_polars),
        **dict.fromkeys(("pyarrow.Table", "pyarrow.RecordBatch"), frame_libraries.describe_arrow_table),
        **dict.fromkeys(("pyarrow.Array", "pyarrow.ChunkedArray"), frame_libraries.describe_arrow_array),
        **dict.fromkeys(
            """narwhals.DataFrame narwhals.LazyFrame narwhals.Series modin.DataFrame modin.Series cudf.DataFrame cudf.Series
            dask.DataFrame dask.Series duckdb.DuckDBPyRelation _duckdb.DuckDBPyRelation ibis.Table pyspark.DataFrame
            sqlframe.BaseDataFrame""".split(),
            frame_libraries.describe_narwhals,
        ),
        "numpy.ndarray": describe_array,
        **dict.fromkeys(("xarray.Dataset", "xarray.DataArray"), describe_xarray),
        **dict.fromkeys(("matplotlib.Figure", "matplotlib.Artist", "seaborn.Grid"), figures.describe_figure),
        "plotly.BaseFigure": figures.describe_plotly,
        "altair.TopLevelMixin": figures.describe_altair,
        "PIL.Image": describe_pil,
    }
)
_LIBRARIES = frozenset(name.partition(".")[0] for name in _KINDS)
_DRAWING = frozenset({"matplotlib", "seaborn", "plotly", "altair", "PIL"})
_SCALARS = (bool, int, float, complex, type(None))
_CONTAINERS = (dict, list, tuple, set, frozenset)
_MOST_TOGETHER = 20
_DEEPEST = 8


def describe(
    value: object,
    *,
    name: str = "",
    max_size: int = MOST_BYTES,
    as_picture: bool = False,
    scrubber: Scrubber | None = None,
) -> Described:
    """Describe a Python object to a model, for `fragments=` and `attachments=`.

    A frame becomes its shape, its columns with types, missing values and ranges, and its first rows; a figure or an image becomes a
    picture; a function its source; and so on. Never raises, and never changes the object.

    Args:
        value: any object.
        name: what to call it.
        max_size: the most bytes of UTF-8 that its text may have. The text says what was left out.
        as_picture: treat an array as a picture if it can be one.
        scrubber: takes secrets out of its text; None to leave them in.
    """
    bounds = Bounds(max_size, as_picture, name, scrubber)
    found, problem = _described(value, bounds)
    found = found or plain.describe_repr(value, bounds)
    return replace(found, left_out=(*found.left_out, problem)) if problem else found


def describe_known(value: object, *, max_size: int = MOST_BYTES, scrubber: Scrubber | None = None) -> Described | None:
    """Return what `describe()` returns; None for an object of which nothing but its `repr()` is known."""
    return _described(value, Bounds(max_size, scrubber=scrubber))[0]


def _described(value: object, bounds: Bounds) -> tuple[Described | None, str]:
    """Return (the description from the table, which usual form has failed)."""
    problem = ""
    for describer in _describers(value):
        try:
            found = describer(value, bounds)
        except Exception as error:
            problem = problem or f"its usual form, which failed with {type(error).__name__}"
            continue
        if found is not None:
            return found, problem
    return None, problem


def _describers(value: object) -> Iterator[Describe]:
    """Yield the describers of an object, the best first."""
    if isinstance(value, Described):
        yield lambda _value, _bounds: value
    elif isinstance(value, Attachment):
        yield _describe_attachment
    elif isinstance(value, str):
        yield plain.describe_text
    elif isinstance(value, bytes | bytearray | memoryview):
        yield plain.describe_bytes
    elif isinstance(value, BaseException):
        yield code.describe_exception
    elif isinstance(value, code.CODE_KINDS):
        yield code.describe_code
    elif type(value) in _SCALARS:
        yield lambda scalar, bounds: plain.describe_text(str(scalar), bounds, kind=type(scalar).__name__)
    else:
        yield from _describers_of_objects(value)


def _describers_of_objects(value: object) -> Iterator[Describe]:
    if isinstance(value, list | tuple):
        yield _describe_pictures
    if not isinstance(value, _CONTAINERS):
        names = _names(value)
        if names[0].partition(".")[0] not in _LIBRARIES | sys.stdlib_module_names:
            yield from _offered(value)
        yield from (_KINDS[name] for name in names if name in _KINDS)
        if any(hasattr(type(value), f"__narwhals_{form}__") for form in ("dataframe", "lazyframe", "series")):
            yield frame_libraries.describe_narwhals
    # An object made of plain values says more as JSON than as a drawing.
    is_plain = isinstance(value, _CONTAINERS) or is_dataclass(value) or hasattr(type(value), "model_dump")
    yield from (_describe_json, plain.describe_shown) if is_plain else (plain.describe_shown, _describe_json)


def library_kind(value: object) -> bool:
    """Return whether an object belongs to a library that the table names: a frame, an array or a figure."""
    return any(name in _KINDS for name in _names(value))


def figure_kind(value: object) -> bool:
    """Return whether an object is a figure or a picture of a library that the table names."""
    libraries = {name.partition(".")[0] for name in _names(value) if name in _KINDS}
    return bool(libraries & _DRAWING)


def _names(value: object) -> list[str]:
    """Return the names of an object's classes, nearest first, as the library and the class."""
    return [class_name(kind) for kind in type(value).__mro__]


def _describe_json(value: object, bounds: Bounds) -> Described | None:
    left_out: list[str] = []

    def inside(part: object) -> str:
        return brief(part, bounds.most_bytes // 4, left_out, bounds.scrubber)

    with suppress(Exception):
        rest, pictures = pictures_apart(_with_names(value))
        found = plain.describe_json(rest, bounds, inside)
        return replace(found, attachments=pictures, left_out=(*found.left_out, *left_out))
    return None


def _with_names(value: object, depth: int = 0) -> object:
    """Return a value with a dict in place of each named tuple in its lists and dicts: the names say what is in it."""
    if depth > _DEEPEST or not isinstance(value, list | tuple | dict):
        return value
    if isinstance(value, tuple) and isinstance(names := getattr(value, "_fields", None), tuple):
        return {name: _with_names(item, depth + 1) for name, item in zip(names, value, strict=False)}
    if type(value) is dict:
        return {name: _with_names(item, depth + 1) for name, item in value.items()}
    return [_with_names(item, depth + 1) for item in value] if type(value) in (list, tuple) else value


def pictures_apart(value: object) -> tuple[object, tuple[Attachment, ...]]:
    """Return (the value with a text in place of each figure, image and attachment in its lists and dicts, these attachments).

    A value without any of these is returned as it is, with no attachments.
    """
    pictures: list[Attachment] = []

    def apart(part: object, depth: int) -> object:
        if type(part) in _SCALARS or isinstance(part, str) or depth > _DEEPEST:
            return part
        if type(part) in (list, tuple):
            items = [apart(item, depth + 1) for item in cast("list[object]", part)]
            return (
                items
                if any(new is not old for new, old in zip(items, cast("list[object]", part), strict=True))
                else part
            )
        if type(part) is dict:
            named = {name: apart(item, depth + 1) for name, item in part.items()}
            return named if any(named[name] is not item for name, item in part.items()) else part
        if len(pictures) >= _MOST_TOGETHER or not (isinstance(part, Attachment) or figure_kind(part)):
            return part
        found = describe(part, as_picture=True)
        if found.text or not found.attachments:
            return part
        pictures.extend(found.attachments)
        return f"({found.kind}, attached as number {len(pictures)})"

    return (apart(value, 0), tuple(pictures)) if isinstance(value, list | tuple | dict) else (value, ())


def _describe_attachment(attachment: Attachment, bounds: Bounds) -> Described:
    return Described(_attachment_kind(attachment), "", (attachment,), name=bounds.name)


def _attachment_kind(attachment: Attachment) -> str:
    kind = attachment.type or "file"
    return kind if attachment.content is None else f"{kind}, {len(attachment.content):,} bytes"


def _describe_pictures(values: list[object] | tuple[object, ...], bounds: Bounds) -> Described | None:
    """Describe a list that holds nothing but pictures, such as figures, or the lines that matplotlib's `plot()` returns."""
    if not 0 < len(values) <= _MOST_TOGETHER or not all(map(library_kind, values)):
        return None
    figure = figures.figure_of(values[0])
    if figure is not None and all(figures.figure_of(value) is figure for value in values):
        return figures.describe_figure(figure, bounds)
    each = [describe(value, max_size=bounds.most_bytes, as_picture=True, scrubber=bounds.scrubber) for value in values]
    if any(one.text or not one.attachments for one in each):
        return None
    attachments = tuple(attachment for one in each for attachment in one.attachments)
    return Described(
        f"{len(each):,} pictures", "", attachments, tuple(note for one in each for note in one.left_out), bounds.name
    )


def _offered(value: object) -> Iterator[Describe]:
    """Yield a plugin's describer of an object, if there is one."""
    describer = offered_describer(_names(value))
    if describer is None:
        return

    def by_plugin(given: object, bounds: Bounds) -> Described:
        made = describer(given, bounds.most_bytes)
        parts = made if isinstance(made, list | tuple) else [made]
        text = "\n".join(part for part in parts if isinstance(part, str))
        text, left_out = bounds.fitted(text)
        attachments = tuple(part.settled() for part in parts if isinstance(part, Attachment))
        return Described(type(given).__name__, text, attachments, left_out, bounds.name)

    yield by_plugin


def brief(part: object, most: int = 5_000, left_out: list[str] | None = None, scrubber: Scrubber | None = None) -> str:
    """Return a part of a larger value as text: a frame or an array as the table describes it, anything else as its `repr()`.

    Args:
        part: the part.
        most: how many bytes the text of a frame or an array may have.
        left_out: a list to which what is left out is added.
        scrubber: takes secrets out of it.
    """
    if library_kind(part):
        found = describe(part, max_size=most, scrubber=scrubber)
        if left_out is not None:
            left_out += found.left_out
        return found.text or f"<{found.kind}>"
    return safe_repr(part)
