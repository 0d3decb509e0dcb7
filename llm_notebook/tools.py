"""Tools: what a model may ask to have run, and what came of it."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.schemas import schema_of
from llm_notebook.server_side_tools import ServerSideTool
from llm_notebook.signals import CancelToolCall, PauseChain
from llm_notebook.signatures import TOOL_CALL_PARAMETER, described_callable, read_signature, without_titles
from llm_notebook.tool_arguments import checked_by_schema, checked_by_signature
from llm_notebook.tool_output import ToolOutput, output_text
from llm_notebook.toolbox_state import Configuration, ConstructorSignature, ToolboxState, methods

if TYPE_CHECKING:
    from llm_notebook.attachments import Attachment
    from llm_notebook.parts import ToolCallPart
    from llm_notebook.signatures import ToolSignature

__all__ = [
    "CancelToolCall",
    "PauseChain",
    "ServerSideTool",
    "Tool",
    "ToolCall",
    "ToolOutput",
    "ToolResult",
    "Toolbox",
    "as_tools",
    "output_text",
]

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(slots=True)
class Tool:
    """A function that a model may call.

    Attributes:
        name: what the model calls it.
        description: what the model reads about it.
        input_schema: JSON Schema of its arguments, an object schema. A pydantic class may be given.
        implementation: the function; None for a tool that is only described.
        plugin: the plugin it came from, if any.
        toolbox: the Toolbox it belongs to, if any.
    """

    name: str
    description: str | None = None
    input_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    implementation: Callable[..., Any] | None = None
    plugin: str | None = None
    toolbox: Toolbox | None = field(default=None, repr=False, compare=False)
    _read: tuple[Any, ToolSignature | None] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.input_schema, dict):
            self.input_schema = without_titles(schema_of(self.input_schema))

    @classmethod
    def function(cls, function: Callable[..., Any], name: str | None = None, description: str | None = None) -> Tool:
        """A tool made of a function.

        Args:
            function: a function, coroutine function, bound method, `functools.partial` or object with `__call__`.
            name: what the model calls it, the function's own name unless given. A lambda needs one.
            description: what the model reads about it, the docstring unless given.

        Raises:
            ValueError: there is no name, the signature cannot be read, or a model cannot give one of the arguments.
        """
        described = described_callable(function)
        name = name or str(getattr(described, "__name__", type(described).__name__))
        if name == "<lambda>":
            raise ValueError("A lambda needs a name to be a tool: Tool.function(function, name=...).")
        if description is None:
            own = None if hasattr(described, "__name__") else type(described).__call__.__doc__
            description = inspect.cleandoc(own) if own else inspect.getdoc(described)
        signature = read_signature(function, name)
        tool = cls(name, description or None, copy.deepcopy(signature.schema), function)
        tool._read = (function, signature)
        return tool

    @property
    def is_async(self) -> bool:
        """Calling the implementation gives a coroutine. One that only returns an awaitable is not known before it is called."""
        function = self.implementation
        return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004  the method itself is asked

    @property
    def accepts_tool_call(self) -> bool:
        """The implementation has a parameter `llm_tool_call`, which receives the ToolCall."""
        signature = self._signature()
        return signature is not None and signature.takes_tool_call

    def arguments_for(self, tool_call: ToolCall) -> dict[str, Any]:
        """Keyword arguments for the implementation, checked and with the types that are asked for.

        Args:
            tool_call: the model's request; it is not changed.

        Raises:
            ToolArgumentError: the arguments do not fit; the message tells the model why.
        """
        signature, arguments = self._signature(), tool_call.arguments
        if signature is None or signature.schema != self.input_schema:
            arguments = checked_by_schema(self.name, self.input_schema, arguments)
        if signature is not None:
            arguments = checked_by_signature(self.name, signature, arguments)
            if signature.takes_tool_call:
                arguments[TOOL_CALL_PARAMETER] = tool_call
        return arguments

    def hash(self) -> str:
        """64 hexadecimal digits that stand for the name, description, schema and plugin: the same in every process."""
        definition = [self.name, self.description, self.input_schema, self.plugin]
        return hashlib.sha256(json.dumps(definition, sort_keys=True, default=repr).encode()).hexdigest()

    def _signature(self) -> ToolSignature | None:
        """The implementation's signature, read once; None where there is none to read, and the schema alone counts."""
        if self._read is None or self._read[0] is not self.implementation:
            signature = None
            if self.implementation is not None:
                try:
                    signature = read_signature(self.implementation, self.name)
                except ValueError:
                    signature = None
            self._read = (self.implementation, signature)
        return self._read[1]


@dataclass(slots=True)
class ToolCall:
    """A model's request to run a tool."""

    name: str
    arguments: dict[str, Any]
    tool_call_id: str | None = None

    @classmethod
    def from_part(cls, part: ToolCallPart) -> ToolCall:
        """The request that a message's part holds, with arguments of its own and an id in any case."""
        call_id = part.tool_call_id
        if call_id is None:
            from llm_notebook.identifiers import new_tool_call_id  # noqa: PLC0415  most parts have an id

            call_id = new_tool_call_id()
        return cls(part.name, copy.deepcopy(part.arguments), call_id)


@dataclass(slots=True, repr=False)
class ToolResult:
    """What came of a tool call.

    Attributes:
        output: the text the model reads.
        attachments: what goes along with it.
        instance: the Toolbox whose tool was run, if it was one's.
        exception: what the tool raised, if it did.
    """

    name: str
    output: str
    attachments: list[Attachment] = field(default_factory=list)
    tool_call_id: str | None = None
    instance: Toolbox | None = None
    exception: Exception | None = None

    def __repr__(self) -> str:
        """The fields that say something."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (
            f"ToolResult({', '.join(f'{name}={value!r}' for name, value in given.items() if value not in (None, []))})"
        )


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


def as_tools(items: Iterable[Any] | None) -> list[Tool | ServerSideTool]:
    """The tools that a list of functions, Tools, Toolboxes and ServerSideTools stands for, in its order.

    A toolbox adds its tools as they are now: prepare it first. The same tool given twice counts once.

    Raises:
        TypeError: something in the list is no tool.
        ValueError: two tools have the same name, or a name is one that providers refuse.
    """
    if items is None:
        return []
    if isinstance(items, str | Tool | Toolbox | ServerSideTool) or not isinstance(items, Iterable):
        raise TypeError(f"Give tools as a list: [{_called(items)}].")
    tools: dict[str, Tool | ServerSideTool] = {}
    sent: list[Tool | ServerSideTool] = []
    for tool in (tool for item in items for tool in _tools_of(item)):
        known = tools.setdefault(tool.name, tool)
        if known is not tool:
            if known == tool or tool in sent:
                continue
            if isinstance(known, Tool) or isinstance(tool, Tool):
                raise ValueError(
                    f"Two tools are called {tool.name!r}: {_origin(known)} and {_origin(tool)}. {_way_out(known, tool)}"
                )
        elif tool in sent:
            continue
        if isinstance(tool, Tool) and not _TOOL_NAME.fullmatch(tool.name):
            raise ValueError(
                f"A tool cannot be called {tool.name!r}: providers take up to 64 of the letters a to z and A to Z, digits, _ and -."
            )
        sent.append(tool)
    return sent


def _tools_of(item: Any) -> list[Tool] | list[ServerSideTool]:
    if isinstance(item, Tool):
        return [item]
    if isinstance(item, ServerSideTool):
        return [item]
    if isinstance(item, Toolbox):
        return item.tools()
    if isinstance(item, type) and issubclass(item, Toolbox | ServerSideTool):
        raise TypeError(f"Pass {item.__name__}(), not {item.__name__}: tools belong to an object, not to its class.")
    if callable(item):
        return [Tool.function(item)]
    raise TypeError(f"{item!r} is not a tool: pass a function, a Tool, a Toolbox object or a ServerSideTool.")


def _called(item: Any) -> str:
    return str(getattr(item, "__name__", None) or getattr(item, "name", None) or repr(item))


def _way_out(*tools: Tool | ServerSideTool) -> str:
    boxes = [tool.toolbox for tool in tools if isinstance(tool, Tool) and tool.toolbox is not None]
    if len(boxes) == len(tools):
        name = type(boxes[-1]).__name__
        return f"Make a subclass of {name}, which gives its tools another name, or use one {name} for both."
    return "Give one of them another name with Tool.function(function, name=...)."


def _origin(tool: Tool | ServerSideTool) -> str:
    if isinstance(tool, ServerSideTool):
        return "a tool of the provider"
    if tool.toolbox is not None:
        return f"one of a {type(tool.toolbox).__name__} toolbox"
    if tool.implementation is None:
        return "one without a function"
    function = described_callable(tool.implementation)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
