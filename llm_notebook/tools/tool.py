"""`Tool`: a function, or only its description, that a model may ask to have run."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.tools.callables import as_carried, described_callable, documentation, is_coroutine_callable, marks_in
from llm_notebook.tools.checking.arguments import json_arguments, validate_arguments
from llm_notebook.tools.schemas import schema_of, without_titles
from llm_notebook.tools.signatures import TOOL_CALL_PARAMETER, read_signature

if TYPE_CHECKING:
    from llm_notebook.tools.callables import Mark
    from llm_notebook.tools.calls import ToolCall
    from llm_notebook.tools.signatures import ToolSignature
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["Tool"]


@dataclass(slots=True)
class Tool:
    """A function that a model may call.

    Attributes:
        name: the name under which the model calls the tool.
        description: what the model reads about the tool.
        input_schema: the JSON Schema of its arguments, an object schema. The constructor takes a pydantic class as well.
        implementation: the function; None for a tool that is only described.
        plugin: the name of the plugin that it comes from, if any.
        toolbox: the Toolbox that it belongs to, if any.
        earlier: the Toolboxes that it belonged to before it was added to the present one. Their marks and their state still count.
        carried_marks: the marks that the implementation had when the tool was pickled.
    """

    name: str
    description: str | None = None
    input_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    implementation: Callable[..., object] | None = None
    plugin: str | None = None
    toolbox: Toolbox | None = field(default=None, repr=False, compare=False)
    earlier: tuple[Toolbox, ...] = field(default=(), repr=False, compare=False)
    carried_marks: tuple[Mark, ...] = field(default=(), repr=False, compare=False, kw_only=True)
    # The implementation whose signature was read, and that signature.
    _read: tuple[object, ToolSignature | None] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.input_schema, dict):
            self.input_schema = without_titles(schema_of(self.input_schema))

    @classmethod
    def function(cls, function: Callable[..., object], name: str | None = None, description: str | None = None) -> Tool:
        """Make a tool of a function.

        Args:
            function: a function, coroutine function, bound method, `functools.partial` or object with `__call__`.
            name: the name under which the model calls it; by default the function's own name. A lambda needs one.
            description: what the model reads about it; by default the docstring.

        Raises:
            ValueError: there is no name, the signature cannot be read, or a model cannot write an argument that is required.
        """
        described = described_callable(function)
        name = name or str(getattr(described, "__name__", type(described).__name__))
        if name == "<lambda>":
            raise ValueError("A lambda needs a name to be a tool: Tool.function(function, name=...).")
        if description is None:
            description = documentation(function)
        signature = read_signature(function, name)
        tool = cls(name, description or None, copy.deepcopy(signature.schema), function)
        tool._read = (function, signature)
        return tool

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle. The signature is read again where the tool is used.

        Unpickling looks the implementation up by its name, and what it finds may have no marks. So the marks are pickled with the tool.
        """
        carried = as_carried((*self.carried_marks, *marks_in(self.implementation)))
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"_read": None, "carried_marks": carried}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__()` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    @property
    def toolboxes(self) -> tuple[Toolbox, ...]:
        """The Toolbox that it belongs to, and those that it belonged to before."""
        return self.earlier if self.toolbox is None else (self.toolbox, *self.earlier)

    def moved_to(self, toolbox: Toolbox) -> Tool:
        """Return the same tool as a member of a Toolbox; the tool itself if it already is one."""
        if self.toolbox is toolbox:
            return self
        return replace(self, toolbox=toolbox, earlier=self.toolboxes)

    @property
    def is_async(self) -> bool:
        """Whether calling the implementation gives a coroutine."""
        return is_coroutine_callable(self.implementation)

    @property
    def accepts_tool_call(self) -> bool:
        """Whether the implementation has a parameter `llm_tool_call`, which receives the ToolCall."""
        signature = self._signature()
        return signature is not None and signature.takes_tool_call

    def arguments_for(self, tool_call: ToolCall) -> dict[str, Any]:
        """Return keyword arguments for the implementation, checked and converted to the types that are asked for.

        Args:
            tool_call: the model's request. It is not changed.

        Raises:
            ToolArgumentError: the arguments do not fit; the message tells the model why.
        """
        signature = self._signature()
        arguments = validate_arguments(self.name, signature, self.input_schema, tool_call.arguments)
        if signature is not None and signature.takes_tool_call:
            arguments[TOOL_CALL_PARAMETER] = tool_call
        return arguments

    def json_arguments_for(self, tool_call: ToolCall) -> dict[str, Any]:
        """Return the arguments as JSON values, from which `arguments_for()` makes the same arguments as from the call itself.

        Raises:
            ToolArgumentError: the arguments do not fit.
        """
        return json_arguments(self.name, self._signature(), self.input_schema, tool_call.arguments)

    def hash(self) -> str:
        """Return a digest of the name, description, schema and plugin as 64 hexadecimal digits, the same in every process."""
        definition = [self.name, self.description, self.input_schema, self.plugin]
        return hashlib.sha256(json.dumps(definition, sort_keys=True, default=repr).encode()).hexdigest()

    def _signature(self) -> ToolSignature | None:
        """Return the implementation's signature, or None if it cannot be read, so that only the schema counts.

        It is kept for as long as the implementation is the same object.
        """
        if self._read is None or self._read[0] is not self.implementation:
            signature = None
            if self.implementation is not None:
                try:
                    signature = read_signature(self.implementation, self.name)
                except ValueError:
                    signature = None
            self._read = (self.implementation, signature)
        return self._read[1]
