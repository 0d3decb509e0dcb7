"""The objects that exist once per process, such as the HTTP transport, the model registry and the journal.

All of them are kept by the one object `process`, which does not import any of their modules. Code that needs a shared object passes its
class, as in `process.of(Transport)`: the first call creates the object and later calls return the same one.

Sometimes a room needs something from a room above it, which it must not import: a response that is read from JSON has to find its model,
and models are looked up two rooms further up. Such a room asks for the object by a name, as in `process.answer("models")`, and declares
a protocol for what it expects. `llm_notebook/__init__.py`, which stands above all rooms, maps each name to a class.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["Process", "process"]

T = TypeVar("T")


class Process:
    """A container with one object of each kind, created when it is first needed.

    Attributes:
        made: the objects so far, by the class or function that made them. A test can put its own object there:
            `monkeypatch.setitem(process.made, Registry, Registry())`.
        answers: for each name for which a lower room may ask, the class that answers, as `module:class`.
    """

    def __init__(self) -> None:
        self.made: dict[Callable[[], object], object] = {}
        self.answers: dict[str, str] = {}

    def of(self, kind: Callable[[], T]) -> T:
        """Return the object of one kind, and create it if there is none yet.

        Args:
            kind: a class or function that makes the object. Two threads that ask at once may both make one; only one is kept.
        """
        if kind not in self.made:
            self.made.setdefault(kind, kind())
        return cast("T", self.made[kind])

    def answer(self, need: str) -> object:
        """Return the object that answers a need of a lower room.

        Args:
            need: a key of `answers`.
        """
        module, _, kind = self.answers[need].partition(":")
        return self.of(getattr(importlib.import_module(module), kind))


process = Process()
