"""`%llm models`: what can be used now, and what a key or an installation would add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.errors import ModelError
from llm_notebook.notebook.commands.lists.listings import Group, Line, show_listing
from llm_notebook.notebook.commands.lists.sheets import Column
from llm_notebook.notebook.commands.lists.tables import say, table
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.notebook.running.problems import lacks_key
from llm_notebook.providers.catalog.lists import known_model
from llm_notebook.providers.http.servers import Server
from llm_notebook.providers.local.installed import installed_models
from llm_notebook.providers.refreshing import refresh
from llm_notebook.providers.registry import get_default_model, get_models_with_aliases
from llm_notebook.providers.table import PROVIDERS

if TYPE_CHECKING:
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model, ModelWithAliases

__all__ = [
    "ModelRow",
    "Models",
    "flavour",
    "in_order_of_use",
    "installed_names",
    "is_missing",
    "model_row",
    "show_models",
    "sorted_by_use",
]

_COLUMNS = (
    Column("Model"),
    Column("Aliases"),
    Column("Can do"),
    Column("Context", "llm-r"),
    Column("In, $ per M", "llm-r"),
    Column("Out", "llm-r"),
)
_SMOLLM2 = "smollm2"
_MOST_READY = 20
_MOST_WITH_KEY = 3  # of each provider
_MOST_FOUND = 40


def show_models(shell: InteractiveShell, words: Sequence[str]) -> None:
    """Run a `%llm models` line.

    Raises:
        CellError: no model matches.
    """
    if words[:1] == ["refresh"]:
        _refresh(shell, words[1:])
        return
    queries = [words[position + 1] for position, word in enumerate(words) if word == "-q"]
    entries = [
        entry
        for entry in get_models_with_aliases()
        if all(entry.matches(query) for query in queries)
        and ("--schemas" not in words or flavour(entry).supports_schema)
        and ("--tools" not in words or flavour(entry).supports_tools)
    ]
    if not entries:
        raise CellError(f"No model matches {' '.join(queries) or 'that'}. `%llm models` lists them all.")
    if "--options" in words:
        for entry in entries:
            _show_options(shell, entry)
        return
    is_search = bool(queries) or "--schemas" in words or "--tools" in words
    _show(shell, entries, is_search=is_search, is_whole="--all" in words)


def flavour(entry: ModelWithAliases) -> Model | KeyModel | AsyncModel | AsyncKeyModel:
    """Return the sync or the async model, whichever there is; both have the same abilities."""
    found = entry.model or entry.async_model
    assert found is not None
    return found


def installed_names() -> set[str]:
    """Return the names of the local models that are installed."""
    from llm_notebook.providers.local.smollm2 import SMOLLM2  # rarely needed

    names = {model.name for model in installed_models() if model.file.path().is_file()}
    return names | ({_SMOLLM2} if SMOLLM2.path().is_file() else set())


def is_missing(entry: ModelWithAliases, installed: set[str]) -> bool:
    """Return whether a model runs on this computer, but has to be installed first."""
    return entry.model_id == _SMOLLM2 and _SMOLLM2 not in installed


def in_order_of_use(entries: Iterable[ModelWithAliases], default: str, installed: set[str]) -> list[ModelWithAliases]:
    """Return models with the default first, then those that run here, then the others in the order that they have."""
    return sorted(
        entries,
        key=lambda entry: (default not in (entry.model_id, *entry.aliases), entry.model_id not in installed),
    )


@dataclass(slots=True)
class Models:
    """Models by what it takes to use them.

    Attributes:
        ready: those that can be used now, in the order of use.
        missing: those that have to be installed on this computer first.
        by_key: those that need a key, by its name; the most useful first.
    """

    ready: list[ModelWithAliases]
    missing: list[ModelWithAliases]
    by_key: dict[str, list[ModelWithAliases]]


def sorted_by_use(entries: Iterable[ModelWithAliases], default: str, installed: set[str]) -> Models:
    """Return models by what it takes to use them."""
    models = Models([], [], {})
    for entry in entries:
        if lacks_key(flavour(entry)):
            models.by_key.setdefault(str(flavour(entry).needs_key), []).append(entry)
        elif is_missing(entry, installed):
            models.missing.append(entry)
        else:
            models.ready.append(entry)
    models.ready = in_order_of_use(models.ready, default, installed)
    for found in models.by_key.values():
        found.sort(key=lambda entry: (default not in (entry.model_id, *entry.aliases), -_reach(entry)))
    return models


def _show(shell: InteractiveShell, entries: list[ModelWithAliases], *, is_search: bool, is_whole: bool) -> None:
    default, installed = get_default_model(), installed_names()
    models = sorted_by_use(entries, default, installed)
    ready, missing = models.ready, models.missing
    most = None if is_whole else _MOST_FOUND if is_search else _MOST_READY
    most_with_key = None if is_whole else _MOST_FOUND if is_search else _MOST_WITH_KEY
    groups = [
        Group("Ready now", [_line(entry, default, installed) for entry in ready[:most]]),
        Group(
            "On this computer, once it is installed",
            [_line(entry, default, installed) for entry in missing],
            "%llm local install",
        ),
    ]
    for key, found in models.by_key.items():
        title = PROVIDERS[key].title if key in PROVIDERS else key
        lines = [_line(entry, default, installed) for entry in found[:most_with_key]]
        groups.append(Group(f"With a key for {title}", lines, f"%llm keys set {key}"))
    shown = sum(len(group.lines) for group in groups)
    note = "`%llm -m MODEL …` uses one, `%llm default MODEL` makes it the default."
    if shown < len(entries):
        note = f"{shown:,} of {len(entries):,} are shown. `%llm models -q TEXT` searches all, `--all` shows all. {note}"
    show_listing(shell, "Models", _COLUMNS, groups, note)


def _reach(entry: ModelWithAliases) -> int:
    """Return how much a model is good for, to name the most useful of many."""
    model = flavour(entry)
    stem = entry.model_id.rpartition("/")[2]
    has_short_name = any(len(alias) < len(stem) for alias in entry.aliases)
    return 2 * model.supports_tools + 2 * model.supports_schema + has_short_name


@dataclass(slots=True, frozen=True)
class ModelRow:
    """What a list says of a model.

    Attributes:
        model_id: its id.
        abilities: what it can do, in a word each.
        context: how many tokens it takes, in words; empty if that is not known.
        price: US dollars for a million tokens in, and out; empty if that is not known, and `free` where nothing is billed.
        is_default: it answers where none is named.
        place: where it runs, if that is no provider's server.
    """

    model_id: str
    abilities: list[str]
    context: str
    price: tuple[str, str]
    is_default: bool
    place: str


def model_row(entry: ModelWithAliases, default: str, installed: set[str]) -> ModelRow:
    """Return what a list says of a model."""
    model = flavour(entry)
    is_ollama = getattr(model, "provider", None) == "ollama"
    place = (
        "installed on this computer" if entry.model_id in installed else "on your Ollama server" if is_ollama else ""
    )
    known = None
    if isinstance(model, Server) and model.provider is not None:
        known = known_model(model.provider, model.model_name)
    price = known.price_at() if known is not None else None
    prices = ("free", "") if place else ("", "") if price is None else (f"{price.input:,.2f}", f"{price.output:,.2f}")
    context = _tokens(known.context) if known is not None and known.context else ""
    is_default = default in (entry.model_id, *entry.aliases)
    return ModelRow(entry.model_id, _abilities(entry), context, prices, is_default, place)


def _line(entry: ModelWithAliases, default: str, installed: set[str]) -> Line:
    row = model_row(entry, default, installed)
    asides = [*(["your default"] if row.is_default else []), *([row.place] if row.place else [])]
    cells = [row.model_id, ", ".join(entry.aliases), ", ".join(row.abilities), row.context, *row.price]
    return Line(cells, aside=", ".join(asides))


def _tokens(count: int) -> str:
    """Return a number of tokens in few characters: `200 k`, `1 M`."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.2f}".rstrip("0").rstrip(".") + " M"
    return f"{round(count / 1000):,} k" if count >= 1_000 else str(count)


def _abilities(entry: ModelWithAliases) -> list[str]:
    model = flavour(entry)
    kinds = sorted({kind.partition("/")[0] for kind in model.attachment_types} - {"application"})
    names = {"image": "images", "audio": "audio", "video": "video", "text": "text files"}
    able = [names.get(kind, kind) for kind in kinds]
    able += ["tools"] if model.supports_tools else []
    return able + (["schemas"] if model.supports_schema else [])


def _show_options(shell: InteractiveShell, entry: ModelWithAliases) -> None:
    fields = flavour(entry).Options.model_fields
    if not fields:
        say(shell, "{} takes no options.", entry.model_id)
        return
    rows = [[name, field.description or ""] for name, field in fields.items()]
    table(shell, [f"-o option of {entry.model_id}", "What it does"], rows)


def _refresh(shell: InteractiveShell, names: Sequence[str]) -> None:
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
