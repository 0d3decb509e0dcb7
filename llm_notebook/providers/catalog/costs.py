"""The cost of a response, from the tokens it used and the price of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.parts.messages import Usage
from llm_notebook.providers.catalog.catalog import Price
from llm_notebook.providers.catalog.lists import known_model
from llm_notebook.providers.http.servers import Server

__all__ = ["Cost", "cost", "cost_of", "is_billed", "stated_cost", "total"]

_MILLION = 1_000_000
# xAI states costs in ticks; a dollar has this many.
_TICKS = 10_000_000_000
# The names under which OpenAI, Anthropic and Google count tokens that are read from and written to their caches.
_CACHED = ("cached_tokens", "cache_read_input_tokens", "cachedContentTokenCount")
_WRITTEN = ("cache_write_tokens", "cache_creation_input_tokens")
_USUAL_TIERS = (None, "auto", "default", "standard")
# The `provider` of models on the user's own servers.
_OWN_SERVERS = (None, "ollama")


@dataclass(slots=True, frozen=True)
class Cost:
    """The cost of a response.

    Attributes:
        usd: US dollars; None if the cost is unknown.
        unknown: a sentence that says why the cost is unknown; empty if it is known.
    """

    usd: float | None
    unknown: str = ""

    def __str__(self) -> str:
        if self.usd is None:
            return self.unknown
        return f"${self.usd:.2f}" if self.usd >= 1 else f"${self.usd:.4f}" if self.usd >= 0.0001 else "under $0.0001"


def cost(usage: Usage, price: Price | None, *, model_id: str = "this model", tier: str | None = None) -> Cost:
    """Compute the cost of one response.

    Args:
        usage: the tokens it used; `input` includes those from a cache.
        price: the price of the model; None if it is not known.
        model_id: the model's name in the sentence that says why the cost is unknown.
        tier: the service tier that answered, if the provider names it; the known prices are those of the usual tier.
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
    """Return the cost of several responses together in a few words, even if it is not known; empty for no responses."""
    if any(one.usd is None for one in costs):
        return "cost not known"
    return str(Cost(sum(one.usd or 0.0 for one in costs))) if costs else ""


def _count(details: Mapping[str, Any] | None, names: tuple[str, ...]) -> int:
    """Return the number of tokens under one of these names in a provider's detailed counts, however deep it is nested."""
    for name, value in (details or {}).items():
        found = _count(value, names) if isinstance(value, Mapping) else value if name in names else 0
        if isinstance(found, int) and found:
            return found
    return 0


def is_billed(model: KeyHolder) -> bool:
    """Return True if answers of this model cost money: it is a known provider's, or a plugin's that needs a key."""
    if isinstance(model, Server):
        return model.provider not in _OWN_SERVERS or _is_at_azure(model)
    return bool(model.needs_key)


def _is_at_azure(model: Server) -> bool:
    return getattr(model, "azure", None) is not None


def stated_cost(response_json: object) -> float | None:
    """Return the cost in US dollars that the provider itself states in its raw JSON; None if it states none.

    OpenRouter states `cost`, and separately what another provider charges if the key is that provider's; Perplexity states a `cost` of
    several fields; xAI states ticks.
    """
    usage = response_json.get("usage") if isinstance(response_json, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    given, ticks = usage.get("cost"), _dollars(usage.get("cost_in_usd_ticks"))
    if isinstance(given, Mapping):
        return _dollars(given.get("total_cost"))
    stated = _dollars(given)
    if stated is not None and usage.get("is_byok") is True:
        details = usage.get("cost_details")
        stated += (_dollars(details.get("upstream_inference_cost")) if isinstance(details, Mapping) else None) or 0.0
    return ticks / _TICKS if stated is None and ticks is not None else stated


def _dollars(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < float("inf") else None  # type: ignore[operator, arg-type]


def cost_of(model: KeyHolder, usage: Usage, response_json: object = None, at: datetime | None = None) -> Cost:
    """Return the cost of one response: as the provider states it, or else computed from its price.

    Args:
        model: the model that answered.
        usage: the tokens it used.
        response_json: the provider's raw JSON, which may state the cost and name the service tier that answered.
        at: when it was answered; None means now.
    """
    stated = stated_cost(response_json)
    if stated is not None:
        return Cost(stated)
    if not isinstance(model, Server):
        return cost(usage, None, model_id=model.model_id)
    if _is_at_azure(model):
        return Cost(
            None, f"{model.model_id} has no price here: what Azure charges depends on the region and the agreement."
        )
    if model.provider is None or model.provider in _OWN_SERVERS:
        return Cost(None, f"{model.model_id} has no price here: it runs on a server of your own.")
    known = known_model(model.provider, model.model_name)
    tier = response_json.get("service_tier") if isinstance(response_json, Mapping) else None
    return cost(usage, known.price_at(at) if known is not None else None, model_id=model.model_id, tier=tier)
