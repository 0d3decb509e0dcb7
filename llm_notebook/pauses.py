"""Going on after a pause: a human's decision about the waiting call, and the chain that continues from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.approvals import ApprovalRequest, CallState, Decision, Verdict
from llm_notebook.call_log import CallLog, Place
from llm_notebook.chain import Chain, Hook, ToolRunner
from llm_notebook.identifiers import new_id
from llm_notebook.journals import CallEntry, Journal, Scope, TurnBegun
from llm_notebook.parts import Message
from llm_notebook.prompts import Prompt
from llm_notebook.runtime import runtime
from llm_notebook.tool_identities import canonical, identity_of, thawed
from llm_notebook.tools import PauseChain, Tool, ToolCall, output_text
from llm_notebook.unresolved import unresolved_calls

__all__ = ["ChainPlan", "PausedChain", "Surroundings", "load_pause", "log_after", "pause_with"]


@dataclass(slots=True)
class Surroundings:
    """What a prompt gets from where it is given: from a bare model nothing, from a conversation its history, tools and hooks.

    Attributes:
        place: where that is, for the journal.
    """

    model: Any
    conversation: Any = None
    history: Callable[[], list[Message]] | None = None
    tools: Sequence[Any] = ()
    before_call: Hook = None
    after_call: Hook = None
    chain_limit: int | None = 10
    place: Place = field(default_factory=Place)

    def log(self) -> CallLog:
        """What keeps the turns and calls of a chain, or of a single prompt, that is asked here."""
        journal = runtime.journal if self.place.keeps else None
        conversation_id = self.conversation.conversation_id if self.conversation is not None and journal else ""
        not_saved = runtime.journal_problem if self.place.keeps else ""
        return CallLog(journal, self.place, conversation_id, self.conversation, not_saved=not_saved)


@dataclass(slots=True)
class ChainPlan:
    """How a chain is run, kept so that a paused one can be gone on with.

    Attributes:
        around: the model or conversation the chain belongs to.
        chain_limit: most responses; 0 and None mean no limit.
        parallel_tools: how many tool calls run at once in threads.
    """

    around: Surroundings
    before_call: Hook = None
    after_call: Hook = None
    chain_limit: int | None = 10
    parallel_tools: int | None = None
    stream: bool = True
    key: str | None = None

    def chain_from(self, prompt: Prompt, log: CallLog | None = None, asked_by: str = "") -> Any:
        """The chain that begins with this prompt.

        Args:
            prompt: the first round's.
            log: what was decided about the calls that its history ends with, and what came of them.
            asked_by: the turn that asked for these calls; empty where that is not known.
        """
        around = self.around
        log = around.log() if log is None else log
        if log.journal is not None:
            log.settings = _settings(prompt, self.chain_limit)

        def respond(made: Prompt) -> Any:
            if any(result.attachments for result in made.tool_results):
                # The model may not read what a tool attached.
                around.model.check(made)
            return around.model.response_to(
                made, stream=self.stream, conversation=around.conversation, key=self.key, log=log
            )

        def pause(made: Prompt, turn_id: str, pause: PauseChain) -> PausedChain:
            return PausedChain(self, made, pause.messages, pause.request, log, turn_id)

        runner = ToolRunner((), self.before_call, self.after_call, log)
        chain = Chain(prompt, runner, respond, pause, self.chain_limit or None, asked_by)
        response = around.model.chain_class(chain, parallel_tools=self.parallel_tools)
        response.plan = self
        return response


def _settings(prompt: Prompt, chain_limit: int | None) -> dict[str, Any]:
    """How a chain is asked, as the journal keeps it for who goes on with it later; what says nothing is left out."""
    options = prompt.options.model_dump(mode="json", exclude_none=True) if prompt.options is not None else {}
    settings = {
        "options": options,
        "schema": prompt.schema,
        "hide_reasoning": prompt.hide_reasoning,
        "chain_limit": chain_limit,
        "tools": [getattr(item, "name", type(item).__name__) for item in prompt.tool_sources],
    }
    return {name: value for name, value in settings.items() if value not in (None, False, {}, [])}


@dataclass(slots=True)
class PausedChain:
    """A chain that waits for a human.

    Attributes:
        plan: how the chain is run.
        prompt: the prompt whose options, schema and tools are carried on.
        messages: the history to continue from, results of finished siblings included.
        request: what the human is asked; None where a hook paused after its call had run.
        log: what was decided and what came of it, for all continuations.
        asked_by: the turn that asked for the calls.
    """

    plan: ChainPlan
    prompt: Prompt
    messages: list[Message]
    request: ApprovalRequest | None
    log: CallLog
    asked_by: str
    _continuation: Any = None

    def decide(self, verdict: Verdict, *, arguments: dict[str, Any] | None = None, said: Any = "") -> Any:
        """Record the decision; returns the continuation, which runs when it is read.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: nothing waits for a decision, or the call has been settled already.
            JournalError: the decision cannot be kept, so it does not count.
        """
        if self.request is None:
            raise ValueError("Nothing waits for a decision here: the call has run. resume() goes on.")
        if not self.settle(self.request, verdict, arguments=arguments, said=said):
            if self.entry(self.request).state in ("waiting", "unknown"):
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
        said: Any = "",
        replaces: bool = True,
    ) -> bool:
        """Keep a decision; returns whether it counts.

        Args:
            request: which call it is about, and what was asked.
            verdict, arguments, said: what was decided.
            replaces: it counts also where there is a decision that nothing has come of yet.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            JournalError: it cannot be kept, so it does not count.
        """
        if arguments is not None:
            arguments = thawed(canonical(arguments))
            self._check(request, arguments, self.prompt.tools)
        text, _ = output_text(said)
        return self.log.decide(
            self.entry(request), Decision(verdict, request.digest, arguments, text), replaces=replaces
        )

    def allow(self, request: ApprovalRequest, scope: Scope) -> None:
        """Allow a tool from now on, as far as `scope` reaches from here. The call itself is not decided by that.

        Raises:
            ValueError: the tool is destructive, or nothing is known here that the scope could mean.
        """
        if request.destructive:
            raise ValueError(f"{request.tool_name} is marked destructive: each of its calls is asked about.")
        self.log.grant(request.tool_name, identity_of(request.facts), scope)

    @property
    def has_open_calls(self) -> bool:
        """Its history ends in calls without results, which are run or asked about first."""
        return bool(unresolved_calls(self.messages))

    def entry(self, request: ApprovalRequest) -> CallEntry:
        """The call that the request is about, as it stands now."""
        entry = CallEntry(request.id, self.asked_by, request.tool_call_id, request.tool_name, "waiting", b"{}")
        return self.log.latest(entry)

    def _check(self, request: ApprovalRequest, arguments: dict[str, Any], tools: Sequence[Any]) -> None:
        for tool in tools:
            if isinstance(tool, Tool) and tool.name == request.tool_name:
                tool.arguments_for(ToolCall(tool.name, thawed(canonical(arguments)), request.tool_call_id))

    def resume(self, tools: Sequence[Any] | None = None) -> Any:
        """The chain from here on: the same object every time, unless it has failed or tools are given.

        Args:
            tools: the tools to go on with, where they had to be made anew; a decision counts for an unchanged tool only.

        Raises:
            ToolArgumentError: the arguments that a human edited do not fit the given tool.
        """
        if tools is None and self._continuation is not None and not self._continuation.failed:
            return self._continuation
        prompt = Prompt(
            None,
            self.prompt.model,
            options=self.prompt.options,
            schema=self.prompt.schema_class or self.prompt.schema,
            tools=self.prompt.tool_sources if tools is None else tools,
            messages=self.messages,
            hide_reasoning=self.prompt.hide_reasoning,
        )
        if self.request is not None:
            decision = self.entry(self.request).decision
            if decision is not None and decision.arguments is not None:
                self._check(self.request, decision.arguments, prompt.tools)
        continuation = self.plan.chain_from(prompt, self.log, self.asked_by)
        if tools is None:
            self._continuation = continuation
        return continuation

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict of what waits. The tools are not in it: pass them to `resume()`."""
        options = self.prompt.options.model_dump(exclude_none=True) if self.prompt.options is not None else {}
        calls = self.log.memory.calls()
        return {
            "model": self.prompt.model.model_id,
            "options": options,
            "schema": self.prompt.schema,
            "messages": [message.to_dict() for message in self.messages],
            "request": None if self.request is None else self.request.to_dict(),
            "turn": self.asked_by,
            "decisions": {
                call.tool_call_id: call.decision.to_dict()
                for call in calls
                if call.decision is not None and call.state == call.decision.verdict and call.result is None
            },
            "hide_reasoning": self.prompt.hide_reasoning,
            "chain_limit": self.plan.chain_limit,
        }


def load_pause(
    data: dict[str, Any],
    *,
    model: Any = None,
    tools: Sequence[Any] | None = None,
    before_call: Hook = None,
    after_call: Hook = None,
) -> PauseChain:
    """The pause that `PauseChain.to_dict()` wrote, in this process or another.

    Args:
        data: what `to_dict()` returned.
        model: the model to go on with; the one named in the data if not given.
        tools: the tools to go on with; they can be given to `resume()` instead.
        before_call, after_call: the hooks to go on with. A hook that changes arguments must be given again, or the approved
            arguments are not those that would run, and the human is asked again.

    Raises:
        UnknownModelError: no model is given and none has the name in the data.
    """
    model = model or runtime.registry.model(data["model"])
    messages = [Message.from_dict(message) for message in data["messages"]]
    prompt = Prompt(
        None,
        model,
        options=model.Options(**data.get("options", {})),
        schema=data.get("schema"),
        tools=tools,
        messages=messages,
        hide_reasoning=data.get("hide_reasoning", False),
    )
    around = Surroundings(model)
    plan = ChainPlan(around, before_call, after_call, chain_limit=data.get("chain_limit"))
    request = None if data["request"] is None else ApprovalRequest.from_dict(data["request"])
    asked_by = data.get("turn") or new_id()
    log = _log_of(around, asked_by, request, data.get("decisions", {}))
    return pause_with(data["reason"], request, PausedChain(plan, prompt, messages, request, log, asked_by))


def _log_of(around: Surroundings, asked_by: str, request: ApprovalRequest | None, decisions: dict[str, Any]) -> CallLog:
    """The log to go on with: the journal's where it knows the call, else one made of what the dict says."""
    log = around.log()
    if request is not None and log.journal is not None:
        entry = log.journal.call(request.id)
        turn = log.journal.turn(asked_by) if entry is not None else None
        if turn is not None:
            return log_after(log.journal, turn.begun, around.place)
    log = CallLog()
    for call_id, data in decisions.items():
        decision = Decision.from_dict(data)
        name = request.tool_name if request is not None else ""
        is_asked = request is not None and request.tool_call_id == call_id
        own_id = request.id if request is not None and is_asked else new_id()
        log.memory.adopt(CallEntry(own_id, asked_by, call_id, name, decision.verdict, b"{}", request, decision))
    if request is not None and log.memory.call(request.id) is None:
        state: CallState = "unknown" if request.outcome_unknown else "waiting"
        entry = CallEntry(request.id, asked_by, request.tool_call_id, request.tool_name, state, b"{}", request)
        log.memory.adopt(entry)
    return log


def log_after(journal: Journal, begun: TurnBegun, place: Place) -> CallLog:
    """The log of a chain that goes on after a turn of the journal."""
    return CallLog(
        journal,
        place,
        begun.conversation_id,
        chain_id=begun.chain_id,
        parent_id=begun.turn_id,
        known=journal.messages(begun.turn_id),
    )


def pause_with(reason: str, request: ApprovalRequest | None, paused: PausedChain) -> PauseChain:
    """The pause that a chain which waits would raise."""
    pause = PauseChain(reason)
    pause.messages, pause.request, pause.paused = paused.messages, request, paused
    if request is not None:
        pause.tool_call = ToolCall(request.tool_name, thawed(canonical(request.arguments)), request.tool_call_id)
    return pause
