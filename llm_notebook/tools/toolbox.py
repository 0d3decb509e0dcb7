"""What every Toolbox keeps about itself: the arguments it was made with, its tools, and whether it is prepared."""

from __future__ import annotations

import functools
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.tools.outputs import to_json_value
from llm_notebook.tools.preparation import Preparation
from llm_notebook.tools.signatures import read_signature
from llm_notebook.tools.tool import Tool

__all__ = ["Configuration", "ConstructorSignature", "Toolbox", "ToolboxState", "methods"]


@dataclass(slots=True, eq=False)
class ToolboxState:
    """The state of one toolbox. A copy knows what was added, and makes tools of its own.

    Attributes:
        name: the toolbox's class.
        configuration: the constructor's arguments by name, as JSON values.
        added: what `add_tool()` was given.
        of_methods: the tools of the class's methods, by method.
        of_added: the tools of what was added, in the same order.
        preparations: of `prepare()` and of `prepare_async()`.
    """

    name: str
    configuration: dict[str, Any]
    added: list[tuple[Tool | Callable[..., Any], bool]] = field(default_factory=list)
    of_methods: dict[str, Tool] = field(default_factory=dict)
    of_added: list[Tool] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    preparations: tuple[Preparation, Preparation] = field(init=False)

    def __post_init__(self) -> None:
        self.preparations = Preparation(f"{self.name}.prepare"), Preparation(f"{self.name}.prepare_async")

    def __reduce__(self) -> tuple[Any, ...]:
        return ToolboxState, (self.name, self.configuration, self.added)

    @classmethod
    def begun(cls, toolbox: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ToolboxState:
        """The state of a toolbox that is about to be made with these arguments."""
        try:
            bound = inspect.signature(toolbox.__init__).bind(None, *args, **kwargs)  # type: ignore[misc]
        except TypeError:  # the constructor is about to say so; a copy is made without any
            return cls(toolbox.__name__, {})
        bound.apply_defaults()
        given: dict[str, Any] = {}
        for parameter in list(bound.signature.parameters.values())[1:]:
            value = bound.arguments[parameter.name]
            given.update(value if parameter.kind is parameter.VAR_KEYWORD else {parameter.name: value})
        return cls(toolbox.__name__, {name: _recorded(value) for name, value in given.items()})

    def copied(self) -> ToolboxState:
        """A state for a copy of the toolbox."""
        return ToolboxState(self.name, dict(self.configuration), list(self.added))


class Configuration:
    """`toolbox.configuration`: the constructor's arguments by name, defaults included, as JSON values.

    A subclass may assign an attribute or define a method of the same name for its own purposes.
    """

    def __get__(self, toolbox: Any, owner: type | None = None) -> dict[str, Any]:
        if toolbox is None:
            raise AttributeError("configuration belongs to a toolbox, not to its class")
        configuration: dict[str, Any] = toolbox.__dict__["_toolbox"].configuration
        return configuration


class ConstructorSignature:
    """`Toolbox.__signature__`: that of `__init__`, which tooltips would otherwise take from `__new__`."""

    def __get__(self, toolbox: Any, owner: Any = None) -> inspect.Signature:
        if toolbox is not None:
            raise AttributeError("__signature__ belongs to the class")
        signature = inspect.signature(owner.__init__)
        return signature.replace(
            parameters=list(signature.parameters.values())[1:], return_annotation=inspect.Signature.empty
        )


def methods(toolbox: type, base: type, instance: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Names and bound methods of a toolbox that are tools, in the order of their names. No property is evaluated.

    Args:
        toolbox: the class.
        base: the class whose own methods are no tools, overridden or not.
        instance: what to bind to; None to bind to the class, for a description only.
    """
    for name in dir(toolbox):
        found = inspect.getattr_static(toolbox, name)
        if name.startswith("_") or callable(vars(base).get(name)) or isinstance(vars(base).get(name), classmethod):
            continue
        kinds = (staticmethod, classmethod, functools.partialmethod)
        if isinstance(found, kinds) or (callable(found) and hasattr(found, "__get__") and not isinstance(found, type)):
            yield name, found.__get__(toolbox if instance is None else instance, toolbox)


def _recorded(value: Any) -> Any:
    if isinstance(value, str) and type(value).__repr__ is not str.__repr__:
        return repr(value)  # a string that hides itself, as keys do
    try:
        return json.loads(json.dumps(value, default=to_json_value))
    except (TypeError, ValueError):
        return to_json_value(value)


class Toolbox:
    """Tools that share state: subclass it, and every public method is a tool named `Class_method`.

    Methods whose name begins with an underscore, properties and attributes are no tools.

    Attributes:
        plugin: the plugin the class came from, if any.
        configuration: the constructor's arguments by name, defaults included, as JSON values.
    """

    plugin: str | None = None
    configuration = Configuration()

    if not TYPE_CHECKING:
        __signature__ = ConstructorSignature()

        # What the constructor was given is noted here, since a subclass need not call `super().__init__()`.
        def __new__(cls, *args: Any, **kwargs: Any) -> Toolbox:
            instance = super().__new__(cls)
            instance.__dict__["_toolbox"] = ToolboxState.begun(cls, args, kwargs)
            return instance

    def __init__(self) -> None:
        super().__init__()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_toolbox": _state(self).copied()}

    @classmethod
    def method_tools(cls) -> list[Tool]:
        """Descriptions of the class's tools, without a toolbox to run them on."""
        return [
            replace(Tool.function(method, f"{cls.__name__}_{name}"), implementation=None, plugin=cls.plugin)
            for name, method in methods(cls, Toolbox, None)
        ]

    def tools(self) -> list[Tool]:
        """The toolbox's tools, the same objects every time: its methods, then what was added."""
        state = _state(self)
        with state.lock:
            for name, method in methods(type(self), Toolbox, self):
                if name not in state.of_methods:
                    tool = Tool.function(method, f"{type(self).__name__}_{name}")
                    state.of_methods[name] = replace(tool, toolbox=self, plugin=type(self).plugin)
            for tool_or_function, pass_self in state.added[len(state.of_added) :]:
                state.of_added.append(self._added(tool_or_function, pass_self))
            return [*state.of_methods.values(), *state.of_added]

    def add_tool(self, tool_or_function: Tool | Callable[..., Any], pass_self: bool = False) -> None:
        """Add a tool to this toolbox, under its own name.

        Args:
            tool_or_function: what to add.
            pass_self: the function's first parameter receives the toolbox and is not shown to the model.

        Raises:
            ValueError: a function that cannot be a tool, as for `Tool.function()`.
            TypeError: it is neither a Tool nor a function.
        """
        if not isinstance(tool_or_function, Tool) and not callable(tool_or_function):
            raise TypeError(f"add_tool() takes a Tool or a function, not {tool_or_function!r}.")
        self._added(tool_or_function, pass_self)
        _state(self).added.append((tool_or_function, pass_self))

    def prepare(self) -> None:
        """Override this to set up what the tools need, `add_tool()` included, before their first use."""

    async def prepare_async(self) -> None:
        """Override this for set-up that has to be awaited."""

    def pending_preparations(self, is_async: bool | None = None) -> list[Callable[[], Any]]:
        """What is left to be called before the tools are used: functions for `prepare()`, coroutine functions for `prepare_async()`.

        Each does its work once, however many call it at the same time.

        Args:
            is_async: whether async code asks. Of a toolbox that has both methods, only the one that suits is then called.
        """
        has_sync = type(self).prepare is not Toolbox.prepare
        has_async = type(self).prepare_async is not Toolbox.prepare_async
        if has_sync and has_async and is_async is not None:
            has_sync, has_async = not is_async, is_async
        sync, awaited = _state(self).preparations
        pending: list[Callable[[], Any]] = []
        if has_sync and not sync.done:
            pending.append(lambda: sync.ensure(self.prepare))
        if has_async and not awaited.done:

            async def prepare_async() -> None:
                await awaited.ensure_async(self.prepare_async)

            pending.append(prepare_async)
        return pending

    def _added(self, tool_or_function: Tool | Callable[..., Any], pass_self: bool) -> Tool:
        if not isinstance(tool_or_function, Tool):
            function = tool_or_function.__get__(self) if pass_self else tool_or_function
            return replace(Tool.function(function), toolbox=self)
        if not pass_self or tool_or_function.implementation is None:
            return replace(tool_or_function, toolbox=self)
        function = tool_or_function.implementation.__get__(self)
        schema = read_signature(function, tool_or_function.name).schema
        return replace(tool_or_function, implementation=function, input_schema=schema, toolbox=self)


def _state(toolbox: Toolbox) -> ToolboxState:
    state: ToolboxState = toolbox.__dict__["_toolbox"]
    return state
