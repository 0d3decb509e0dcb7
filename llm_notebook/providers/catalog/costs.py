"""What a response cost, from the tokens it used and the price of its model. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm_notebook.parts.messages import Usage
from llm_notebook.providers.catalog.catalog import Price
from llm_notebook.providers.catalog.lists import known_model

__all__ = ["Cost", "cost", "cost_of", "is_billed", "total"]

_MILLION = 1_000_000
_CACHED = ("cached_tokens", "cache_read_input_tokens", "cachedContentTokenCount")
_WRITTEN = ("cache_write_tokens", "cache_creation_input_tokens")
_USUAL_TIERS = (None, "auto", "default", "standard")


@dataclass(slots=True, frozen=True)
class Cost:
    """What a response cost.

    Attributes:
        usd: US dollars; None where that cannot be told.
        unknown: why it cannot be told, as a sentence; empty where it can.
    """

    usd: float | None
    unknown: str = ""

    def __str__(self) -> str:
        if self.usd is None:
            return self.unknown
        return f"${self.usd:.2f}" if self.usd >= 1 else f"${self.usd:.4f}" if self.usd >= 0.0001 else "under $0.0001"


def cost(usage: Usage, price: Price | None, *, model_id: str = "this model", tier: str | None = None) -> Cost:
    """The cost of one response.

    Args:
        usage: the tokens it used, those found in a cache included in its `input`.
        price: what the model costs; None where that is not known.
        model_id: how the model is called in the sentence that says why the cost is unknown.
        tier: the tier of service that answered, where the provider says so; prices are those of the usual one.
    """
    if price is None:
        return Cost(None, f"The price of {model_id} is not known.")
    if usage.input is None or usage.output is None:
        return Cost(None, f"{model_id} did not say how many tokens it used.")
    if tier not in _USUAL_TIERS:
        return Cost(None, f"The price of {model_id} in the tier {tier!r} is not known.")
    if price.over is not None and price.beyond is not None and usage.input > price.over:
        price = price.beyond
    cached, written = _count(usage.details, _CACHED), _count(usage.details, _WRITTEN)
    fresh = max(0, usage.input - cached - written)
    dollars = (
        fresh * price.input
        + cached * (price.input if price.cached_input is None else price.cached_input)
        + written * (price.input if price.cache_write is None else price.cache_write)
        + usage.output * price.output
    )
    return Cost(dollars / _MILLION)


def total(costs: Sequence[Cost]) -> str:
    """What several responses cost together, in a few words, also where that is not known; empty for none."""
    if any(one.usd is None for one in costs):
        return "cost not known"
    return str(Cost(sum(one.usd or 0.0 for one in costs))) if costs else ""


def _count(details: Mapping[str, Any] | None, names: tuple[str, ...]) -> int:
    """The tokens that a provider's finer counts, in whatever object they stand, give under one of these names."""
    for name, value in (details or {}).items():
        found = _count(value, names) if isinstance(value, Mapping) else value if name in names else 0
        if isinstance(found, int) and found:
            return found
    return 0


_OWN_SERVERS = (None, "ollama")


def is_billed(model: Any) -> bool:
    """Somebody asks money for the model's answers: a known provider, or a plugin's that needs a key."""
    if hasattr(type(model), "address"):
        return getattr(model, "provider", None) not in _OWN_SERVERS
    return bool(model.needs_key)


def cost_of(model: Any, usage: Usage, response_json: Any = None) -> Cost:
    """The cost of one response.

    Args:
        model: the model that answered.
        usage: the tokens it used.
        response_json: the provider's raw JSON, which may name the tier of service that answered.
    """
    provider, model_id = getattr(model, "provider", None), model.model_id
    if provider in _OWN_SERVERS and hasattr(type(model), "address"):
        return Cost(None, f"{model_id} has no price here: it runs on a server of your own.")
    known = known_model(provider, model.model_name) if provider is not None else None
    tier = response_json.get("service_tier") if isinstance(response_json, Mapping) else None
    return cost(usage, known.price if known is not None else None, model_id=model_id, tier=tier)
