"""The subcommands that show and change the set-up: `models`, `default`, `aliases`, `keys` and `help`."""

from __future__ import annotations

import getpass
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.choices import read_aliases
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.keys import delete_key, keys_path, list_keys, set_key
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.notebook.commands.forms import FORMS
from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.commands.local import local
from llm_notebook.notebook.commands.manuals import show_manual
from llm_notebook.notebook.commands.tables import say, table
from llm_notebook.notebook.display.notebook import show_markdown
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.options import option_actions
from llm_notebook.notebook.problems import lacks_key
from llm_notebook.providers.refreshing import refresh
from llm_notebook.providers.registry import (
    get_default_model,
    get_model,
    get_models_with_aliases,
    remove_alias,
    set_alias,
    set_default_model,
)
from llm_notebook.providers.table import PROVIDERS
from llm_notebook.transcript.call_rendering import literal_markdown

if TYPE_CHECKING:
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model

__all__ = ["run"]


def run(shell: InteractiveShell, command: Subcommand) -> None:
    """Run a subcommand.

    Raises:
        CellError: it cannot be done; the message says why.
    """
    later = FORMS[command.name].later
    if later or command.name not in _COMMANDS:
        later = later or f"This version has no `%llm {command.name}` yet."
        raise CellError(f"{later} For a prompt, put -- in front of it or use %%llm. Nothing was sent.")
    try:
        _COMMANDS[command.name](shell, command.words)
    except KeyboardInterrupt:
        raise CellError(f"Stopped by you; `%llm {command.name}` was not finished.") from None


def _models(shell: InteractiveShell, words: list[str]) -> None:
    if words[:1] == ["refresh"]:
        _refresh(shell, words[1:])
        return
    queries = [words[position + 1] for position, word in enumerate(words) if word == "-q"]
    entries = [
        entry
        for entry in get_models_with_aliases()
        if all(entry.matches(query) for query in queries)
        and ("--schemas" not in words or _flavour(entry).supports_schema)
        and ("--tools" not in words or _flavour(entry).supports_tools)
    ]
    if not entries:
        raise CellError(f"No model matches {' '.join(queries) or 'that'}. `%llm models` lists them all.")
    default = get_default_model()
    if "--options" in words:
        for entry in entries:
            _show_options(shell, entry)
        return
    rows = [
        [entry.model_id, ", ".join(entry.aliases), _abilities(entry), _readiness(entry, default)] for entry in entries
    ]
    table(
        shell,
        ["Model", "Aliases", "Can do", ""],
        rows,
        "`%llm -m MODEL …` uses one, `%llm default MODEL` makes it the default.",
    )


def _refresh(shell: InteractiveShell, names: list[str]) -> None:
    """Ask the named provider, or all of them, which models they have, and show what is new."""
    unknown = next((name for name in names if name not in PROVIDERS), None)
    if unknown is not None:
        raise CellError(
            f"No provider is called {unknown!r}.{nearest(unknown, PROVIDERS)} There are {', '.join(PROVIDERS)}."
        )
    rows = []
    for provider in map(PROVIDERS.__getitem__, names or PROVIDERS):
        try:
            refreshed = refresh(provider)
        except ModelError as error:
            rows.append([provider.name, "", str(error)])
        else:
            shown = ", ".join(refreshed.new[:5]) + (f" and {len(refreshed.new) - 5} more" if refreshed.new[5:] else "")
            rows.append([provider.name, str(len(refreshed.names)), shown])
    table(shell, ["Provider", "Models", "New"], rows, "`%llm models -q TEXT` finds one.")


def _flavour(entry: ModelWithAliases) -> Model | KeyModel | AsyncModel | AsyncKeyModel:
    """Return the sync or the async model, whichever there is; both have the same abilities."""
    flavour = entry.model or entry.async_model
    assert flavour is not None
    return flavour


def _abilities(entry: ModelWithAliases) -> str:
    model = _flavour(entry)
    kinds = sorted({kind.partition("/")[0] for kind in model.attachment_types} - {"application"})
    names = {"image": "images", "audio": "audio", "video": "video"}
    able = [names.get(kind, kind) for kind in kinds]
    able += ["tools"] if model.supports_tools else []
    able += ["schemas"] if model.supports_schema else []
    return ", ".join(able)


def _readiness(entry: ModelWithAliases, default: str) -> str:
    model = _flavour(entry)
    marks = ["default"] if default in (entry.model_id, *entry.aliases) else []
    if lacks_key(model):
        marks.append(f"needs key {model.needs_key}")
    return ", ".join(marks)


def _show_options(shell: InteractiveShell, entry: ModelWithAliases) -> None:
    fields = _flavour(entry).Options.model_fields
    if not fields:
        say(shell, "{} takes no options.", entry.model_id)
        return
    rows = [[name, field.description or ""] for name, field in fields.items()]
    table(shell, [f"-o option of {entry.model_id}", ""], rows)


def _default(shell: InteractiveShell, words: list[str]) -> None:
    if not words:
        say(shell, "The default model is {}.", get_default_model())
        return
    try:
        model = get_model(words[0])
    except UnknownModelError as error:
        raise CellError(f"{error} The default is unchanged.") from None
    # The only warning says that the default holds in notebooks only. It is the better answer, so it is shown as one.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConfigurationWarning)
        set_default_model(model.model_id)
    if caught:
        said = str(caught[0].message)
        show_markdown(shell, literal_markdown(said), said)
    else:
        say(shell, "The default model is now {}.", model.model_id)


def _aliases(shell: InteractiveShell, words: list[str]) -> None:
    match words:
        case ["set", alias, target]:
            set_alias(alias, target)
            say(shell, "{} now means {}.", alias, read_aliases().get(alias, target))
        case ["remove", alias]:
            try:
                remove_alias(alias)
            except KeyError:
                raise CellError(f"You have no alias {alias!r} to remove.{nearest(alias, read_aliases())}") from None
            say(shell, "{} is forgotten.", alias)
        case _:
            # An alias of the user's may name a model that is not known at the moment, such as one of a server that is off.
            rows = [[alias, entry.model_id] for entry in get_models_with_aliases() for alias in entry.aliases]
            known = {alias for alias, _ in rows}
            rows += [[alias, target] for alias, target in read_aliases().items() if alias not in known]
            table(shell, ["Alias", "Model"], sorted(rows))


def _keys(shell: InteractiveShell, words: list[str]) -> None:
    match words:
        case ["set", name]:
            set_key(name, _ask_for_key(name))
            say(shell, "The key {} is stored.", name)
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


def _help(shell: InteractiveShell, words: list[str]) -> None:
    show_manual(shell, words, dict.fromkeys(option_actions().values()))


_COMMANDS: dict[str, Callable[[InteractiveShell, list[str]], None]] = {
    "models": _models,
    "default": _default,
    "aliases": _aliases,
    "keys": _keys,
    "local": local,
    "help": _help,
}
