"""The models and their options, as far as they are known without sending a request or loading anything."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from llm_notebook.configuration.choices import read_aliases, read_default, read_own_default
from llm_notebook.configuration.keys import list_keys
from llm_notebook.configuration.process import process
from llm_notebook.providers.registry import DEFAULT_MODEL, Registry

if TYPE_CHECKING:
    from llm_notebook.models.key_holder import KeyHolder
    from llm_notebook.models.model import ModelWithAliases

__all__ = ["model_names", "option_names", "option_values"]


def model_names() -> Iterator[tuple[str, str]]:
    """Yield (id or alias, what it is): the default first, then the models that can be used right away, then those that need a key."""
    default = read_own_default() or read_default() or DEFAULT_MODEL
    keys = set(list_keys())
    aliases = read_aliases()
    ready: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for entry in process.of(Registry).known_entries():
        model = entry.model or entry.async_model
        if model is None:
            continue
        kept = others if _lacks_key(model, keys) else ready
        kind = "needs a key" if kept is others else "model"
        kept.append((entry.model_id, kind))
        kept += [(alias, f"alias of {entry.model_id}") for alias in entry.aliases if alias not in aliases]
    own = [(alias, f"alias of {target}") for alias, target in aliases.items()]
    if any(name == default for name, _ in [*own, *ready, *others]):
        yield default, "default model"
    yield from (pair for pair in [*own, *ready, *others] if pair[0] != default)


def _lacks_key(model: KeyHolder, stored: set[str]) -> bool:
    if not model.needs_key or model.needs_key in stored or model.key:
        return False
    return not (model.key_env_var and os.environ.get(model.key_env_var))


def _find(name: str | None) -> ModelWithAliases | None:
    wanted = name or read_own_default() or read_default() or DEFAULT_MODEL
    wanted = read_aliases().get(wanted, wanted)
    entries = process.of(Registry).known_entries()
    return next((entry for entry in entries if wanted == entry.model_id or wanted in entry.aliases), None)


def _fields(name: str | None) -> dict[str, Any]:
    entry = _find(name)
    model = None if entry is None else entry.model or entry.async_model
    return {} if model is None else dict(model.Options.model_fields)


def option_names(model: str | None) -> list[str]:
    """Return the names of a model's options; None means the default model."""
    return list(_fields(model))


def option_values(model: str | None, option: str) -> list[str]:
    """Return the possible values of a model's option, if they are few."""
    field = _fields(model).get(option)
    return list(dict.fromkeys(_values(field.annotation))) if field is not None else []


def _values(annotation: object) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from (str(value) for value in get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        yield from (str(member.value) for member in annotation)
    else:
        for inner in get_args(annotation):
            yield from _values(inner)
