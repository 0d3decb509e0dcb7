"""API keys: how they are found and stored, and a string type that does not show them."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from llm_notebook.configuration.files import JSONFile
from llm_notebook.configuration.folders import OWN_FOLDER, user_dir
from llm_notebook.errors import ModelError

__all__ = ["KeySource", "Secret", "delete_key", "get_key", "hidden", "keys_path", "list_keys", "load_keys", "set_key"]

KeySource = str | Callable[[], str | Awaitable[str]]
"""A key, or a function that returns one and is asked for each request, such as one that renews a token when it expires."""

_FILE_NAME = "keys.json"
_NOTE = "// Note"
_NOTE_TEXT = "This file stores secret API credentials. Do not share!"


class Secret(str):
    """A string whose repr hides its value, so that tracebacks, debuggers and cell outputs do not show it.

    In every other way it is an ordinary string: it equals its value and can be used in headers, f-strings and JSON. A string
    built from it is not a Secret and has to be wrapped again if it is kept. A copy is a Secret; a pickle contains the value.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Secret, {len(self)} characters>"


def hidden(key: KeySource | None) -> KeySource | None:
    """Return a key whose repr does not show it; anything but a non-empty text is returned unchanged."""
    return Secret(key) if isinstance(key, str) and key else key


class _KeyFile(JSONFile):
    """The file keys.json. Every string in it becomes a Secret as soon as it is parsed."""

    def decode(self, text: str) -> dict[str, Any]:
        return {
            name: Secret(value) if isinstance(value, str) else value for name, value in super().decode(text).items()
        }

    def encode(self, value: dict[str, Any]) -> str:
        return super().encode(value if _NOTE in value else {_NOTE: _NOTE_TEXT} | value)


@functools.lru_cache(maxsize=8)
def _key_file(folder: Path) -> _KeyFile:
    lock_path = folder / OWN_FOLDER / f"{_FILE_NAME}.lock"
    return _KeyFile(folder / _FILE_NAME, indent=2, value_type=str, private=True, lock_path=lock_path)


def get_key(
    explicit_key: str | None = None,
    key_alias: str | None = None,
    env_var: str | None = None,
    *,
    alias: str | None = None,
    env: str | None = None,
    input: str | None = None,
) -> Secret | None:
    """Find an API key. Prefer the keyword arguments; the positional ones are their older names.

    Returns the first of these that exists: the stored key named `input`, `input` itself, the stored key named `alias`, the
    environment variable `env`. White space around a key is dropped, and empty keys are skipped.

    Args:
        explicit_key: older name of `input`.
        key_alias: older name of `alias`.
        env_var: older name of `env`.
        alias: name of a stored key.
        env: name of an environment variable.
        input: a key, or the name of a stored key.

    Returns:
        The key, as a `str` whose repr does not show it, or None if there is none.
    """
    # A traceback that lists local variables must not show a key. Hence the plain strings are deleted at once, and the code
    # below calls `os.getenv` instead of naming `os.environ`, which such a traceback would print in full.
    given = Secret(input or explicit_key or "")
    del input, explicit_key
    stored = load_keys()
    candidates = (
        stored.get(given) or stored.get(given.strip()),
        given,
        stored.get(alias or key_alias or ""),
        os.getenv(env or env_var or ""),
    )
    return next((Secret(key.strip()) for key in candidates if key and key.strip()), None)


def set_key(name: str, value: str) -> None:
    """Store a key in keys.json, for the `llm` command as well.

    Args:
        name: the name under which the key is found, such as "openai".
        value: the key. White space around it is dropped.

    Raises:
        ModelError: the name or the key cannot be used, or the file cannot be written.
    """
    name = name.strip()
    if not name or not name.isprintable() or name == _NOTE:
        raise ModelError(f"{name!r} cannot be the name of a key: use a word such as 'openai'.")
    if not isinstance(value, str):
        raise ModelError(f"The key for {name!r} is {type(value).__name__}, not a string: nothing was stored.")
    # Overwriting the plain string keeps it out of tracebacks that list local variables.
    value = Secret(value.strip())
    _refuse_unsendable(name, value)
    _key_file(user_dir().absolute()).update(lambda keys: keys | {name: value})


def delete_key(name: str) -> None:
    """Remove a stored key.

    Raises:
        ModelError: no key with this name is stored, or the file cannot be written.
    """

    def without(keys: dict[str, Any]) -> dict[str, Any]:
        if name not in keys or name == _NOTE:
            raise ModelError(f"No key named {name!r} is stored in {keys_path()}.")
        return {other: key for other, key in keys.items() if other != name}

    _key_file(user_dir().absolute()).update(without)


def list_keys() -> list[str]:
    """Return the names of the stored keys, sorted."""
    return sorted(load_keys())


def keys_path() -> Path:
    """Return the path of the file that keys are stored in. The file need not exist."""
    return user_dir(create=False) / _FILE_NAME


def load_keys() -> dict[str, Secret]:
    """Return the stored keys by name. Each is a `str` whose repr does not show it; the note in the file is left out."""
    keys = _key_file(user_dir(create=False).absolute()).read()
    keys.pop(_NOTE, None)
    return keys


def _refuse_unsendable(name: str, key: Secret) -> None:
    """Raise a ModelError for a key that cannot be sent in an HTTP header. The message does not show the key.

    Without this check the key would fail only when it is sent, with an error of the HTTP library that shows it.
    """
    if not key:
        raise ModelError(f"The key for {name!r} is empty: nothing was stored.")
    for position, character in enumerate(key, start=1):
        if character.isspace():
            fault = "white space"
        elif ord(character) > 0xFF:
            fault = "a character that no HTTP header can carry"
        elif not character.isprintable():
            fault = "a control character"
        else:
            continue
        raise ModelError(
            f"The key for {name!r} has {fault} at position {position} of {len(key)}: nothing was stored. "
            "Copy the key alone, then try again."
        )
