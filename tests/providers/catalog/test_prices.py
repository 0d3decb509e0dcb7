"""Our prices are those that `genai-prices` collects, but for what is named here. A new version of it may show that ours have to change."""

from __future__ import annotations

import datetime

import pytest

from llm_notebook.providers.catalog.catalog import CatalogModel, catalog

data = pytest.importorskip("genai_prices.data")

PROVIDERS = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "together": "together",
    "xai": "x-ai",
}
TIMES = [
    datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC),
    datetime.datetime(2026, 11, 26, 2, tzinfo=datetime.UTC),
    datetime.datetime(2026, 12, 1, 12, tzinfo=datetime.UTC),
    datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC),
]
# Ours is right here: the name means a later model by now, or the other list leaves out or rounds a price.
DIFFERENT = {"mistral-large-latest", "ministral-3b-latest", "codestral-latest", "claude-3-haiku-20240307"}


def priced() -> list[tuple[str, CatalogModel]]:
    """Return the models of the catalogues that both lists know, with their provider."""
    return [
        (name, known)
        for name in PROVIDERS
        for known in catalog(name).models.values()
        if known.name not in DIFFERENT and theirs(name, known) is not None
    ]


def theirs(provider: str, known: CatalogModel):
    found = next(found for found in data.providers if found.id == PROVIDERS[provider])
    return found.find_model(known.name)


def first_tier(price: object) -> float | None:
    """Return the price of the shortest prompts."""
    return None if price is None else float(getattr(price, "base", price))


@pytest.mark.parametrize(("provider", "known"), priced(), ids=lambda value: getattr(value, "name", value))
def test_a_price_is_the_one_that_others_know(provider: str, known: CatalogModel) -> None:
    model = theirs(provider, known)
    for at in TIMES:
        price, other = known.price_at(at), model.get_prices(at)
        expected = [
            first_tier(getattr(other, f"{name}_mtok")) for name in ("input", "output", "cache_read", "cache_write")
        ]
        if expected[0] is None:
            assert price is None
            continue
        assert price is not None
        ours = [price.input, price.output, price.cached_input, price.cache_write]
        assert ours == [value if value is None else pytest.approx(value) for value in expected]
