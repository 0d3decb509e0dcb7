"""The last look at an approved tool: what a human consented to is compared once more in the very moment in which it is called.

Between the decision and the call, other code runs: tools of the same answer, tasks and threads, and whatever goes on while the start of the
call is written to the journal or a thread is waited for. So the comparison belongs to the call itself, with nothing in between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llm_notebook.approvals.identity import identify
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.freezing import ReadyCall
from llm_notebook.turns.calls.invoking import Invoke
from llm_notebook.turns.calls.nesting import Nest
from llm_notebook.turns.calls.printing import Output

__all__ = ["ChangedTool", "invocation"]


class ChangedTool(Exception):
    """The tool is not the one that was approved, and was not called."""


def invocation(tool: Tool, ready: ReadyCall, identity: str | None, nest: Nest, output: Output | None) -> Invoke:
    """Return the step that calls a tool, and is answered with the text and the attachments of what it returned.

    Args:
        tool: the tool.
        ready: the call.
        identity: the digest of what the tool was when consent to it was found to count; None where nobody has to consent.
        nest: takes the chains that the tool begins.
        output: takes what the tool prints; None where that goes its ordinary way.
    """
    function, consent = tool.implementation, identity is not None
    assert function is not None
    if identity is not None:
        function = _guarded(tool, function, identity)
    sink = None if output is None else functools.partial(output.add, nest.call_id)
    return Invoke(function, (), ready.arguments, consent=consent, nest=nest, printed=sink, read=output_text)


def _guarded(tool: Tool, implementation: Callable[..., Any], identity: str) -> Callable[..., Any]:
    """Return a function that calls an implementation, or raises ChangedTool if the tool is not what was approved."""

    @functools.wraps(implementation)
    def called(**arguments: Any) -> Any:
        if identify(tool).digest != identity:
            raise ChangedTool
        return implementation(**arguments)

    return called
