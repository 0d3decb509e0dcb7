"""Tool calls, their results, and what a hook raises to cancel a call."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.parts.messages import ToolCallPart
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["CancelToolCall", "ToolCall", "ToolResult"]


class CancelToolCall(Exception):
    """Raise it in `before_call` to have a call not run; the model reads `Cancelled: ` and the message."""


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
            from llm_notebook.parts.identifiers import new_tool_call_id  # most parts have an id

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
