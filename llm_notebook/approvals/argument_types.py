"""The types of a tool's arguments, which are part of its identity: their code turns the JSON that a human is shown into the values that run.

A dataclass may change a path in `__post_init__`, a validator in an annotation may do the same, and the tool's body calls the methods of its
arguments. So the code of the user's own classes and validators is described like the tool's own code. Classes of installed packages and of
Python are described by their names.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

from llm_notebook.approvals.classes import is_given, is_installed, state_of
from llm_notebook.approvals.descriptions import (
    Describer,
    Undescribed,
    code_description,
)
from llm_notebook.tools.callables import is_routine
from llm_notebook.tools.signatures import ToolSignature

__all__ = ["described_arguments"]

_SIMPLE = (str, bytes, int, float, bool, types.NoneType)
_CONTAINERS = (tuple, list, dict, set, frozenset)


def described_arguments(signature: ToolSignature | None) -> list[object]:
    """Return a description of the user's code that creates the arguments of a tool; an empty list if there is only code of Python and of packages."""
    if signature is None:
        return []
    seen: dict[int, object] = {}
    found: list[object] = []
    for field in signature.model.model_fields.values():
        for part in (field.annotation, *field.metadata, field.default_factory):
            found += _described(part, seen)
    return found


def _described(annotation: object, seen: dict[int, object]) -> Iterator[object]:
    """Yield descriptions of an annotation and of everything in it that was not seen before."""
    if annotation is None or id(annotation) in seen:
        return
    seen[id(annotation)] = annotation
    for inner in typing.get_args(annotation):
        yield from _described(inner, seen)
    if isinstance(annotation, type):
        if typing.get_origin(annotation) is None and _is_users(annotation):
            yield from _described_class(annotation, seen)
    elif is_routine(annotation):
        yield _described_member(annotation)
    elif isinstance(annotation, functools.partial):
        bound = [*enumerate(annotation.args), *sorted(annotation.keywords.items())]
        yield ["partial", [[name, _described_member(value)] for name, value in bound]]
        for part in (annotation.func, *annotation.args, *annotation.keywords.values()):
            yield from _described(part, seen)
    else:
        yield from _described_object(annotation, seen)


def _described_object(value: object, seen: dict[int, object]) -> Iterator[object]:
    """Yield descriptions of an object that pydantic reads in an annotation or that it calls: it may hold the functions that it calls."""
    kind = type(value)
    is_users = _is_users(kind)
    if is_users:
        yield from _described_class(kind, seen)
    for name, held in sorted((state_of(value) or {}).items()):
        if is_routine(held) or (is_users and isinstance(held, _SIMPLE)):
            yield [kind.__qualname__, name, _described_member(held)]
        elif is_users or callable(held):
            yield from _described(held, seen)


def _described_class(kind: type, seen: dict[int, object]) -> Iterator[object]:
    for one in kind.__mro__:
        if _is_users(one):
            members = {
                name: _described_member(member) for name, member in sorted(vars(one).items()) if _counts(name, member)
            }
            yield [one.__qualname__, members]
            yield from _described_settings(one, seen)
    # An annotation of the class that cannot be evaluated adds nothing.
    with contextlib.suppress(Exception):
        for hint in typing.get_type_hints(kind, include_extras=True).values():
            yield from _described(hint, seen)


def _described_settings(kind: type, seen: dict[int, object]) -> Iterator[object]:
    """Yield descriptions of what pydantic keeps of a class beside its members: its configuration, and the functions that make defaults."""
    for name, value in sorted(dict(vars(kind).get("model_config") or {}).items()):
        yield [name, _described_member(value)] if isinstance(value, _SIMPLE) else name
        yield from _described(value, seen)
    for field in (vars(kind).get("__pydantic_fields__") or {}).values():
        yield from _described(field.default_factory, seen)


def _is_users(kind: type) -> bool:
    return not (kind.__module__ == "builtins" or is_given(kind) or is_installed(kind))


def _counts(name: str, member: object) -> bool:
    """Return whether a member of a class is code or a simple value that somebody wrote, and not something that Python adds to each class."""
    is_code = is_routine(member) or isinstance(member, staticmethod | classmethod | property)
    is_data = isinstance(member, (*_SIMPLE, *_CONTAINERS, enum.Enum)) and name != "model_config"
    return is_code or (is_data and not name.startswith("__"))


def _described_member(member: Any) -> object:
    """Return the description of code or of a simple value; None for anything else."""
    if isinstance(member, staticmethod | classmethod):
        member = member.__func__
    if isinstance(member, property):
        return [_described_member(function) for function in (member.fget, member.fset, member.fdel)]
    try:
        return Describer(settled=True).describe(member)
    except (Undescribed, RecursionError):
        code = getattr(inspect.unwrap(member), "__code__", None)
        return None if code is None else code_description(code)
