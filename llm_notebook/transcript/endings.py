"""What is shown of a turn that stopped before its end: why, and at which limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Limit", "Problem"]


@dataclass(slots=True)
class Problem:
    """A problem, as it is explained to the reader.

    Attributes:
        title: what happened, in a few words.
        text: what that means, and on which side the problem is. It may contain untrusted text, such as a server's message.
        kind: `key` if an API key is missing, `error` otherwise.
        ways: commands that the reader can type, each with a description of its effect.
    """

    title: str
    text: str
    kind: Literal["key", "error"] = "error"
    ways: list[tuple[str, str]] = field(default_factory=list)


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
