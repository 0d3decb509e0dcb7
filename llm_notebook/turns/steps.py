"""The steps that a chain yields, for the drivers to perform."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from llm_notebook.tools.calls import ToolResult
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.calls.invoking import CallSteps, Invoke
from llm_notebook.turns.calls.noting import Note
from llm_notebook.turns.plan import AfterCall, BeforeCall, LazyResponse

__all__ = ["Ask", "Outcome", "PlannedCall", "Prepare", "Run", "Step", "Steps"]

T = TypeVar("T")


@dataclass(slots=True)
class Ask:
    """The step "read this response to its end". Nothing is sent back."""

    response: LazyResponse


@dataclass(slots=True)
class PlannedCall:
    """One call of a batch.

    Attributes:
        steps: yields Invokes and Notes, and returns the ToolResult.
        tool: the tool to call; None if there is no such tool.
        waits: whether a human has to decide about it, so that it is not started. If calls run in order, those after it are not started either.
    """

    steps: CallSteps[ToolResult]
    tool: Tool | None
    waits: bool = False


@dataclass(slots=True)
class Run:
    """The step "run a batch of calls". For each call, its ToolResult is sent back, or what it raised, or None if it was not started.

    Attributes:
        hooks: the hooks around the calls, by name.
    """

    calls: list[PlannedCall]
    hooks: dict[str, BeforeCall | AfterCall | None] = field(default_factory=dict)


@dataclass(slots=True)
class Prepare:
    """The step "let these Toolboxes set themselves up", each once, before their tools are used. Nothing is sent back."""

    toolboxes: list[Toolbox]


Step = Ask | Invoke | Note | Prepare | Run
Steps = Generator[Step, Any, T]
Outcome = ToolResult | Exception | None
