"""Freezes the arguments of a call: checked, converted, and written as the canonical JSON that a human is shown and that alone will run."""

from __future__ import annotations

from llm_notebook.approvals.consent import canonical
from llm_notebook.errors import ToolArgumentError
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.tool import Tool

__all__ = ["frozen_arguments", "unsound"]


def frozen_arguments(tool: Tool, call: ToolCall) -> bytes:
    """Return the arguments as they will run, in canonical JSON.

    Raises:
        ToolArgumentError: they do not fit the tool.
        TypeError: they have no JSON form.
    """
    try:
        return canonical(tool.json_arguments_for(call))
    except ToolArgumentError:
        reason: Exception | None = unsound(call)
        if reason is None:
            raise
    except (TypeError, ValueError, RecursionError) as error:
        reason = error
    raise TypeError(f"before_call left arguments of {call.name} that have no JSON form: {reason}")


def unsound(call: ToolCall) -> ToolArgumentError | None:
    """Return why the arguments have no JSON form, if they have none: some models write NaN."""
    try:
        canonical(call.arguments)
    except (TypeError, ValueError, RecursionError) as error:
        return ToolArgumentError(f"the arguments have no JSON form: {error}", tool_name=call.name)
    return None
