"""Runs one tool call, without I/O: `before_call`, freezing, approval, the tool, `after_call`, in this order.

How it works. `ToolRun.steps()` is a generator. What it cannot do itself it yields as a step: `Invoke` calls a hook or the tool, `Note`
keeps an operation. The drivers perform the steps, one with and one without `await`, so the order below is written only once.

The call's life is a row in the log (`CallEntry`) that moves from state to state as `approvals.requests.TRANSITIONS` allows. Every move is
kept *before* what it permits happens, and it is a compare-and-set: it succeeds only from an expected state. Two tabs, two clicks or two
continuations of one pause may all come this way; the one whose move to `started` succeeds runs the tool, and the others are told that it
runs elsewhere. If the process dies, the row says how far the call came, and the next process begins again from the row: a result that is
there is used, a decision that is there is carried out, and a call that had started without ending is asked about, never run again by
itself.

The arguments are frozen, as canonical JSON, as soon as `before_call` has returned. A human's decision is bound to a digest of these bytes
and of what the tool is, and the tool receives values made from these bytes alone. So nothing that happens between the question and the run
can change what runs; where the tool or the arguments are different by then, the digests differ and the human is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from llm_notebook.approvals.consent import (
    canonical,
    changed_sentence,
    digest,
    digest_of_unknown,
    identity_of,
    origin_of,
    source_of,
    thawed,
    tool_facts,
)
from llm_notebook.approvals.policy import ApprovalPolicy, policy_of
from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.errors import ToolArgumentError
from llm_notebook.journal.operations import CallEntry
from llm_notebook.parts.messages import json_text
from llm_notebook.tools.calls import CancelToolCall, ToolCall, ToolResult
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.signatures import TOOL_CALL_PARAMETER
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.log import ChainLog, Note
from llm_notebook.turns.pauses import Pause

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainPlan

__all__ = ["UNKNOWN_OUTCOME", "Invoke", "ToolRun"]

UNKNOWN_OUTCOME = "This call was interrupted while it ran, and nobody knows how far it came: approve it to run it again, or answer in its place."
_FINAL: tuple[CallState, ...] = ("denied", "answered", "abandoned")

T = TypeVar("T")
CallSteps = Generator["Invoke | Note", Any, T]
Ran = tuple[ToolResult, ToolCall | None]
"""The result, and the call that the tool was run with; None where it was not run."""


@dataclass(slots=True)
class Invoke:
    """The step "call this hook or tool", which is awaited where it is async. What it returns is sent back, what it raises is thrown.

    Attributes:
        hook: the name of the hook; None for a tool.
        consent: whether a human has approved the call that this runs; None for what is no tool.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    consent: bool | None = None


@dataclass(slots=True)
class ToolRun:
    """One call on its way.

    Attributes:
        plan: the hooks, and how the chain is run.
        log: keeps the call's states.
        tool: what is called; None where there is no such tool.
        call: the model's request. `before_call` may change it.
        turn_id: the turn that asked.
        finished: takes the result, by call id.
    """

    plan: ChainPlan
    log: ChainLog
    tool: Tool | None
    call: ToolCall
    turn_id: str
    finished: dict[str, ToolResult]
    _facts: dict[str, str] | None = field(default=None, init=False)
    _policy: ApprovalPolicy | None = field(default=None, init=False)

    def steps(self) -> CallSteps[ToolResult]:
        """Run the call. What was done already, by another continuation or before a restart, is not done again.

        Raises:
            Pause: the call waits for a human.
            RuntimeError: the call is running elsewhere right now.
            JournalError: the start of an approved call cannot be kept.
            Exception: what a hook raised.
        """
        # A hook may change the call; its name and id stay what they were.
        asked = ToolCall(self.call.name, self.call.arguments, self.call.tool_call_id)
        assert asked.tool_call_id is not None
        entry = yield from self.log.propose(self.turn_id, asked)
        if entry.result is not None:
            self.finished[asked.tool_call_id] = entry.result
            return entry.result
        if entry.state == "started":
            raise _runs_elsewhere()
        result, ran = yield from self._result(entry, asked)
        self.finished[asked.tool_call_id] = result
        if ran is not None and self.plan.after_call is not None:
            try:
                yield Invoke(self.plan.after_call, (self.tool, ran, result), hook="after_call")
            except Pause as pause:
                pause.tool_call = ran
                raise
        return result

    def _result(self, entry: CallEntry, asked: ToolCall) -> CallSteps[Ran]:
        hooks_pause: Pause | None = None
        unsound = _unsound(asked)
        try:
            if self.plan.before_call is not None:
                yield Invoke(self.plan.before_call, (self.tool, self.call), hook="before_call")
        except CancelToolCall as cancelled:
            return (yield from self._not_run(entry, asked, "cancelled", f"Cancelled: {cancelled}", cancelled))
        except Pause as pause:
            hooks_pause = pause
        if entry.state in _FINAL:
            return (yield from self._decided(entry, asked))
        if self.tool is None:
            missing = KeyError(f"tool {asked.name!r} does not exist")
            return (yield from self._not_run(entry, asked, "failed", f"Error: {missing.args[0]}", missing))
        self._policy = policy_of(self.tool)
        asked.arguments = self.call.arguments
        if unsound is not None and _unsound(asked):
            return (yield from self._not_run(entry, asked, "failed", f"Error: {unsound}", unsound))
        frozen = _frozen(asked)
        asked.arguments = thawed(frozen)
        # A decision that had its effect already, before the call was interrupted, does not count again.
        decision = entry.decision if entry.state == "approved" else None
        if decision is not None and decision.digest != self._bound(entry, asked, frozen):
            # Something other than what would run now was approved.
            return (yield from self._ask(entry, asked, frozen))
        if decision is None and entry.state == "unknown":
            return (yield from self._ask(entry, asked, frozen, self.plan.model._pause(UNKNOWN_OUTCOME)))
        if decision is None and hooks_pause is not None:
            return (yield from self._ask(entry, asked, frozen, hooks_pause))
        return (yield from self._run(self.tool, entry, asked, frozen, decision))

    def _run(
        self, tool: Tool, entry: CallEntry, asked: ToolCall, frozen: bytes, decision: Decision | None
    ) -> CallSteps[Ran]:
        edited = decision.arguments if decision is not None else None
        runs = frozen if edited is None else canonical(edited)
        note = "" if runs == frozen else f"(The user changed the arguments to {json_text(edited)}.)\n"
        try:
            arguments = tool.arguments_for(ToolCall(asked.name, thawed(runs), asked.tool_call_id))
        except ToolArgumentError as error:
            return (yield from self._not_run(entry, asked, "failed", f"{note}Error: {error}", error))
        if decision is None and self._policy is not None and _applies(self._policy, tool, asked, runs):
            decision = yield from self._granted(entry, asked, frozen)
            if decision is None:
                return (yield from self._ask(entry, asked, frozen))
        if tool.implementation is None:
            raise ValueError(
                f"Tool {tool.name} has no implementation: it is described to the model but cannot be run here."
            )
        yield from self._start(entry, decision)
        try:
            value = yield Invoke(tool.implementation, kwargs=arguments, consent=decision is not None)
        except Pause as pause:
            return (yield from self._ask(entry, asked, frozen, pause))
        except Exception as error:
            result = _failed(asked, f"{note}Error: {str(error) or type(error).__name__}", error)
            result.instance = tool.toolbox
            yield from self.log.move(entry, "failed", "started", result=result)
        except BaseException:
            self.log.lose(entry)
            raise
        else:
            text, attachments = output_text(value)
            result = ToolResult(asked.name, note + text, attachments, asked.tool_call_id, tool.toolbox)
            yield from self.log.move(entry, "finished", "started", result=result)
        return result, ToolCall(asked.name, thawed(runs), asked.tool_call_id)

    def _start(self, entry: CallEntry, decision: Decision | None) -> CallSteps[None]:
        if decision is None:
            # A body that pauses by itself is entered again when it resumes, so the call may wait already.
            started = yield from self.log.move(entry, "started", "proposed", "waiting")
        else:
            started = yield from self.log.move(entry, "started", "approved", digest=decision.digest)
        if not started:
            raise _runs_elsewhere()

    def _granted(self, entry: CallEntry, asked: ToolCall, frozen: bytes) -> CallSteps[Decision | None]:
        """Return the decision of an "always allow" that covers this call; None where there is none."""
        if self._policy is None or self._policy.destructive:
            return None
        grant = self.log.grant_for(identity_of(self._tool_facts()))
        if grant is None:
            return None
        # The record shows what was allowed, so the question is kept before the grant answers it.
        yield from self._put_question(entry, asked, frozen, "")
        counts = yield from self.log.allow(entry, grant, self._bound(entry, asked, frozen))
        return entry.decision if counts else None

    def _ask(self, entry: CallEntry, asked: ToolCall, frozen: bytes, pause: Pause | None = None) -> CallSteps[NoReturn]:
        """Put the question to a human and stop the chain.

        Args:
            pause: what the tool or the hook raised, with its own sentence; without it the sentence says that the tool needs approval.

        Raises:
            Pause: always; it knows what it is about.
        """
        reason = "" if pause is None else str(pause)
        if pause is None:
            pause = self.plan.model._pause(f"{asked.name} waits for approval")
        pause.asked = yield from self._put_question(entry, asked, frozen, reason)
        pause.tool_call = asked
        raise pause from None

    def _put_question(
        self, entry: CallEntry, asked: ToolCall, frozen: bytes, reason: str
    ) -> CallSteps[ApprovalRequest]:
        """Keep what a human is asked, unless the same is being asked already."""
        tool = self.tool
        assert tool is not None
        assert asked.tool_call_id is not None
        before = entry.request
        is_unknown = entry.state == "unknown"
        request = ApprovalRequest(
            tool_name=tool.name,
            arguments=thawed(frozen),
            tool_call_id=asked.tool_call_id,
            reason=reason,
            digest=self._bound(entry, asked, frozen),
            destructive=self._policy is not None and self._policy.destructive,
            id=entry.call_id,
            outcome_unknown=is_unknown,
            description=tool.description or "",
            origin=origin_of(tool),
            source=source_of(tool),
            input_schema=tool.input_schema,
            facts=self._tool_facts(),
        )
        if before is not None and before.digest != request.digest:
            request.changed = changed_sentence(
                before.facts, request.facts, same_arguments=before.arguments == request.arguments
            )
        asks: CallState = "unknown" if is_unknown else "waiting"
        if entry.state != asks or request != before:
            yield from self.log.move(entry, asks, entry.state, request=request)
        return request

    def _decided(self, entry: CallEntry, asked: ToolCall) -> CallSteps[Ran]:
        """Return the result of a call that a human has denied, answered or given up."""
        decision = entry.decision
        assert decision is not None
        said = f": {decision.text}" if decision.text else ""
        output = {
            "answered": decision.text,
            "abandoned": f"Not known: the call was interrupted while it ran, and the user gave it up{said}",
        }.get(decision.verdict, f"Denied by the user{said}")
        result = ToolResult(asked.name, output, [], asked.tool_call_id)
        yield from self.log.move(entry, entry.state, entry.state, result=result)
        return result, None

    def _not_run(
        self, entry: CallEntry, asked: ToolCall, state: CallState, output: str, error: Exception
    ) -> CallSteps[Ran]:
        result = _failed(asked, output, error)
        yield from self.log.move(entry, state, "proposed", "waiting", "approved", result=result)
        return result, None

    def _tool_facts(self) -> dict[str, str]:
        assert self.tool is not None
        if self._facts is None:
            self._facts = tool_facts(self.tool)
        return self._facts

    def _bound(self, entry: CallEntry, asked: ToolCall, frozen: bytes) -> str:
        """Return the digest that a decision about the call as it stands is bound to."""
        bound = self._digest(asked, frozen)
        was_unknown = entry.request is not None and entry.request.outcome_unknown
        return digest_of_unknown(bound) if entry.state == "unknown" or was_unknown else bound

    def _digest(self, asked: ToolCall, frozen: bytes) -> str:
        return digest(identity_of(self._tool_facts()), frozen, asked.tool_call_id or "")


def _runs_elsewhere() -> RuntimeError:
    return RuntimeError("Another continuation of this pause is running this call right now.")


def _unsound(call: ToolCall) -> Exception | None:
    """Return why the arguments have no JSON form, if they have none: some models write NaN."""
    try:
        canonical(call.arguments)
    except (TypeError, ValueError, RecursionError) as error:
        return ToolArgumentError(f"the arguments have no JSON form: {error}", tool_name=call.name)
    return None


def _frozen(call: ToolCall) -> bytes:
    try:
        return canonical(call.arguments)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"before_call left arguments of {call.name} that have no JSON form: {error}") from None


def _applies(policy: ApprovalPolicy, tool: Tool, call: ToolCall, runs: bytes) -> bool:
    """Return whether a human must be asked. A condition that raises an error asks: silence is not consent."""
    if policy.when is None:
        return True
    try:
        # The condition gets a copy: what it does to the arguments must not change what runs.
        arguments = tool.arguments_for(ToolCall(call.name, thawed(runs), call.tool_call_id))
        arguments.pop(TOOL_CALL_PARAMETER, None)
        return bool(policy.when(**arguments))
    except Exception:
        return True


def _failed(call: ToolCall, output: str, error: Exception) -> ToolResult:
    return ToolResult(call.name, output, [], call.tool_call_id, exception=error)
