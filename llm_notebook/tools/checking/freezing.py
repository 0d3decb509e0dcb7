"""Writes checked arguments back as JSON, which a human is shown, and from which the tool's Python values are made again when it runs.

A model may write "5" for 5 and `[1, 1, 2]` for a set. The check converts such values, and this file writes the converted values as JSON: the
number, the list without duplicates, a date in ISO form. This must not change any value. So the JSON is checked once more and has to give the
same values. If it does not, as with a secret that is written as asterisks, the text that the model wrote is kept.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llm_notebook.tools.signatures import ToolSignature

__all__ = ["written_back"]


def written_back(signature: ToolSignature, given: Mapping[str, Any], checked: BaseModel) -> dict[str, Any]:
    """Return checked arguments as JSON values. Arguments that were not given are left out.

    Args:
        signature: the signature that the arguments were checked against.
        given: the arguments as the model wrote them.
        checked: the result of the check.
    """
    fields = {name: f"p{i}" for i, name in enumerate(signature.parameters)}
    return {
        name: value
        if name not in fields and name not in (checked.model_extra or {})
        else _kept(signature, given, checked, name, fields.get(name, name))
        for name, value in given.items()
    }


def _kept(signature: ToolSignature, given: Mapping[str, Any], checked: BaseModel, name: str, field: str) -> object:
    """Return the JSON value of one argument: the checked one if it means the same, otherwise the one that was given."""
    value = _value(checked, field)
    if type(value) in (str, int, bool, types.NoneType) and type(value) is type(given[name]) and value == given[name]:
        return value
    try:
        written = _written(checked, field)
        if _text(written) == _text(given[name]):
            return given[name]
        again = signature.model.model_validate({**given, name: written})
        is_same = bool(_value(again, field) == value) and type(_value(again, field)) is type(value)
        return written if is_same and _text(_written(again, field)) == _text(written) else given[name]
    except Exception:
        # pydantic, and comparisons of the user's own types, may raise anything. Such a value has no JSON form.
        return given[name]


def _value(checked: BaseModel, field: str) -> object:
    return (checked.model_extra or {})[field] if field in (checked.model_extra or {}) else getattr(checked, field)


def _written(checked: BaseModel, field: str) -> object:
    """Return one field as JSON values, with sets in an order that is the same in every process."""
    [as_json] = checked.model_dump(mode="json", by_alias=True, include={field}, warnings=False).values()
    [as_python] = checked.model_dump(mode="python", by_alias=True, include={field}, warnings=False).values()
    return _in_order(as_json, as_python)


def _in_order(as_json: object, as_python: Any) -> object:
    """Sort the lists that stand for sets. Both forms list a set's items in the same order, but that order differs between processes."""
    if isinstance(as_json, dict) and isinstance(as_python, dict) and len(as_json) == len(as_python):
        return {
            name: _in_order(value, other)
            for (name, value), other in zip(as_json.items(), as_python.values(), strict=True)
        }
    is_set = isinstance(as_python, set | frozenset)
    if isinstance(as_json, list) and (is_set or isinstance(as_python, list | tuple)) and len(as_json) == len(as_python):
        items = [_in_order(value, other) for value, other in zip(as_json, as_python, strict=True)]
        return sorted(items, key=_order) if is_set else items
    return as_json


def _order(value: object) -> tuple[bool, object, str]:
    """Return a sort key that orders numbers by size, and everything else by its text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (False, value, "") if is_number else (True, 0, _text(value))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
