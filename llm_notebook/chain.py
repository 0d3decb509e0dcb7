"""The tool loop, without I/O: generators that yield steps and are sent outcomes. `drivers` performs the steps.

A chain asks the model, runs the tools it asks for, and goes on until it asks for none. One call is a generator of its own:
`before_call`, freezing, approval, the tool, `after_call`, in this order, sync or async alike.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.approvals import (
    ApprovalPolicy,
    ApprovalRequest,
    Decision,
    Ledger,
    canonical,
    digest,
    policy_of,
    thawed,
)
from llm_notebook.errors import ToolArgumentError
from llm_notebook.parts import Message, json_text
from llm_notebook.prompts import Prompt
from llm_notebook.signatures import TOOL_CALL_PARAMETER
from llm_notebook.tools import CancelToolCall, PauseChain, Tool, Toolbox, ToolCall, ToolResult, output_text
from llm_notebook.unresolved import unresolved_calls, with_ids, with_results

__all__ = [
    "Ask",
    "Chain",
    "Hook",
    "Invoke",
    "PlannedCall",
    "Prepare",
    "Run",
    "ToolRunner",
    "chain_steps",
    "run_with_history",
]

Hook = Callable[..., Any] | None


@dataclass(slots=True)
class Ask:
    """Read this response to its end. Sent: nothing."""

    response: Any


@dataclass(slots=True)
class Invoke:
    """Call a hook or a tool, awaiting it where it is async. Sent: what it returned; thrown: what it raised.

    Attributes:
        hook: the name of the hook this is, None for a tool.
        consent: a human has approved the call that this runs.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    consent: bool = False


@dataclass(slots=True)
class PlannedCall:
    """One call of a batch.

    Attributes:
        steps: yields Invokes and returns the ToolResult.
        is_async: the tool is a coroutine function.
    """

    steps: Generator[Invoke, Any, ToolResult]
    is_async: bool


@dataclass(slots=True)
class Run:
    """Run a batch of calls. Sent: for each call its ToolResult, what it raised, or None where it was not started.

    Attributes:
        hooks: the hooks around the calls, by name.
    """

    calls: list[PlannedCall]
    hooks: dict[str, Hook] = field(default_factory=dict)


@dataclass(slots=True)
class Prepare:
    """Let these Toolboxes set themselves up, each once, before their tools are used. Sent: nothing."""

    toolboxes: list[Toolbox]


Step = Ask | Invoke | Prepare | Run
Outcome = ToolResult | Exception | None


@dataclass(slots=True)
class ToolRunner:
    """What is needed to run tool calls: the tools, the hooks around them, and what humans have decided.

    Attributes:
        tools: what may be called.
        before_call: called with (tool or None, call) before anything else; may change the call's arguments or cancel it.
        after_call: called with (tool, call, result).
        ledger: what humans decided about the first batch of calls, and what came of it.
        finished: results of the latest batch, by call id, as they come.
    """

    tools: Sequence[Any] = ()
    before_call: Hook = None
    after_call: Hook = None
    ledger: Ledger = field(default_factory=Ledger)
    finished: dict[str, ToolResult] = field(default_factory=dict)

    def run(self, calls: list[ToolCall]) -> Generator[Step, Any, list[ToolResult]]:
        """Run the calls.

        Raises:
            PauseChain: a call waits for a human; `.tool_results` are the finished siblings.
            Exception: what a hook raised.
        """
        if not calls:
            return []
        self.finished = {}
        by_name = {tool.name: tool for tool in self.tools if isinstance(tool, Tool)}
        planned = []
        for call in calls:
            tool = by_name.get(call.name)
            planned.append(PlannedCall(self._call(tool, call), tool is not None and tool.is_async))
        outcomes: list[Outcome] = yield Run(planned, {"before_call": self.before_call, "after_call": self.after_call})
        self.ledger = Ledger()
        results = [self.finished[call.tool_call_id] for call in calls if call.tool_call_id in self.finished]
        failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        for failure in failures:
            if not isinstance(failure, PauseChain):
                raise failure
        for pause in failures:
            assert isinstance(pause, PauseChain)
            pause.tool_results = results
            raise pause
        return results

    def _call(self, tool: Tool | None, call: ToolCall) -> Generator[Invoke, Any, ToolResult]:
        """One call from its hook to its hook; what another continuation of the same pause has done is not done again."""
        assert call.tool_call_id is not None
        call_id, ledger = call.tool_call_id, self.ledger
        result = ledger.begin(call_id)
        if result is not None:
            self.finished[call_id] = result
            return result
        try:
            result, ran = yield from self._result_of(tool, call, ledger)
        except BaseException as error:
            ledger.stopped(call_id, is_known=isinstance(error, Exception))
            raise
        self.finished[call_id] = result
        ledger.finished(call_id, result)
        if ran is not None and self.after_call is not None:
            try:
                yield Invoke(self.after_call, (tool, ran, result), hook="after_call")
            except PauseChain as pause:
                pause.tool_call = ran
                raise
        return result

    def _result_of(
        self, tool: Tool | None, call: ToolCall, ledger: Ledger
    ) -> Generator[Invoke, Any, tuple[ToolResult, ToolCall | None]]:
        """The result, and the call that the tool was run with, None where it was not run."""
        asked = ToolCall(call.name, call.arguments, call.tool_call_id)
        hooks_pause: PauseChain | None = None
        unsound = _unsound(asked)
        try:
            if self.before_call is not None:
                yield Invoke(self.before_call, (tool, call), hook="before_call")
        except CancelToolCall as cancelled:
            return _failed(asked, f"Cancelled: {cancelled}", cancelled), None
        except PauseChain as pause:
            hooks_pause = pause
        if tool is None:
            error = KeyError(f"tool {asked.name!r} does not exist")
            return _failed(asked, f"Error: {error.args[0]}", error), None
        asked.arguments = call.arguments
        if unsound is not None and _unsound(asked):
            return _failed(asked, f"Error: {unsound}", unsound), None
        frozen = _frozen(asked)
        asked.arguments = thawed(frozen)
        decision = ledger.taken(asked.tool_call_id, lambda: digest(tool, frozen, asked.tool_call_id or ""))
        if decision is None and hooks_pause is not None:
            raise _pause(hooks_pause, tool, asked, frozen)
        if decision is not None and decision.verdict != "approved":
            return _decided(asked, decision), None
        return (yield from self._run(tool, asked, frozen, decision))

    def _run(
        self, tool: Tool, asked: ToolCall, frozen: bytes, decision: Decision | None
    ) -> Generator[Invoke, Any, tuple[ToolResult, ToolCall | None]]:
        edited = decision.arguments if decision is not None else None
        runs = frozen if edited is None else canonical(edited)
        note = "" if runs == frozen else f"(The user changed the arguments to {json_text(edited)}.)\n"
        try:
            arguments = tool.arguments_for(ToolCall(asked.name, thawed(runs), asked.tool_call_id))
        except ToolArgumentError as error:
            return _failed(asked, f"{note}Error: {error}", error), None
        policy = policy_of(tool)
        if policy is not None and decision is None and _applies(policy, tool, asked, runs):
            raise _pause(PauseChain(f"{tool.name} waits for approval"), tool, asked, frozen)
        body = _body(tool)
        try:
            value = yield Invoke(body, kwargs=arguments, consent=decision is not None)
        except PauseChain as pause:
            raise _pause(pause, tool, asked, frozen) from None
        except Exception as error:
            result = _failed(asked, f"{note}Error: {str(error) or type(error).__name__}", error)
            result.instance = tool.toolbox
        else:
            text, attachments = output_text(value)
            result = ToolResult(asked.name, note + text, attachments, asked.tool_call_id, tool.toolbox)
        return result, ToolCall(asked.name, thawed(runs), asked.tool_call_id)


@dataclass(slots=True)
class Chain:
    """A chain's first prompt and how its rounds are run.

    Attributes:
        prompt: the first round's prompt.
        runner: runs the tools.
        respond: makes the lazy response to a prompt.
        limit: most responses; None means no limit.
        pause: makes what a pause needs to go on from (the prompt of its round, the pause).
    """

    prompt: Prompt
    runner: ToolRunner
    respond: Callable[[Prompt], Any]
    pause: Callable[[Prompt, PauseChain], Any]
    limit: int | None = None


def chain_steps(chain: Chain) -> Generator[Step | list[ToolResult], Any, None]:
    """The steps of a chain. Finished tool results are yielded as lists too, for who watches; nothing is sent for them.

    Raises:
        PauseChain: a call waits for a human; `.messages` is the history to resume from.
        ValueError: the chain's limit is reached and the model still asks for tools; they were not run.
    """
    prompt = chain.prompt
    yield Prepare(prompt.toolboxes)
    chain.runner.tools = prompt.tools
    history = with_ids(prompt.messages)
    waiting = unresolved_calls(history)
    if waiting:
        results = yield from _run_or_pause(chain, waiting, prompt, history)
        yield results
        prompt = prompt.next_round(history, results)
    rounds = 0
    while True:
        response = chain.respond(prompt)
        yield Ask(response)
        rounds += 1
        calls = response.calls_so_far()
        if not calls:
            return
        if chain.limit and rounds >= chain.limit:
            raise ValueError(
                f"The chain reached its limit of {chain.limit} responses while the model still asked for "
                f"{', '.join(call.name for call in calls)}; nothing of that was run. A higher chain_limit lets it go on."
            )
        history = [*response.prompt.messages, *response.partial]
        # A tool may have added tools to its Toolbox since.
        chain.runner.tools = response.prompt.tools
        try:
            results = yield from _run_or_pause(chain, calls, prompt, history)
        finally:
            response.remember(chain.runner.finished.values())
        yield results
        prompt = prompt.next_round(history, results)


def _run_or_pause(
    chain: Chain, calls: list[ToolCall], prompt: Prompt, history: list[Message]
) -> Generator[Step, Any, list[ToolResult]]:
    try:
        return (yield from run_with_history(chain.runner, calls, history))
    except PauseChain as pause:
        pause.paused = chain.pause(prompt, pause)
        raise


def run_with_history(
    runner: ToolRunner, calls: list[ToolCall], history: list[Message]
) -> Generator[Step, Any, list[ToolResult]]:
    try:
        return (yield from runner.run(calls))
    except PauseChain as pause:
        pause.messages = with_results(history, pause.tool_results)
        raise


def _body(tool: Tool) -> Callable[..., Any]:
    if tool.implementation is None:
        raise ValueError(
            f"Tool {tool.name} has no implementation: it is described to the model but cannot be run here."
        )
    return tool.implementation


def _unsound(call: ToolCall) -> Exception | None:
    """Why the arguments have no JSON form: models write NaN, for one."""
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
    """Whether a human must be asked. A condition that fails asks: silence is not consent."""
    if policy.when is None:
        return True
    try:
        # Arguments of its own: what a condition does to them must not change what runs.
        arguments = tool.arguments_for(ToolCall(call.name, thawed(runs), call.tool_call_id))
        arguments.pop(TOOL_CALL_PARAMETER, None)
        return bool(policy.when(**arguments))
    except Exception:
        return True


def _pause(pause: PauseChain, tool: Tool, call: ToolCall, frozen: bytes) -> PauseChain:
    policy = policy_of(tool)
    assert call.tool_call_id is not None
    pause.tool_call = call
    pause.request = ApprovalRequest(
        tool_name=tool.name,
        arguments=thawed(frozen),
        tool_call_id=call.tool_call_id,
        reason=str(pause),
        digest=digest(tool, frozen, call.tool_call_id),
        destructive=policy is not None and policy.destructive,
    )
    return pause


def _decided(call: ToolCall, decision: Decision) -> ToolResult:
    """The result of a call that a human took out of the tool's hands."""
    if decision.verdict == "answered":
        return ToolResult(call.name, decision.text, [], call.tool_call_id)
    reason = f": {decision.text}" if decision.text else ""
    return ToolResult(call.name, f"Denied by the user{reason}", [], call.tool_call_id)


def _failed(call: ToolCall, output: str, error: Exception) -> ToolResult:
    return ToolResult(call.name, output, [], call.tool_call_id, exception=error)
