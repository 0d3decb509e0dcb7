"""The providers' own lists of their models: fetched by `%llm models refresh`, and stored in our settings folder.

A provider's list stays in a file until the next refresh, so that nothing is fetched when a model is looked up. The Ollama server is the
exception: its models change with every `ollama pull`, and it usually runs on this machine, so `OllamaList` asks it during a lookup, but briefly
and rarely.
"""

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
from llm_notebook.providers.catalog.lists import list_file, stored_list, stored_names
from llm_notebook.providers.listed import abilities, chats
from llm_notebook.providers.table import PROVIDERS, WIRES, Provider, build_entry

__all__ = ["OllamaList", "Refreshed", "listed_models", "listed_names", "refresh"]

# Our names for limits, and the names that providers give them in their lists.
_LIMITS = {
    "context": ("context_length", "max_context_length", "context_window", "max_input_tokens", "inputTokenLimit"),
    "max_output": ("max_tokens", "outputTokenLimit"),
}
_TIMEOUT = 30.0
# A lookup waits this long for a server that may not be there, and trusts its last answer for this long (seconds).
_OLLAMA_TIMEOUT = 0.5
_OLLAMA_MAX_AGE = 60.0


@dataclass(slots=True, frozen=True)
class Refreshed:
    """The outcome of a refresh.

    Attributes:
        provider: the provider whose list was fetched.
        names: the provider's names for its chat models.
        new: those that were in neither the catalogue nor the list before.
    """

    provider: Provider
    names: tuple[str, ...]
    new: tuple[str, ...]


def listed_models() -> Iterator[tuple[Provider, CatalogModel]]:
    """Yield the models in the providers' stored lists that are in no catalogue."""
    for provider in PROVIDERS.values():
        in_catalog = catalog(provider.name).models
        for name, known in stored_list(provider.name).models.items():
            if name not in in_catalog:
                yield provider, known


def listed_names() -> Iterator[tuple[Provider, str, tuple[str, ...]]]:
    """Yield (the provider, the id, the aliases) of the same models."""
    for provider in PROVIDERS.values():
        in_catalog = catalog(provider.name).models
        for name, aliases in stored_names(provider.name):
            if name not in in_catalog:
                yield provider, provider.model_id(name), aliases


def refresh(provider: Provider) -> Refreshed:
    """Fetch a provider's list of models and store it.

    Raises:
        NeedsKeyException: the provider requires a key, and there is none.
        ModelError: the list could not be fetched or stored.
    """
    listed = [entry for entry in _fetch_models(provider, _TIMEOUT) if not provider.not_chat.search(entry["id"])]
    names = tuple(sorted(entry["id"] for entry in listed))
    before = {*catalog(provider.name).models, *stored_list(provider.name).models}
    file = list_file(own_dir().absolute(), provider.name)
    file.path.parent.mkdir(mode=0o700, exist_ok=True)
    file.update(lambda _: {"updated": datetime.now(UTC).date().isoformat(), "models": listed})
    return Refreshed(provider, names, tuple(name for name in names if name not in before))


def _fetch_models(provider: Provider, timeout: float) -> list[dict[str, Any]]:
    """Fetch the provider's models as catalogue entries.

    Raises:
        NeedsKeyException: the provider requires a key, and there is none.
        ModelError: no list came.
    """
    from llm_notebook.providers.http.settings import TransportSettings  # loaded with the first request
    from llm_notebook.providers.http.transport import Transport  # loads httpx

    # A model of the provider knows its address, its headers and where its key is. The id appears in error messages.
    model = WIRES[provider.wire][0](f"{provider.title}'s list of models", base_url=provider.base_url)
    model.needs_key, model.key_env_var = provider.name if provider.list_needs_key else None, provider.key_env_var
    try:
        key = model.get_key()
    except NeedsKeyException:
        raise NeedsKeyException(
            f"{provider.title} lists its models only with a key: `%llm keys set {provider.name}`."
        ) from None
    request = model.wire_request(provider.list_path, "", key)
    settings = TransportSettings(timeout, max_retries=0, total_timeout=timeout)
    listing = process.of(Transport).fetch_json(request, settings)
    items = listing.get("data", listing.get("models")) if isinstance(listing, dict) else listing
    if not isinstance(items, list):
        raise ModelError(f"{provider.title} answered with what is no list of models.")
    return [entry for item in items if isinstance(item, dict) and (entry := _entry(item)) is not None]


def _entry(item: dict[str, Any]) -> dict[str, Any] | None:
    """Return one listed model as a catalogue entry, or None if it is no chat model."""
    name = item.get("id") or item.get("name")
    if not isinstance(name, str) or not chats(item):
        return None
    entry: dict[str, Any] = {"id": name.removeprefix("models/")}
    for ours, theirs in _LIMITS.items():
        limit = next((item[name] for name in theirs if item.get(name)), None)
        if isinstance(limit, int):
            entry[ours] = limit
    price = _price(item.get("pricing"))
    if price is not None:
        entry["price"] = price
    supported = abilities(item)
    if supported is not None:
        entry["supports"] = supported
    return entry


def _price(pricing: object) -> dict[str, float] | None:
    """Return a price in dollars per million tokens; None if there is no fixed price.

    OpenRouter gives dollars per token, as text, and Together dollars per million. Together gives zeros for models that are billed by the hour.
    """
    if not isinstance(pricing, dict):
        return None
    names = {"prompt": "input", "completion": "output", "input_cache_read": "cached_input"}
    per_token = {ours: pricing[theirs] for theirs, ours in names.items() if theirs in pricing}
    per_million = {name: pricing[name] for name in ("input", "output") if name in pricing}
    given, times = (per_token, 1e6) if per_token else (per_million, 1.0)
    try:
        price = {ours: round(float(number) * times, 6) for ours, number in given.items()}
    except (TypeError, ValueError):
        return None
    is_fixed = {"input", "output"} <= price.keys() and min(price.values()) >= 0 and max(price.values()) < float("inf")
    return price if is_fixed and (per_token or any(price.values())) else None


@dataclass(slots=True)
class OllamaList:
    """The models of the Ollama server, which is asked at most once a minute and given half a second to answer."""

    _fetched_at: float = float("-inf")
    _host: str | None = None
    _entries: list[ModelWithAliases] = field(default_factory=list)

    def entries(self) -> list[ModelWithAliases]:
        """Return the server's models, as `ollama/NAME`; none if it does not answer at once."""
        host = os.getenv("OLLAMA_HOST")
        if host != self._host or time.monotonic() - self._fetched_at > _OLLAMA_MAX_AGE:
            self._fetch(host)
        return self._entries

    def known(self) -> list[ModelWithAliases]:
        """Return the server's last answer, however old it is."""
        return self._entries

    def _fetch(self, host: str | None) -> None:
        try:
            names = [entry["id"] for entry in _fetch_models(PROVIDERS["ollama"], _OLLAMA_TIMEOUT)]
        except ModelError:
            names = []
        fetched = [build_entry(PROVIDERS["ollama"], CatalogModel(name, _short_names(name))) for name in names]
        # A model that was already listed stays the same object, because users may have set attributes on it.
        known = {entry.model_id: entry for entry in self._entries} if host == self._host else {}
        self._entries = [known.get(entry.model_id, entry) for entry in fetched]
        self._fetched_at, self._host = time.monotonic(), host


def _short_names(name: str) -> tuple[str, ...]:
    """Return the names that people use for an Ollama model: without the prefix, and without the tag if it is `latest`."""
    stem = name.removesuffix(":latest")
    return (name,) if stem == name else (name, stem, f"ollama/{stem}")
