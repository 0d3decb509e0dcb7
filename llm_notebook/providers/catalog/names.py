"""Finding a model by its id or an alias, and saying which names come close to a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from llm_notebook.configuration.choices import read_aliases

__all__ = ["Named", "closest_names", "entry_called"]


class Named(Protocol):
    """Something with an id and aliases."""

    @property
    def model_id(self) -> str:
        """The id."""

    @property
    def aliases(self) -> Sequence[str]:
        """Other names of it."""


E = TypeVar("E", bound=Named)


def entry_called(name: str, entries: Iterable[E]) -> E | None:
    """The entry of that id or alias. An id wins over aliases, a user's alias over a built-in one."""
    by_id = {entry.model_id: entry for entry in entries}
    aliases = {alias: entry.model_id for entry in by_id.values() for alias in entry.aliases} | read_aliases()
    seen: set[str] = set()
    while name not in by_id and name in aliases and name not in seen:
        seen.add(name)
        name = aliases[name]
    return by_id.get(name)


def closest_names(wrong: str, known: Iterable[str]) -> str:
    """` Did you mean X or Y?` where names come close, whatever their case; else nothing."""
    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(name.casefold(), name)
    close = [by_folded[match] for match in difflib.get_close_matches(wrong.casefold(), by_folded, n=3, cutoff=0.6)]
    return f" Did you mean {' or '.join(close)}?" if close else ""
