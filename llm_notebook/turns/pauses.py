"""Going on after a pause: a human's decision about the waiting call, and the chain that continues from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.approvals.consent import canonical, identity_of, thawed
from llm_notebook.approvals.requests import ApprovalRequest, Decision, Verdict
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import CallEntry, Scope
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import PauseChain, ToolCall
from llm_notebook.tools.outputs import output_text
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.chain import Chain, Hook, ToolRunner
from llm_notebook.turns.log import ChainLog, Origin
from llm_notebook.turns.open_calls import unresolved_calls
from llm_notebook.turns.prompt import Prompt

__all__ = ["ChainPlan", "PausedChain", "Surroundings"]


@dataclass(slots=True)
class Surroundings:
    """What a prompt gets from where it is given: from a bare model nothing, from a conversation its history, tools and hooks.

    Attributes:
        origin: where that is, for the journal.
    """

    model: Any
    conversation: Any = None
    history: Callable[[], list[Message]] | None = None
    tools: Sequence[Any] = ()
    before_call: Hook = None
    after_call: Hook = None
    chain_limit: int | None = 10
    origin: Origin = field(default_factory=Origin)

    def log(self) -> ChainLog:
        """What keeps the turns and calls of a chain, or of a single prompt, that is asked here."""
        journal = process.of(CurrentJournal).journal if self.origin.keeps else None
        conversation_id = self.conversation.conversation_id if self.conversation is not None and journal else ""
        not_saved = process.of(CurrentJournal).problem if self.origin.keeps else ""
        return ChainLog(journal, self.origin, conversation_id, self.conversation, not_saved=not_saved)


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

    def chain_from(self, prompt: Prompt, log: ChainLog | None = None, asked_by: str = "") -> Any:
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
    log: ChainLog
    asked_by: str
    _continuation: Any = None

    def decide(self, verdict: Verdict, *, arguments: dict[str, Any] | None = None, said: Any = "") -> Any:
        """ResponseState the decision; returns the continuation, which runs when it is read.

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
        options = (
            self.prompt.options.model_dump(mode="json", exclude_none=True) if self.prompt.options is not None else {}
        )
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
