"""Model names: find a model by its id or an alias, and suggest names that resemble a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from llm_notebook.configuration.choices import read_aliases

if TYPE_CHECKING:
    from llm_notebook.models.model import ModelWithAliases

__all__ = ["KnownName", "Named", "closest_names", "did_you_mean", "find_entry", "models_by_name", "similar_names"]


class Named(Protocol):
    """Something with an id and aliases, such as a registered model."""

    @property
    def model_id(self) -> str:
        """The model's id."""

    @property
    def aliases(self) -> Sequence[str]:
        """The model's other names."""


@dataclass(slots=True, frozen=True)
class KnownName:
    """What a model is called, and which key it needs.

    Attributes:
        model_id, aliases: its names.
        needs_key, key_env_var: the name of a stored key and of a variable of the environment, one of which it needs; None for none.
    """

    model_id: str
    aliases: Sequence[str] = ()
    needs_key: str | None = None
    key_env_var: str | None = None

    @classmethod
    def of(cls, entry: ModelWithAliases) -> KnownName:
        """Return the names of a model. One that was given a key of its own needs none."""
        model = entry.model or entry.async_model
        if model is None or model.key:
            return cls(entry.model_id, entry.aliases)
        return cls(entry.model_id, entry.aliases, model.needs_key, model.key_env_var)


E = TypeVar("E", bound=Named)
M = TypeVar("M")


def find_entry(name: str, entries: Iterable[E]) -> E | None:
    """Return the entry with this id or alias, or None. An id wins over aliases, a user's alias over a built-in one."""
    by_id = {entry.model_id: entry for entry in entries}
    if name in by_id:
        return by_id[name]
    aliases = {alias: entry.model_id for entry in by_id.values() for alias in entry.aliases} | read_aliases()
    # An alias may name another alias; `seen` ends the search where they form a circle.
    seen: set[str] = set()
    while name not in by_id and name in aliases and name not in seen:
        seen.add(name)
        name = aliases[name]
    return by_id.get(name)


def models_by_name(entries: Sequence[E], model_of: Callable[[E], M | None]) -> dict[str, M]:
    """Return models by their aliases and ids. An id wins over aliases.

    Args:
        entries: the registered models.
        model_of: returns the model of an entry; None leaves the entry out.
    """
    models = [(entry, model) for entry in entries if (model := model_of(entry)) is not None]
    aliases = {alias: model for entry, model in models for alias in entry.aliases}
    return aliases | {entry.model_id: model for entry, model in models}


def closest_names(wrong: str, known: Iterable[str]) -> str:
    """Return ` Did you mean X or Y?` with the known names that resemble a wrong one; empty if none does."""
    return did_you_mean(similar_names(wrong, known))


def did_you_mean(names: Sequence[str]) -> str:
    """Return ` Did you mean X or Y?`, or an empty string without names."""
    return f" Did you mean {' or '.join(names)}?" if names else ""


def similar_names(wrong: str, known: Iterable[str]) -> list[str]:
    """Return the known names that resemble a wrong one, ignoring case, the closest first; three at most."""
    import difflib  # most names are right

    by_folded: dict[str, str] = {}
    for name in known:
        by_folded.setdefault(name.casefold(), name)
    return [by_folded[match] for match in difflib.get_close_matches(wrong.casefold(), by_folded, n=3, cutoff=0.6)]
