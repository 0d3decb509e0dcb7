"""The tool loop, without I/O: generators that yield steps and are sent outcomes. `drivers` performs the steps.

A chain asks the model, runs the tools it asks for, and goes on until it asks for none. One call is a generator of its own, in
`tool_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import PauseChain, ToolCall, ToolResult
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.log import ChainLog, Note
from llm_notebook.turns.open_calls import unresolved_calls, with_ids, with_results
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.tool_run import Invoke, ToolRun

__all__ = ["Ask", "Chain", "Hook", "PlannedCall", "Prepare", "Run", "ToolRunner", "chain_steps", "run_with_history"]

Hook = Callable[..., Any] | None


@dataclass(slots=True)
class Ask:
    """Read this response to its end. Sent: nothing."""

    response: Any


@dataclass(slots=True)
class PlannedCall:
    """One call of a batch.

    Attributes:
        steps: yields Invokes and Notes, and returns the ToolResult.
        is_async: the tool is a coroutine function.
    """

    steps: Generator[Invoke | Note, Any, ToolResult]
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


Step = Ask | Invoke | Note | Prepare | Run
Outcome = ToolResult | Exception | None


@dataclass(slots=True)
class ToolRunner:
    """What is needed to run tool calls: the tools, the hooks around them, and what humans have decided.

    Attributes:
        tools: what may be called.
        before_call: called with (tool or None, call) before anything else; may change the call's arguments or cancel it.
        after_call: called with (tool, call, result).
        log: what became of calls, and what humans decided about them.
        finished: results of the latest batch, by call id, as they come.
    """

    tools: Sequence[Any] = ()
    before_call: Hook = None
    after_call: Hook = None
    log: ChainLog = field(default_factory=ChainLog)
    finished: dict[str, ToolResult] = field(default_factory=dict)

    def run(self, calls: list[ToolCall], turn_id: str) -> Generator[Step, Any, list[ToolResult]]:
        """Run the calls.

        Args:
            calls: what the model asked for.
            turn_id: the turn that asked.

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
            run = ToolRun(tool, call, turn_id, self.log, self.before_call, self.after_call, self.finished)
            planned.append(PlannedCall(run.steps(), tool is not None and tool.is_async))
        outcomes: list[Outcome] = yield Run(planned, {"before_call": self.before_call, "after_call": self.after_call})
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


@dataclass(slots=True)
class Chain:
    """A chain's first prompt and how its rounds are run.

    Attributes:
        prompt: the first round's prompt.
        runner: runs the tools.
        respond: makes the lazy response to a prompt.
        limit: most responses; None means no limit.
        pause: makes what a pause needs to go on from (the prompt of its round, the turn that asked, the pause).
        asked_by: the turn that asked for the calls that the first prompt's history ends with; empty where that is not known.
        left: where an interrupted chain can be gone on with: what `pause` made; None unless it was interrupted while tools ran.
    """

    prompt: Prompt
    runner: ToolRunner
    respond: Callable[[Prompt], Any]
    pause: Callable[[Prompt, str, PauseChain], Any]
    limit: int | None = None
    asked_by: str = ""
    left: Any = None


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
        asked_by = chain.asked_by
        if not asked_by:
            asked_by = new_id()
            yield from chain.runner.log.import_history(asked_by, prompt.model.model_id, history)
        results = yield from _run_or_pause(chain, waiting, prompt, history, asked_by)
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
            results = yield from _run_or_pause(chain, calls, prompt, history, response.turn_id)
        finally:
            response.remember(chain.runner.finished.values())
        yield results
        prompt = prompt.next_round(history, results)


def _run_or_pause(
    chain: Chain, calls: list[ToolCall], prompt: Prompt, history: list[Message], asked_by: str
) -> Generator[Step, Any, list[ToolResult]]:
    try:
        return (yield from run_with_history(chain.runner, calls, history, asked_by))
    except PauseChain as pause:
        pause.paused = chain.pause(prompt, asked_by, pause)
        raise
    except Exception:
        raise
    except BaseException:
        stop = PauseChain()
        stop.messages = with_results(history, list(chain.runner.finished.values()))
        chain.left = chain.pause(prompt, asked_by, stop)
        raise


def run_with_history(
    runner: ToolRunner, calls: list[ToolCall], history: list[Message], asked_by: str
) -> Generator[Step, Any, list[ToolResult]]:
    """Run calls; a pause gets the history to resume from."""
    try:
        return (yield from runner.run(calls, asked_by))
    except PauseChain as pause:
        pause.messages = with_results(history, pause.tool_results)
        raise
