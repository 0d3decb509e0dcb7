"""Describes loaded code and its state as JSON: things with equal descriptions are the same, in every process.

Code is described by its code objects, recursively: the bytecode, the constants and the names, without file names, line numbers and the
order of sets. State is described by its values if they are simple, such as numbers, texts, paths, enums and containers of these. Objects are
described by their class and their attributes, and so are values of classes that extend the simple ones. Objects whose state is not visible to
Python, such as a connection or a lock, cannot be described: they raise `Undescribed`.

A description has to end soon. Values may contain themselves, hold a client with thousands of objects, or be ten megabytes of text. So a value
whose description has begun is referred to by its number, long texts are replaced by their digest, and a description that becomes too large is
abandoned.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import pathlib
import re
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_notebook.approvals.classes import WRAPPERS, is_code, is_given, is_installed, own_members, state_of
from llm_notebook.tools.callables import attributes_of

__all__ = [
    "WRITTEN_OUT",
    "Describer",
    "FunctionParts",
    "Undescribed",
    "code_description",
    "is_adapter",
    "parts_of",
    "without_adapters",
]

_PACKAGE = __name__.partition(".")[0]
_MOST_PARTS = 5_000
_LONG = 200
# Modules whose values say everything about themselves in their repr.
WRITTEN_OUT = frozenset({"datetime", "decimal", "fractions", "uuid", "ipaddress", "zoneinfo"})
_SCALARS = (str, bytes, int, float, complex)
_CONTAINERS = (list, tuple, set, frozenset, dict)


class Undescribed(Exception):
    """A value cannot be described."""


class Describer:
    """Creates one description, of limited size.

    Args:
        known: names of objects that are not described again, by their `id()`.
        strict: whether an attribute of a class that cannot be described is an error; otherwise it is left out.
        settled: whether lists, dicts and sets are described by their contents. If a tool collects its results in them, their contents do not
            describe the tool. Those of classes are always described by their contents.
    """

    def __init__(self, known: Mapping[int, str] | None = None, *, strict: bool = True, settled: bool = False) -> None:
        self._known: dict[int, object] = dict(known or {})
        self._strict = strict
        self._settled = settled
        self._parts = 0

    def describe(self, value: object) -> object:
        """Return the description of a value as JSON.

        Raises:
            Undescribed: the value, or something in it, has no description.
        """
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Undescribed("It is too large.")
        if isinstance(value, types.ModuleType):
            if sys.modules.get(value.__name__) is not value:
                raise Undescribed("Another module may have its name.")
            return ["module", value.__name__]
        if isinstance(value, type):
            return self._begun(value) or self._kind(value)
        if isinstance(value, enum.Enum):
            return ["enum", self.describe(type(value)), value.name, self.describe(value._value_)]
        if (simple := self._simple(value)) is not None:
            return simple if is_given(type(value)) else self._extended(value, simple)
        return self._begun(value) or (self._callable(value) if is_code(value) else self._object(value))

    def _begun(self, value: object) -> object:
        """Return a reference to the description of a value if that has begun; otherwise None, and from now on it has."""
        if (begun := self._known.get(id(value))) is not None:
            return ["known", begun]
        self._known[id(value)] = self._parts
        return None

    def _simple(self, value: object) -> object:
        """Return the description of a simple value by what its built-in type holds; None for any other value."""
        if isinstance(value, (*_SCALARS, types.NoneType, types.EllipsisType)):
            return _scalar(value)
        if isinstance(value, _CONTAINERS):
            return self._container(value)
        if isinstance(value, slice):
            return ["slice", self.describe(value.start), self.describe(value.stop), self.describe(value.step)]
        if isinstance(value, types.GenericAlias | types.UnionType):
            return ["alias", self.describe(typing.get_origin(value)), [*map(self.describe, typing.get_args(value))]]
        written = _written_out(value)
        return None if written is None else [_name_of(type(value)), written]

    def _extended(self, value: object, simple: object) -> object:
        """Describe a value whose class extends a simple one: its methods and attributes matter, too."""
        attributes = state_of(value, of_any=True) or {}
        own = {name: self.describe(attributes[name]) for name in sorted(attributes)}
        return ["extended", simple, self.describe(type(value)), own]

    def _container(self, value: Any) -> object:
        if isinstance(value, list | set | dict) and not self._settled:
            raise Undescribed("What is in it may change at any time.")
        if id(value) in self._known:
            return ["known", self._known[id(value)]]
        self._known[id(value)] = self._parts
        kind = _name_of(type(value))
        try:
            if isinstance(value, dict):
                return [kind, [[self.describe(key), self.describe(item)] for key, item in dict.items(value)]]
            items = [self.describe(item) for item in value]
        finally:
            # A list that stands in two places is described twice, but a list that contains itself only once.
            del self._known[id(value)]
        return [kind, sorted(items, key=repr) if isinstance(value, set | frozenset) else items]

    def _callable(self, value: object) -> object:
        if isinstance(value, WRAPPERS):
            return self._wrapper(value)
        if isinstance(value, types.MethodType):
            return ["method", self.describe(value.__func__), self.describe(value.__self__)]
        return self._function(value) if type(value) is types.FunctionType else self._built_in(value)

    def _wrapper(self, value: Any) -> object:
        """Describe one of the objects of Python's own that hold functions."""
        if isinstance(value, functools.partial | functools.partialmethod):
            keywords = [[name, self.describe(value.keywords[name])] for name in sorted(value.keywords)]
            return ["partial", self.describe(value.func), self.describe(value.args), keywords]
        if isinstance(value, property):
            return ["property", *(self.describe(function) for function in (value.fget, value.fset, value.fdel))]
        if isinstance(value, functools.cached_property):
            return ["cached", self.describe(value.func)]
        if isinstance(value, functools.singledispatchmethod):
            registry = value.dispatcher.registry
            return ["dispatch", [[self.describe(kind), self.describe(registry[kind])] for kind in registry]]
        return [type(value).__name__, self.describe(value.__func__)]

    def _function(self, function: types.FunctionType) -> object:
        wrapped = self.describe(vars(function).get("__wrapped__"))
        if is_adapter(function):
            return wrapped
        closure = {name: self.describe(held) for name, held in _closure_of(function).items()}
        by_name = function.__kwdefaults__ or {}
        defaults = [
            self.describe(function.__defaults__),
            [[name, self.describe(by_name[name])] for name in sorted(by_name)],
        ]
        own = {name: self.describe(held) for name, held in sorted(_own_attributes(function).items())}
        return ["function", code_description(function.__code__), defaults, closure, own, wrapped]

    def _built_in(self, value: object) -> object:
        owner = getattr(value, "__self__", None)
        held = None if owner is None or isinstance(owner, types.ModuleType) else self.describe(owner)
        named = [str(getattr(value, "__module__", "")), str(getattr(value, "__qualname__", type(value).__name__))]
        return ["built-in", *named, held, self.describe(attributes_of(value).get("__wrapped__"))]

    def _kind(self, kind: type) -> object:
        """Describe a class by its name and by what it and its base classes define."""
        described = [[_name_of(one), self._members(one)] for one in kind.__mro__ if one is not object]
        maker = type(kind)
        is_known = is_given(maker) or is_installed(maker)
        return ["class", described, _name_of(maker) if is_known else self.describe(maker)]

    def _members(self, kind: type) -> object:
        if is_given(kind):
            return None
        members: dict[str, object] = {}
        was_settled, self._settled = self._settled, True
        try:
            for name, member in sorted(own_members(kind).items()):
                self._add_member(members, kind, name, member)
        finally:
            self._settled = was_settled
        return members

    def _add_member(self, members: dict[str, object], kind: type, name: str, member: object) -> None:
        try:
            members[name] = self.describe(member)
        except Undescribed:
            # Special methods are often created by decorators, such as that of dataclasses, which close over what they need.
            is_needed = self._strict and not name.startswith("__") and not is_installed(kind)
            if is_needed or self._parts > _MOST_PARTS:
                raise

    def _object(self, value: object) -> object:
        attributes = state_of(value)
        if attributes is None:
            raise Undescribed(f"A {type(value).__name__} has no description.")
        return [
            "object",
            self.describe(type(value)),
            {name: self.describe(attributes[name]) for name in sorted(attributes)},
        ]


@dataclass(slots=True)
class FunctionParts:
    """The parts of a function.

    Attributes:
        code: the description of its code.
        closure: the values that it closes over, by name.
        defaults: the defaults of its parameters, by position first.
        attributes: the attributes that somebody gave it, by name.
        wrapped: what it wraps with `functools.wraps`; None if it wraps nothing.
    """

    code: object
    closure: dict[str, object]
    defaults: list[tuple[str, object]]
    attributes: dict[str, object]
    wrapped: object


def _own_attributes(function: types.FunctionType) -> dict[str, object]:
    return {name: held for name, held in vars(function).items() if not name.startswith("__")}


def parts_of(function: types.FunctionType) -> FunctionParts:
    """Return the parts of a function."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    by_position = function.__defaults__ or ()
    defaults = [*zip(names[len(names) - len(by_position) :], by_position, strict=True)]
    defaults += (function.__kwdefaults__ or {}).items()
    wrapped = vars(function).get("__wrapped__")
    code, closure = code_description(function.__code__), _closure_of(function)
    return FunctionParts(code, closure, defaults, _own_attributes(function), wrapped)


def without_adapters(function: object) -> object:
    """Return the callable that is wrapped by functions which this package made only to pass calls on."""
    while is_adapter(function):
        function = vars(function)["__wrapped__"]
    return function


def _closure_of(function: types.FunctionType) -> dict[str, object]:
    """Return the values that a function closes over, by name, except for its class and for the function that it wraps."""
    wrapped = vars(function).get("__wrapped__")
    found: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            held = cell.cell_contents
        except ValueError:
            continue
        is_its_class = name == "__class__" and isinstance(held, type)
        if not is_its_class and (held is not wrapped or wrapped is None):
            found[name] = held
    return found


def is_adapter(function: object) -> bool:
    """Return whether this package made a function only to pass calls on to the one that it wraps."""
    if type(function) is not types.FunctionType or "__wrapped__" not in vars(function):
        return False
    return str(function.__globals__.get("__name__", "")).partition(".")[0] == _PACKAGE


def code_description(code: types.CodeType) -> object:
    """Return what a code object does, regardless of where it is written."""
    return [
        code.co_name,
        [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags],
        hashlib.sha256(code.co_code).hexdigest(),
        [list(names) for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)],
        code.co_exceptiontable.hex(),
        [_constant(constant) for constant in code.co_consts],
    ]


def _constant(value: object) -> object:
    if isinstance(value, types.CodeType):
        return code_description(value)
    if isinstance(value, tuple):
        return ["tuple", [_constant(item) for item in value]]
    if isinstance(value, frozenset):
        return ["frozenset", sorted([_constant(item) for item in value], key=repr)]
    return _scalar(value)


def _scalar(value: object) -> object:
    """Describe a simple value, with its type, because True is not 1."""
    kind = type(value).__name__ if type(value).__module__ == "builtins" else _name_of(type(value))
    if isinstance(value, str | bytes):
        raw = str.encode(value, "utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
        return [kind, hashlib.sha256(raw).hexdigest() if len(raw) > _LONG else raw.hex()]
    if isinstance(value, int):
        return [kind, hex(value)]
    if isinstance(value, float):
        return [kind, float.hex(value)]
    if isinstance(value, complex):
        return [kind, value.real.hex(), value.imag.hex()]
    return [kind, repr(value)] if value is None or value is ... else [kind]


def _written_out(value: object) -> object:
    """Return the repr of an immutable value that is fully described by it; None for any other value."""
    if isinstance(value, pathlib.PurePath):
        return pathlib.PurePath.__str__(value)
    if isinstance(value, re.Pattern):
        return [_scalar(value.pattern), value.flags]
    return repr(value) if isinstance(value, range) or type(value).__module__ in WRITTEN_OUT else None


def _name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
