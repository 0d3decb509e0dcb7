"""The tool loop, without I/O: a chain asks the model, runs the tools that it asks for, and continues until it asks for none.

How it works. A `Chain` consists of a generator, `_rounds()`, and of what the generator has produced so far, `items`: the responses, and between
them lists of tool results. Readers ask for the item at a position. If it does not exist yet, `steps_to()` advances the generator and yields the
steps that a driver has to perform: reading a response to its end (`Ask`), running a batch of calls (`Run`), letting Toolboxes prepare
themselves (`Prepare`), recording an operation (`Note`). `drivers` performs them, once with and once without `await`.

A response is handed to the reader *before* it is read, so that it can be streamed; its `Ask` is put off until the reader wants the item
after it. Several readers share one chain, each at its own position, and nothing is asked or run twice. An error is kept, and every reader that
reaches it gets the same one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextvars import ContextVar, copy_context
from threading import Thread
from typing import Any

from llm_notebook.approvals.running import INHERITS, in_tool, let_tools_own_what_they_start
from llm_notebook.errors import ChainLimitReached, IncompleteResponse
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message, StreamEvent
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.invoking import CallSteps
from llm_notebook.turns.calls.nesting import LeftRound, Nest, current_nest
from llm_notebook.turns.calls.open_calls import unresolved_calls, with_ids, with_results
from llm_notebook.turns.calls.tool_run import ToolRun
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.messages.going_on import went_on
from llm_notebook.turns.messages.joining import Renumbering, result_events
from llm_notebook.turns.pauses import Pause, PausedChain
from llm_notebook.turns.plan import ChainPlan, LazyResponse, ToolsFound
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.steps import Ask, Outcome, PlannedCall, Prepare, Run, Step, Steps
from llm_notebook.turns.turn import RetryNotice, Turn

__all__ = ["Chain", "ChainItem"]

# The chains whose tools are running in this context, so that a tool that reads its own chain does not wait for itself.
_running: ContextVar[frozenset[object]] = ContextVar("llm_notebook_chains", default=frozenset())

ChainItem = LazyResponse | list[ToolResult]


class Chain:
    """One chain: what it has produced so far, and the generator that produces the rest.

    Attributes:
        prompt: the first round's prompt.
        plan: how the chain is run.
        log: records its turns and calls; `log.on_call` is called with every change of a call.
        items: the responses so far, and between them the results of the tool calls.
        on_retry: called before a request is sent again.
        left: where the chain can continue if it was interrupted while tools ran, or has reached its limit; otherwise None.
        went_on: whether the conversation has continued while the calls waited, so that the next prompt tells the model their results.
    """

    def __init__(
        self, prompt: Prompt, plan: ChainPlan, log: ChainLog, asked_by: str = "", rounds_before: int = 0
    ) -> None:
        """Create a chain; nothing happens until it is read.

        Args:
            asked_by: the turn that asked for the calls at the end of the prompt's history; empty if it is not known.
            rounds_before: how many responses the chain had before the pause from which it continues; they count towards its limit.
        """
        self.prompt = prompt
        self.plan = plan
        self.log = log
        self.items: list[ChainItem] = []
        self.on_retry: Callable[[RetryNotice], object] | None = None
        self.left: PausedChain | None = None
        self.went_on = False
        self._asked_by = asked_by
        self._round = rounds_before
        self._rest = self._rounds()
        self._put_off: Ask | None = None
        self._outcome: object = None
        self._failure: BaseException | None = None
        self._error: BaseException | None = None
        self._is_over = False
        # Code that a tool leaves running remembers this key, so that no later chain is mistaken for this one.
        self._key = object()

    def responses(self) -> list[LazyResponse]:
        """Return the responses that have begun so far, oldest first."""
        return [item for item in self.items if not isinstance(item, list)]

    @property
    def has_begun(self) -> bool:
        """Whether anything was asked or run, or was attempted."""
        return (
            bool(self.items)
            or self._is_over
            or self._error is not None
            or inspect.getgeneratorstate(self._rest) != inspect.GEN_CREATED
        )

    @property
    def latest(self) -> LazyResponse | None:
        """The response that began last; None before the first."""
        responses = self.responses()
        return responses[-1] if responses else None

    @property
    def has_failed(self) -> bool:
        """Whether the chain ended in an error, which a pause is not."""
        return self._error is not None and not isinstance(self._error, Pause)

    @property
    def has_paused(self) -> bool:
        """Whether the chain has been read up to a call that waited for a human."""
        return isinstance(self._error, Pause)

    def messages(self) -> list[Message]:
        """Return what was said so far; nothing is sent or waited for."""
        if self.latest is not None:
            return self.latest._turn.messages()
        # A chain that only runs waiting calls may end without a response.
        results = [result for item in self.items if isinstance(item, list) for result in item]
        return with_results(self.prompt.said, results)

    def events(self) -> Iterator[StreamEvent]:
        """Yield every event that has arrived so far; nothing is sent or waited for."""
        renumbered = Renumbering()
        for item in list(self.items):
            renumbered.begin()
            yield from map(renumbered, result_events(item) if isinstance(item, list) else item._turn.state.events())

    def has(self, position: int) -> bool | None:
        """Return whether there is an item at `position`: True, False if there never will be, None if only further steps can tell.

        Raises:
            BaseException: what ended the chain before that.
            RuntimeError: one of the chain's own tools asks, which would wait for itself forever.
        """
        if len(self.items) > position:
            return True
        if self._error is not None:
            raise self._error
        if self._key in _running.get():
            raise RuntimeError("A tool cannot read on in the chain that runs it: the chain waits for the tool.")
        return False if self._is_over else None

    def steps_to(self, position: int) -> Steps[bool]:
        """Yield steps until it is known whether there is an item at `position`, and return that."""
        try:
            return (yield from self._steps_to(position))
        except Exception:
            raise
        except BaseException:
            self._give_up()
            raise

    def _steps_to(self, position: int) -> Steps[bool]:
        while (has := self.has(position)) is None:
            step = self._next_step()
            if step is None:
                continue
            others = _running.get() - {self._key}
            try:
                _running.set(others | {self._key})
                self._outcome = yield step
            except BaseException as error:
                self._failure = error
            finally:
                _running.set(others)
        return has

    def run(
        self,
        calls: list[ToolCall],
        prompt: Prompt,
        history: list[Message],
        asked_by: str,
        turn: Turn | None = None,
        found: ToolsFound | None = None,
    ) -> Steps[list[ToolResult]]:
        """Run the calls of a turn. If a human may be asked about one, all are prepared and asked about before any of them runs.

        Args:
            calls: what the model asked for.
            prompt: the prompt whose tools may be called, and with whose options the chain continues after a pause.
            history: the messages, which end in these calls.
            asked_by: the turn that asked.
            turn: remembers the results, if that turn is in this process.
            found: what is known about the tools, if it was found out a moment ago and nothing has run since.

        Raises:
            Pause: calls wait for a human. It is the pause of the first such call; `.tool_results` are the results of its siblings.
            Exception: what a hook raised.
        """
        finished: dict[str, ToolResult] = {}
        runs, may_ask = self._runs_of(calls, prompt, asked_by, finished, found)
        try:
            if may_ask:
                yield from _prepared(runs)
            planned = [PlannedCall(run.steps(), run.tool, run.pause is not None) for run in runs]
            hooks = {"before_call": self.plan.before_call, "after_call": self.plan.after_call}
            outcomes: list[Outcome] = yield Run(planned, hooks)
            if any(isinstance(outcome, Pause) for outcome in outcomes):
                # The questions of later calls are shown together with its own.
                yield from _prepared(runs)
        except Exception:
            raise
        except BaseException:
            messages = with_results(history, list(finished.values()))
            self.left = PausedChain(self.plan, prompt, messages, [], self.log, asked_by, self._round)
            raise
        finally:
            if turn is not None and finished:
                turn.remember(finished.values())
        results = [finished[call.tool_call_id] for call in calls if call.tool_call_id in finished]
        stops = [run.pause or outcome for run, outcome in zip(runs, outcomes, strict=True)]
        if any(isinstance(stop, Exception) for stop in stops):
            raise self._stop_of(stops, prompt, history, results, asked_by)
        return results

    def _runs_of(
        self,
        calls: list[ToolCall],
        prompt: Prompt,
        asked_by: str,
        finished: dict[str, ToolResult],
        found: ToolsFound | None,
    ) -> tuple[list[ToolRun], bool]:
        """Return a run for each call, and whether a policy may ask about one of them."""
        tools = {tool.name: tool for tool in prompt.tools if isinstance(tool, Tool)}
        runs, may_ask = list[ToolRun](), False
        for call in calls:
            tool = tools.get(call.name)
            if found is not None:
                policy, identity = found.policies.get(call.name), found.identities.get(id(tool))
            else:
                policy, identity = self.plan.policy_for(tool) if tool is not None else None, None
            may_ask = may_ask or policy is not None
            has_siblings = len(calls) > 1
            runs.append(ToolRun(self.plan, self.log, tool, policy, call, asked_by, finished, has_siblings, identity))
        return runs, may_ask

    def _stop_of(
        self,
        stops: list[Pause | Outcome],
        prompt: Prompt,
        history: list[Message],
        results: list[ToolResult],
        asked_by: str,
    ) -> Exception:
        """Return what stops a batch of calls: an error, or else the pause of the first waiting call, which includes the other questions."""
        pauses = [stop for stop in stops if isinstance(stop, Pause)]
        for stop in stops:
            if isinstance(stop, Exception) and not isinstance(stop, Pause):
                return stop
        # A pause that already belongs to a chain is about calls inside the tool.
        asking = [pause.paused for pause in pauses if pause.paused is not None]
        requests = [request for pause in pauses for request in pause.questions]
        messages = with_results(history, results)
        paused = PausedChain(self.plan, prompt, messages, requests, self.log, asked_by, self._round, asking)
        pauses[0].tool_results, pauses[0].messages, pauses[0].paused = results, messages, paused
        return pauses[0]

    def _rounds(self) -> Generator[Step | list[ToolResult], object, None]:
        """Yield the steps of the whole chain, and the results of each batch of calls as a list.

        Raises:
            Pause: a call waits for a human.
            ChainLimitReached: the limit is reached and the model still asks for tools; they were not run.
        """
        prompt = self.prompt
        if toolboxes := prompt.toolboxes:
            yield Prepare(toolboxes)
        nest = current_nest() if not self.log.chain_id else None
        if nest is not None:
            nest.rewind(self.plan.conversation)
        prompt.freeze()
        if prompt.tools and not hasattr(Thread.start, INHERITS):
            # Some code of a tool runs before it is called.
            let_tools_own_what_they_start()
        left = [] if nest is None else self._take_up(prompt, nest)
        history = with_ids(prompt.said)
        may_resume = prompt.tools or self._asked_by or left or self.plan.conversation
        waiting = unresolved_calls(history) if may_resume else []
        turn = self._turn_to_continue() if waiting and not left and not self._asked_by else None
        found: ToolsFound | None = self.plan.describe(prompt, self.log)
        if waiting:
            asked_by = self._asked_by or (turn.turn_id if turn is not None else "")
            if not asked_by:
                # Other tasks may run in the meantime, and mark a tool.
                asked_by, found = (yield from self._turn_asking(history, left)), None
            results = yield from self.run(waiting, prompt, history, asked_by, turn, found)
            yield results
            # Then the next prompt of the conversation tells the model.
            self.went_on = went_on(self.log, asked_by, waiting)
            if self.went_on:
                return
            prompt = prompt.next_round(history, results)
        limit = self.plan.chain_limit
        while True:
            response = self.plan.model._respond(prompt, self.plan, self.log)
            if left:
                self._recall(response, left.pop(0))
            yield Ask(response)
            self._round += 1
            turn = response._turn
            calls, turn_id = turn.calls(), turn.turn_id
            if not (calls or turn.is_paused_by_provider or left):
                return
            if limit and self._round >= limit:
                raise self._limit_reached(limit, turn, calls)
            history = turn.messages()
            # A provider that has paused continues with its own tools when it is sent its own answer.
            results = []
            if calls:
                results = yield from self.run(calls, turn.prompt, history, turn_id, turn)
                yield results
            prompt = prompt.next_round(history, results)

    def _limit_reached(self, limit: int, turn: Turn, calls: list[ToolCall]) -> ChainLimitReached:
        # A caller that wants the chain to continue allows as many responses again.
        self.left = PausedChain(self.plan, turn.prompt, turn.messages(), [], self.log, turn.turn_id)
        return ChainLimitReached(limit, [call.name for call in calls])

    def _give_up(self) -> None:
        """End the chain after ■, which may strike between any two instructions: nobody performs the step for which the generator waits."""
        _running.set(_running.get() - {self._key})
        if self._error is None and not self._is_over:
            self._error = IncompleteResponse("The chain was interrupted before its end.")
        self._rest.close()

    def _turn_asking(self, history: list[Message], left: list[LeftRound]) -> Generator[Step, object, str]:
        """Return the turn that asked for the calls at the end of a history. If none is known, one is created for them."""
        if left:
            # The record begins with the turn that was created for these calls.
            asked_by = left.pop(0).turn_id
            self.log.continue_from(asked_by, history)
        else:
            asked_by = new_id()
            yield from self.log.import_history(asked_by, self.plan.model.model_id, history)
        return asked_by

    def _turn_to_continue(self) -> Turn | None:
        """Take up and return the turn of the conversation whose calls this chain runs; None if they belong to another turn."""
        conversation = self.plan.conversation
        is_own = not self.log.inside and self.prompt.follows_conversation
        turn = conversation._latest_turn() if conversation is not None and is_own else None
        if turn is None or not self.log.take_up(turn):
            return None
        self.plan.keep_policies_of(turn)
        return turn

    def _take_up(self, prompt: Prompt, nest: Nest) -> list[LeftRound]:
        """Return the answers of the record that this chain takes up, if its tool has run before."""
        left = nest.enter(prompt, self.plan, self.log, lambda: [response._turn for response in self.responses()])
        return [] if left is None else list(left.rounds)

    def _recall(self, response: LazyResponse, left: LeftRound) -> None:
        response._recall(left)
        if left.is_kept:
            self.log.parent = response._turn

    def _next_step(self) -> Step | None:
        """Return the next step to perform; None where an item was added or the chain is over."""
        put_off, self._put_off = self._put_off, None
        if put_off is not None and not put_off.response._turn.is_complete:
            return put_off
        failure, self._failure = self._failure, None
        outcome, self._outcome = self._outcome, None
        try:
            # The calls of a turn are prepared here, which may run code of their tools. It decides about nothing.
            context = copy_context()
            context.run(in_tool.set, False)
            throw: Callable[[BaseException], Any] = self._rest.throw
            step = context.run(self._rest.send, outcome) if failure is None else context.run(throw, failure)
        except StopIteration:
            self._is_over = True
            return None
        except Exception as error:
            self._error = error
            raise
        if isinstance(step, Ask):
            step.response._turn.on_retry = self.on_retry
            self.items.append(step.response)
            self._put_off = step
            return None
        if isinstance(step, list):
            self.items.append(step)
            return None
        return step


def _prepared(runs: list[ToolRun]) -> CallSteps[None]:
    """Prepare those calls that are not prepared yet, in the model's order."""
    for run in runs:
        if not run.is_prepared:
            yield from run.prepare()
