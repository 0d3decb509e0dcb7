"""Checks the dicts that are passed to `from_dict()`, which may come from a file that somebody else wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

__all__ = ["checked"]

Kinds = Mapping[str, type | tuple[type, ...]]

_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "a dict", list: "a list", tuple: "a list"}
_NONE: Kinds = {}


def checked(data: object, what: str, needed: Kinds, optional: Kinds = _NONE) -> dict[str, Any]:
    """Return the given dict if it has the keys and types that `to_dict()` writes.

    Args:
        data: what was given.
        what: what the dict represents, such as "a message".
        needed: the required keys, with the types of their values.
        optional: the optional keys. A value of None counts as absent.

    Raises:
        ValueError: it is not a dict, lacks a key, or a value has another type. The message says which.
    """
    if not isinstance(data, dict | Mapping):  # a dict is recognized much faster than another Mapping
        raise ValueError(f"from_dict() takes the dict of {what}, as to_dict() gives it, not {_named(data)}.")
    given = cast("dict[str, Any]", data)
    for name, kinds in needed.items():
        if name not in given:
            raise ValueError(f"The dict of {what} lacks {name!r}, which is {_expected(kinds)}.")
        if not _fits(given[name], kinds):
            raise ValueError(_other(what, name, given[name], kinds))
    # A dict has few of its optional keys, so the loop is over the keys that are there.
    for name, value in given.items():
        if value is not None and (wanted := optional.get(name)) and not _fits(value, wanted):
            raise ValueError(_other(what, name, value, wanted))
    return given


def _fits(value: object, kinds: type | tuple[type, ...]) -> bool:
    # True is an int in Python, but not in JSON.
    return isinstance(value, kinds) and not (kinds is int and isinstance(value, bool))


def _other(what: str, name: str, value: object, kinds: type | tuple[type, ...]) -> str:
    return f"In the dict of {what}, {name!r} is {_expected(kinds)}, not {_named(value)}."


def _expected(kinds: type | tuple[type, ...]) -> str:
    return _NAMES[kinds[0] if isinstance(kinds, tuple) else kinds]


def _named(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
