"""Runs one tool call, without I/O: `before_call`, freezing, approval, the tool, `after_call`, in this order.

How it works. `ToolRun.steps()` is a generator. What it cannot do itself it yields as a step: `Invoke` calls a hook or the tool, `Note`
keeps an operation. The drivers perform the steps, one with and one without `await`, so the order below is written only once.

The call's life is a row in the log (`CallEntry`) that moves from state to state as `approvals.requests.TRANSITIONS` allows. Every move is
kept *before* what it permits happens, and it is a compare-and-set: it succeeds only from an expected state. Two tabs, two clicks or two
continuations of one pause may all come this way; the one whose move to `started` succeeds runs the tool, and the others are told that it
runs elsewhere. If the process dies, the row says how far the call came, and the next process begins again from the row: a result that is
there is used, a decision that is there is carried out, and a call that had started without ending is asked about, never run again by
itself.

The arguments are checked, converted and frozen, as canonical JSON, as soon as `before_call` has returned. A human's decision is bound to a
digest of these bytes, of what the tool is and of the policy, and the tool receives values made from these bytes alone. So nothing that
happens between the question and the run can change what runs; where the tool or the arguments are different by then, the digests differ and
the human is asked again.

Whether a human is asked is decided by every policy that ever held for the call: the tool's marks, what the chain was told, and what the
journal says of the call. A process that was given an unmarked tool asks as the one before it did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from llm_notebook.approvals.consent import canonical, digest, digest_of_unknown, thawed
from llm_notebook.approvals.identity import Identity, identify
from llm_notebook.approvals.policy import ApprovalPolicy
from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.errors import ModelError, ToolArgumentError, terminal_safe
from llm_notebook.journal.operations import CallEntry
from llm_notebook.parts.messages import error_message, json_text
from llm_notebook.tools.calls import CancelToolCall, ToolCall, ToolResult
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.signatures import TOOL_CALL_PARAMETER
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.log import SETTLED, ChainLog, Note, decided_result
from llm_notebook.turns.pauses import Pause
from llm_notebook.turns.questions import is_about_unknown, policy_in_force, question_about

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainPlan

__all__ = ["UNKNOWN_OUTCOME", "Invoke", "ToolRun"]

UNKNOWN_OUTCOME = "This call was interrupted while it ran, and nobody knows how far it came: approve it to run it again, or answer in its place."

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
    _identity: Identity | None = field(default=None, init=False)
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
        policy = self.plan.policy_for(self.tool) if self.tool is not None else None
        entry = yield from self.log.propose(
            self.turn_id, asked, policy.without_conditions() if policy is not None else None
        )
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
        while entry.state in SETTLED:
            if (settled := (yield from self._decided(entry, asked))) is not None:
                return settled
            # Another decision has replaced this one in the meantime, so that one counts.
            entry = self.log.call(entry.call_id) or entry
        if self.tool is None and entry.request is not None:
            raise ModelError(
                f"The tool {asked.name} that was asked about is not here, so nothing was run and the question stays: "
                f"run the cell that defines it, or give it with resume({entry.call_id!r}, tools=[...])."
            )
        if self.tool is None:
            missing = KeyError(f"tool {asked.name!r} does not exist")
            return (yield from self._not_run(entry, asked, "failed", f"Error: {missing.args[0]}", missing))
        if unsound is not None and _unsound(self.call):
            return (yield from self._not_run(entry, asked, "failed", f"Error: {unsound}", unsound))
        asked.arguments = self.call.arguments
        self._policy = policy_in_force(self.plan, self.tool, entry)
        return (yield from self._decide_or_run(self.tool, entry, asked, hooks_pause))

    def _decide_or_run(
        self, tool: Tool, entry: CallEntry, asked: ToolCall, hooks_pause: Pause | None
    ) -> CallSteps[Ran]:
        try:
            frozen = _frozen(tool, asked)
        except ToolArgumentError as error:
            if entry.state != "unknown":
                return (yield from self._not_run(entry, asked, "failed", f"Error: {error}", error))
            # What was running is asked about in any case.
            frozen = canonical(asked.arguments)
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
        return (yield from self._run(tool, entry, asked, frozen, decision))

    def _run(
        self, tool: Tool, entry: CallEntry, asked: ToolCall, frozen: bytes, decision: Decision | None
    ) -> CallSteps[Ran]:
        edited = decision.arguments if decision is not None else None
        runs, note = frozen, ""
        try:
            if edited is not None:
                runs = _frozen(tool, ToolCall(asked.name, edited, asked.tool_call_id))
            if runs != frozen:
                note = f"(The user changed the arguments to {json_text(thawed(runs))}.)\n"
            arguments = tool.arguments_for(ToolCall(asked.name, thawed(runs), asked.tool_call_id))
        except ToolArgumentError as error:
            return (yield from self._not_run(entry, asked, "failed", f"{note}Error: {error}", error))
        if decision is None and self._must_ask(tool, entry, asked, runs):
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
        except (Exception, SystemExit) as error:
            said = (
                f"the tool called sys.exit({error.code!r})" if isinstance(error, SystemExit) else error_message(error)
            )
            result = _failed(asked, f"{note}Error: {said or type(error).__name__}", error)
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

    def _must_ask(self, tool: Tool, entry: CallEntry, asked: ToolCall, runs: bytes) -> bool:
        """Return whether a human has to decide first: the policy says so, or said so when the question was asked."""
        is_asked = entry.state == "waiting" and entry.request is not None and entry.request.is_required
        return is_asked or (self._policy is not None and _applies(self._policy, tool, asked, runs))

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
        grant = self.log.grant_for(self._tool_identity().digest)
        if grant is None:
            return None
        # The record shows what was allowed, so the question is kept before the grant answers it.
        yield from self._put_question(entry, asked, frozen, None)
        counts = yield from self.log.allow(entry, grant, self._bound(entry, asked, frozen))
        return entry.decision if counts else None

    def _ask(self, entry: CallEntry, asked: ToolCall, frozen: bytes, pause: Pause | None = None) -> CallSteps[NoReturn]:
        """Put the question to a human and stop the chain.

        Args:
            pause: what the tool or the hook raised, with its own sentence; without it the sentence says that the tool needs approval.

        Raises:
            Pause: always; it knows what it is about.
        """
        request = yield from self._put_question(entry, asked, frozen, pause)
        if pause is None:
            pause = self.plan.model._pause(f"{asked.name} waits for approval")
        pause.asked = request
        pause.tool_call = asked
        raise pause from None

    def _put_question(
        self, entry: CallEntry, asked: ToolCall, frozen: bytes, pause: Pause | None
    ) -> CallSteps[ApprovalRequest]:
        """Keep what a human is asked, unless the same is being asked already."""
        assert self.tool is not None
        request = question_about(
            self.plan,
            self.tool,
            entry,
            frozen,
            reason="" if pause is None else str(pause),
            is_required=pause is None,
            identity=self._tool_identity(),
        )
        asks: CallState = "unknown" if entry.state == "unknown" else "waiting"
        if entry.state != asks or request != entry.request:
            yield from self.log.move(entry, asks, entry.state, request=request)
        return request

    def _decided(self, entry: CallEntry, asked: ToolCall) -> CallSteps[Ran | None]:
        """Return the result of a call that a human has denied, answered or given up; None if the call has another state by now."""
        result = decided_result(entry)
        result.tool_call_id = asked.tool_call_id
        moved = yield from self.log.move(entry, entry.state, entry.state, result=result)
        return (result, None) if moved else None

    def _not_run(
        self, entry: CallEntry, asked: ToolCall, state: CallState, output: str, error: Exception
    ) -> CallSteps[Ran]:
        result = _failed(asked, output, error)
        moved = yield from self.log.move(entry, state, "proposed", "waiting", "approved", result=result)
        if not moved and entry.state != "unknown":
            raise _runs_elsewhere()
        return result, None

    def _tool_identity(self) -> Identity:
        assert self.tool is not None
        if self._identity is None:
            self._identity = identify(self.tool)
        return self._identity

    def _bound(self, entry: CallEntry, asked: ToolCall, frozen: bytes) -> str:
        """Return the digest that a decision about the call as it stands is bound to."""
        bound = digest(self._tool_identity().digest, self._policy, frozen, asked.tool_call_id or "")
        return digest_of_unknown(bound) if is_about_unknown(entry) else bound


def _runs_elsewhere() -> RuntimeError:
    return RuntimeError("Another continuation of this pause is running this call right now.")


def _unsound(call: ToolCall) -> Exception | None:
    """Return why the arguments have no JSON form, if they have none: some models write NaN."""
    try:
        canonical(call.arguments)
    except (TypeError, ValueError, RecursionError) as error:
        return ToolArgumentError(f"the arguments have no JSON form: {error}", tool_name=call.name)
    return None


def _frozen(tool: Tool, call: ToolCall) -> bytes:
    """Return the arguments as they will run, in canonical JSON.

    Raises:
        ToolArgumentError: they do not fit the tool.
        TypeError: they have no JSON form.
    """
    try:
        return canonical(tool.json_arguments_for(call))
    except ToolArgumentError:
        reason: Exception | None = _unsound(call)
        if reason is None:
            raise
    except (TypeError, ValueError, RecursionError) as error:
        reason = error
    raise TypeError(f"before_call left arguments of {terminal_safe(call.name)} that have no JSON form: {reason}")


def _applies(policy: ApprovalPolicy, tool: Tool, call: ToolCall, runs: bytes) -> bool:
    """Return whether a human must be asked. A condition that raises an error asks: silence is not consent."""
    if policy.asks == "always" or not policy.conditions:
        return True
    try:
        for condition in policy.conditions:
            # Each gets a copy: what it does to the arguments must not change what runs.
            arguments = tool.arguments_for(ToolCall(call.name, thawed(runs), call.tool_call_id))
            arguments.pop(TOOL_CALL_PARAMETER, None)
            if condition(**arguments):
                return True
    except Exception:
        return True
    return False


def _failed(call: ToolCall, output: str, error: Exception | SystemExit) -> ToolResult:
    return ToolResult(call.name, output, [], call.tool_call_id, exception=error)
