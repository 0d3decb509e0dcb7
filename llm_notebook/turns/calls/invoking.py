"""The step that calls a function of the user's: a tool or a hook."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from llm_notebook.turns.calls.noting import Note

if TYPE_CHECKING:
    from llm_notebook.turns.calls.nesting import Nest
    from llm_notebook.turns.calls.printing import Sink

__all__ = ["CallSteps", "Invoke"]

T = TypeVar("T")


@dataclass(slots=True)
class Invoke:
    """The step "call this hook or tool", which is awaited where it is async. What it returns is sent back, what it raises is thrown.

    Attributes:
        hook: the name of the hook; None for a tool.
        consent: whether a human has approved the call that this runs; None for what is no tool.
        nest: takes the chains that the tool begins; None for what is no tool.
        printed: takes what the tool prints; None where that goes its ordinary way.
        read: makes of what the tool returned what is sent back. That may run code of the tool's, so it is under the same consent.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    consent: bool | None = None
    nest: Nest | None = None
    printed: Sink | None = None
    read: Callable[[Any], Any] | None = None


CallSteps = Generator[Invoke | Note, Any, T]
"""What one call does, step by step."""
