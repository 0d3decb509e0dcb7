"""The identity of a tool: the facts to which consent is bound, which are its code, its class, its state and its origin.

A fact is a digest, so that the journal holds no secrets of the tool. State is recorded by name, with the text of each value that may be shown,
so that a human can be told what has changed: `root: "/test" → "/PROD"`.

State that cannot be described, such as a connection that an object holds, is left out for Toolboxes, because their constructor's arguments
distinguish them. For any other object, consent is then limited to that very object in this process.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import json
import os
import pathlib
import re
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.approvals.argument_types import described_arguments
from llm_notebook.approvals.classes import state_of
from llm_notebook.approvals.descriptions import (
    WRITTEN_OUT,
    Describer,
    FunctionParts,
    Undescribed,
    parts_of,
    without_adapters,
)
from llm_notebook.configuration.process import process
from llm_notebook.tools.callables import attributes_of, is_routine
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "Identity",
    "digest_of_facts",
    "digest_of_undescribed",
    "facts_shown",
    "identify",
    "identify_all",
    "origin_of",
    "short_identity",
]

_SECRET = re.compile(r"key|token|secret|passw|credential|auth|cookie|dsn|private", re.IGNORECASE)
_USER_IN_ADDRESS = re.compile(r"://[^/\s]*@")
_LONGEST_TEXT = 200
_MOST_SHOWN = 5
_SHORT = 16

State = dict[str, list[str]]
"""For each name a pair of the value's text, which is empty if it must not be shown, and a digest of the value."""


@dataclass(slots=True)
class Identity:
    """What a tool is.

    Attributes:
        facts: a digest of each fact, by the fact's name.
        state: the values that the tool holds, including the defaults of its parameters.
        shown: `name = value` for each value with which it runs and which the model does not see.
        digest: one digest of all facts, as 64 hexadecimal digits.
    """

    facts: dict[str, str]
    state: State
    shown: list[str]
    digest: str


def digest_of_facts(facts: dict[str, str]) -> str:
    """Return one digest of all facts, as 64 hexadecimal digits."""
    return _digest(facts)


def facts_shown(name: str, description: str, input_schema: dict[str, Any] | None) -> dict[str, str]:
    """Return the digests of those facts about a tool that a question shows as they are."""
    return {"name": _digest(name), "description": _digest(description), "schema": _digest(input_schema)}


def digest_of_undescribed(name: str) -> str:
    """Return a substitute for the identity of a tool of which only the name was recorded."""
    return digest_of_facts({"name": _digest(name)})


def identify(tool: Tool) -> Identity:
    """Return the current identity of a tool."""
    toolboxes, signature = tool.toolboxes, tool._signature()
    function = without_adapters(tool.implementation)
    parts = parts_of(function) if type(function) is types.FunctionType else None
    arguments = described_arguments(signature)
    gathered = _Gathered(toolboxes)
    code = gathered.code_behind(function, parts)
    for toolbox in toolboxes:
        gathered.add_toolbox(toolbox)
    facts = {
        "types": arguments,
        "plugin": _plugin(tool),
        "code": code,
        "class": gathered.kinds,
        "state": [sorted([name, held[1]] for name, held in kept.items()) for kept in (gathered.state, gathered.given)],
        "object": gathered.objects,
    }
    digests = facts_shown(tool.name, tool.description or "", tool.input_schema)
    digests |= {name: _digest(fact) for name, fact in facts.items()}
    return Identity(digests, gathered.state, list(dict.fromkeys(gathered.shown)), digest_of_facts(digests))


def short_identity(given: object, identity: Identity | None = None) -> str:
    """Return the beginning of the identity of a Tool or a Toolbox, by which it is found again; empty for anything else.

    What no other process can know, because it stands for an object without a description, comes after a hyphen.

    Args:
        identity: the identity of the tool, if it is known already.
    """
    if isinstance(given, Tool):
        facts = dict((identity or identify(given)).facts)
        objects = facts.pop("object")
        described = _digest(facts)
    elif isinstance(given, Toolbox):
        gathered = _Gathered((given,))
        gathered.add_toolbox(given)
        objects = _digest(gathered.objects)
        described = _digest([gathered.kinds, gathered.state, gathered.given])
    else:
        return ""
    return described[:_SHORT] + (f"-{objects[:_SHORT]}" if objects != _digest([]) else "")


def identify_all(given: Iterable[object]) -> tuple[dict[int, Identity], list[str]]:
    """Return the identities of the Tools among Tools and Toolboxes, by their `id()`, and the `short_identity()` of each item in order."""
    found = {id(one): identify(one) for one in given if isinstance(one, Tool)}
    return found, [short_identity(one, found.get(id(one))) for one in given]


@dataclass(slots=True)
class _Gathered:
    """Gathers what a tool holds, from the outside in.

    Attributes:
        toolboxes: the Toolboxes to which the tool belongs, which are described separately.
        state: the values by name.
        given: the arguments of constructors that have the name of an attribute.
        kinds: the descriptions of the classes.
        objects: names for the objects that have no description.
        shown: see Identity.
    """

    toolboxes: tuple[Toolbox, ...]
    state: State = field(default_factory=dict)
    given: State = field(default_factory=dict)
    kinds: list[object] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def code_of(self, function: object) -> object:
        """Return the description of the code that a call runs, and gather what the functions and objects on the way to it hold."""
        return self.code_behind(without_adapters(function))

    def code_behind(self, function: object, parts: FunctionParts | None = None) -> object:
        """Do what `code_of()` does for a callable that is no adapter and whose parts may be known already."""
        if function is None:
            return None
        if isinstance(function, functools.partial):
            for position, value in enumerate(function.args, 1):
                self._hold(f"argument {position}", value, function, is_settled=True)
            for name, value in function.keywords.items():
                self._hold(name, value, function, is_settled=True)
            return ["partial", self.code_of(function.func)]
        if isinstance(function, types.MethodType):
            self._add_owner(function.__self__)
            return ["method", self.code_of(function.__func__)]
        if type(function) is types.FunctionType:
            return self._code_of_function(function, parts or parts_of(function))
        if isinstance(function, type):
            self._add_kind(function, function)
            return ["class"]
        if is_routine(function):
            return self._described(function, function)
        self._add_owner(function)
        return ["object"]

    def _code_of_function(self, function: types.FunctionType, parts: FunctionParts) -> object:
        described = []
        for name, value in parts.closure.items():
            if type(value) is types.FunctionType:
                described.append([name, self._described(value, function)])
            else:
                self._hold(name, value, function)
        for name, value in parts.defaults:
            # Nobody collects results in a default, so a list there is part of what the function does.
            self._hold(name, value, function, is_shown=False, is_settled=True)
        for name, value in parts.attributes.items():
            self._hold(name, value, function)
        wrapped = None if parts.wrapped is None else self.code_of(parts.wrapped)
        return ["function", parts.code, described, wrapped]

    def add_toolbox(self, toolbox: Toolbox) -> None:
        """Gather the class, the constructor's arguments and the simple public attributes of a Toolbox."""
        given = toolbox._given()
        for box in (toolbox, *toolbox._represented()):
            self._add_kind(type(box), None)
            for name, value in attributes_of(box).items():
                if not name.startswith("_"):
                    # The constructor's arguments are shown with the Toolbox.
                    is_shown = name not in given or _text(name, given[name]) != _text(name, value)
                    self._hold(name, value, None, is_shown=is_shown)
        for name, value in given.items():
            # An attribute of the same name has the current value.
            state = self.given if name in self.state else self.state
            self._hold(name, value, toolbox, is_shown=False, is_settled=True, state=state)

    def _add_owner(self, owner: object) -> None:
        """Gather the class and the attributes of the object on which a method is called."""
        boxes = [box for toolbox in self.toolboxes for box in (toolbox, *toolbox._represented())]
        if any(owner is box or owner is type(box) for box in boxes):
            return
        if isinstance(owner, Toolbox):
            self.add_toolbox(owner)
            return
        if isinstance(owner, type):
            self._add_kind(owner, owner)
            return
        self._add_kind(type(owner), owner)
        attributes = state_of(owner)
        if attributes is None:
            self._add_object(owner)
        for name, value in (attributes or {}).items():
            self._hold(name, value, owner)

    def _add_kind(self, kind: type, holder: object | None) -> None:
        self.kinds.append(self._described(kind, holder))

    def _hold(
        self,
        name: str,
        value: object,
        holder: object | None,
        *,
        is_shown: bool = True,
        is_settled: bool = False,
        state: State | None = None,
    ) -> None:
        """Record a value by its name.

        Args:
            holder: the object that holds it. If the value cannot be described, consent is limited to this object; if this is None, the value is
                left out.
            is_shown: whether a human is shown the value even if nothing has changed.
            is_settled: whether it does not change any more, so that a list is described by its contents.
            state: where it is recorded; by default `self.state`.
        """
        try:
            described = self._describer(holder, is_settled=is_settled).describe(value)
        except (Undescribed, RecursionError):
            if holder is not None:
                self._add_object(holder)
            return
        digest = _digest(described)
        state = self.state if state is None else state
        while name in state and state[name][1] != digest:
            # A default and what a function closes over may have the same name.
            name += "*"
        text = _text(name, value)
        state[name] = [text, digest]
        if text and is_shown:
            self.shown.append(f"{name} = {text}")

    def _described(self, value: object, holder: object | None) -> object:
        try:
            return self._describer(holder).describe(value)
        except (Undescribed, RecursionError):
            if holder is not None:
                self._add_object(holder)
            return ["not described", type(value).__qualname__]

    def _describer(self, holder: object | None, *, is_settled: bool = False) -> Describer:
        known = {id(toolbox): f"toolbox {number}" for number, toolbox in enumerate(self.toolboxes)}
        return Describer(known, strict=holder is not None, settled=is_settled)

    def _add_object(self, holder: object) -> None:
        name = process.of(_Names).of(holder)
        if name not in self.objects:
            self.objects.append(name)


class _Names:
    """Names for objects without a description: the same for the same object, and for no other, in this process."""

    def __init__(self) -> None:
        self._process = os.urandom(16).hex()
        self._latest = 0
        # By `id()`; the reference says whether the object is still the one that had this id.
        self._names: dict[int, tuple[Callable[[], object], str]] = {}

    def of(self, value: object) -> str:
        """Return the name of an object."""
        known = self._names.get(id(value))
        if known is not None and known[0]() is value:
            return known[1]
        self._latest += 1
        name = f"{self._process} {self._latest}"
        reference: Callable[[], object]
        try:
            reference = weakref.ref(value)
        except TypeError:
            # An object without weak references is kept alive, so that no other object gets its id.
            reference = functools.partial(lambda kept: kept, value)
        self._names[id(value)] = (reference, name)
        return name


def origin_of(tool: Tool, shown: Sequence[str] = ()) -> list[str]:
    """Return short phrases that say where the tool comes from and with which values it runs.

    Args:
        shown: `name = value` for the values with which the tool runs.
    """
    said = []
    plugin = _plugin(tool)
    if plugin is not None:
        said.append(f"from the package {plugin}")
    else:
        function: object = inspect.unwrap(tool.implementation) if tool.implementation is not None else None
        module = getattr(function, "__module__", None)
        if module == "__main__":
            said.append(f"from a function {'in this notebook' if 'ipykernel' in sys.modules else 'defined here'}")
        elif module:
            said.append(f"from the module {module}")
    if tool.toolbox is not None:
        said.append(f"toolbox {type(tool.toolbox).__name__}{_arguments(tool.toolbox.configuration)}")
    if shown:
        more = f" and {len(shown) - _MOST_SHOWN} more" if len(shown) > _MOST_SHOWN else ""
        said.append(f"with {', '.join(shown[:_MOST_SHOWN])}{more}")
    return said


def _plugin(tool: Tool) -> str | None:
    if tool.plugin is None:
        return None
    from importlib import metadata  # slow to import, and most tools come from no plugin

    try:
        return f"{tool.plugin} {metadata.version(tool.plugin)}"
    except metadata.PackageNotFoundError:
        return tool.plugin


def _arguments(configuration: dict[str, Any]) -> str:
    written = ", ".join(f"{name}={value!r}" for name, value in configuration.items())
    return f"({written})" if written else ""


def _text(name: str, value: object) -> str:
    """Return the text of a value that may be shown and recorded; empty for a value that is private or looks like a secret."""
    if name.startswith("_") or _SECRET.search(name):
        return ""
    if isinstance(value, pathlib.PurePath | enum.Enum) or type(value).__module__ in WRITTEN_OUT:
        return _short(str(value))
    if isinstance(value, str) and type(value).__repr__ is not str.__repr__:
        return ""
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if not isinstance(value, str | int | float | list | tuple | dict | types.NoneType):
        return ""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return ""
    is_secret = _USER_IN_ADDRESS.search(text) or (not isinstance(value, str) and _SECRET.search(text))
    return "" if is_secret else _short(text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def _digest(fact: object) -> str:
    return hashlib.sha256(json.dumps(fact, sort_keys=True, default=repr).encode()).hexdigest()
