"""The shipped catalogues, and the cost of responses at their prices."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.providers.catalog import catalog as catalog_module
from llm_notebook.providers.catalog.catalog import Price, catalog, parse_catalog
from llm_notebook.providers.catalog.costs import Cost, cost, cost_of, is_billed, stated_cost, total
from llm_notebook.providers.table import PROVIDERS, WIRES

FILES = sorted(Path(catalog_module.__file__).with_name("catalogs").glob("*.json"))
ABLE = {"tools", "schema", "reasoning", "images", "audio", "video", "documents"}
TOKENS = st.integers(0, 10**9)
DOLLARS = st.floats(0, 1000)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_catalogue_says_only_what_can_be_true(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    assert datetime.date.fromisoformat(data["updated"]) >= datetime.date(2026, 11, 1)
    ids = [model["id"] for model in data["models"]]
    assert ids
    assert len(ids) == len(set(ids))
    for model in data["models"]:
        # Each wire format has its own values for how a request asks for reasoning.
        assert {flag for flag in model["supports"] if not flag.startswith("thinking:")} <= ABLE
        assert model.get("wire", "chat") in WIRES
        assert 0 < model.get("max_output", 1) <= model.get("context", 10**9)
    for known in catalog(path.stem).models.values():
        for dated in known.prices:
            assert 0 <= (dated.price.cached_input or 0) <= dated.price.input <= dated.price.output
            assert dated.starts is None or dated.ends is None or dated.starts < dated.ends


def test_every_provider_that_lists_models_here_has_a_row_of_its_own() -> None:
    assert {path.stem for path in FILES} <= set(PROVIDERS)


def test_a_catalogue_that_is_not_there_is_empty() -> None:
    assert not catalog("nobody").models


def test_a_model_without_an_entry_on_support_is_assumed_to_support_everything() -> None:
    known = parse_catalog(
        "p", {"updated": "2026-11-24", "models": [{"id": "m"}, {"id": "n", "supports": [], "stream": False}]}
    )
    assert known.models["m"].supports == {"tools", "schema", "reasoning", "images", "stream"}
    assert known.models["n"].supports == set()


@pytest.mark.parametrize("name", ["gpt-5-mini", "gpt-5-mini-2025-08-07", "gpt-5-mini-20250807"])
def test_a_dated_version_has_the_price_of_its_model(name: str) -> None:
    known = catalog("openai").find(name)
    assert known is not None
    assert known.name == "gpt-5-mini"


def test_another_model_is_not_taken_for_it() -> None:
    assert catalog("openai").find("gpt-5-mini-turbo") is None
    assert catalog("openai").find("2025-08-07") is None


def test_prices_have_days_and_hours() -> None:
    argon = catalog("gemini").models["gemini-4-argon"]
    before, after = (datetime.datetime(2026, month, day, tzinfo=datetime.UTC) for month, day in ((11, 30), (12, 1)))
    assert (argon.price_at(before), argon.price_at(after)) == (Price(2, 10, 0.1), Price(4, 20, 0.2))
    # Midnight is in another place the evening before.
    elsewhere = datetime.timezone(-datetime.timedelta(hours=8))
    assert argon.price_at(datetime.datetime(2026, 11, 30, 16, tzinfo=elsewhere)) == Price(4, 20, 0.2)
    flash = catalog("deepseek").models["deepseek-flash"]
    hours = {hour: flash.price_at(datetime.datetime(2026, 11, 30, hour, tzinfo=datetime.UTC)) for hour in range(24)}
    assert {hour for hour, price in hours.items() if price is not None and price.input == 0.3} == {1, 2, 3, 6, 7, 8, 9}


def test_a_price_that_has_ended_is_not_known() -> None:
    entry = {"id": "m", "price": {"until": "2020-01-01", "input": 1, "output": 2}}
    known = parse_catalog("p", {"updated": "2026-11-24", "models": [entry]}).models["m"]
    assert known.price_at() is None
    assert known.price_at(datetime.datetime(2019, 1, 1, tzinfo=datetime.UTC)) == Price(1, 2)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"cost": 0.00183}, 0.00183),
        ({"cost": 0}, 0.0),
        ({"cost": 0.001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, 0.021),
        ({"cost_in_usd_ticks": 1721000}, 0.0001721),
        ({"cost": {"total_cost": 0.006, "request_cost": 0.005}}, 0.006),
        ({"cost": "free"}, None),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({"cost": float("nan")}, None),
        ([], None),
    ],
)
def test_a_cost_that_a_provider_states_is_believed(usage: object, usd: float | None) -> None:
    assert stated_cost({"usage": usage}) == (None if usd is None else pytest.approx(usd))
    if usd is not None:
        for model in (llm.get_model("openrouter/some/model"), llm.OpenAIChat("m", base_url="http://localhost:1/v1")):
            assert cost_of(model, llm.Usage(), {"usage": usage}).usd == pytest.approx(usd)


PRICE = Price(input=2.0, output=8.0, cached_input=0.5, cache_write=2.5)


@pytest.mark.parametrize(
    ("details", "usd"),
    [
        (None, 2.0 + 0.8),
        ({"input_tokens_details": {"cached_tokens": 400_000}}, 1.2 + 0.2 + 0.8),
        ({"prompt_tokens_details": {"cached_tokens": 400_000, "cache_write_tokens": 100_000}}, 1.0 + 0.2 + 0.25 + 0.8),
        ({"cache_read_input_tokens": 400_000, "cache_creation_input_tokens": 100_000}, 1.0 + 0.2 + 0.25 + 0.8),
        ({"cachedContentTokenCount": 400_000}, 1.2 + 0.2 + 0.8),
        ({"output_tokens_details": {"reasoning_tokens": 50_000}}, 2.0 + 0.8),
    ],
)
def test_tokens_become_dollars(details: dict[str, object] | None, usd: float) -> None:
    assert cost(llm.Usage(1_000_000, 100_000, details), PRICE).usd == pytest.approx(usd)


def test_long_prompts_may_cost_more() -> None:
    price = Price(1.0, 1.0, over=200_000, beyond=Price(2.0, 3.0))
    assert cost(llm.Usage(200_000, 0), price).usd == pytest.approx(0.2)
    assert cost(llm.Usage(200_001, 100_000), price).usd == pytest.approx(0.400002 + 0.3)


@given(TOKENS, TOKENS, TOKENS, DOLLARS, DOLLARS)
def test_no_bill_is_negative_whatever_the_server_counts(
    input_tokens: int, output: int, cached: int, dear: float, cheap: float
) -> None:
    usage = llm.Usage(input_tokens, output, {"prompt_tokens_details": {"cached_tokens": cached}})
    found = cost(usage, Price(dear, dear, cached_input=min(dear, cheap))).usd
    assert found is not None
    assert found >= 0


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (cost(llm.Usage(1, 1), None, model_id="m"), "The price of m is not known."),
        (cost(llm.Usage(None, 1), PRICE, model_id="m"), "m did not say how many tokens it used."),
        (cost(llm.Usage(1, 1), PRICE, model_id="m", tier="flex"), "The price of m in the tier 'flex' is not known."),
        (cost(llm.Usage(1, 1), PRICE, tier="default"), "under $0.0001"),
        (Cost(1.5), "$1.50"),
        (Cost(0.00123), "$0.0012"),
        (Cost(0.0), "under $0.0001"),
    ],
)
def test_a_cost_as_text(found: Cost, said: str) -> None:
    assert str(found) == said


def test_the_price_is_looked_up_by_the_model() -> None:
    usage = llm.Usage(1_000_000, 1_000_000)
    assert cost_of(llm.get_model("gpt-4o-mini"), usage).usd == pytest.approx(0.75)
    assert cost_of(llm.get_async_model("openai/gpt-4o-mini"), usage).usd == pytest.approx(0.75)
    assert cost_of(llm.get_model("groq/openai/gpt-oss-20b"), usage).usd == pytest.approx(0.375)
    assert cost_of(llm.get_model("gpt-4o-mini"), usage, {"service_tier": "priority"}).usd is None
    assert str(cost_of(llm.get_model("groq/brand-new"), usage)) == "The price of groq/brand-new is not known."
    assert "a server of your own" in str(cost_of(llm.OpenAIChat("m", base_url="http://localhost:1/v1"), usage))
    assert "a server of your own" in str(cost_of(llm.get_model("ollama/qwen3"), usage))
    at_work = llm.OpenAIChat("at-work", azure=llm.AzureEndpoint("mine", "gpt-5-mini"))
    assert "what Azure charges depends on the region and the agreement" in str(cost_of(at_work, usage))
    assert str(cost_of(llm.get_model("smollm2"), usage)) == "The price of smollm2 is not known."
    assert [is_billed(llm.get_model(name)) for name in ("smollm2", "ollama/qwen3", "gpt-5-mini", "groq/brand-new")] == [
        False,
        False,
        True,
        True,
    ]
    assert total([]) == ""
    assert total([cost(usage, PRICE, model_id="m"), cost(usage, None)]) == "cost not known"
    assert total([cost(usage, PRICE, model_id="m")]) == str(cost(usage, PRICE, model_id="m"))
