"""The results of calls that no tool has answered, as the model reads them, and the error about a call that runs elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.approvals.running import as_tool, said_by
from llm_notebook.errors import ModelError
from llm_notebook.parts.json_values import safe_repr
from llm_notebook.tools.calls import ToolCall, ToolResult

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry

__all__ = ["decided_result", "failed_result", "missing_tool", "runs_elsewhere", "told_of"]


def decided_result(call: CallEntry) -> ToolResult:
    """Return the result of a call that a human has denied, answered or given up, or that contained such a call."""
    if call.state == "suspended":
        return ToolResult(call.tool_name, "Stopped: the user dropped a question that it asked.", [], call.tool_call_id)
    decision = call.decision
    assert decision is not None
    because = f": {decision.text}" if decision.text else ""
    if decision.verdict == "answered":
        output = decision.text
    elif decision.verdict == "denied":
        output = f"Denied by the user{because}"
    elif call.request is not None and call.request.outcome_unknown:
        output = f"Not known: the call was interrupted while it ran, and the user gave it up{because}"
    else:
        output = f"Not run: the user dropped the question{because}"
    return ToolResult(call.tool_name, output, [], call.tool_call_id)


def failed_result(call: ToolCall, output: str, error: Exception | SystemExit) -> ToolResult:
    """Return the result of a call that ended in an error, or that an error prevented from running."""
    return ToolResult(call.name, output, [], call.tool_call_id, exception=error)


def told_of(error: Exception | SystemExit) -> str:
    """Return the text with which the model learns of an error that a tool raised."""
    if isinstance(error, SystemExit):
        return f"the tool called sys.exit({as_tool(safe_repr, error.code)})"
    name, message = said_by(error)
    return message or name


def missing_tool(call: CallEntry) -> ModelError:
    """Return the error of a continuation that comes to a call whose tool was there when the model called it, and is not here."""
    asked = call.request is not None or call.state == "suspended"
    stays = " that was asked about is not here, so nothing was run and the question stays" if asked else ""
    stays = stays or ", which the model called before, is not here, so that call waits for it"
    return ModelError(
        f"The tool {call.tool_name}{stays}: "
        f"run the cell that defines it, or give it with resume({call.call_id!r}, tools=[...])."
    )


def runs_elsewhere() -> RuntimeError:
    """Return the error of a continuation that reaches a call which another continuation is running."""
    return RuntimeError("Another continuation of this pause is running this call right now.")
