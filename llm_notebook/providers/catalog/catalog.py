"""The catalogues of models: which models each provider has, what they can do, how many tokens they accept and what they cost.

There is one file for each provider in `catalogs/`: `{"updated": "YYYY-MM-DD", "models": [...]}`. Each model has an `id` and, as far as
they are known:

- `aliases`;
- `context` and `max_output`, in tokens;
- `price`, in US dollars per million tokens: `input`, `output`, `cached_input`, `cache_write`; `long` has the same prices for prompts
  of more than `over` tokens. If a price changes, it is a list, of which the last applicable price counts: each may say `from` and `until` which
  day (exclusive, UTC) it applies, and in which `hours` of the day, as pairs of times (UTC);
- `supports`: some of `tools`, `schema`, `reasoning`, `images`, `audio` and `video`, and for Anthropic's and Google's models `thinking:` with
  the way in which a request asks for reasoning; a model without this field is assumed to support everything in `EVERYTHING`;
- `stream`, if it is false;
- `wire`, if it is not the provider's usual one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

__all__ = ["EVERYTHING", "Catalog", "CatalogModel", "DatedPrice", "Price", "catalog", "parse_catalog"]

EVERYTHING = frozenset({"tools", "schema", "reasoning", "images", "stream"})


@dataclass(slots=True, frozen=True)
class Price:
    """The price of a model, in US dollars per million tokens.

    Attributes:
        input: the price of the prompt's tokens.
        output: the price of the answer's tokens.
        cached_input: the price of prompt tokens that the provider reads from its cache; None if it is the same as `input`.
        cache_write: the price of prompt tokens that the provider writes to its cache; None if it is the same as `input`.
        over: the number of prompt tokens above which `beyond` applies; None if the price does not depend on it.
        beyond: the price of longer prompts.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    over: int | None = None
    beyond: Price | None = None


@dataclass(slots=True, frozen=True)
class DatedPrice:
    """A price and the time in which it applies.

    Attributes:
        price: the price.
        starts: the first day on which it applies; None if it has always applied.
        ends: the first day on which it no longer applies; None if no end is known.
        hours: the hours of the day (UTC) in which it applies, as pairs of beginning and end; none means all.
    """

    price: Price
    starts: date | None = None
    ends: date | None = None
    hours: tuple[tuple[time, time], ...] = ()

    def applies(self, at: datetime) -> bool:
        """Return whether the price applies at a time in UTC."""
        day, hour = at.date(), at.time()
        has_begun = self.starts is None or day >= self.starts
        has_ended = self.ends is not None and day >= self.ends
        return has_begun and not has_ended and (not self.hours or any(a <= hour < b for a, b in self.hours))


@dataclass(slots=True, frozen=True)
class CatalogModel:
    """What is known about one model.

    Attributes:
        name: the provider's name for it.
        aliases: other names under which `get_model()` finds it.
        context: the largest number of tokens of prompt and answer together.
        max_output: the largest number of tokens in an answer.
        prices: its prices; none if they are not known.
        supports: what it can do; a model that no catalogue lists is assumed to support everything.
        wire: the wire format it needs; None means its provider's usual one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    context: int | None = None
    max_output: int | None = None
    prices: tuple[DatedPrice, ...] = ()
    supports: frozenset[str] = EVERYTHING
    wire: str | None = None

    def price_at(self, at: datetime | None = None) -> Price | None:
        """Return the price at a time, by default now; None if it is not known."""
        at = datetime.now(UTC) if at is None else at.astimezone(UTC)
        return next((dated.price for dated in reversed(self.prices) if dated.applies(at)), None)


@dataclass(slots=True, frozen=True)
class Catalog:
    """The models of one provider.

    Attributes:
        provider: the provider's name.
        updated: the day of the last comparison with the provider's own list, as ISO 8601; empty if there is no catalogue.
        models: the models by the provider's names for them.
    """

    provider: str
    updated: str = ""
    models: Mapping[str, CatalogModel] = field(default_factory=dict)

    def find(self, name: str) -> CatalogModel | None:
        """Return the model with this name, or None. A dated name (`-2025-08-07`, `-20250807`) also finds the model without a date."""
        return self.models.get(name) or self.models.get(_undated(name))


@functools.cache
def catalog(provider: str) -> Catalog:
    """Read the catalogue of this provider; it is empty if there is none. It is read once."""
    path = Path(__file__).with_name("catalogs") / f"{provider}.json"
    if not path.is_file():
        return Catalog(provider)
    return parse_catalog(provider, json.loads(path.read_text(encoding="utf-8")))


def parse_catalog(provider: str, data: dict[str, Any]) -> Catalog:
    """Return the catalogue in a file's JSON.

    Raises:
        KeyError, TypeError, AttributeError: the JSON has another shape.
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
        _prices(entry.get("price")),
        supports - {"stream"} if entry.get("stream") is False else supports | {"stream"},
        entry.get("wire"),
    )


def _prices(given: dict[str, Any] | list[dict[str, Any]] | None) -> tuple[DatedPrice, ...]:
    return tuple(map(_dated_price, given if isinstance(given, list) else [given] if given else []))


def _dated_price(given: dict[str, Any]) -> DatedPrice:
    if given.keys().isdisjoint(("from", "until", "hours")):
        return DatedPrice(_price(given))
    values = dict(given)
    starts, ends = (date.fromisoformat(day) if (day := values.pop(name, None)) else None for name in ("from", "until"))
    hours = tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in values.pop("hours", ()))
    return DatedPrice(_price(values), starts, ends, hours)


def _price(given: dict[str, Any]) -> Price:
    # Most prices are plain, and a provider may list thousands of models.
    if "long" not in given:
        return Price(**given)
    longer = dict(given["long"])
    over = longer.pop("over", None)
    usual = {name: value for name, value in given.items() if name != "long"}
    return Price(**usual, over=over, beyond=Price(**longer) if longer else None)


def _undated(name: str) -> str:
    stem, _, date = name.rpartition("-")
    if len(date) == 8 and date.isdigit():
        return stem
    return name[:-11] if len(name) > 11 and name[-11] == "-" and name[-10:].replace("-", "").isdigit() else name
