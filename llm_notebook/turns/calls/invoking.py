"""The step that calls one of the user's functions: a tool or a hook."""

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
    """The step "call this hook or tool". An async function is awaited. The driver sends back what it returns and throws what it raises.

    Attributes:
        hook: the name of the hook; None for a tool.
        consent: whether a human has approved the call that this runs; None for a hook.
        nest: collects the chains that the tool begins; None for a hook.
        printed: receives what the tool prints; None leaves its output where it usually goes.
        read: converts the tool's return value into what is sent back. This may run the tool's own code, so the same consent covers it.
    """

    function: Callable[..., object]
    args: tuple[object, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    hook: str | None = None
    consent: bool | None = None
    nest: Nest | None = None
    printed: Sink | None = None
    read: Callable[[object], object] | None = None


CallSteps = Generator[Invoke | Note, Any, T]
"""The steps of one call."""
