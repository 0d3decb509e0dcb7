"""A chain that waits for a human: the pause that it raises, the decision, and the chain that continues from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.consent import canonical, thawed
from llm_notebook.approvals.identity import digest_of_facts
from llm_notebook.approvals.requests import ApprovalRequest, Decision, Verdict
from llm_notebook.errors import ToolArgumentError, terminal_safe
from llm_notebook.journal.operations import CallEntry, Scope
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.open_calls import unresolved_calls
from llm_notebook.turns.plan import ChainPlan
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.questions import question_about

if TYPE_CHECKING:
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["Pause", "PausedChain"]


class Pause(Exception):
    """Stops a chain without a result for one of its calls. Users know it as `PauseChain`, its one subclass.

    Attributes:
        tool_call: the call that paused.
        tool_results: the results of its siblings that have finished.
        messages: the history to resume from, those results included.
        asked: what a human is asked; None while it has not left the tool, and where a hook paused after its call had run.
        paused: the chain that waits; None if the pause did not come from a chain.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.tool_call: ToolCall | None = None
        self.tool_results: list[ToolResult] = []
        self.messages: list[Message] = []
        self.asked: ApprovalRequest | None = None
        self.paused: PausedChain | None = None

    def __str__(self) -> str:
        """Return the reason. A tool may quote a model in it, so control characters are spelled out."""
        return terminal_safe(super().__str__())


@dataclass(slots=True)
class PausedChain:
    """A chain that waits for a human.

    Attributes:
        plan: how the chain is run.
        prompt: the prompt whose options, schema and tools the chain continues with.
        messages: the history to continue from, with the results of siblings that have finished.
        request: what the human is asked; None where a hook paused after its call had run.
        log: what was decided and what was done, for all continuations of this pause.
        asked_by: the turn that asked for the calls.
        rounds: how many responses the chain has had so far.
    """

    plan: ChainPlan
    prompt: Prompt
    messages: list[Message]
    request: ApprovalRequest | None
    log: ChainLog
    asked_by: str
    rounds: int = 0
    _continuation: Any = None

    def decide(self, verdict: Verdict, *, arguments: dict[str, Any] | None = None, said: object = "") -> Any:
        """Keep the decision. Returns the continuation, which runs when it is read.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: nothing waits for a decision, or the call has been settled already.
            JournalError: the decision cannot be kept, so it does not count.
        """
        if self.request is None:
            raise ValueError("Nothing waits for a decision here: the call has run. resume() goes on.")
        if not self.settle(self.request, verdict, arguments=arguments, said=said):
            call = self.call(self.request)
            if call is None or call.state in ("waiting", "unknown"):
                raise ValueError("This is not what is asked any more: decide about the pause that came last.")
            if verdict != "approved" or arguments is not None:
                raise ValueError("This call has been settled already, so the decision comes too late.")
        return self.resume()

    def settle(
        self,
        request: ApprovalRequest,
        verdict: Verdict,
        *,
        arguments: dict[str, Any] | None = None,
        said: object = "",
        replaces: bool = True,
    ) -> bool:
        """Keep a decision. Returns whether it counts.

        Args:
            request: which call the decision is about, and what was asked.
            verdict, arguments, said: what was decided.
            replaces: count also where there is a decision that has had no effect yet.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            JournalError: the decision cannot be kept, so it does not count.
        """
        if arguments is not None:
            arguments = thawed(canonical(arguments))
            _check_arguments(request, arguments, self.prompt.tools)
        text, _ = output_text(said)
        return self.log.decide(request.id, Decision(verdict, request.digest, arguments, text), replaces=replaces)

    def allow(self, request: ApprovalRequest, scope: Scope) -> None:
        """Allow a tool from now on in this cell, notebook or session. The call itself is not decided by that.

        Raises:
            ValueError: the tool is destructive, or the cell, notebook or session is not known.
        """
        if request.destructive:
            raise ValueError(f"{request.tool_name} is marked destructive: each of its calls is asked about.")
        self.log.grant(request.tool_name, digest_of_facts(request.facts), scope)

    def renew(self, request: ApprovalRequest) -> ApprovalRequest:
        """Ask anew about a waiting call if its tool is another one by now. Returns the question that waits.

        Raises:
            JournalError: the new question cannot be kept.
        """
        call, tool = self.call(request), self._tool(request.tool_name)
        if call is None or call.request is None or tool is None or call.state not in ("waiting", "unknown"):
            return request
        asked = call.request
        try:
            frozen = canonical(tool.json_arguments_for(ToolCall(tool.name, asked.arguments, asked.tool_call_id)))
        except ToolArgumentError:
            # The model is told so when the call is approved. Until then the human sees what was asked.
            frozen = canonical(asked.arguments)
        anew = question_about(self.plan, tool, call, frozen, reason=asked.reason, is_required=asked.is_required)
        if anew.digest == asked.digest or not self.log.ask_anew(call, anew):
            return asked
        return anew

    def _tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.prompt.tools if isinstance(tool, Tool) and tool.name == name), None)

    @property
    def has_open_calls(self) -> bool:
        """The history ends in calls without results, which are run or asked about first."""
        return bool(unresolved_calls(self.messages))

    def call(self, request: ApprovalRequest) -> CallEntry | None:
        """Return the call that a request is about as it stands now; None where nothing is known of it."""
        return self.log.call(request.id)

    def resume(self, tools: Sequence[ToolLike] | None = None) -> Any:
        """Return the chain from here on: the same object every time, unless it has failed or tools are given.

        Args:
            tools: the tools to continue with, where they had to be made anew; a decision counts for an unchanged tool only.

        Raises:
            ToolArgumentError: the arguments that a human edited do not fit the given tool.
        """
        if tools is None and self._continuation is not None and not self._continuation._chain.has_failed:
            return self._continuation
        prompt = self.prompt.continued(self.messages, self.prompt.tool_sources if tools is None else tools)
        call = self.call(self.request) if self.request is not None else None
        if self.request is not None and call is not None and call.decision is not None:
            _check_arguments(self.request, call.decision.arguments, prompt.tools)
        continuation = self.plan.model._chain(prompt, self.plan, self.log, self.asked_by, self.rounds)
        if tools is None:
            self._continuation = continuation
        return continuation

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe dict of what waits. The tools are not in it: pass them to `resume()`."""
        return {
            "model": self.plan.model.model_id,
            "options": self.prompt.given_options(),
            "schema": self.prompt.schema,
            "messages": [message.to_dict() for message in self.messages],
            "request": None if self.request is None else self.request.to_dict(),
            "turn": self.asked_by,
            "decisions": {
                call.tool_call_id: call.decision.to_dict()
                for call in self.log.memory.calls()
                if call.decision is not None and call.state == call.decision.verdict and call.result is None
            },
            "hide_reasoning": self.prompt.hide_reasoning,
            "chain_limit": self.plan.chain_limit,
            "rounds": self.rounds,
            "approval": self.plan.policy.to_dict(),
        }


def _check_arguments(request: ApprovalRequest, arguments: dict[str, Any] | None, tools: Sequence[object]) -> None:
    """Raise ToolArgumentError where edited arguments do not fit the tool that they are for."""
    for tool in tools:
        if arguments is not None and isinstance(tool, Tool) and tool.name == request.tool_name:
            tool.arguments_for(ToolCall(tool.name, thawed(canonical(arguments)), request.tool_call_id))
