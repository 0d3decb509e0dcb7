"""What is shown for a turn without a complete answer: why, at which limit, or what it would ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["GO_ON", "Limit", "Problem", "ProblemKind", "Unsent", "Way", "can_go_on", "is_cut"]

GO_ON = "Go on exactly where you stopped, inside the word if it was one, and repeat nothing."
"""The prompt that follows the part that arrived, to have the model continue an answer that was cut off."""

ProblemKind = Literal["key", "model", "network", "limit", "error"]


@dataclass(slots=True)
class Way:
    """A way out of a problem: a line that the reader can type or, on a page, a button.

    Attributes:
        code: the line.
        text: its effect.
        label: the text of a button that does it; empty if there is only the line.
        key: the name under which the button stores a key, after asking for it; empty if it does not.
        model: the model that the button asks instead; empty if it does not.
        installs: whether the button installs the small local model.
    """

    code: str
    text: str
    label: str = ""
    key: str = ""
    model: str = ""
    installs: bool = False


@dataclass(slots=True)
class Problem:
    """A problem, explained to the reader.

    Attributes:
        title: what happened, in a few words.
        text: what that means, and on which side the problem is. It may contain untrusted text, such as a server's message.
        kind: its subject: a key, the name of a model, the connection, a limit of the provider, or anything else.
        ways: what the reader can do about it.
        can_start_over: whether a click can ask the same again.
        is_complete: whether the answer reached its end, so that there is nothing to continue.
    """

    title: str
    text: str
    kind: ProblemKind = "error"
    ways: list[Way] = field(default_factory=list)
    can_start_over: bool = False
    is_complete: bool = False


@dataclass(slots=True)
class Limit:
    """Where a chain stopped because it reached its limit of answers in a row.

    Attributes:
        answers: how many it may have.
        calls: how many calls the last of them asks for, which have not run; 0 if the provider has paused in the middle of its own tools.
        turn_id: the turn from which it continues.
    """

    answers: int
    calls: int
    turn_id: str


@dataclass(slots=True)
class Unsent:
    """A prompt that was not sent.

    Attributes:
        asks: what it would send, each with a name.
        sizes: of a dry run, about how large each of these is, in a few words; empty elsewhere.
        reads: ways to read its answer, in Python. Reading sends it.
        estimate: for a dry run, roughly how much it would send, in a few words; otherwise empty.
        exact: for a dry run, what would be sent, byte for byte.
    """

    asks: list[tuple[str, str]]
    reads: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    estimate: str = ""
    exact: str = ""

    def parts(self) -> list[tuple[str, str, str]]:
        """Return what it would send, each as (its name, its text, about how large it is or nothing)."""
        sizes = self.sizes or ("",) * len(self.asks)
        return [(name, text, size) for (name, text), size in zip(self.asks, sizes, strict=True)]


def is_cut(view: TranscriptView) -> bool:
    """Return whether an answer ended at the token limit, before the model had finished."""
    return view.state == "done" and view.finish == "length" and bool(view.blocks)


def can_go_on(view: TranscriptView) -> bool:
    """Return whether an answer was stopped, broke off or was cut off, so that its rest can be requested."""
    return view.state in ("interrupted", "failed") or is_cut(view)
