"""The JSON form of Python values: of dicts and lists, dataclasses, pydantic objects, sets, dates and whatever else has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llm_notebook.parts.json_values import safe_repr

__all__ = ["json_form", "to_json_value"]


def to_json_value(value: object) -> object:
    """Return a JSON value for a value that the `json` module does not know; meant for its `default=`.

    A value without a JSON form becomes its `repr()`.
    """
    try:
        return json_form(value)
    except Exception:
        return safe_repr(value)


def json_form(value: object, inside: Callable[[object], str] = safe_repr) -> object:
    """Return the value as pydantic writes it in JSON.

    Args:
        value: any value.
        inside: makes a text of a part of the value that has no JSON form.

    Raises:
        TypeError: the value as a whole has no JSON form.
    """
    from pydantic_core import to_jsonable_python  # most values are text

    def fallback(part: object) -> object:
        item = getattr(part, "item", None)
        if getattr(part, "ndim", None) == 0 and callable(item):
            return item()  # a single number of NumPy or a library like it
        if part is value:
            raise TypeError(f"{type(value).__name__} has no JSON form")
        return inside(part)

    if isinstance(value, Iterator):
        raise TypeError("reading an iterator would use it up, or never end")
    return to_jsonable_python(value, fallback=fallback)
