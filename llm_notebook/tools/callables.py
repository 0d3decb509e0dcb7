"""What can be found out about a callable: its name, its annotations, and whether it is async, however it is wrapped.

A user's tool may be a function, a bound method, a class, an object with `__call__`, or any of these inside decorators and
`functools.partial`, nested in any order. `inspect.unwrap()` removes decorators that use `functools.wraps`, and nothing in the
standard library removes both.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "CARRIED",
    "MARK",
    "Layer",
    "Mark",
    "as_carried",
    "attributes_of",
    "bound_by_partial",
    "described_callable",
    "documentation",
    "is_coroutine_callable",
    "is_routine",
    "layers",
    "marks_in",
    "marks_on",
    "type_hints",
]


# The attribute of a marked function, class or object that holds its mark.
MARK = "__llm_approval__"
# The attribute of a copied or unpickled Toolbox that holds the marks which its class and methods had when it was copied or pickled: by the name
# of the method, and under "" those for all its tools.
CARRIED = "__llm_carried__"
# The methods that run when a class or an object is called.
_CALLED = frozenset({"__call__", "__init__", "__new__"})
# The packages of base classes whose docstrings say nothing about the classes derived from them.
_LIBRARIES = ("builtins", "enum", "pydantic", "typing", "typing_extensions")


@runtime_checkable
class Mark(Protocol):
    """The mark that `require_approval()` puts on a tool. Only the rooms that ask for approval know what it says."""

    def without_conditions(self) -> Mark:
        """Return the mark without its conditions, which can be recorded."""


def is_coroutine_callable(function: object) -> bool:
    """Return whether a call returns a coroutine: for an `async def` function, or an object whose `__call__` is one.

    An ordinary function that returns an awaitable cannot be recognized before it is called.
    """
    if not callable(function):
        return False
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def is_routine(value: object) -> bool:
    """Return whether a value is a function or a method.

    Objects that only pass for one are none: those of classes with a `__get__` in Python, and those that show the class of what they wrap.
    """
    kind = type(value)
    is_made_in_c = isinstance(
        inspect.getattr_static(kind, "__get__", None), types.WrapperDescriptorType | types.NoneType
    )
    return is_made_in_c and value.__class__ is kind and inspect.isroutine(value)


def attributes_of(value: object) -> Mapping[str, Any]:
    """Return the attributes that an object or a class itself has, without asking its `__getattr__` or its properties."""
    try:
        attributes: Mapping[str, Any] = (
            type.__dict__["__dict__"].__get__(value)
            if isinstance(value, type)
            else object.__getattribute__(value, "__dict__")
        )
    except AttributeError:
        return {}
    return attributes


@dataclass(slots=True, frozen=True)
class Layer:
    """One of the objects that a call goes through.

    Attributes:
        value: the function, method or other object.
        attributes: the attributes that it has itself.
    """

    value: object
    attributes: Mapping[str, Any]


def layers(function: object) -> list[Layer]:
    """Return a callable and everything that a call of it goes through, each once.

    These are what `functools.wraps`, `functools.partial`, bound methods, static and class methods and `__call__` lead to. A decorator that
    does not use `functools.wraps` cannot be seen through.
    """
    seen: dict[int, Layer] = {}
    found = [function]
    while found:
        value: object = found.pop()
        if value is None or id(value) in seen:
            continue
        layer = seen[id(value)] = Layer(value, attributes_of(value))
        found.append(layer.attributes.get("__wrapped__"))
        if isinstance(value, functools.partial | functools.partialmethod):
            found.append(value.func)
        elif isinstance(value, types.MethodType | staticmethod | classmethod):
            found.append(value.__func__)
        elif not isinstance(value, type) and not is_routine(value):
            found.append(inspect.getattr_static(type(value), "__call__", None))
    return list(seen.values())


def marks_in(function: object) -> list[Mark]:
    """Return the marks of everything that a call of a function goes through, and of the objects that are called or whose methods are called.

    A static method, and a method that is taken from its class, are functions by themselves. Their class is looked up by its name.
    """
    found: list[Mark] = []
    for layer in layers(function):
        called = layer.value
        found += _marks_among(layer.attributes)
        if inspect.ismethod(called):
            found += marks_on(called.__self__, _names_of(called))
        elif isinstance(called, types.FunctionType):
            owner, name = _class_of(called)
            found += marks_on(owner, {name}) if owner is not None else []
        elif isinstance(called, type) or not is_routine(called):
            found += marks_on(called, _CALLED)
            found += marks_on(type(called), {"__call__"}) if isinstance(called, type) else []
    return found


def _class_of(function: types.FunctionType) -> tuple[type | None, str]:
    """Return (the class in whose body a function was defined, its name there); None if there is none, or if it is inside another function."""
    *names, name = function.__qualname__.split(".")
    scope: Mapping[str, Any] = function.__globals__
    owner = None
    for part in names:
        owner = scope.get(part)
        if not isinstance(owner, type):
            return None, name
        scope = attributes_of(owner)
    return owner, name


def marks_on(owner: object, members: Iterable[str] = ()) -> list[Mark]:
    """Return the marks of an object and of every class that it inherits from, and those of their members with these names."""
    found = _marks_among(attributes_of(owner))
    for kind in (owner if isinstance(owner, type) else type(owner)).__mro__:
        found += _marks_among(attributes_of(kind))
        for name in members:
            for layer in layers(vars(kind).get(name)):
                found += _marks_among(layer.attributes)
    return found


def as_carried(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return marks in a form that can be pickled: without their conditions, which are often functions that cannot be."""
    return tuple(dict.fromkeys(mark.without_conditions() for mark in marks))


def _marks_among(attributes: Mapping[str, Any]) -> list[Mark]:
    mark = attributes.get(MARK)
    return [mark] if isinstance(mark, Mark) else []


def _names_of(method: Any) -> set[str]:
    """Return the names under which classes may hold a bound method: its own, and those that it was assigned to."""
    owner = method.__self__
    kinds = (owner if isinstance(owner, type) else type(owner)).__mro__
    assigned = {
        name
        for kind in kinds
        for name, member in vars(kind).items()
        if any(layer.value is method.__func__ for layer in layers(member))
    }
    return {str(getattr(method.__func__, "__name__", "")), *assigned}


def described_callable(function: Callable[..., object]) -> Callable[..., object]:
    """Return the callable that carries the name and the docstring: what is inside wrappers and `functools.partial`."""
    base = inspect.unwrap(function)
    while isinstance(base, functools.partial):
        function = base.func
        base = inspect.unwrap(function)
    # A wrapper has the name and docstring that it was given, so it is preferred to what it wraps.
    return function if hasattr(base, "__name__") else base


def documentation(function: Callable[..., object]) -> str | None:
    """Return the docstring of a callable, unless it is only inherited from a library.

    Otherwise a class without a docstring would have that of pydantic's `BaseModel`, or the signature that a dataclass gets.
    """
    described = described_callable(function)
    if not isinstance(described, type) and hasattr(described, "__name__"):
        return inspect.getdoc(described)
    cls = described if isinstance(described, type) else type(described)
    if cls is not described and (own := cls.__call__.__doc__):
        return inspect.cleandoc(own)
    for base in cls.__mro__:
        text = base.__dict__.get("__doc__")
        is_signature = "__dataclass_fields__" in base.__dict__ and text and text.startswith(f"{base.__name__}(")
        if base.__module__.partition(".")[0] in _LIBRARIES:
            return None
        if isinstance(text, str) and not is_signature:
            return inspect.cleandoc(text)
    return None


def bound_by_partial(function: Callable[..., object]) -> set[str]:
    """Return the names of the parameters that are bound by a `functools.partial`, or by several nested ones."""
    bound: set[str] = set()
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        bound.update(function.keywords)
        function = inspect.unwrap(function.func)
    return bound


def _with_annotations(function: Callable[..., object]) -> Callable[..., object]:
    """Return the function that carries the annotations of a callable."""
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    if inspect.isclass(function):
        return function.__init__
    return function if hasattr(function, "__name__") else type(function).__call__


def type_hints(function: Callable[..., object]) -> dict[str, Any]:
    """Return the type hints by parameter name. Hints that cannot be evaluated are left out."""
    target = _with_annotations(function)
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:
        # One bad annotation makes the whole call fail. So each is tried by itself, to keep the others.
        names = getattr(inspect.unwrap(target), "__globals__", {})
        hints: dict[str, Any] = {}
        for name, annotation in getattr(target, "__annotations__", {}).items():
            single = types.SimpleNamespace(__annotations__={name: annotation})
            # Evaluating an annotation may raise anything. A parameter without one is a string to the model, and is not checked.
            with contextlib.suppress(Exception):
                hints.update(typing.get_type_hints(single, globalns=names, include_extras=True))
        return hints
