"""What a hook or a tool raises to steer the chain rather than to report a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.parts import Message
    from llm_notebook.tools import ToolCall, ToolResult

__all__ = ["CancelToolCall", "PauseChain"]


class CancelToolCall(Exception):
    """Raise it in `before_call` to have a call not run; the model reads `Cancelled: ` and the message."""


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
