"""What the side panel shows and changes of the set-up: models, keys, and the models on this computer.

A key is named, stored, replaced and removed. No answer holds one, or a part of one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.keys import Secret, delete_key, list_keys
from llm_notebook.configuration.process import process
from llm_notebook.notebook.commands.keys import store_key
from llm_notebook.notebook.commands.lists.tables import spoken
from llm_notebook.notebook.commands.local import local_rows, remove_local
from llm_notebook.notebook.commands.models import flavour, installed_names, model_row, sorted_by_use
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.panel.installing import Installing
from llm_notebook.providers.local.progress import megabytes
from llm_notebook.providers.registry import Registry, get_default_model
from llm_notebook.providers.table import PROVIDERS
from llm_notebook.transcript.visible import visible

if TYPE_CHECKING:
    from llm_notebook.models.model import ModelWithAliases
    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["cancel", "install", "keys", "local", "models", "remove", "remove_model", "store"]

Asked = Mapping[str, Any]
Answer = dict[str, Any]

_MOST_READY = 20
_MOST_WITH_KEY = 3
_MOST_FOUND = 60
_LONGEST = 200


def models(_turns: LiveTurns, asked: Asked) -> Answer:
    """Return the models by what it takes to use them, or those that a text finds. No server is asked for it."""
    query = str(asked.get("query") or "")[:_LONGEST]
    default, installed = get_default_model(), installed_names()
    entries = process.of(Registry).known_entries()
    found = [entry for entry in entries if not query or entry.matches(query)]
    sorted_models = sorted_by_use(found, default, installed)

    def rows(some: list[ModelWithAliases]) -> list[Answer]:
        return [_model(entry, default, installed) for entry in some]

    groups = [{"key": "", "title": "", "models": rows(sorted_models.ready[: _MOST_FOUND if query else _MOST_READY])}]
    for key, some in sorted_models.by_key.items():
        title = PROVIDERS[key].title if key in PROVIDERS else key
        groups.append({"key": key, "title": title, "models": rows(some[: _MOST_FOUND if query else _MOST_WITH_KEY])})
    return {"default": default, "groups": groups, "count": len(entries), "found": len(found)}


def _model(entry: ModelWithAliases, default: str, installed: set[str]) -> Answer:
    row = model_row(entry, default, installed)
    model = flavour(entry)
    return {
        "id": row.model_id,
        "abilities": row.abilities,
        "context": row.context,
        "input": row.price[0],
        "output": row.price[1],
        "isDefault": row.is_default,
        "place": row.place,
        "key": _key_state(model.needs_key, model.key_env_var) if model.needs_key else "",
    }


def _key_state(name: str, variable: str | None) -> str:
    """Return where a key comes from: `stored`, the name of an environment variable, or nothing."""
    if name in list_keys():
        return "stored"
    return variable if variable and os.getenv(variable, "").strip() else ""


def keys(_turns: LiveTurns, _asked: Asked) -> Answer:
    """Return the names of the keys that there are, and of the providers that take one."""
    return {**_keys(), "said": ""}


def _keys() -> Answer:
    known = {name: provider for name, provider in PROVIDERS.items() if provider.key_env_var}
    stored = list_keys()
    rows = [
        {"name": visible(name)[:_LONGEST], "title": known[name].title if name in known else "", "from": "stored"}
        for name in stored
    ]
    rows += [
        {"name": name, "title": provider.title, "from": provider.key_env_var}
        for name, provider in known.items()
        if name not in stored and os.getenv(provider.key_env_var, "").strip()
    ]
    return {"keys": rows, "providers": [{"name": name, "title": one.title} for name, one in known.items()]}


def store(_turns: LiveTurns, asked: Asked) -> Answer:
    """Store a key and try it. A key that its provider refuses is not kept."""
    name, key = str(asked.get("name") or "").strip(), Secret(asked.get("key") or "")
    if not name or not key.strip():
        raise CellError("Type a key first. Nothing is stored.")
    said, names = store_key(name, key)
    return {**_keys(), "said": spoken(said, *names)}


def remove(_turns: LiveTurns, asked: Asked) -> Answer:
    """Forget a stored key."""
    name = str(asked.get("name"))
    if name not in list_keys():
        raise CellError(f"No key is stored under {visible(name)[:_LONGEST]!r}.")
    delete_key(name)
    return {**_keys(), "said": spoken("The key {} is forgotten.", name)}


def local(turns: LiveTurns, _asked: Asked) -> Answer:
    """Return the models on this computer, those that arrive, and the one that can be installed without an address.

    Pages are told from then on how far those are that arrive, as often as they move.
    """
    process.of(Installing).tell = lambda: turns.tell(
        {"type": "panel", "answers": "", "about": "local", **_local(), "said": ""}
    )
    return {**_local(), "said": ""}


def _local() -> Answer:
    from llm_notebook.providers.local.smollm2 import SMOLLM2  # rarely needed

    rows = local_rows()
    models = [
        {"name": row.name, "size": row.size, "about": row.about, "from": visible(row.source), "isWhole": row.is_whole}
        for row in rows
    ]
    has_small = any(row.name == "smollm2" for row in rows)
    offers = [] if has_small else [{"name": "smollm2", "size": megabytes(SMOLLM2.download_size)}]
    return {"models": models, "offers": offers, "installing": process.of(Installing).told()}


def install(turns: LiveTurns, asked: Asked) -> Answer:
    """Begin to install a model."""
    process.of(Installing).begin(str(asked.get("source") or "").strip())
    return local(turns, asked)


def cancel(_turns: LiveTurns, asked: Asked) -> Answer:
    """Stop an installation, or take one that has failed off the list. What has arrived is kept."""
    process.of(Installing).stop(str(asked.get("source")))
    return {**_local(), "said": ""}


def remove_model(_turns: LiveTurns, asked: Asked) -> Answer:
    """Remove a model from this computer."""
    said, names = remove_local(str(asked.get("name")))
    return {**_local(), "said": spoken(said, *names)}
