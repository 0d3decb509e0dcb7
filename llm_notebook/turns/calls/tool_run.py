"""Runs one tool call, without I/O: `before_call`, freezing, approval, the tool, `after_call`, in this order.

How it works. `ToolRun` has two generators. `prepare()` does everything that comes before a tool runs; if a human may be asked, the chain
prepares every call of a turn first, so that all questions are asked at once. `steps()` then carries out the call. What the generators cannot do
themselves they yield as steps: `Invoke` calls a hook or the tool, `Note` records an operation. The drivers perform the steps, one with and one
without `await`, so the order is written only once.

Between the two, earlier calls of the turn run. They may change the tool, so it is compared with what was approved once more before it starts.

The call's life is a row in the log (`CallEntry`) that moves from state to state as `approvals.requests.TRANSITIONS` allows. Every move is
recorded *before* the action that it permits, and it is a compare-and-set: it succeeds only from an expected state. Two tabs, two clicks or two
continuations of one pause may all get here; the one whose move to `started` succeeds runs the tool, and the others learn that it runs
elsewhere. If the process dies, the row says how far the call got, and the next process continues from the row: a recorded result is used, a
recorded decision is carried out, and a call that had started but not ended is put to the human and never run again automatically.

The arguments are checked, converted and frozen, as canonical JSON, as soon as `before_call` has returned. A human's decision is bound to a
digest of these bytes, of what the tool is and of the policy, and the tool receives values made from these bytes alone. So nothing that happens
between the question and the run can change what runs. If the tool or the arguments have changed by then, the digests differ and the human is
asked again.

Every policy that ever applied to the call decides whether a human is asked: the tool's marks, the chain's settings, and what the journal says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_notebook.approvals.consent import canonical, thawed
from llm_notebook.approvals.identity import Identity, identify
from llm_notebook.approvals.policy import ApprovalPolicy
from llm_notebook.approvals.requests import SETTLED, ApprovalRequest, CallState, Decision
from llm_notebook.approvals.running import said_by
from llm_notebook.errors import ToolArgumentError
from llm_notebook.journal.operations import CallEntry
from llm_notebook.parts.messages import json_text
from llm_notebook.tools.calls import CancelToolCall, ToolCall, ToolResult
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.freezing import ReadyCall, as_written, frozen_arguments, unsound
from llm_notebook.turns.calls.invoking import CallSteps, Invoke
from llm_notebook.turns.calls.last_look import ChangedTool, invocation
from llm_notebook.turns.calls.nesting import Nest, left_inside, withdraw
from llm_notebook.turns.calls.questions import UNKNOWN_OUTCOME, applies, covers, policy_in_force, question_about
from llm_notebook.turns.calls.told import decided_result, failed_result, missing_tool, runs_elsewhere, told_of
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.pauses import Pause

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainPlan

__all__ = ["ToolRun"]

Ran = tuple[ToolResult, bytes | None]
"""The result, and the arguments with which the tool ran; None if it did not run."""


@dataclass(slots=True)
class ToolRun:
    """One call being carried out: `prepare()` does everything that comes before the tool runs, `steps()` does the rest.

    Attributes:
        plan: the hooks, and how the chain is run.
        log: records the call's states.
        tool: the tool to call; None if there is no such tool.
        policy: when its calls are asked about; None if nobody is asked.
        call: the model's request. `before_call` may change it.
        turn_id: the turn that asked.
        finished: receives the result, by call id.
        has_siblings: whether other calls of the turn may run between `prepare()` and `steps()`.
        identity: the identity of the tool, if it was computed a moment ago; None to compute it when it is needed.
        is_prepared: whether `prepare()` has begun.
        pause: what a human has to decide before the call can run; None if nothing, and before `prepare()`.
    """

    plan: ChainPlan
    log: ChainLog
    tool: Tool | None
    policy: ApprovalPolicy | None
    call: ToolCall
    turn_id: str
    finished: dict[str, ToolResult]
    has_siblings: bool = False
    identity: Identity | None = None
    is_prepared: bool = field(default=False, init=False)
    pause: Pause | None = field(default=None, init=False)
    _entry: CallEntry = field(init=False)
    _asked: ToolCall = field(init=False)
    _hooks_pause: Pause | None = field(default=None, init=False)
    _unsound: Exception | None = field(default=None, init=False)
    _result: ToolResult | None = field(default=None, init=False)
    _ready: ReadyCall | None = field(default=None, init=False)
    _failure: Exception | None = field(default=None, init=False)
    _policy: ApprovalPolicy | None = field(default=None, init=False)
    _is_first: bool = field(default=True, init=False)
    _is_new: bool = field(default=True, init=False)
    _nest: Nest | None = field(default=None, init=False)

    def prepare(self) -> CallSteps[None]:
        """Call `before_call`, freeze the arguments, and ask a human if one has to decide. No tool runs.

        Nothing is repeated that another continuation has done, or that was done before a restart. Errors are raised by `steps()`.
        """
        self.is_prepared = True
        try:
            yield from self._prepare()
        except Exception as error:
            self._failure = error
        if self._result is not None:
            self.finished[self._asked.tool_call_id or ""] = self._result

    def steps(self) -> CallSteps[ToolResult]:
        """Carry out the call, after preparing it if that has not happened yet.

        Raises:
            Pause: the call waits for a human.
            RuntimeError: the call is running elsewhere right now.
            JournalError: the start of an approved call cannot be recorded.
            Exception: what a hook raised.
        """
        if not self.is_prepared:
            yield from self.prepare()
        if self._failure is not None:
            raise self._failure
        result, ran = (self._result, None) if self._result is not None else (yield from self._carry_out())
        if not self._is_new or (self._nest is not None and self._nest.is_used):
            # No code is left to use the answer to a question that still waits inside.
            yield from withdraw(self.log, self._entry.call_id)
        self.finished[self._asked.tool_call_id or ""] = result
        if ran is not None and self.plan.after_call is not None:
            call = ToolCall(self._asked.name, thawed(ran), self._asked.tool_call_id)
            try:
                yield Invoke(self.plan.after_call, (self.tool, call, result), hook="after_call")
            except Pause as pause:
                pause.tool_call = call
                raise
        return result

    def _prepare(self) -> CallSteps[None]:
        # A hook may change the call, but not its name or id.
        asked = self._asked = ToolCall(self.call.name, self.call.arguments, self.call.tool_call_id)
        kept = None if self.policy is None else self.policy.without_conditions()
        written, self._unsound = as_written(asked)
        entry, self._is_first = yield from self.log.propose(self.turn_id, asked, written, kept)
        self._entry = entry
        if entry.result is not None:
            self._result = entry.result
            return
        if entry.state == "started":
            raise runs_elsewhere()
        # A record in memory does not say when the tool ran.
        self._is_new = entry.state == "proposed" or not (entry.runs or entry.call_id in self.log.memory.entries)
        try:
            if self.plan.before_call is not None:
                yield Invoke(self.plan.before_call, (self.tool, self.call), hook="before_call")
        except CancelToolCall as cancelled:
            yield from self._not_run("cancelled", f"Cancelled: {cancelled}", cancelled)
            return
        except Pause as pause:
            self._hooks_pause = pause
        # A decision not to run the call is carried out by `steps()`.
        if entry.state not in SETTLED:
            yield from self._weigh()

    def _weigh(self) -> CallSteps[None]:
        """Decide whether the call may run: afterwards it is ready, or it has a result without running, or a human is asked."""
        entry, asked, tool = self._entry, self._asked, self.tool
        if tool is None or tool.implementation is None:
            if not self._is_first:
                raise missing_tool(entry)
            lacks = "does not exist" if tool is None else "has no implementation"
            missing = KeyError(f'tool "{asked.name}" {lacks}')
            yield from self._not_run("failed", f"Error: {missing.args[0]}", missing)
            return
        if self._unsound is not None and unsound(self.call):
            yield from self._not_run("failed", f"Error: {self._unsound}", self._unsound)
            return
        asked.arguments = self.call.arguments
        policy = self.policy
        if self.plan.before_call is not None:
            # A hook may have marked the tool, or changed it.
            policy, self.identity = self.plan.policy_for(tool), None
        self._policy = policy_in_force(policy, entry)
        try:
            frozen = frozen_arguments(tool, asked)
        except ToolArgumentError as error:
            if entry.state != "unknown":
                yield from self._not_run("failed", f"Error: {error}", error)
                return
            # An interrupted call is put to the human in any case.
            frozen = canonical(asked.arguments)
        asked.arguments = thawed(frozen)
        # A decision that took effect before the call was interrupted does not count again.
        # That of a suspended call does count: its body runs again, like that of any tool that pauses by itself.
        decision = entry.decision if entry.state in ("approved", "suspended") else None
        if decision is not None and not self._covers(decision, frozen):
            # The approval was for something other than what would run now.
            yield from self._ask(frozen)
        elif decision is None and entry.state == "unknown":
            yield from self._ask(frozen, self.plan.model._pause(UNKNOWN_OUTCOME))
        elif decision is None and self._hooks_pause is not None:
            yield from self._ask(frozen, self._hooks_pause)
        else:
            yield from self._make_ready(tool, frozen, decision)

    def _make_ready(self, tool: Tool, frozen: bytes, decision: Decision | None) -> CallSteps[None]:
        asked = self._asked
        edited = decision.arguments if decision is not None else None
        runs, note = frozen, ""
        try:
            if edited is not None:
                runs = frozen_arguments(tool, ToolCall(asked.name, edited, asked.tool_call_id))
            if runs != frozen:
                note = f"(The user changed the arguments to {json_text(thawed(runs))}.)\n"
            arguments = tool.arguments_for(ToolCall(asked.name, thawed(runs), asked.tool_call_id))
        except ToolArgumentError as error:
            yield from self._not_run("failed", f"{note}Error: {error}", error)
            return
        ready = ReadyCall(frozen, runs, arguments, note, decision)
        if (yield from self._settle_consent(tool, ready)):
            self._ready = ready

    def _settle_consent(self, tool: Tool, ready: ReadyCall) -> CallSteps[bool]:
        """Return whether the call may run without a question: it was decided, no policy asks, or a grant answers. Otherwise ask."""
        if ready.decision is None and self._must_ask(tool, ready.runs):
            ready.decision = yield from self._granted(ready.frozen)
            if ready.decision is None:
                yield from self._ask(ready.frozen)
                return False
        return True

    def _carry_out(self) -> CallSteps[Ran]:
        """Carry out the decision about the call: run it, or give it the result of a decision not to run it."""
        if self.has_siblings and self._entry.decision is not None:
            self._catch_up()
        while self._result is None and self._entry.state in SETTLED:
            if (settled := (yield from self._decided())) is not None:
                return settled, None
            # Another decision has replaced this one in the meantime, and counts.
            self._catch_up()
        if self._result is None and self._ready is None and self.pause is None:
            yield from self._weigh()
        if self._ready is not None and self.has_siblings:
            yield from self._look_again(self._ready)
        if self._result is not None:
            return self._result, None
        if self._ready is None:
            assert self.pause is not None
            raise self.pause from None
        assert self.tool is not None
        return (yield from self._run(self.tool, self._ready))

    def _catch_up(self) -> None:
        """Adopt the call's current state if it has changed since the call was prepared."""
        entry, current = self._entry, self.log.call(self._entry.call_id)
        if current is None or (current.state, current.decision) == (entry.state, entry.decision):
            return
        if current.state == "started":
            raise runs_elsewhere()
        self._entry, self._result, self._ready, self.pause = current, current.result, None, None

    def _look_again(self, ready: ReadyCall) -> CallSteps[None]:
        """Ask after all if earlier calls have changed what was approved, or what the policy says about it."""
        assert self.tool is not None
        self.identity, self._policy = None, policy_in_force(self.plan.policy_for(self.tool), self._entry)
        if ready.decision is not None and not self._covers(ready.decision, ready.frozen):
            self._ready = None
            yield from self._ask(ready.frozen)
        elif not (yield from self._settle_consent(self.tool, ready)):
            self._ready = None

    def _run(self, tool: Tool, ready: ReadyCall) -> CallSteps[Ran]:
        entry = self._entry
        left = [] if self._is_new else left_inside(self.log, entry.call_id)
        words = f"asked inside {tool.name}, which {self.plan.model.model_id} called"
        self._nest = nest = Nest(entry.call_id, words, self.log, left)
        call = invocation(tool, ready, self._tool_identity().digest if ready.decision else None, nest, self.log.output)
        try:
            if (yield from self._start(ready.decision)):
                return (yield from self._perform(call, tool, ready, nest))
        except Exception:
            raise
        except BaseException:
            # ■ may strike anywhere. If the start was recorded by then, nobody would carry it out.
            self.log.lose(entry)
            raise
        self._catch_up()
        if self._ready is not None:
            raise runs_elsewhere()
        return (yield from self._carry_out())

    def _perform(self, call: Invoke, tool: Tool, ready: ReadyCall, nest: Nest) -> CallSteps[Ran]:
        """Call the tool of a call that has started, and record the outcome."""
        entry, asked, note = self._entry, self._asked, ready.note
        try:
            text, attachments = yield call
        except ChangedTool:
            self.identity = None
            raise (yield from self._ask(ready.frozen)) from None
        except Pause as pause:
            if pause.paused is not None and pause.paused.requests and pause.paused.log.inside == entry.call_id:
                yield from self.log.move(entry, "suspended", "started")
                yield from nest.suspend()
                raise
            raise (yield from self._ask(ready.frozen, pause)) from None
        except (Exception, SystemExit) as error:
            result = failed_result(asked, f"{note}Error: {told_of(error)}", error)
            result.instance = tool.toolbox
            yield from self.log.move(entry, "failed", "started", result=result)
        else:
            result = ToolResult(asked.name, note + text, attachments, asked.tool_call_id, tool.toolbox)
            yield from self.log.move(entry, "finished", "started", result=result)
        nest.is_over = True
        return result, ready.runs

    def _must_ask(self, tool: Tool, runs: bytes) -> bool:
        """Return whether a human has to decide first, by the policy of this moment or by the one that applied when the question was asked."""
        request = self._entry.request
        is_asked = self._entry.state == "waiting" and request is not None and request.is_required
        return is_asked or (self._policy is not None and applies(self._policy, tool, self._asked, runs))

    def _start(self, decision: Decision | None) -> CallSteps[bool]:
        """Move the call to `started`. Returns whether this succeeded, so that no other continuation runs the call."""
        # A body that pauses by itself runs again when it resumes, so a call without a decision may be waiting already.
        before: list[CallState] = ["proposed", "waiting"] if decision is None else ["approved"]
        return (yield from self.log.move(self._entry, "started", *before, "suspended", decision=decision))

    def _granted(self, frozen: bytes) -> CallSteps[Decision | None]:
        """Return the decision of an "always allow" that covers this call; None where there is none."""
        if self._policy is None or self._policy.destructive:
            return None
        grant = self.log.grant_for(self._tool_identity().digest)
        if grant is None:
            return None
        # The question is recorded before the grant answers it, so that the record shows what was allowed.
        request = yield from self._put_question(frozen, None)
        counts = yield from self.log.allow(self._entry, grant, request.digest)
        return self._entry.decision if counts else None

    def _ask(self, frozen: bytes, pause: Pause | None = None) -> CallSteps[Pause]:
        """Ask a human. Returns the pause with which the chain will stop, after recording it.

        Args:
            pause: what the tool or the hook raised, with its own sentence. Without one, the sentence says that the tool needs approval.
        """
        request = yield from self._put_question(frozen, pause)
        if pause is None:
            pause = self.plan.model._pause(f"{self._asked.name} waits for approval")
        pause.asked, pause.paused = request, None
        pause.tool_call = self._asked
        self.pause = pause
        return pause

    def _put_question(self, frozen: bytes, pause: Pause | None) -> CallSteps[ApprovalRequest]:
        """Record the question to the human, unless the same one is open already."""
        assert self.tool is not None
        entry = self._entry
        request = question_about(
            self.tool,
            entry,
            frozen,
            self._policy,
            reason="" if pause is None else said_by(pause)[1],
            is_required=pause is None,
            identity=self._tool_identity(),
            inside=self.log.asked_inside,
        )
        asks: CallState = "unknown" if entry.state == "unknown" else "waiting"
        if entry.state != asks or request != entry.request:
            yield from self.log.move(entry, asks, entry.state, request=request)
        return request

    def _decided(self) -> CallSteps[ToolResult | None]:
        """Return the result of a call that a human has denied, answered or given up; None if the call has moved to another state."""
        entry = self._entry
        result = decided_result(entry)
        return result if (yield from self.log.move(entry, entry.state, entry.state, result=result)) else None

    def _not_run(self, state: CallState, output: str, error: Exception) -> CallSteps[None]:
        """Give the call a result that says why it does not run."""
        result = failed_result(self._asked, output, error)
        moved = yield from self.log.move(
            self._entry, state, "proposed", "waiting", "approved", "suspended", result=result
        )
        if not (moved or self._entry.state == "unknown"):
            raise runs_elsewhere()
        self._result = result

    def _tool_identity(self) -> Identity:
        if self.identity is None:
            assert self.tool is not None
            self.identity = identify(self.tool)
        return self.identity

    def _covers(self, decision: Decision, frozen: bytes) -> bool:
        """Return whether a decision is about what would run now. A grant's decision ends with the grant."""
        if self._entry.grant_id and self.log.grant_for(self._tool_identity().digest) is None:
            return False
        return covers(decision, self._entry, self._tool_identity().digest, self._policy, frozen)
