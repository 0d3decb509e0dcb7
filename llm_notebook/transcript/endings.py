"""What is shown of a turn that has no answer, or not all of it: why, at which limit, or what it would ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Limit", "Problem", "ProblemKind", "Unsent", "Way"]

ProblemKind = Literal["key", "model", "network", "limit", "error"]


@dataclass(slots=True)
class Way:
    """A way out of a problem: a line that the reader can type, or where there is a page, a button.

    Attributes:
        code: the line.
        text: its effect.
        label: what a button says that does it; empty if there is only the line.
        key: the button asks for a key, to be stored under this name.
        model: the button asks this model instead.
        installs: the button installs the small local model.
    """

    code: str
    text: str
    label: str = ""
    key: str = ""
    model: str = ""
    installs: bool = False


@dataclass(slots=True)
class Problem:
    """A problem, as it is explained to the reader.

    Attributes:
        title: what happened, in a few words.
        text: what that means, and on which side the problem is. It may contain untrusted text, such as a server's message.
        kind: what it is about: a key, the name of a model, the connection, a limit of the provider, or anything else.
        ways: what the reader can do about it.
        can_start_over: whether the same can be asked again with a click.
        is_complete: whether the answer came to its end, so that there is nothing to continue.
    """

    title: str
    text: str
    kind: ProblemKind = "error"
    ways: list[Way] = field(default_factory=list)
    can_start_over: bool = False
    is_complete: bool = False


@dataclass(slots=True)
class Limit:
    """Where a chain stopped because it had as many answers in a row as it may have.

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
        estimate: of a dry run, about how much it would send, in a few words; empty elsewhere.
        exact: of a dry run, what would be sent, byte for byte.
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
