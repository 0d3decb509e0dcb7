"""A chain that waits for a human: the pause that it raises, the decision, and the chain that continues from there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.consent import canonical, thawed
from llm_notebook.approvals.identity import digest_of_facts, identify
from llm_notebook.approvals.requests import ASKED, DECIDED, ApprovalRequest, Decision, Verdict
from llm_notebook.approvals.running import as_tool, in_tool
from llm_notebook.errors import JournalError, Paused, ToolArgumentError, terminal_safe
from llm_notebook.journal.grants import Grant, Scope
from llm_notebook.journal.operations import CallEntry, is_open
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.freezing import frozen_arguments
from llm_notebook.turns.calls.granting import new_grant
from llm_notebook.turns.calls.nested_records import suspended_to_dicts
from llm_notebook.turns.calls.nesting import calls_inside, outer_calls
from llm_notebook.turns.calls.open_calls import unresolved_calls
from llm_notebook.turns.calls.questions import bound_digest, policy_in_force, question_about
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.plan import ChainPlan
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["Pause", "PausedChain"]


class Pause(Paused):
    """Stops a chain without a result for one of its calls. Users see it as `PauseChain`, its only subclass.

    Attributes:
        tool_call: the call that paused.
        tool_results: the results of its siblings that have finished.
        messages: the history from which to resume, with those results.
        asked: what a human is asked; None until the pause has left the tool, and if a hook paused after its call had run.
        paused: the waiting chain; None if the pause did not come from a chain.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.tool_call: ToolCall | None = None
        self.tool_results: list[ToolResult] = []
        self.messages: list[Message] = []
        self.asked: ApprovalRequest | None = None
        self.paused: PausedChain | None = None

    @property
    def questions(self) -> list[ApprovalRequest]:
        """What a human is asked, even before the pause has left its chain."""
        if self.paused is not None:
            return self.paused.requests
        return [] if self.asked is None else [self.asked]

    def __str__(self) -> str:
        """Return the reason. A tool may quote a model in it, so control characters are spelled out."""
        return terminal_safe(super().__str__())


@dataclass(slots=True)
class PausedChain:
    """A chain that waits for a human.

    Attributes:
        plan: how the chain is run.
        prompt: the prompt with whose options, schema and tools the chain continues.
        messages: the history from which to continue, with the results of siblings that have finished.
        requests: what the human is asked, in the model's order; empty if a hook paused after its call had run.
        log: records what was decided and done, for all continuations of this pause.
        asked_by: the turn that asked for the calls.
        rounds: how many responses the chain has had so far.
        asking: the chains inside tools from which some of the requests come, if this process began them.
    """

    plan: ChainPlan
    prompt: Prompt
    messages: list[Message]
    requests: list[ApprovalRequest]
    log: ChainLog
    asked_by: str
    rounds: int = 0
    asking: Sequence[PausedChain] = ()
    _continuation: Any = None

    def decide(
        self,
        request: ApprovalRequest,
        verdict: Verdict,
        *,
        arguments: dict[str, Any] | None = None,
        said: object = "",
        scope: Scope | None = None,
    ) -> Any:
        """Record the decision about one call, as `settle()` does. Returns the continuation, which runs when it is read.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: the request is not one of this pause, the call has been settled already, or the tool cannot be allowed from now on.
            JournalError: the decision cannot be kept, so it does not count.
        """
        if all(request.id != one.id for one in self.requests):
            raise ValueError("This pause does not ask that: `pause.requests` lists what it asks.")
        if self.settle(request, verdict, arguments=arguments, said=said, scope=scope):
            if self._continuation is not None and self._continuation._chain.has_paused:
                # It was read while calls were waiting, and stopped there.
                self._continuation = None
        else:
            call = self.call(request)
            if call is None or call.state in ASKED:
                raise ValueError(
                    "This is not what is asked any more: read what resume() returns, which asks as things stand."
                )
            was_approved = call.decision is None or call.decision.verdict == "approved"
            if verdict != "approved" or arguments is not None or not was_approved:
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
        scope: Scope | None = None,
        call: CallEntry | None = None,
    ) -> bool:
        """Record a decision. Returns whether it counts.

        Args:
            request: the call that is decided, and what was asked about it.
            verdict, arguments, said: what was decided.
            replaces: whether the decision also counts if there is another one that has had no effect yet.
            scope: allows the tool for later calls too, in this cell, notebook or session, and approves its other calls that wait. A decision that
                does not count allows nothing.
            call: the call as it was just read, which receives a decision that counts.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: the tool cannot be allowed for later calls, so nothing is decided.
            JournalError: the decision cannot be kept, so it does not count.
        """
        gives = None if scope is None else self._grant(request, scope)
        if arguments is not None:
            arguments = thawed(canonical(arguments))
            _check_arguments(request, arguments, self._tools_of(request))
        text = "" if isinstance(said, str) and not said else output_text(said)[0]
        decision = Decision(verdict, request.digest, arguments, text)
        counts = self.log.decide({request.id: decision}, replaces=replaces, gives=gives)
        if counts and call is not None:
            call.state, call.decision = verdict, decision
            call.decided_by, call.decided_at = self.log.origin.who, datetime.now(UTC)
            call.grant_id = call.grant_scope = ""
        if counts and gives is not None:
            self._cover(request, gives)
        return counts

    def settle_together(self, requests: Sequence[ApprovalRequest], verdict: Verdict, said: str = "") -> bool:
        """Record one decision about several waiting calls, in one transaction. Returns whether it counts: for all of them, or for none.

        Raises:
            ValueError: not all of the calls are in the journal.
            JournalError: the decision cannot be kept, so it does not count.
        """
        decisions = {request.id: Decision(verdict, request.digest, None, said) for request in requests}
        return self.log.decide(decisions, replaces=False)

    def _grant(self, request: ApprovalRequest, scope: Scope) -> Grant:
        if request.destructive:
            raise ValueError(f"{request.tool_name} is marked destructive: each of its calls is asked about.")
        return new_grant(self.log, request.tool_name, digest_of_facts(request.facts), scope)

    def _cover(self, request: ApprovalRequest, given: Grant) -> None:
        """Approve the other waiting calls that a grant covers. If the journal fails, the chain finds the grant when it comes to them."""
        for other in self.requests:
            is_covered = other.is_required and not other.destructive and not other.outcome_unknown
            if is_covered and other.id != request.id and digest_of_facts(other.facts) == given.identity:
                with suppress(JournalError):
                    self.log.decide({other.id: Decision("approved", other.digest)}, replaces=False, by=given)

    def renew(self, request: ApprovalRequest, call: CallEntry | None = None) -> ApprovalRequest:
        """Ask again about a waiting call if its tool has changed. Returns the question that waits.

        Args:
            request: the question.
            call: a call that has just been read; the question may be about another one.

        Raises:
            JournalError: the new question cannot be kept.
        """
        if (inner := self._asking_about(request)) is not None:
            return self._take_over(inner.renew(request, call))
        if call is None or call.call_id != request.id:
            call = self.call(request)
        tool = next((tool for tool in self._own_tools(call) if tool.name == request.tool_name), None)
        if call is None or call.request is None or tool is None or call.state not in ASKED:
            return request
        # The types of the arguments may run code of the tool, which decides about nothing.
        context = copy_context()
        context.run(in_tool.set, False)
        anew = context.run(self._ask_anew, call, call.request, tool)
        return self._take_over(anew) if anew is not None and self.log.ask_anew(call, anew) else call.request

    def _ask_anew(self, call: CallEntry, asked: ApprovalRequest, tool: Tool) -> ApprovalRequest | None:
        """Return the question about a call as its tool is at this moment; None if that is what was asked."""
        try:
            frozen = frozen_arguments(tool, ToolCall(tool.name, asked.arguments, asked.tool_call_id))
        except (ToolArgumentError, TypeError):
            # The model learns this when the call is approved. Until then the human sees what was asked.
            frozen = canonical(asked.arguments)
        policy = policy_in_force(self.plan.policy_for(tool), call)
        identity = identify(tool)
        if bound_digest(identity.digest, policy, frozen, call) == asked.digest:
            return None
        return question_about(
            tool,
            call,
            frozen,
            policy,
            reason=asked.reason,
            is_required=asked.is_required,
            identity=identity,
            inside=self.log.asked_inside,
        )

    def _take_over(self, anew: ApprovalRequest) -> ApprovalRequest:
        self.requests = [anew if one.id == anew.id else one for one in self.requests]
        return anew

    def _asking_about(self, request: ApprovalRequest) -> PausedChain | None:
        """Return the chain inside a tool that a question comes from; None if it comes from this one, or from one in another process."""
        return next((chain for chain in self.asking if any(one.id == request.id for one in chain.requests)), None)

    def needed_tool(self, request: ApprovalRequest, call: CallEntry | None) -> str:
        """Return the name of this chain's tool that carries out a decision: the call's tool, or the one that contains the call.

        Args:
            request: the question that is decided.
            call: the call that it is about; None if nothing is known about it.
        """
        while call is not None and call.turn_id != self.asked_by:
            call = next(iter(outer_calls(self.log, call)), None)
        return request.tool_name if call is None else call.tool_name

    def conclude(self, request: ApprovalRequest) -> None:
        """Give a call its result after it was denied, answered or given up, without a chain that tells the model.

        The calls that contain it end as well, unless something else in them is open: their bodies do not run again.

        Raises:
            JournalError: it cannot be kept.
        """
        call = self.call(request)
        if call is None or not self.log.conclude(call.call_id):
            return
        for outer in outer_calls(self.log, call):
            if any(map(is_open, calls_inside(self.log, outer.call_id))):
                # Everything else that waits or was decided inside is carried out when the body runs again.
                return
            self.log.conclude(outer.call_id)

    def drop(self, request: ApprovalRequest) -> object:
        """Give up a call, so that the model is not asked. Returns the continuation if other calls make it due, otherwise None.

        Raises:
            ValueError: the request is not one of this pause, or the call has been settled already.
            JournalError: the decision cannot be kept, so it does not count.
        """
        continuation = self.decide(request, "abandoned")
        self.conclude(request)
        return continuation if self.is_due else None

    @property
    def is_due(self) -> bool:
        """Whether calls of the turn, or of chains inside its tools, were decided and wait to be carried out, and no question is left.

        Raises:
            JournalError: the journal cannot be read.
        """
        left, waiting = list(self.log.calls_of(self.asked_by)), []
        while left:
            call = left.pop()
            if call.state == "suspended":
                left += calls_inside(self.log, call.call_id)
            elif is_open(call):
                waiting.append(call)
        return bool(waiting) and all(call.state in DECIDED for call in waiting)

    def _tools_of(self, request: ApprovalRequest) -> list[Tool]:
        """Return the tools of the chain from which a question comes; none if that chain is inside a tool in another process."""
        if (inner := self._asking_about(request)) is not None:
            return inner._tools_of(request)
        return self._own_tools(self.call(request))

    def _own_tools(self, call: CallEntry | None) -> list[Tool]:
        is_own = call is None or call.turn_id == self.asked_by
        return [tool for tool in self.prompt.tools if isinstance(tool, Tool)] if is_own else []

    @property
    def has_open_calls(self) -> bool:
        """Whether the history ends in calls without results, which are run or asked about first."""
        return bool(unresolved_calls(self.messages))

    def call(self, request: ApprovalRequest) -> CallEntry | None:
        """Return the call that a request is about in its current state; None if nothing is known about it."""
        return self.log.call(request.id)

    def resume(self, tools: Sequence[ToolLike] | None = None) -> Any:
        """Return the chain from here on: the same object every time, unless it has failed or tools are given.

        Args:
            tools: the tools with which to continue, if they had to be created anew; a decision counts only for an unchanged tool.

        Raises:
            ToolArgumentError: the arguments that a human edited do not fit the given tool.
        """
        if tools is None and self._continuation is not None and not self._continuation._chain.has_failed:
            return self._continuation
        if tools is None:
            prompt = self.prompt.next_round(self.messages, [])
        else:
            prompt = self.prompt.continued(self.messages, tools)
        # Without other tools the arguments were checked when they were edited.
        for request in self.requests if tools is not None else ():
            call = self.call(request)
            if call is not None and call.decision is not None and call.turn_id == self.asked_by:
                _check_arguments(request, call.decision.arguments, prompt.tools)
        continuation = self.plan.model._chain(prompt, self.plan, self.log, self.asked_by, self.rounds)
        if tools is None:
            self._continuation = continuation
        return continuation

    def undone(self) -> list[CallEntry]:
        """Return the calls of the turn about which a human was asked and which have no result yet, decided or not, in the model's order.

        Raises:
            JournalError: the journal cannot be read.
        """
        order = {call.tool_call_id: position for position, call in enumerate(unresolved_calls(self.messages))}
        undone = [
            call
            for call in self.log.calls_of(self.asked_by)
            if call.request is not None and call.result is None and call.state != "started"
        ]
        return sorted(undone, key=lambda call: order.get(call.tool_call_id, len(order)))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe dict of what waits. The tools are not in it: pass them to `resume()`.

        Raises:
            JournalError: the journal cannot be read.
        """
        calls = self.undone()
        own = {call.call_id for call in calls}
        inner = [request for request in self.requests if request.id not in own]
        return {
            "model": self.plan.model.model_id,
            "options": self.prompt.given_options(),
            "schema": self.prompt.schema,
            "messages": [message.to_dict() for message in self.messages],
            "requests": [
                request.to_dict() for request in [*(call.request for call in calls), *inner] if request is not None
            ],
            "turn": self.asked_by,
            "decisions": {
                call.call_id: call.decision.to_dict()
                for call in calls
                if call.decision is not None and call.state == call.decision.verdict
            },
            "hide_reasoning": self.prompt.hide_reasoning,
            "chain_limit": self.plan.chain_limit,
            "rounds": self.rounds,
            "approval": self.plan.policy.to_dict(),
            "suspended": suspended_to_dicts(self.log, self.asked_by),
        }


def _check_arguments(request: ApprovalRequest, arguments: dict[str, Any] | None, tools: Sequence[object]) -> None:
    """Raise ToolArgumentError if edited arguments do not fit their tool."""
    for tool in tools:
        if arguments is not None and isinstance(tool, Tool) and tool.name == request.tool_name:
            as_tool(tool.arguments_for, ToolCall(tool.name, thawed(canonical(arguments)), request.tool_call_id))
