"""Tools that the provider runs itself, such as a web search."""

from __future__ import annotations

import hashlib
import inspect
import json
from typing import Any, ClassVar

__all__ = ["ServerSideTool"]


class ServerSideTool:
    """A tool that is described to the provider and run there, never here.

    Use it with the provider's own specification, `ServerSideTool({"type": "web_search"})`, or subclass it: give the class a `name` and
    a `spec`, or override `tool_spec()` if the specification depends on the model or on the constructor's arguments.

    Attributes:
        name: the tool's name; `server_side_tool` for a plain specification.
        spec: the specification that is sent to the provider, if the class or the constructor gives one.
        plugin: the name of the plugin that it comes from, if any.
    """

    name: str = "server_side_tool"
    spec: dict[str, Any] | None = None
    plugin: str | None = None
    implementation: ClassVar[None] = None
    input_schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        if spec is not None:
            self.spec = spec

    @property
    def sent_name(self) -> str:
        """The name by which the provider knows the tool: its own name, or for a plain specification the name or type in it."""
        if self.name != ServerSideTool.name or self.spec is None:
            return self.name
        return str(self.spec.get("name") or self.spec.get("type") or self.name)

    @property
    def description(self) -> str | None:
        """The docstring of the subclass; None for a plain specification."""
        return None if type(self) is ServerSideTool else inspect.getdoc(type(self))

    def tool_spec(self, model: object) -> dict[str, Any]:
        """Return the specification that is sent to the provider.

        Args:
            model: the model that the request is for.

        Raises:
            TypeError: neither the class nor the constructor gives a specification.
        """
        if self.spec is None:
            raise TypeError(
                f"{type(self).__name__} has no specification: give it `spec`, or override tool_spec(model)."
            )
        return self.spec

    def prepare_request(self, model: object, kwargs: dict[str, Any]) -> None:
        """Override this to change the body of the request in place, if the tool needs more than its specification.

        Args:
            model: the model that the request is for.
            kwargs: the body of the request.
        """

    def hash(self) -> str:
        """Return a digest of the tool's definition as 64 hexadecimal digits."""
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
