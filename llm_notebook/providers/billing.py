"""What a model's response cost, by the price that its provider's catalogue or own list gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_notebook.prompts import Usage
from llm_notebook.providers.costs import Cost, cost
from llm_notebook.providers.model_lists import known_model

__all__ = ["cost_of", "is_billed"]

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
