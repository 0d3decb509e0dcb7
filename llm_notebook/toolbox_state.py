"""What every Toolbox keeps about itself: the arguments it was made with, its tools, and whether it is prepared."""

from __future__ import annotations

import functools
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llm_notebook.preparation import Preparation
from llm_notebook.tool_output import to_json_value

if TYPE_CHECKING:
    from llm_notebook.tools import Tool

__all__ = ["Configuration", "ConstructorSignature", "ToolboxState", "methods"]


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
