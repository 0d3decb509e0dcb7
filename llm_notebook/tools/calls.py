"""Tool calls and their results, and the exceptions with which a hook or a tool steers the chain instead of reporting a failure."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.parts.messages import Message, ToolCallPart
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["CancelToolCall", "PauseChain", "ToolCall", "ToolResult"]


class CancelToolCall(Exception):
    """Raise this in `before_call` to skip a call. The model reads `Cancelled: ` and the message as the call's result."""


class PauseChain(Exception):
    """Raise it in a tool to stop the chain without a result for the call, for example until a human has agreed.

    Attributes:
        tool_call: the call that paused.
        tool_results: results of the calls beside it that have finished.
        messages: the history to resume from, those results included.
        request: what a human is asked: an ApprovalRequest.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.tool_call: ToolCall | None = None
        self.tool_results: list[ToolResult] = []
        self.messages: list[Message] = []
        self.request: Any = None
        self.paused: Any = None

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        way = " Catch it: `except llm.PauseChain as pause`, then pause.approve(), pause.deny(reason) or pause.answer(output)."
        return [f"{type(self).__name__}: {self}.{way if self.paused is not None else ''}"]

    def approve(self, arguments: dict[str, Any] | None = None) -> Any:
        """Agree to the call, with edited arguments if given. Returns the chain from here on, which runs when it is read.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
        """
        return self._waiting().decide("approved", arguments=arguments)

    def deny(self, reason: str = "") -> Any:
        """Refuse the call; the model reads the reason. Returns the chain from here on, which runs when it is read."""
        return self._waiting().decide("denied", said=reason)

    def answer(self, output: Any) -> Any:
        """Answer in the tool's place. Returns the chain from here on, which runs when it is read."""
        return self._waiting().decide("answered", said=output)

    def resume(self, tools: Sequence[Any] | None = None) -> Any:
        """The chain from here on, which runs when it is read. What is not decided is asked again.

        Args:
            tools: tools that had to be made anew; a decision counts only for a tool that has not changed.
        """
        return self._waiting().resume(tools)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict that survives the process; `load_pause()` reads it."""
        return {"reason": str(self), **self._waiting().to_dict()}

    def _waiting(self) -> Any:
        if self.paused is None:
            raise ValueError("This pause did not come from a chain, so there is nothing to go on with.")
        return self.paused


@dataclass(slots=True)
class ToolCall:
    """A model's request to run a tool.

    Attributes:
        name: the name of the tool.
        arguments: the arguments as the model wrote them, parsed from JSON but not checked.
        tool_call_id: the id by which the result refers to the call, if there is one.
    """

    name: str
    arguments: dict[str, Any]
    tool_call_id: str | None = None

    @classmethod
    def from_part(cls, part: ToolCallPart) -> ToolCall:
        """Make a request from a message's part. The arguments are copied, and a missing id is made up."""
        call_id = part.tool_call_id
        if call_id is None:
            from llm_notebook.parts.identifiers import new_tool_call_id  # most parts have an id

            call_id = new_tool_call_id()
        return cls(part.name, copy.deepcopy(part.arguments), call_id)


@dataclass(slots=True, repr=False)
class ToolResult:
    """The result of a tool call.

    Attributes:
        name: the name of the tool.
        output: the text that the model reads.
        attachments: the attachments that are sent with the text.
        tool_call_id: the id of the call.
        instance: the Toolbox that the tool belongs to, if any.
        exception: the exception that the tool raised, if any.
    """

    name: str
    output: str
    attachments: list[Attachment] = field(default_factory=list)
    tool_call_id: str | None = None
    instance: Toolbox | None = None
    exception: Exception | None = None

    def __repr__(self) -> str:
        """Leave out the fields that are empty."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (
            f"ToolResult({', '.join(f'{name}={value!r}' for name, value in given.items() if value not in (None, []))})"
        )
