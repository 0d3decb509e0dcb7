"""The subcommands that show and change the set-up, or list what there is: `default`, `aliases`, and those that others hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.choices import read_aliases
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.errors import UnknownModelError
from llm_notebook.notebook.commands import offers
from llm_notebook.notebook.commands.forms import FORMS
from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.commands.help import show_manual
from llm_notebook.notebook.commands.keys import keys
from llm_notebook.notebook.commands.lists.tables import say, table
from llm_notebook.notebook.commands.local import local
from llm_notebook.notebook.commands.models import show_models
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.line.options import option_actions
from llm_notebook.providers.registry import (
    get_default_model,
    get_model,
    get_models_with_aliases,
    remove_alias,
    set_alias,
    set_default_model,
)
from llm_notebook.transcript.calls.call_rendering import literal_markdown

if TYPE_CHECKING:
    pass

__all__ = ["run"]


def run(shell: InteractiveShell, command: Subcommand) -> None:
    """Run a subcommand.

    Raises:
        CellError: it cannot be done; the message says why.
    """
    later = FORMS[command.name].later
    if later:
        raise CellError(f"{later} For a prompt, put -- in front of it or use %%llm. Nothing was sent.")
    try:
        _COMMANDS[command.name](shell, command.words)
    except KeyboardInterrupt:
        raise CellError(f"Stopped by you; `%llm {command.name}` was not finished.") from None


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


def _help(shell: InteractiveShell, words: list[str]) -> None:
    show_manual(shell, words, dict.fromkeys(option_actions().values()))


_COMMANDS: dict[str, Callable[[InteractiveShell, list[str]], None]] = {
    "models": show_models,
    "default": _default,
    "aliases": _aliases,
    "keys": keys,
    "templates": offers.templates,
    "tools": offers.tools,
    "fragments": offers.fragments,
    "schemas": offers.schemas,
    "plugins": offers.plugins,
    "local": local,
    "help": _help,
}
