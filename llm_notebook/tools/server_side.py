"""Tools that the provider runs itself, such as a web search."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any, ClassVar

__all__ = ["ServerSideTool"]


class ServerSideTool:
    """A tool that is sent to the provider and never run here.

    Use it with the provider's own specification, `ServerSideTool({"type": "web_search"})`, or subclass it: give the class a `name` and
    a `spec`, or override `tool_spec()` where the specification depends on the model or on what the constructor was given.

    Attributes:
        name: what the tool is called; of a plain specification, its name or type.
        spec: what is sent to the provider.
        plugin: the plugin it came from, if any.
    """

    name: str = "server_side_tool"
    spec: dict[str, Any] | None = None
    plugin: str | None = None
    implementation: ClassVar[None] = None
    input_schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        if spec is None:
            return
        self.spec = spec
        if type(self).name == ServerSideTool.name:
            self.name = str(spec.get("name") or spec.get("type") or self.name)

    @property
    def description(self) -> str | None:
        """The docstring of the subclass."""
        return None if type(self) is ServerSideTool else inspect.getdoc(type(self))

    def tool_spec(self, model: Any) -> dict[str, Any]:
        """What is sent to the provider for this tool.

        Args:
            model: the model that is asked.

        Raises:
            TypeError: neither the class nor the constructor gave a specification.
        """
        if self.spec is None:
            raise TypeError(
                f"{type(self).__name__} has no specification: give it `spec`, or override tool_spec(model)."
            )
        return self.spec

    def prepare_request(self, model: Any, kwargs: dict[str, Any]) -> None:
        """Override this to add what else the request needs to its body, in place."""

    def hash(self) -> str:
        """64 hexadecimal digits that stand for the tool's definition."""
        definition = [
            self.name,
            self.description,
            self.spec,
            self.plugin,
            type(self).__module__,
            type(self).__qualname__,
        ]
        return hashlib.sha256(json.dumps(definition, sort_keys=True, default=repr).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, spec={self.spec!r})"
