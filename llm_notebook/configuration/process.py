"""What this process has one of: the connections, the registry, the journal, the loaded model.

Everything that a process shares hangs on the one object `process`, which knows none of it. Whoever needs a shared thing names its class,
`process.of(Transport)`: the first to ask makes it, and everybody else gets the same object.

A few needs point upward: a response that is read from JSON wants its model back, and models are found two rooms further up. Such a room
asks for an answer by name, `process.answer("models")`, and says with a protocol what it expects. `llm_notebook/__init__.py`, which
stands above all rooms, says who answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["Process", "process"]

T = TypeVar("T")


class Process:
    """One object of each kind, made when it is first needed and kept by what made it.

    Attributes:
        made: the objects that are there. A test puts its own in: `monkeypatch.setitem(process.made, Registry, Registry())`.
        answers: who answers what a lower room needs, as `module:class`.
    """

    def __init__(self) -> None:
        self.made: dict[Callable[[], object], object] = {}
        self.answers: dict[str, str] = {}

    def of(self, kind: Callable[[], T]) -> T:
        """The object of that kind.

        Args:
            kind: a class, or a function, that makes the object. Two threads that ask at once may both make one; one is kept.
        """
        if kind not in self.made:
            self.made.setdefault(kind, kind())
        return cast("T", self.made[kind])

    def answer(self, need: str) -> object:
        """What answers a need of a lower room."""
        module, _, kind = self.answers[need].partition(":")
        return self.of(getattr(importlib.import_module(module), kind))


process = Process()
