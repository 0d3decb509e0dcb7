"""Finds the key that a model uses, and keeps it in this process.

A pickle goes to other processes, machines and caches. So a pickled model has no key: where it is loaded, the key comes from the stored keys or
the environment of that machine. A copy within the process, by `copy.copy()`, keeps it.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self, cast

from llm_notebook.configuration.keys import KeySource, Secret, get_key
from llm_notebook.errors import ModelError, NeedsKeyException

__all__ = ["KeyHolder"]


class KeyHolder:
    """What models that may need a key have in common.

    Attributes:
        model_id: the model's name in error messages.
        key: a key for this model object, or a function that returns one; it overrides every other source.
        needs_key: the name under which the key is stored, if the model needs one.
        key_env_var: the environment variable that may hold the key.
    """

    model_id: str
    key: KeySource | None = None
    needs_key: str | None = None
    key_env_var: str | None = None
    # Where other programs keep the same key; asked last.
    _further_key_names: tuple[str, ...] = ()
    _further_key_env_vars: tuple[str, ...] = ()
    # How to do without a key, for the message that says none was found.
    _without_key: str = ""
    # Whether a key may be awaited.
    _awaits_key: ClassVar[bool] = False
    # What a pickle of the model has left out, in words.
    _left_behind: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: everything but the key."""
        state = dict(vars(self))
        if state.get("key"):
            state |= {"key": None, "_left_behind": ("key", *self._left_behind)}
        return state

    def __copy__(self) -> Self:
        """Return a copy with the key."""
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return a deep copy with the key."""
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        vars(copied).update(copy.deepcopy(vars(self), memo))
        return copied

    def get_key(self, explicit_key: KeySource | None = None) -> str | None:
        """Return the key to send: the model's own, else the given one (or the stored key with that name), else a stored one, else one from
        the environment.

        Raises:
            NeedsKeyException: the model needs a key and there is none.
            ModelError: a function that should return the key fails, or has to be awaited although the model is sync.
        """
        if self.key is not None:
            return self._ask(self.key) if callable(self.key) else Secret(self.key)
        if callable(explicit_key):
            return self._ask(explicit_key)
        if not (explicit_key or self.needs_key or self.key_env_var):
            return None
        found = get_key(input=explicit_key, alias=self.needs_key, env=self.key_env_var)
        for name in self._further_key_names:
            found = found or get_key(alias=name)
        for variable in self._further_key_env_vars:
            found = found or get_key(env=variable)
        if found or self.needs_key is None:
            return found
        environment = f"set {self.key_env_var}" if self.key_env_var else "set model.key"
        raise NeedsKeyException(
            f"{self.model_id} needs a key and none was found, so nothing was sent: "
            f"store one with `%llm keys set {self.needs_key}`, {environment}, or pass key=…{self._without_key}."
        )

    def _ask(self, source: Callable[[], object]) -> str | None:
        """Return the key that a function gives. Async models get what it returns, await it, and check it themselves."""
        try:
            given = source()
        except Exception as error:
            raise self._key_error(f"failed ({type(error).__name__})") from None
        if not isinstance(given, Awaitable):
            return self._checked_key(given)
        if self._awaits_key:
            return cast("str", given)
        if hasattr(given, "close"):
            given.close()
        raise self._key_error("has to be awaited: use the async model, or a function that returns the key")

    def _checked_key(self, given: object) -> Secret:
        """Return the key that a function gave.

        Raises:
            ModelError: it is not a key.
        """
        if not isinstance(given, str) or not given.strip():
            raise self._key_error("gave no key")
        return Secret(given.strip())

    def _key_error(self, what: str) -> ModelError:
        return ModelError(f"{self.model_id}: the function that was given as key= {what}. Nothing was sent.")
