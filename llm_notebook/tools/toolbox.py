"""`Toolbox`, a class whose public methods are tools, and the state that every toolbox keeps about itself.

A subclass of Toolbox need not call `super().__init__()`, which people tend to forget. So the state is made in `__new__`, which runs in any
case, and kept in the instance's `__dict__` beside the subclass's own attributes. It holds the constructor's arguments, because consent to
a call covers them: `Files("/tmp")` and `Files("/")` have the same methods but are not the same tool.
"""

from __future__ import annotations

import functools
import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, SupportsIndex

from llm_notebook.objects.json_forms import to_json_value
from llm_notebook.tools.callables import CARRIED, as_carried, marks_in, marks_on
from llm_notebook.tools.preparation import Preparation
from llm_notebook.tools.signatures import read_signature
from llm_notebook.tools.tool import Tool

if TYPE_CHECKING:
    from llm_notebook.tools.callables import Mark

__all__ = ["Toolbox"]

# The arguments of one call of `add_tool()`.
_Added = tuple[Tool | Callable[..., object], bool]


@dataclass(slots=True, eq=False)
class _ToolboxState:
    """The state of one toolbox.

    Attributes:
        name: the name of the toolbox's class.
        configuration: the constructor's arguments by name, as JSON values.
        odd: those of the constructor's arguments that have no JSON form, as they were given.
        added: the arguments of each call of `add_tool()`.
        of_methods: the tools made of the class's methods, by the method's name.
        of_added: the tools made of `added`, in the same order.
        lock: held while tools are made, so that each is made once.
        preparations: the work of `prepare()` and of `prepare_async()`.
    """

    name: str
    configuration: dict[str, Any]
    added: list[_Added] = field(default_factory=list)
    odd: dict[str, object] = field(default_factory=dict)
    of_methods: dict[str, Tool] = field(default_factory=dict)
    of_added: list[Tool] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    preparations: tuple[Preparation, Preparation] = field(init=False)

    def __post_init__(self) -> None:
        self.preparations = Preparation(f"{self.name}.prepare"), Preparation(f"{self.name}.prepare_async")

    def __reduce__(self) -> tuple[Callable[..., _ToolboxState], tuple[object, ...]]:
        # The tools are bound to the toolbox that they were made for, and a lock cannot be copied. A copy makes its own.
        return _restored, (self.name, self.configuration, self.added, tuple(self.odd))

    @classmethod
    def begun(cls, toolbox: type, args: tuple[object, ...], kwargs: dict[str, Any]) -> _ToolboxState:
        """Return the state of a toolbox that is about to be made with these arguments."""
        try:
            bound = _constructor_signature(toolbox).bind(None, *args, **kwargs)
        except TypeError:
            # Either the constructor is about to raise the same error, or this is a copy, which is made without arguments.
            return cls(toolbox.__name__, {})
        bound.apply_defaults()
        given: dict[str, Any] = {}
        for parameter in list(bound.signature.parameters.values())[1:]:
            value = bound.arguments[parameter.name]
            given.update(value if parameter.kind is parameter.VAR_KEYWORD else {parameter.name: value})
        odd = {name: value for name, value in given.items() if not _is_plain(value)}
        return cls(toolbox.__name__, {name: _recorded(value) for name, value in given.items()}, odd=odd)

    def copied(self) -> _ToolboxState:
        """Return the state for a copy of the toolbox."""
        return _ToolboxState(
            self.name, dict(self.configuration), [_kept(added) for added in self.added], dict(self.odd)
        )


class _Configuration:
    """The descriptor behind `toolbox.configuration`.

    It has no `__set__`, so that a subclass may assign an attribute of the same name for its own purposes.
    """

    def __get__(self, toolbox: Toolbox | None, owner: type | None = None) -> dict[str, Any]:
        if toolbox is None:
            raise AttributeError("configuration belongs to a toolbox, not to its class")
        return _state(toolbox).configuration


class _ConstructorSignature:
    """The descriptor behind `Toolbox.__signature__`: it gives the signature of `__init__`, as tooltips would otherwise show that of `__new__`."""

    def __get__(self, toolbox: Toolbox | None, owner: type) -> inspect.Signature:
        if toolbox is not None:
            raise AttributeError("__signature__ belongs to the class")
        signature = _constructor_signature(owner)
        return signature.replace(
            parameters=list(signature.parameters.values())[1:], return_annotation=inspect.Signature.empty
        )


def _constructor_signature(toolbox: type) -> inspect.Signature:
    return inspect.signature(toolbox.__init__)  # type: ignore[misc]


def _tool_methods(toolbox: type[Toolbox], instance: Toolbox | None) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the names and bound methods of a toolbox that are tools, ordered by name.

    Attributes are looked up without evaluating properties: one of them may connect to a server.

    Args:
        toolbox: the class. Methods that it overrides from Toolbox are not tools.
        instance: the toolbox to bind to; None to bind to the class, which is enough for a description.
    """
    base = vars(Toolbox)
    for name in dir(toolbox):
        found = inspect.getattr_static(toolbox, name)
        if name.startswith("_") or callable(base.get(name)) or isinstance(base.get(name), classmethod):
            continue
        kinds = (staticmethod, classmethod, functools.partialmethod)
        if isinstance(found, kinds) or (callable(found) and hasattr(found, "__get__") and not isinstance(found, type)):
            yield name, found.__get__(toolbox if instance is None else instance, toolbox)


def _is_plain(value: object) -> bool:
    """Return whether a constructor's argument is recorded unchanged."""
    if isinstance(value, str):
        return type(value).__repr__ is str.__repr__
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _recorded(value: object) -> object:
    """Return a constructor's argument as a JSON value."""
    if isinstance(value, str) and type(value).__repr__ is not str.__repr__:
        return repr(value)  # a string that hides its text, as keys do
    try:
        return json.loads(json.dumps(value, default=to_json_value))
    except (TypeError, ValueError):
        return to_json_value(value)


class Toolbox:
    """Tools that share state. Subclass it; every public method is a tool named `Class_method`.

    Properties, attributes, and methods whose name begins with an underscore are not tools.

    Attributes:
        name: the name under which a plugin registered the class; None for a class of your own.
        plugin: the name of the plugin that the class comes from, if any.
        configuration: the constructor's arguments by name, defaults included, as JSON values.
    """

    name: str | None = None
    plugin: str | None = None
    configuration = _Configuration()

    # This makes type checkers take the signature of a subclass's constructor from its `__init__`.
    if not TYPE_CHECKING:
        __signature__ = _ConstructorSignature()

        def __new__(cls, *args: object, **kwargs: Any) -> Toolbox:
            instance = super().__new__(cls)
            instance.__dict__["_toolbox"] = _ToolboxState.begun(cls, args, kwargs)
            return instance

    def __init__(self) -> None:
        super().__init__()

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_toolbox": _state(self).copied()}
        state.pop(CARRIED, None)
        return state

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Return the parts that copies and pickles are made from, with the marks, which neither the class nor its `__getstate__` need keep."""
        made = super().__reduce_ex__(protocol)
        carried = self._marks_to_carry()
        if isinstance(made, str) or not carried:
            return made
        return _made_with_marks, (made[0], made[1], carried), *made[2:]

    @classmethod
    def method_tools(cls) -> list[Tool]:
        """Return descriptions of the class's tools. They cannot be run, because there is no toolbox object."""
        return [
            replace(Tool.function(method, f"{cls.__name__}_{name}"), implementation=None, plugin=cls.plugin)
            for name, method in _tool_methods(cls, None)
        ]

    def tools(self) -> list[Tool]:
        """Return the toolbox's tools, the same objects every time: those of its methods, then those that were added."""
        state = _state(self)
        with state.lock:
            for name, method in _tool_methods(type(self), self):
                if name not in state.of_methods:
                    tool = Tool.function(method, f"{type(self).__name__}_{name}")
                    state.of_methods[name] = replace(tool, toolbox=self, plugin=type(self).plugin)
            for tool_or_function, pass_self in state.added[len(state.of_added) :]:
                state.of_added.append(self._make_tool(tool_or_function, pass_self))
            return [*state.of_methods.values(), *state.of_added]

    def add_tool(self, tool_or_function: Tool | Callable[..., object], pass_self: bool = False) -> None:
        """Add a tool to this toolbox, under its own name.

        Args:
            tool_or_function: the Tool or the function to add.
            pass_self: whether the function's first parameter receives the toolbox; the model does not see it then.

        Raises:
            ValueError: the function cannot be a tool, for the reasons that `Tool.function()` gives.
            TypeError: it is neither a Tool nor a function.
        """
        if not isinstance(tool_or_function, Tool) and not callable(tool_or_function):
            raise TypeError(f"add_tool() takes a Tool or a function, not {tool_or_function!r}.")
        self._make_tool(tool_or_function, pass_self)  # raises now what `tools()` would raise later
        _state(self).added.append((tool_or_function, pass_self))

    def prepare(self) -> None:
        """Override this to set up what the tools need before their first use. It may call `add_tool()`."""

    async def prepare_async(self) -> None:
        """Override this instead of `prepare()` if the set-up has to be awaited."""

    def pending_preparations(self, is_async: bool | None = None) -> list[Callable[[], Awaitable[None] | None]]:
        """Return the functions that have to be called before the tools are used.

        A function stands for `prepare()`, a coroutine function for `prepare_async()`. Either does its work once, even if several
        callers call it at the same time.

        Args:
            is_async: whether the caller is async. If the toolbox has both methods, only the one that suits the caller is returned; None
                returns both.
        """
        has_sync = type(self).prepare is not Toolbox.prepare
        has_async = type(self).prepare_async is not Toolbox.prepare_async
        if has_sync and has_async and is_async is not None:
            has_sync, has_async = not is_async, is_async
        sync, awaited = _state(self).preparations
        pending: list[Callable[[], Awaitable[None] | None]] = []
        if has_sync and not sync.done:
            pending.append(lambda: sync.ensure(self.prepare))
        if has_async and not awaited.done:

            async def prepare_async() -> None:
                await awaited.ensure_async(self.prepare_async)

            pending.append(prepare_async)
        return pending

    def _given(self) -> dict[str, object]:
        """Return the constructor's arguments as JSON values; those without a JSON form as they were given."""
        state = _state(self)
        return {**state.configuration, **state.odd}

    def _marks_to_carry(self) -> dict[str, tuple[Mark, ...]]:
        earlier: dict[str, tuple[Mark, ...]] = self.__dict__.get(CARRIED, {})
        found = {"": as_carried((*earlier.get("", ()), *marks_on(self)))}
        for name, method in _tool_methods(type(self), self):
            found[name] = as_carried((*earlier.get(name, ()), *marks_in(method)))
        return {name: marks for name, marks in found.items() if marks}

    def _represented(self) -> tuple[object, ...]:
        """Return the objects that this toolbox represents. Their marks and their state count as its own."""
        return ()

    def _make_tool(self, tool_or_function: Tool | Callable[..., object], pass_self: bool) -> Tool:
        if not isinstance(tool_or_function, Tool):
            function = tool_or_function.__get__(self) if pass_self else tool_or_function
            return Tool.function(function).moved_to(self)
        if not pass_self or tool_or_function.implementation is None:
            return tool_or_function.moved_to(self)
        function = tool_or_function.implementation.__get__(self)
        schema = read_signature(function, tool_or_function.name).schema
        return replace(tool_or_function, implementation=function, input_schema=schema).moved_to(self)


def _made_with_marks(
    make: Callable[..., Toolbox], arguments: tuple[object, ...], carried: dict[str, tuple[Mark, ...]]
) -> Toolbox:
    """Return a Toolbox that is being copied or unpickled, before its state is restored."""
    toolbox = make(*arguments)
    toolbox.__dict__[CARRIED] = carried
    return toolbox


def _kept(added: _Added) -> _Added:
    """Return the added tool in the form that a copy is given. A Tool carries its marks, but a function that a pickle finds by its name does not."""
    given, pass_self = added
    if isinstance(given, Tool) or not marks_in(given):
        return added
    return Tool.function(given), pass_self


def _restored(name: str, configuration: dict[str, Any], added: list[_Added], odd: tuple[str, ...]) -> _ToolboxState:
    # A value without a JSON form is not copied. An object without a description replaces it, so that consent covers only that very copy.
    return _ToolboxState(name, configuration, added, {argument: threading.Lock() for argument in odd})


def _state(toolbox: Toolbox) -> _ToolboxState:
    state: _ToolboxState = toolbox.__dict__["_toolbox"]
    return state
