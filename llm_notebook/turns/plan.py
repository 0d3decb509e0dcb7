"""How a chain is run, and what it needs of its model and its conversation, which live in a room above this one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.approvals.identity import Identity, identify_all
from llm_notebook.approvals.marks import policy_of
from llm_notebook.approvals.policy import ApprovalPolicy, ChainPolicy
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.origin import Origin

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.tools.calls import ToolCall, ToolResult
    from llm_notebook.turns.calls.nesting import LeftRound
    from llm_notebook.turns.pauses import Pause
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.turn import Turn

__all__ = [
    "AfterCall",
    "BeforeCall",
    "ChainConversation",
    "ChainModel",
    "ChainPlan",
    "LazyResponse",
    "ToolsFound",
    "open_log",
]

_NOWHERE = Origin()
BeforeCall = Callable[["Tool | None", "ToolCall"], object]
"""A hook that is called with (tool or None, call) before a call; it may change the call's arguments or cancel the call."""
AfterCall = Callable[["Tool", "ToolCall", "ToolResult"], object]
"""A hook that is called with (tool, call, result) after a call."""


class LazyResponse(Protocol):
    """What a chain needs of a response: its turn, and a way to read it to the end, which is awaited in an async chain."""

    @property
    def _turn(self) -> Turn: ...

    def _read_all(self) -> object: ...

    def _recall(self, left: LeftRound) -> None: ...


class ChainModel(Protocol):
    """What a chain needs of its model."""

    model_id: str
    attachment_types: frozenset[str] | set[str]
    Options: Any

    def _check(self, prompt: Prompt) -> None:
        """Refuse what the model lacks before anything is sent."""

    def _respond(self, prompt: Prompt, plan: ChainPlan, log: ChainLog) -> LazyResponse:
        """Return the lazy response to a prompt."""

    def _chain(
        self, prompt: Prompt, plan: ChainPlan, log: ChainLog, asked_by: str = "", rounds_before: int = 0
    ) -> object:
        """Return the lazy chain that begins with a prompt, as an object of the public API."""

    def _pause(self, reason: str) -> Pause:
        """Return the pause that a chain raises, as an object of the public API."""


class ChainConversation(Protocol):
    """What a chain needs of its conversation."""

    @property
    def conversation_id(self) -> str: ...

    @property
    def _origin(self) -> Origin: ...

    def _latest_kept(self) -> Turn | None:
        """Return the latest turn that is in the journal."""

    def _latest_turn(self) -> Turn | None:
        """Return the turn that the history ends with."""

    def _forget(self, turn_ids: Collection[str]) -> None:
        """Leave out turns that are about to be repeated."""


@dataclass(slots=True)
class ToolsFound:
    """What was found out about the tools of a prompt. It is valid until something runs.

    Attributes:
        policies: when a human is asked about their calls, by the names of the tools.
        identities: their identities, by the `id()` of the tool.
    """

    policies: Mapping[str, ApprovalPolicy]
    identities: Mapping[int, Identity] = field(default_factory=dict)


@dataclass(slots=True)
class ChainPlan:
    """How a chain is run. A paused chain keeps its plan, so that it can continue in the same way.

    Attributes:
        model: the model.
        conversation: the conversation to which the chain belongs, if any.
        before_call, after_call: the hooks around each tool call.
        chain_limit: how many responses the chain may have; 0 and None mean no limit.
        parallel_tools: how many tool calls run at once in threads; None runs them in order.
        stream: whether answers arrive piece by piece, if the model can do that.
        key: the API key, the name of a stored one, or a function that returns a key.
        policy: which calls a human is asked about, besides those of marked tools.
        rounds: holds the responses of a chain that belongs to no conversation, so that the model finds them in the usual place.
    """

    model: ChainModel
    conversation: ChainConversation | None = None
    before_call: BeforeCall | None = None
    after_call: AfterCall | None = None
    chain_limit: int | None = 10
    parallel_tools: int | None = None
    stream: bool = True
    key: KeySource | None = None
    policy: ChainPolicy = field(default_factory=ChainPolicy)
    rounds: ChainConversation | None = None

    def policy_for(self, tool: Tool) -> ApprovalPolicy | None:
        """Return when a human is asked about calls of a tool, by its current marks; None if nobody is."""
        return self.policy.policy_for(tool.name, policy_of(tool))

    def keep_policies(self, prompt: Prompt) -> dict[str, ApprovalPolicy]:
        """Remember the policies for a prompt's tools, for continuations that get other tools.

        Returns:
            The policies, by the names of the tools that have one.

        Raises:
            ModelError: a policy names a tool that does not exist.
        """
        tools = [tool for tool in prompt.tools if isinstance(tool, Tool)]
        missing = sorted(self.policy.named - {tool.name for tool in tools})
        if missing:
            among = f" The tools are {', '.join(tool.name for tool in tools)}." if tools else ""
            raise ModelError(f"Calls of {missing[0]} are to be approved, but there is no such tool.{among}")
        return self.policy.keep([(tool.name, policy_of(tool)) for tool in tools])

    def keep_policies_of(self, turn: Turn) -> None:
        """Apply another chain's policy and the marks of its tools to the calls of its turn."""
        if turn.log.policy is not None:
            self.policy = self.policy.joined(turn.log.policy)
        self.policy.keep([(tool.name, policy_of(tool)) for tool in turn.prompt.tools if isinstance(tool, Tool)])

    def describe(self, prompt: Prompt, log: ChainLog) -> ToolsFound:
        """Do what `keep_policies()` does, and tell the log how the chain is run, so that a chain that continues it asks at least as often."""
        found = ToolsFound(self.keep_policies(prompt))
        log.policy = self.policy
        if log.journal is not None:
            approval, identities = self.policy.to_dict(), list[str]()
            if prompt.tool_sources:
                found.identities, identities = identify_all(prompt.tool_sources)
            settings = {
                "approval": approval,
                "chain_limit": self.chain_limit,
                **prompt.settings(),
                "identities": identities,
            }
            for name, value in list(settings.items()):
                # Values that say nothing are left out.
                if value in (None, False, {}, []):
                    del settings[name]
            log.settings = settings
        return found


def open_log(conversation: ChainConversation | None) -> ChainLog:
    """Return the log of a new chain, or of a single prompt.

    Args:
        conversation: the conversation in which it is asked; None for a single prompt.
    """
    origin = conversation._origin if conversation is not None else _NOWHERE
    if not origin.keeps:
        return ChainLog(origin=origin)
    current = process.of(CurrentJournal)
    log = ChainLog(current.journal, origin)
    log.not_saved = current.problem
    if conversation is not None:
        log.latest_kept = conversation._latest_kept
        log.conversation_id = conversation.conversation_id if log.journal is not None else ""
    return log
