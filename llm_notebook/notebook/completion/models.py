"""The models and their options, as far as they are known without sending a request or loading anything."""

from __future__ import annotations

import enum
import functools
import inspect
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from llm_notebook.configuration.choices import read_aliases, read_default, read_own_default
from llm_notebook.configuration.keys import list_keys
from llm_notebook.configuration.process import process
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.providers.registry import DEFAULT_MODEL, Registry

if TYPE_CHECKING:
    from llm_notebook.models.options import Options
    from llm_notebook.providers.catalog.names import KnownName

__all__ = ["OPTIONS_FILE", "model_names", "option_names", "option_values", "options_of"]

OPTIONS_FILE = Path(__file__).with_name("options.json")
"""The options of our own models. `python -m scripts.list_options` makes it."""


def model_names() -> Iterator[tuple[str, str]]:
    """Yield (id or alias, what it is): the default first, then the models that can be used right away, then those that need a key."""
    default = read_own_default() or read_default() or DEFAULT_MODEL
    keys = set(list_keys())
    aliases = read_aliases()
    ready: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for known in process.of(Registry).known_names():
        kept = others if _lacks_key(known, keys) else ready
        kind = "needs a key" if kept is others else "model"
        kept.append((known.model_id, kind))
        kept += [(alias, f"alias of {known.model_id}") for alias in known.aliases if alias not in aliases]
    own = [(alias, f"alias of {target}") for alias, target in aliases.items()]
    if any(name == default for name, _ in [*own, *ready, *others]):
        yield default, "default model"
    yield from (pair for pair in [*own, *ready, *others] if pair[0] != default)


def _lacks_key(known: KnownName, stored: set[str]) -> bool:
    if not known.needs_key or known.needs_key in stored:
        return False
    return not (known.key_env_var and os.environ.get(known.key_env_var))


def option_names(model: str | None) -> list[str]:
    """Return the names of a model's options; None means the default model."""
    return list(_options(model))


def option_values(model: str | None, option: str) -> list[str]:
    """Return the possible values of a model's option, if they are few."""
    return list(_options(model).get(option, ()))


def _options(name: str | None) -> Mapping[str, list[str]]:
    """Return the options of a model, each with its possible values, if they are few."""
    entry = process.of(Registry).find_known(name or read_own_default() or read_default() or DEFAULT_MODEL)
    model = None if entry is None else entry.model or entry.async_model
    if model is None:
        return {}
    lazy = inspect.getattr_static(type(model), "Options", None)
    module, kind = lazy.home(model) if isinstance(lazy, LazyOptions) else ("", "")
    # The classes themselves would load pydantic, which takes longer than anybody waits for Tab.
    listed = _listed_options().get(f"{module}:{kind}") if module and module not in sys.modules else None
    return options_of(model.Options) if listed is None else listed


def options_of(options: type[Options]) -> dict[str, list[str]]:
    """Return the options of a class, each with its possible values, if they are few."""
    return {name: list(dict.fromkeys(_values(field.annotation))) for name, field in options.model_fields.items()}


@functools.cache
def _listed_options() -> Mapping[str, dict[str, list[str]]]:
    """Return the same of every class of our own that is loaded late, by `module:class`, from the file that is made of them."""
    listed: dict[str, dict[str, list[str]]] = json.loads(OPTIONS_FILE.read_bytes())
    return MappingProxyType(listed)


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
