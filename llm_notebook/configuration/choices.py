"""Stored choices: model aliases and default models. This module stores names and does not look up any model.

Aliases and defaults are in the files of the `llm` command, which reads them too. A default that only this package knows would break
that command, so such a default is kept in a file of this package (an "own" default).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from llm_notebook.configuration.files import JSONFile, TextFile
from llm_notebook.configuration.folders import OWN_FOLDER, own_dir, user_dir
from llm_notebook.errors import ModelError, UnknownModelError

__all__ = [
    "delete_alias",
    "read_aliases",
    "read_default",
    "read_default_embedding",
    "read_own_default",
    "read_own_default_embedding",
    "store_alias",
    "store_default",
    "store_default_embedding",
    "store_own_default",
    "store_own_default_embedding",
]

_DEFAULT_MODEL = "default_model"
_DEFAULT_EMBEDDING_MODEL = "default_embedding_model"


# Each file has one object, which remembers its value and its warnings. The folder is an argument because the user may change it.
@functools.lru_cache(maxsize=8)
def _alias_file(folder: Path) -> JSONFile:
    lock_path = folder / OWN_FOLDER / "aliases.json.lock"
    return JSONFile(folder / "aliases.json", indent=4, value_type=str, lock_path=lock_path)


@functools.lru_cache(maxsize=8)
def _default_file(folder: Path, setting: str) -> TextFile:
    return TextFile(folder / f"{setting}.txt", lock_path=folder / OWN_FOLDER / f"{setting}.txt.lock")


@functools.lru_cache(maxsize=8)
def _own_file(folder: Path) -> JSONFile:
    return JSONFile(folder / "settings.json", value_type=str, lock_path=folder / "settings.json.lock")


def read_aliases() -> dict[str, str]:
    """Return the aliases in aliases.json, each with its model id (or any other string)."""
    return _alias_file(user_dir(create=False).absolute()).read()


def store_alias(alias: str, target: str) -> None:
    """Store an alias, or change an existing one.

    Args:
        alias: the short name.
        target: the model id. Any string is stored as given.

    Raises:
        ModelError: the alias or the target cannot be used, or the file cannot be written.
    """
    _refuse_unusable(alias, "an alias")
    _refuse_unusable(target, "what an alias stands for")
    _alias_file(user_dir().absolute()).update(lambda aliases: aliases | {alias: target})


def delete_alias(alias: str) -> None:
    """Remove an alias.

    Raises:
        UnknownModelError: (a `KeyError`) there is no such alias, or the file cannot be parsed.
        ModelError: the file cannot be written.
    """

    def without(aliases: dict[str, Any]) -> dict[str, Any]:
        if alias not in aliases:
            raise UnknownModelError(f"No such alias: {alias}")
        return {other: target for other, target in aliases.items() if other != alias}

    _alias_file(user_dir().absolute()).update(without)


def read_default() -> str | None:
    """Return the model id in default_model.txt, or None if no default is stored."""
    return _read_shared(_DEFAULT_MODEL)


def store_default(model_id: str | None) -> None:
    """Make a model the default of this package and of the `llm` command. None clears the default.

    A default that the `llm` command does not know would break it; use `store_own_default()` for such a model.

    Raises:
        ModelError: the id cannot be used, or the file cannot be written.
    """
    _store_shared(_DEFAULT_MODEL, model_id)


def read_own_default() -> str | None:
    """Return the default model that only this package knows, or None if there is none."""
    return _read_own(_DEFAULT_MODEL)


def store_own_default(model_id: str | None) -> None:
    """Make a model the default of this package alone. None clears the default.

    Raises:
        ModelError: the id cannot be used, or the file cannot be written.
    """
    _store_own(_DEFAULT_MODEL, model_id)


def read_default_embedding() -> str | None:
    """Return the model id in default_embedding_model.txt, or None if no default is stored."""
    return _read_shared(_DEFAULT_EMBEDDING_MODEL)


def store_default_embedding(model_id: str | None) -> None:
    """Make a model the default for embeddings, as `store_default()` does for prompts."""
    _store_shared(_DEFAULT_EMBEDDING_MODEL, model_id)


def read_own_default_embedding() -> str | None:
    """Return the default embedding model that only this package knows, or None if there is none."""
    return _read_own(_DEFAULT_EMBEDDING_MODEL)


def store_own_default_embedding(model_id: str | None) -> None:
    """Make a model the default for embeddings in this package alone, as `store_own_default()` does for prompts."""
    _store_own(_DEFAULT_EMBEDDING_MODEL, model_id)


def _read_shared(setting: str) -> str | None:
    return _default_file(user_dir(create=False).absolute(), setting).read()


def _store_shared(setting: str, model_id: str | None) -> None:
    if model_id is not None:
        _refuse_unusable(model_id, "a model id")
    _default_file(user_dir().absolute(), setting).update(lambda _: model_id)


def _read_own(setting: str) -> str | None:
    return _own_file(own_dir(create=False).absolute()).read().get(setting) or None


def _store_own(setting: str, model_id: str | None) -> None:
    if model_id is not None:
        _refuse_unusable(model_id, "a model id")

    def with_default(settings: dict[str, Any]) -> dict[str, Any]:
        others = {name: value for name, value in settings.items() if name != setting}
        return others if model_id is None else others | {setting: model_id}

    _own_file(own_dir().absolute()).update(with_default)


def _refuse_unusable(text: str, what: str) -> None:
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise ModelError(f"{text!r} cannot be {what}: give one line of text.")
