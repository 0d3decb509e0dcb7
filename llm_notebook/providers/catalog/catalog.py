"""The catalogues: which models each provider has, what they can do, how much they take in and what they cost.

One file per provider in `catalogs/`: `{"updated": "YYYY-MM-DD", "models": [...]}`, each model with its `id` and, as far as known,
`aliases`, `context` and `max_output` (tokens), `price` (US dollars per million tokens: `input`, `output`, `cached_input`,
`cache_write`; `long` has the same for prompts of more than `over` tokens), `supports` (of `tools`, `schema`, `reasoning`, `images`,
`audio`, `video`, and of Anthropic's and Google's `thinking:` with the way in which they are told to reason), `stream` where it is false, and `wire` where it is not its provider's usual one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Catalog", "CatalogModel", "Price", "catalog", "parse_catalog"]


EVERYTHING = frozenset({"tools", "schema", "reasoning", "images", "stream"})


@dataclass(slots=True, frozen=True)
class Price:
    """US dollars per million tokens.

    Attributes:
        input, output: what is sent and what comes back.
        cached_input: what is sent and found in the provider's cache; None where that costs the same.
        cache_write: what is sent and put into that cache; None where that costs the same.
        over: prompts of more tokens than this cost what `beyond` says; None where all cost the same.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    over: int | None = None
    beyond: Price | None = None


@dataclass(slots=True, frozen=True)
class CatalogModel:
    """What is known of one model.

    Attributes:
        name: the provider's name of it.
        aliases: other names that `get_model()` takes for it.
        context: most tokens of prompt and answer together.
        max_output: most tokens of an answer.
        price: None where it is not known.
        supports: what it can do; a model that is not listed is taken to support everything.
        wire: the wire format it needs, where that is not its provider's usual one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    context: int | None = None
    max_output: int | None = None
    price: Price | None = None
    supports: frozenset[str] = EVERYTHING
    wire: str | None = None


@dataclass(slots=True, frozen=True)
class Catalog:
    """The models of one provider.

    Attributes:
        provider: its name.
        updated: the day it was last compared with what the provider says, as ISO 8601; empty if there is no catalogue.
        models: by the provider's names.
    """

    provider: str
    updated: str = ""
    models: Mapping[str, CatalogModel] = field(default_factory=dict)

    def find(self, name: str) -> CatalogModel | None:
        """The model of that name; a dated version (`-2025-08-07`, `-20250807`) is looked up without its date too."""
        return self.models.get(name) or self.models.get(_undated(name))


@functools.cache
def catalog(provider: str) -> Catalog:
    """The catalogue of that provider; an empty one if there is none."""
    path = Path(__file__).with_name("catalogs") / f"{provider}.json"
    if not path.is_file():
        return Catalog(provider)
    return parse_catalog(provider, json.loads(path.read_text(encoding="utf-8")))


def parse_catalog(provider: str, data: dict[str, Any]) -> Catalog:
    """The catalogue that a file's JSON holds.

    Raises:
        KeyError, TypeError, AttributeError: it does not hold one.
    """
    models = [_model(entry) for entry in data["models"]]
    return Catalog(provider, data["updated"], {model.name: model for model in models})


def _model(entry: dict[str, Any]) -> CatalogModel:
    supports = frozenset(entry["supports"]) if "supports" in entry else EVERYTHING
    return CatalogModel(
        entry["id"],
        tuple(entry.get("aliases", ())),
        entry.get("context"),
        entry.get("max_output"),
        _price(entry["price"]) if entry.get("price") else None,
        supports - {"stream"} if entry.get("stream") is False else supports | {"stream"},
        entry.get("wire"),
    )


def _price(given: dict[str, Any]) -> Price:
    longer = dict(given.get("long", {}))
    over = longer.pop("over", None)
    usual = {name: value for name, value in given.items() if name != "long"}
    return Price(**usual, over=over, beyond=Price(**longer) if longer else None)


def _undated(name: str) -> str:
    stem, _, date = name.rpartition("-")
    if len(date) == 8 and date.isdigit():
        return stem
    return name[:-11] if len(name) > 11 and name[-11] == "-" and name[-10:].replace("-", "").isdigit() else name
