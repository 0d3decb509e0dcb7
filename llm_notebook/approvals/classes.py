"""What belongs to a class and to an object, for their descriptions: what somebody wrote, without what Python and libraries add."""

from __future__ import annotations

import contextlib
import enum
import functools
import re
import sys
import sysconfig
import types
from collections import namedtuple
from typing import Any

from llm_notebook.tools.callables import attributes_of, is_routine

__all__ = ["WRAPPERS", "is_code", "is_given", "is_installed", "own_members", "state_of"]

_PACKAGE = __name__.partition(".")[0]
WRAPPERS = (
    functools.partial,
    functools.partialmethod,
    functools.cached_property,
    functools.singledispatchmethod,
    staticmethod,
    classmethod,
    property,
)
_MADE_IN_C = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.BuiltinFunctionType,
)
# What Python makes for each field of a class with slots, and of a named tuple.
_MADE_FOR_FIELDS = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    type(vars(namedtuple("_", "field"))["field"]),
)
# The attributes in which pydantic keeps private and additional fields of an object.
_FIELDS_APART = ("__pydantic_private__", "__pydantic_extra__")
# The flag of classes that are made while a program runs, which all others of C code lack.
_FROM_CLASS_STATEMENT = 1 << 9
_PYTHON = sysconfig.get_path("stdlib")
# Simple values under special names that Python, pydantic and attrs give to classes.
_FROM_PYTHON = re.compile(r"__(?:module|qualname|doc|firstlineno|slots|hash|(?:pydantic|attrs|dataclass)_\w+)__")
# Attributes of classes that Python and this package create for their own use.
_NOT_OWN = re.compile(
    r"__\w+__|_abc_impl|_llm_notebook_counterpart|_is_protocol|_is_runtime_protocol|_member_map_|_value2member_map_"
)


def state_of(value: object, *, of_any: bool = False) -> dict[str, Any] | None:
    """Return the attributes of an object by name; None if the object holds more state than its attributes.

    Args:
        of_any: return them in any case.
    """
    if not of_any and not all(kind is object or _is_made_in_python(kind) for kind in type(value).__mro__):
        return None
    found = dict(attributes_of(value))
    for kind in type(value).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType):
                with contextlib.suppress(AttributeError):
                    found[name] = member.__get__(value)
    apart = [found[name] for name in _FIELDS_APART if isinstance(found.get(name), dict)]
    return {name: held for each in (found, *apart) for name, held in each.items() if not name.startswith("__")}


def own_members(kind: type) -> dict[str, object]:
    """Return what somebody wrote into a class, by name; of an enum, the values of its members."""
    members = {name: member for name, member in vars(kind).items() if _is_own(name, member)}
    if not issubclass(kind, enum.Enum):
        return members
    values: dict[str, object] = {name: member._value_ for name, member in kind.__members__.items()}
    return {name: held for name, held in members.items() if not name.startswith("_") or is_code(held)} | values


def _is_own(name: str, member: object) -> bool:
    """Return whether a member of a class is one that somebody wrote."""
    if isinstance(member, _MADE_FOR_FIELDS):
        return False
    if not name.startswith("__"):
        return not _NOT_OWN.fullmatch(name)
    is_simple = isinstance(member, str | bytes | int | float)
    return is_code(member) or (is_simple and not _FROM_PYTHON.fullmatch(name))


def is_given(kind: type) -> bool:
    """Return whether a class belongs to Python or to this package."""
    package = kind.__module__.partition(".")[0]
    if package == _PACKAGE:
        return True
    if package not in sys.stdlib_module_names or package == "__main__":
        return False
    if not kind.__flags__ & _FROM_CLASS_STATEMENT:
        return True
    # A file of the user may have the name of a module of Python, and a class may say that it comes from there.
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    is_in_python = file is None or (file.startswith(_PYTHON) and "-packages" not in file)
    return is_in_python and getattr(module, kind.__qualname__, None) is kind


def is_installed(kind: type) -> bool:
    """Return whether a class comes from an installed package, whose version identifies it."""
    # The program that runs may be installed, such as pytest, while `__main__` holds what the user defines.
    file = "" if kind.__module__ == "__main__" else str(getattr(sys.modules.get(kind.__module__), "__file__", ""))
    return "site-packages" in file or "dist-packages" in file


def _is_made_in_python(kind: type) -> bool:
    """Return whether a class comes from a class statement. The methods of other classes have types that only C code creates."""
    return kind.__module__ != "builtins" and not any(isinstance(member, _MADE_IN_C) for member in vars(kind).values())


def is_code(value: object) -> bool:
    """Return whether a value is a function, a method, or an object of Python's own that holds functions."""
    return isinstance(value, WRAPPERS) or (is_routine(value) and not isinstance(value, type))
