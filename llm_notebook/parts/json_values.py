"""Converts values of any kind to JSON: the metadata and counts of models, which may contain any object of a provider's library.

Bytes become `{"$bytes": base64}`, because some providers send signatures as bytes and expect the same bytes back; `from_json()` restores them.
All other values become the closest form in JSON, or else their `repr()`. Nothing raises an error, because an answer must not be lost over its
metadata.
"""

from __future__ import annotations

import base64
import binascii
import math
import os
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

__all__ = ["as_json", "from_json", "safe_repr"]

T = TypeVar("T")

_BYTES = "$bytes"
# Values that refer to themselves, or are nested too deeply for JSON readers, are cut off at this depth.
_DEEPEST = 200


def as_json(value: T) -> T:
    """Return a value in a form that JSON can represent; the value itself if it already has one."""
    return cast("T", _as_json(value, 0))


def from_json(value: T) -> T:
    """Return the value that `as_json()` converted, with its bytes; the value itself if it contains none."""
    return cast("T", _from_json(value, 0))


def _as_json(value: Any, depth: int) -> object:
    kind = type(value)
    if value is None or kind in (str, int, bool):
        return value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if depth > _DEEPEST:
        return safe_repr(value)
    try:
        return _container(value, depth) if isinstance(value, dict | list) else _other(value, depth)
    except Exception:
        # Somebody else's class may raise any error.
        return safe_repr(value)


def _container(value: dict[object, object] | list[Any], depth: int) -> object:
    if isinstance(value, dict):
        made = {_key(key): _as_json(item, depth + 1) for key, item in value.items()}
        is_same = all(type(key) is str and made[key] is item for key, item in value.items())
        return value if is_same and type(value) is dict else made
    items = [_as_json(item, depth + 1) for item in value]
    is_same = all(new is old for new, old in zip(items, value, strict=True))
    return value if is_same and type(value) is list else items


def _other(value: Any, depth: int) -> object:  # noqa: PLR0911  one return for each kind
    if isinstance(value, bytes | bytearray | memoryview):
        return {_BYTES: base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return _container(dict(value), depth)
    if isinstance(value, tuple | Set):
        return _container(list(value), depth)
    if callable(getattr(value, "model_dump", None)):
        return _as_json(value.model_dump(), depth + 1)
    if is_dataclass(value) and not isinstance(value, type):
        return _container({one.name: getattr(value, one.name) for one in fields(value)}, depth)
    # Numbers and arrays of NumPy and similar libraries.
    if callable(getattr(value, "tolist", None)):
        return _as_json(value.tolist(), depth + 1)
    if callable(getattr(value, "isoformat", None)):
        return value.isoformat()
    if hasattr(value, "__index__"):
        return int(value)
    if hasattr(value, "__float__"):
        return _as_json(float(value), depth + 1)
    return safe_repr(value)


def _key(key: object) -> str:
    return str.__str__(key) if isinstance(key, str) else str(_as_json(key, _DEEPEST))


def safe_repr(value: object) -> str:
    """Return the `repr()` of a value, or what is known about the value if that fails."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} object; its repr raised {type(error).__name__}>"


def _from_json(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get(_BYTES), str):
            try:
                return base64.b64decode(value[_BYTES], validate=True)
            except (binascii.Error, ValueError):
                return value
        made = {key: _from_json(item, depth + 1) for key, item in value.items()}
        return value if all(made[key] is item for key, item in value.items()) else made
    if isinstance(value, list):
        items = [_from_json(item, depth + 1) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value
