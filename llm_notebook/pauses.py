"""Going on after a pause: a human's decision about the waiting call, and the chain that continues from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.approvals import ApprovalRequest, Decision, Ledger, Verdict, canonical, thawed
from llm_notebook.chain import Chain, Hook, ToolRunner
from llm_notebook.parts import Message
from llm_notebook.prompts import Prompt
from llm_notebook.runtime import runtime
from llm_notebook.tools import PauseChain, Tool, ToolCall, output_text

__all__ = ["ChainPlan", "PausedChain", "Surroundings", "load_pause"]


@dataclass(slots=True)
class Surroundings:
    """What a prompt gets from where it is given: from a bare model nothing, from a conversation its history, tools and hooks."""

    model: Any
    conversation: Any = None
    history: Callable[[], list[Message]] | None = None
    tools: Sequence[Any] = ()
    before_call: Hook = None
    after_call: Hook = None
    chain_limit: int | None = 10


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

    def chain_from(self, prompt: Prompt, ledger: Ledger | None = None) -> Any:
        """The chain that begins with this prompt.

        Args:
            prompt: the first round's.
            ledger: what humans decided about the calls that its history ends with, and what came of them.
        """
        around = self.around

        def respond(made: Prompt) -> Any:
            if any(result.attachments for result in made.tool_results):
                # The model may not read what a tool attached.
                around.model.check(made)
            return around.model.response_to(made, stream=self.stream, conversation=around.conversation, key=self.key)

        def pause(made: Prompt, pause: PauseChain) -> PausedChain:
            return PausedChain(self, made, pause.messages, pause.request)

        runner = ToolRunner((), self.before_call, self.after_call, ledger or Ledger())
        chain = Chain(prompt, runner, respond, pause, self.chain_limit or None)
        return around.model.chain_class(chain, parallel_tools=self.parallel_tools)


@dataclass(slots=True)
class PausedChain:
    """A chain that waits for a human.

    Attributes:
        plan: how the chain is run.
        prompt: the prompt whose options, schema and tools are carried on.
        messages: the history to continue from, results of finished siblings included.
        request: what the human is asked; None where a hook paused after its call had run.
        ledger: what was decided and what came of it, for all continuations.
    """

    plan: ChainPlan
    prompt: Prompt
    messages: list[Message]
    request: ApprovalRequest | None
    ledger: Ledger = field(default_factory=Ledger)
    _continuation: Any = None

    def decide(self, verdict: Verdict, *, arguments: dict[str, Any] | None = None, said: Any = "") -> Any:
        """Record the decision; returns the continuation, which runs when it is read.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: nothing waits for a decision, or the call has been settled already.
        """
        if self.request is None:
            raise ValueError("Nothing waits for a decision here: the call has run. resume() goes on.")
        if arguments is not None:
            arguments = thawed(canonical(arguments))
            self._check(arguments, self.prompt.tools)
        text, _ = output_text(said)
        self.ledger.decide(self.request.tool_call_id, Decision(verdict, self.request.digest, arguments, text))
        return self.resume()

    def _check(self, arguments: dict[str, Any], tools: Sequence[Any]) -> None:
        assert self.request is not None
        for tool in tools:
            if isinstance(tool, Tool) and tool.name == self.request.tool_name:
                tool.arguments_for(ToolCall(tool.name, thawed(canonical(arguments)), self.request.tool_call_id))

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
        for decision in list(self.ledger.decisions.values()):
            if decision.arguments is not None:
                self._check(decision.arguments, prompt.tools)
        continuation = self.plan.chain_from(prompt, self.ledger)
        if tools is None:
            self._continuation = continuation
        return continuation

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict of what waits. The tools are not in it: pass them to `resume()`."""
        options = self.prompt.options.model_dump(exclude_none=True) if self.prompt.options is not None else {}
        return {
            "model": self.prompt.model.model_id,
            "options": options,
            "schema": self.prompt.schema,
            "messages": [message.to_dict() for message in self.messages],
            "request": None if self.request is None else self.request.to_dict(),
            "decisions": {call_id: decision.to_dict() for call_id, decision in self.ledger.decisions.items()},
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
    options = model.Options(**data.get("options", {}))
    prompt = Prompt(
        None,
        model,
        options=options,
        schema=data.get("schema"),
        tools=tools,
        messages=messages,
        hide_reasoning=data.get("hide_reasoning", False),
    )
    decisions = {call_id: Decision.from_dict(decision) for call_id, decision in data.get("decisions", {}).items()}
    plan = ChainPlan(Surroundings(model), before_call, after_call, chain_limit=data.get("chain_limit"))
    pause = PauseChain(data["reason"])
    pause.messages = messages
    if data["request"] is not None:
        pause.request = request = ApprovalRequest.from_dict(data["request"])
        pause.tool_call = ToolCall(request.tool_name, thawed(canonical(request.arguments)), request.tool_call_id)
    pause.paused = PausedChain(plan, prompt, messages, pause.request, Ledger(decisions))
    return pause
