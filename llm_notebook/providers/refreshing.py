"""The providers' own lists of their models: asked for with `%llm models refresh`, and kept in our settings folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llm_notebook.configuration.folders import own_dir
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, NeedsKeyException
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.providers.catalog.catalog import CatalogModel, catalog
from llm_notebook.providers.catalog.lists import list_file, stored_list
from llm_notebook.providers.table import PROVIDERS, WIRES, Provider, build_entry

__all__ = ["OllamaList", "Refreshed", "listed_entries", "refresh"]

_LIMITS = {
    "context": ("context_length", "max_context_length", "context_window", "max_input_tokens", "inputTokenLimit"),
    "max_output": ("max_tokens", "outputTokenLimit"),
}
_PATIENCE = 30.0
_OLLAMA_PATIENCE = 0.5
_OLLAMA_FRESH = 60.0


@dataclass(slots=True, frozen=True)
class Refreshed:
    """What came of asking a provider for its models.

    Attributes:
        provider: which one.
        names: its names of the models one can talk to.
        new: those that were not known before.
    """

    provider: Provider
    names: tuple[str, ...]
    new: tuple[str, ...]


def listed_entries() -> Iterator[ModelWithAliases]:
    """The models that the providers listed themselves and that are in no catalogue."""
    for provider in PROVIDERS.values():
        in_catalog = catalog(provider.name).models
        for name, known in stored_list(provider.name).models.items():
            if name not in in_catalog:
                yield build_entry(provider, known)


def refresh(provider: Provider) -> Refreshed:
    """Ask a provider for its models, and keep the list.

    Raises:
        NeedsKeyException: it wants a key, and there is none.
        ModelError: it could not be asked, or the list could not be kept.
    """
    listed = [entry for entry in _fetch_models(provider, _PATIENCE) if not provider.not_chat.search(entry["id"])]
    names = tuple(sorted(entry["id"] for entry in listed))
    before = {*catalog(provider.name).models, *stored_list(provider.name).models}
    file = list_file(own_dir().absolute(), provider.name)
    file.path.parent.mkdir(mode=0o700, exist_ok=True)
    file.update(lambda _: {"updated": datetime.now(UTC).date().isoformat(), "models": listed})
    return Refreshed(provider, names, tuple(name for name in names if name not in before))


def _fetch_models(provider: Provider, patience: float) -> list[dict[str, Any]]:
    """The provider's models as catalogue entries."""
    from llm_notebook.providers.http.exchange import TransportSettings  # loads httpx
    from llm_notebook.providers.http.transport import Transport  # loads httpx

    asking = WIRES[provider.wire][0](f"{provider.title}'s list of models", base_url=provider.base_url)
    asking.needs_key, asking.key_env_var = provider.name if provider.list_needs_key else None, provider.key_env_var
    try:
        key = asking.get_key()
    except NeedsKeyException:
        raise NeedsKeyException(
            f"{provider.title} lists its models only with a key: `%llm keys set {provider.name}`."
        ) from None
    request = asking.wire_request(provider.list_path, "", key)
    told = process.of(Transport).fetch_json(
        request.url, request.headers, sender=request.sender, settings=TransportSettings(patience, 0)
    )
    items = told.get("data", told.get("models")) if isinstance(told, dict) else told
    if not isinstance(items, list):
        raise ModelError(f"{provider.title} answered with what is no list of models.")
    return [entry for item in items if isinstance(item, dict) and (entry := _entry(item)) is not None]


def _entry(item: dict[str, Any]) -> dict[str, Any] | None:
    """One listed model as a catalogue entry; None for what one cannot talk to."""
    name = item.get("id") or item.get("name")
    if not isinstance(name, str) or item.get("type", "chat") not in ("chat", "language", "model", "code"):
        return None
    if (item.get("capabilities") or {}).get("completion_chat") is False:
        return None
    entry: dict[str, Any] = {"id": name.removeprefix("models/")}
    for ours, theirs in _LIMITS.items():
        limit = next((item[name] for name in theirs if item.get(name)), None)
        if isinstance(limit, int):
            entry[ours] = limit
    price = _price(item.get("pricing"))
    if price is not None:
        entry["price"] = price
    return entry


def _price(pricing: Any) -> dict[str, float] | None:
    """OpenRouter's dollars per token, as text, made dollars per million; None where there is no fixed price."""
    names = {"prompt": "input", "completion": "output", "input_cache_read": "cached_input"}
    try:
        price = {ours: round(float(pricing[theirs]) * 1e6, 6) for theirs, ours in names.items() if theirs in pricing}
    except (TypeError, ValueError):
        return None
    return price if {"input", "output"} <= price.keys() and min(price.values()) >= 0 else None


@dataclass(slots=True)
class OllamaList:
    """The models of the Ollama server. It is asked at most once a minute, and only for as long as nobody would notice."""

    _asked_at: float = float("-inf")
    _of_host: str | None = None
    _entries: list[ModelWithAliases] = field(default_factory=list)

    def entries(self) -> list[ModelWithAliases]:
        """What the server has, as `ollama/NAME`; nothing where it does not answer at once."""
        host = os.getenv("OLLAMA_HOST")
        if host != self._of_host or time.monotonic() - self._asked_at > _OLLAMA_FRESH:
            try:
                names = [entry["id"] for entry in _fetch_models(PROVIDERS["ollama"], _OLLAMA_PATIENCE)]
            except ModelError:
                names = []
            kept = {entry.model_id: entry for entry in self._entries} if host == self._of_host else {}
            made = [build_entry(PROVIDERS["ollama"], CatalogModel(name, _short_names(name))) for name in names]
            self._entries = [kept.get(entry.model_id, entry) for entry in made]
            self._asked_at, self._of_host = time.monotonic(), host
        return self._entries


def _short_names(name: str) -> tuple[str, ...]:
    """What people call a model of Ollama's: without the prefix, and without the tag where it is the usual one."""
    stem = name.removesuffix(":latest")
    return (name,) if stem == name else (name, stem, f"ollama/{stem}")
