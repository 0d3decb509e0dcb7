"""Anthropic's and Google's models in the registry: their names, their keys, and models that no catalogue has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from llm_notebook.providers.anthropic import models as anthropic_models
from llm_notebook.providers.catalog import catalog
from llm_notebook.providers.catalog.costs import cost_of
from llm_notebook.providers.endpoints import ENDPOINTS_FILE
from llm_notebook.providers.gemini import models as gemini_models
from llm_notebook.providers.refreshing import refresh
from llm_notebook.providers.table import PROVIDERS
from tests.fakes import anthropic_answers, gemini_answers
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply

CATALOGS = Path(catalog.__file__).with_name("catalogs")


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("claude-3.5-sonnet", "anthropic/claude-3-5-sonnet-latest"),
        ("claude-sonnet-4.5", "anthropic/claude-sonnet-4-5"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4-5-20251001"),
        ("anthropic/claude-opus-5-5", "anthropic/claude-opus-5-5"),
        ("gemini-2.5-flash", "gemini/gemini-2.5-flash"),
        ("gemini/gemini-3.8-flash", "gemini/gemini-3.8-flash"),
        ("anthropic/claude-opus-9", "anthropic/claude-opus-9"),
        ("gemini/gemini-9-neon", "gemini/gemini-9-neon"),
    ],
)
def test_models_answer_to_the_names_that_people_know(face: Face, name: str, model_id: str) -> None:
    model = face.get_model(name)
    assert model.model_id == model_id
    assert model.model_name == model_id.partition("/")[2]
    assert model.supports_tools
    assert "image/png" in model.attachment_types


def test_an_alias_may_lead_to_what_is_not_in_the_catalogue(face: Face) -> None:
    llm.set_alias("newest", "anthropic/claude-opus-9")
    assert face.get_model("newest").model_name == "claude-opus-9"


@pytest.mark.parametrize("name", ["anthropic/", "anthropic", "gemini/", "nobody/some-model", "claude-opus-9"])
def test_other_unknown_names_stay_unknown(face: Face, name: str) -> None:
    with pytest.raises(llm.UnknownModelError):
        face.get_model(name)


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_the_catalogue_is_whole(provider: str) -> None:
    data = json.loads((CATALOGS / f"{provider}.json").read_text(encoding="utf-8"))
    assert data["updated"].count("-") == 2
    names = [name for model in data["models"] for name in {model["id"], *model["aliases"]}]
    assert len(set(names)) == len(names)
    for model in data["models"]:
        assert 0 < model["max_output"] <= model["context"]
        prices = model.get("price", [])
        for price in prices if isinstance(prices, list) else [prices]:
            assert 0 < price["cached_input"] < price["input"] < price["output"]
        thinking = [flag for flag in model["supports"] if flag.startswith("thinking:")]
        assert len(thinking) == ("reasoning" in model["supports"])


def test_how_much_an_answer_may_hold_is_the_models_own_limit(face: Face) -> None:
    limits = {name: face.get_model(name).max_output for name in ("claude-3-haiku", "claude-opus-5-5", "anthropic/x")}
    assert limits == {"claude-3-haiku": 4096, "claude-opus-5-5": 128_000, "anthropic/x": 64_000}
    assert face.of("AnthropicMessages", "http://localhost:1/v1", "m").max_output == 4096


CLAUDE = (anthropic_models._AnthropicMessages, "claude-sonnet-5", "x-api-key", anthropic_answers.text_answer)
GEMINI = (gemini_models._GeminiModel, "gemini-3.5-flash", "x-goog-api-key", gemini_answers.text_answer)


@pytest.mark.parametrize(
    ("which", "stored", "environment"),
    [
        (CLAUDE, "anthropic", None),
        (CLAUDE, "claude", None),
        (CLAUDE, None, "ANTHROPIC_API_KEY"),
        (GEMINI, "gemini", None),
        (GEMINI, None, "GEMINI_API_KEY"),
        (GEMINI, None, "LLM_GEMINI_KEY"),
        (GEMINI, None, "GOOGLE_API_KEY"),
    ],
)
def test_keys_are_found_where_other_programs_keep_them(
    face: Face,
    openai_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    which: Any,
    stored: str | None,
    environment: str | None,
) -> None:
    owner, name, header, answer = which
    monkeypatch.setattr(owner, "home", (openai_server.base_url, *owner.home[1:]))
    if stored is not None:
        set_key(stored, "k-1")
    if environment is not None:
        monkeypatch.setenv(environment, "k-1")
    openai_server.play(answer())
    assert face.text(face.get_model(name).prompt("Hi")) == "ok"
    assert openai_server.requests[0].headers[header] == "k-1"


@pytest.mark.parametrize("which", [CLAUDE, GEMINI], ids=["claude", "gemini"])
def test_without_a_key_nothing_is_sent(face: Face, which: Any) -> None:
    owner, name, *_ = which
    _, stored, variable = owner.home
    with pytest.raises(llm.NeedsKeyException, match=f"%llm keys set {stored}`, set {variable}"):
        face.text(face.get_model(name).prompt("Hi"))


@pytest.mark.parametrize("kind", ["AnthropicMessages", "GeminiModel"])
def test_a_providers_key_is_never_sent_elsewhere(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in ("anthropic", "claude", "gemini"):
        set_key(name, "k-1")
    for name in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "k-1")
    openai_server.play(anthropic_answers.text_answer() if kind == "AnthropicMessages" else gemini_answers.text_answer())
    assert face.text(face.of(kind, openai_server.base_url, "m").prompt("Hi")) == "ok"
    assert "k-1" not in str(openai_server.requests[0].headers)


@pytest.mark.parametrize("kind", ["AnthropicMessages", "GeminiModel"])
def test_what_a_model_lacks_is_refused_before_anything_is_sent(
    face: Face, openai_server: OpenAIServer, kind: str
) -> None:
    model = face.of(kind, openai_server.base_url, "m", supports_schema=False, supports_tools=False)
    with pytest.raises(ValueError, match="does not support schemas"):
        model.prompt("Hi", schema="name")
    with pytest.raises(ValueError, match="does not support tools"):
        model.prompt("Hi", tools=[llm.Tool("f")])
    with pytest.raises(ValueError, match="does not read image/png"):
        model.prompt("Hi", attachments=[llm.Attachment("image/png", content=b"x")])
    with pytest.raises(ValueError, match="thinking must be one of"):
        face.of(kind, None, "m", thinking="hard")
    assert openai_server.requests == []


@pytest.mark.parametrize(
    ("which", "path", "listed"),
    [
        (CLAUDE, "/v1/models?limit=1000", {"data": [{"type": "model", "id": "claude-9", "max_tokens": 500_000}]}),
        (
            GEMINI,
            "/v1/models?pageSize=1000",
            {
                "models": [
                    {"name": "models/gemini-9", "inputTokenLimit": 900, "outputTokenLimit": 500_000},
                    {"name": "models/gemini-embedding-9"},
                ]
            },
        ),
    ],
    ids=["claude", "gemini"],
)
def test_a_provider_is_asked_for_the_models_that_are_new(
    face: Face,
    openai_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    which: Any,
    path: str,
    listed: dict[str, Any],
) -> None:
    owner, _, header, _ = which
    _, provider, variable = owner.home
    monkeypatch.setattr(owner, "home", (openai_server.base_url, *owner.home[1:]))
    monkeypatch.setenv(variable, "k-1")
    openai_server.play(Reply.of_json(listed))
    [name] = refresh(PROVIDERS[provider]).new
    [request] = openai_server.requests
    assert (request.path, request.headers[header]) == (path, "k-1")
    assert f"{provider}/{name}" in {model.model_id for model in llm.get_models()}
    model = face.get_model(f"{provider}/{name}")
    assert (model.model_name, model.supports_tools) == (name, True)
    assert getattr(model, "max_output", 500_000) == 500_000


@pytest.mark.parametrize(
    ("name", "usage", "dollars"),
    [
        (
            "claude-opus-5-5",
            llm.Usage(1000, 10, {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 300}),
            (100 * 4 + 600 * 0.2 + 300 * 5 + 10 * 20) / 1e6,
        ),
        ("claude-haiku-5-5", llm.Usage(200_000, 10), (200_000 * 0.5 + 10 * 2.5) / 1e6),
        (
            "gemini-3.5-flash",
            llm.Usage(1000, 10, {"cachedContentTokenCount": 600, "thoughtsTokenCount": 5}),
            (400 * 1.5 + 600 * 0.15 + 10 * 9) / 1e6,
        ),
    ],
)
def test_what_came_from_a_cache_costs_less(face: Face, name: str, usage: llm.Usage, dollars: float) -> None:
    assert cost_of(face.get_model(name), usage).usd == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("wire", "answer", "path"),
    [
        ("messages", anthropic_answers.text_answer, "/v1/messages"),
        ("gemini", gemini_answers.text_answer, "/v1/models/mine:streamGenerateContent?alt=sse"),
    ],
)
def test_a_users_server_can_speak_these_wire_formats(
    face: Face, openai_server: OpenAIServer, wire: str, answer: Any, path: str
) -> None:
    entry = f"- model_id: mine\n  base_url: {openai_server.base_url}\n  wire: {wire}\n"
    (llm.user_dir() / ENDPOINTS_FILE).write_text(entry, encoding="utf-8")
    openai_server.play(answer())
    assert face.text(face.get_model("mine").prompt("Hi")) == "ok"
    assert openai_server.requests[0].path == path
