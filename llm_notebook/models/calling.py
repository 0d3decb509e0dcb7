"""Runs the tool calls of a response outside of a chain: those that it asked for, or any that the caller names.

A model's `execute()` may run calls itself, while its response is being read. So named calls run without reading the response to its end,
because `execute()` would wait for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_notebook.parts.messages import Message, ToolCallPart
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.turns.calls.open_calls import with_calls, with_results
from llm_notebook.turns.chain import Chain
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainPlan
from llm_notebook.turns.steps import Ask, Prepare, Steps

if TYPE_CHECKING:
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.turn import Turn

__all__ = ["Calling"]


class Calling:
    """Base class of responses."""

    prompt: Prompt
    _turn: Turn
    _plan: ChainPlan

    def _execute_tool_calls_steps(
        self,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        tools: Sequence[ToolLike] | None = None,
        named: Sequence[ToolCall] | None = None,
    ) -> Steps[list[ToolResult]]:
        """Run calls, and return one result for each, in order.

        Args:
            named: run these, whether or not they have results; None runs those of this response that have none.
        """
        plan = replace(self._plan, before_call=before_call, after_call=after_call)
        if named is not None:
            return (yield from self._named_steps(named, plan, tools))
        response: Any = self
        yield Ask(response)
        calls = self._turn.calls()
        missing = [call for call in calls if call.tool_call_id not in self._turn.results]
        yield from self._run_steps(missing, plan, tools, self._turn.log, self._turn.history())
        return [self._turn.results[call.tool_call_id] for call in calls if call.tool_call_id is not None]

    def _execute_tool_call_steps(self, tool_call: ToolCall) -> Steps[ToolResult]:
        results = yield from self._named_steps([tool_call], self._plan, None)
        return results[0]

    def _named_steps(
        self, named: Sequence[ToolCall], plan: ChainPlan, tools: Sequence[ToolLike] | None
    ) -> Steps[list[ToolResult]]:
        parts = [ToolCallPart(call.name, call.arguments, call.tool_call_id) for call in named]
        calls = [ToolCall.from_part(part) for part in parts]
        turn, state = self._turn, self._turn.state
        # A call that already has a result is run again as a call unknown to the log, and the log knows no turn that was not sent.
        if state.status == "new" or any(call.tool_call_id in turn.results for call in calls):
            history = with_calls(turn.history(), calls)
            return (yield from self._run_steps(calls, plan, tools, ChainLog(), history))
        if state.status == "streaming":
            state.own_calls += tuple(calls)
            calls_so_far = list(state.own_calls)
        else:
            calls_so_far = calls
        done = [turn.results[call.tool_call_id] for call in calls_so_far if call.tool_call_id in turn.results]
        history = with_results(with_calls(turn.history(), calls_so_far), done)
        return (yield from self._run_steps(calls, plan, tools, turn.log, history))

    def _run_steps(
        self,
        calls: list[ToolCall],
        plan: ChainPlan,
        tools: Sequence[ToolLike] | None,
        log: ChainLog,
        history: list[Message],
    ) -> Steps[list[ToolResult]]:
        prompt = self.prompt if tools is None else self.prompt.continued(None, tools)
        if toolboxes := prompt.toolboxes:
            yield Prepare(toolboxes)
        if not calls:
            return []
        # A human is asked as often as for the tools that the model was offered, and for those that are given to this method.
        for offered in (self.prompt, prompt):
            plan.keep_policies(offered)
        turn = self._turn
        return (yield from Chain(prompt, plan, log).run(calls, prompt, history, turn.turn_id, turn))
