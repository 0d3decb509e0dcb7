"""The last look at an approved tool: it is compared with what the human consented to once more, at the very moment of the call.

Other code runs between the decision and the call: tools of the same answer, tasks and threads, and whatever happens while the start of the call
is written to the journal or a thread starts up. So the comparison is part of the call itself, with nothing in between.
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
    """Return the step that calls a tool. Its answer is the text and the attachments of what the tool returned.

    Args:
        tool: the tool.
        ready: the call.
        identity: the digest of the tool at the time when the consent was found valid; None if nobody has to consent.
        nest: collects the chains that the tool begins.
        output: receives what the tool prints; None leaves its output where it usually goes.
    """
    function, consent = tool.implementation, identity is not None
    assert function is not None
    if identity is not None:
        function = _guarded(tool, function, identity)
    sink = None if output is None else functools.partial(output.add, nest.call_id)
    return Invoke(function, (), ready.arguments, consent=consent, nest=nest, printed=sink, read=output_text)


def _guarded(tool: Tool, implementation: Callable[..., Any], identity: str) -> Callable[..., Any]:
    """Return a function that calls an implementation, or raises ChangedTool if the tool is not the one that was approved."""

    @functools.wraps(implementation)
    def called(**arguments: Any) -> Any:
        # What is called is what is compared: another function may have been put in its place, and taken away again.
        if tool.implementation is not implementation or identify(tool).digest != identity:
            raise ChangedTool
        return implementation(**arguments)

    return called
