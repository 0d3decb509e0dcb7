"""Freezes the arguments of a call: checks them, converts them, and writes the canonical JSON that a human is shown and that alone runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_notebook.approvals.consent import canonical
from llm_notebook.approvals.requests import Decision
from llm_notebook.errors import ToolArgumentError, terminal_safe
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.tool import Tool

__all__ = ["ReadyCall", "as_written", "frozen_arguments", "unsound"]

_HAS_NO_JSON_FORM = (TypeError, ValueError, RecursionError)


@dataclass(slots=True)
class ReadyCall:
    """A call that is ready to run.

    Attributes:
        frozen: the frozen arguments, to which consent is bound.
        runs: the arguments that run. They differ from the frozen ones if a human edited them.
        arguments: the same arguments in the form that the tool takes.
        note: what the model is told before the result.
        decision: the consent; None if nobody has to be asked.
    """

    frozen: bytes
    runs: bytes
    arguments: dict[str, Any]
    note: str
    decision: Decision | None


def frozen_arguments(tool: Tool, call: ToolCall) -> bytes:
    """Return the arguments that will run, as canonical JSON.

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
    except _HAS_NO_JSON_FORM as error:
        reason = error
    raise TypeError(f"before_call left arguments of {terminal_safe(call.name)} that have no JSON form: {reason}")


def as_written(call: ToolCall) -> tuple[bytes, ToolArgumentError | None]:
    """Return the arguments as canonical JSON for the record. If they have no JSON form, because some models write NaN, return the reason as well.

    A value without a JSON form is recorded as its `repr()`, which is never run.
    """
    try:
        return canonical(call.arguments), None
    except _HAS_NO_JSON_FORM as error:
        return canonical({"arguments": repr(call.arguments)}), _without_form(call, error)


def unsound(call: ToolCall) -> ToolArgumentError | None:
    """Return the reason why the arguments have no JSON form, or an empty text if they have one."""
    try:
        canonical(call.arguments)
    except _HAS_NO_JSON_FORM as error:
        return _without_form(call, error)
    return None


def _without_form(call: ToolCall, error: Exception) -> ToolArgumentError:
    return ToolArgumentError(f"the arguments have no JSON form: {error}", tool_name=call.name)
