"""`%llm keys`: stores, tries, lists and forgets API keys."""

from __future__ import annotations

import getpass
from collections.abc import Sequence

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.choices import read_default, read_own_default
from llm_notebook.configuration.keys import delete_key, keys_path, list_keys, load_keys, set_key
from llm_notebook.errors import ModelError, ProviderError
from llm_notebook.notebook.commands.lists.tables import say
from llm_notebook.notebook.errors import CellError
from llm_notebook.providers.catalog.catalog import catalog
from llm_notebook.providers.refreshing import Refreshed, refresh
from llm_notebook.providers.table import PROVIDERS, Provider

__all__ = ["keys", "store_key"]

_REFUSED = (401, 403)
_MOST_NAMED = 3


def keys(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Run a `%llm keys` line.

    Raises:
        CellError: it cannot be done; the message says why.
    """
    match [*words]:
        case ["set", name]:
            said, names = store_key(name, _ask_for_key(name))
            say(shell, said, *names)
        case ["remove", name]:
            if name not in list_keys():
                raise CellError(f"No key is stored under {name!r}.")
            delete_key(name)
            say(shell, "The key {} is forgotten.", name)
        case ["path"]:
            say(shell, "{}", str(keys_path()))
        case _:
            names = list_keys()
            stored = ", ".join(["{}"] * len(names))
            say(
                shell,
                f"Stored keys: {stored}." if names else "No keys are stored. `%llm keys set openai` stores one.",
                *names,
            )


def store_key(name: str, key: str) -> tuple[str, list[str]]:
    """Store a key and try it with its provider's list of models. A refused key is not kept.

    Args:
        name: the name under which it is stored.
        key: the key.

    Returns:
        What it is good for: a sentence and the names in it, as `say` takes them.

    Raises:
        CellError: the provider refused the key.
        ModelError: the name or the key cannot be used, or the file cannot be written.
    """
    before = load_keys().get(name)
    set_key(name, key)
    provider = PROVIDERS.get(name)
    if provider is None or not provider.key_env_var:
        return "The key {} is stored.", [name]
    if not provider.list_needs_key:
        said = f"The key {{}} is stored. {provider.title} lists its models to everybody, so the key could not be tried."
        return said, [name]
    try:
        refreshed = refresh(provider)
    except ProviderError as error:
        if error.status not in _REFUSED:
            return _untried(provider, error)
        _restore(name, before)
        kept = "The key that was stored before is kept." if before is not None else "It is not stored."
        raise CellError(f"{provider.title} refused the key ({error.status}). {kept} {error}") from None
    except ModelError as error:
        return _untried(provider, error)
    return _unlocked(refreshed)


def _restore(name: str, before: str | None) -> None:
    if before is None:
        delete_key(name)
    else:
        set_key(name, before)


def _untried(provider: Provider, error: ModelError) -> tuple[str, list[str]]:
    said = f"The key {{}} is stored. It could not be tried with {provider.title}: {{}}"
    return said, [provider.name, str(error)]


def _unlocked(refreshed: Refreshed) -> tuple[str, list[str]]:
    provider = refreshed.provider
    named = _examples(refreshed)
    such = f", such as {', '.join(['{}'] * len(named))}" if named else ""
    said = (
        f"The key {{}} is stored, and {provider.title} accepts it. {len(refreshed.names):,} models can be used{such}."
    )
    names = [provider.name, *named]
    if named and read_own_default() is None and read_default() is None:
        said += " No default is set: {} lets one answer wherever none is named."
        names.append(f"%llm default {named[0]}")
    return said, names


def _examples(refreshed: Refreshed) -> list[str]:
    """Return ids of a few models: those that the catalogue names first."""
    provider, listed = refreshed.provider, set(refreshed.names)
    models = catalog(provider.name).models
    # Those with a short name are those that people use.
    known = sorted((name for name in models if name in listed), key=lambda name: not models[name].aliases)
    return [provider.model_id(name) for name in (known or list(refreshed.names))[:_MOST_NAMED]]


def _ask_for_key(name: str) -> str:
    """Ask for a key without echoing it.

    Raises:
        CellError: nothing was typed, or nobody can type here.
    """
    try:
        typed = getpass.getpass(f"Key {name}: ")
    except (EOFError, KeyboardInterrupt):
        raise CellError(f"Nothing was typed; the key {name} is unchanged.") from None
    except Exception as error:
        # ipykernel's error, which cannot be imported in a terminal.
        if type(error).__name__ != "StdinNotImplementedError":
            raise
        raise CellError(
            f"Nobody can type here: run `%llm keys set {name}` in a notebook, or set the environment variable."
        ) from None
    if not typed.strip():
        raise CellError(f"Nothing was typed; the key {name} is unchanged.")
    return typed
