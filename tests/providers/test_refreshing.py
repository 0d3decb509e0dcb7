"""The providers' own lists of models: fetched on demand, stored, and used. A server that is slow or gone slows nobody down."""

from __future__ import annotations

import json
import socket
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from llm import plugins as their_plugins

import llm_notebook as llm
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.folders import own_dir
from llm_notebook.configuration.keys import set_key
from llm_notebook.configuration.process import process
from llm_notebook.plugins.llm_package.collection import Bridge
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.own import Plugins
from llm_notebook.providers.catalog.costs import cost_of
from llm_notebook.providers.catalog.lists import known_model, stored_names
from llm_notebook.providers.refreshing import refresh
from llm_notebook.providers.registry import Registry
from llm_notebook.providers.table import PROVIDERS, Provider
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, refusal
from tests.plugins.llm_package import plugin

pytestmark = pytest.mark.usefixtures("own_transport", "own_registry")


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the test a registry of its own."""
    monkeypatch.delitem(process.made, Registry, raising=False)
    yield
    process.made.pop(Registry, None)


def at(server: OpenAIServer, name: str) -> Provider:
    """Return the provider with this server's address."""
    return replace(PROVIDERS[name], base_url=server.base_url)


LISTS: dict[str, tuple[Any, list[str]]] = {
    "groq": (
        {
            "object": "list",
            "data": [
                {"id": "llama-9", "context_window": 131072},
                {"id": "whisper-9"},
                {"id": "gone-9", "active": False},
            ],
        },
        ["llama-9"],
    ),
    "together": ([{"id": "a/Chat", "type": "chat"}, {"id": "b/Embed", "type": "embedding"}], ["a/Chat"]),
    "mistral": (
        {
            "data": [
                {"id": "large-9", "capabilities": {"completion_chat": True}},
                {"id": "x", "capabilities": {"completion_chat": False}},
                {"id": "medium-9", "type": "base", "capabilities": {"completion_chat": True, "vision": True}},
                {"id": "mistral-ocr-9", "type": "base", "capabilities": {"completion_chat": True}},
                {"id": "mine", "type": "fine-tuned", "capabilities": {"completion_chat": True}},
            ]
        },
        ["large-9", "medium-9", "mine"],
    ),
    "openrouter": (
        {
            "data": [
                {"id": "a/chat", "architecture": {"output_modalities": ["text"]}},
                {"id": "a/paints-and-talks", "architecture": {"output_modalities": ["image", "text"]}},
                {"id": "a/old-form", "architecture": {"modality": "text->image"}},
                {"id": "a/paints", "architecture": {"output_modalities": ["image"]}},
                {"id": "a/audio-understanding", "architecture": {"output_modalities": ["text"]}},
                {"id": "a/embeds", "architecture": {"output_modalities": ["embeddings"]}},
            ]
        },
        ["a/audio-understanding", "a/chat", "a/paints-and-talks"],
    ),
    "gemini": (
        {
            "models": [
                {"name": "models/gemini-9", "supportedGenerationMethods": ["generateContent", "countTokens"]},
                {"name": "models/gemini-9-image", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/gemini-9-live", "supportedGenerationMethods": ["bidiGenerateContent"]},
                {"name": "models/gemini-embedding-9", "supportedGenerationMethods": ["embedContent"]},
                {"name": "models/gemini-9-tts", "supportedGenerationMethods": ["generateContent"]},
            ]
        },
        ["gemini-9", "gemini-9-image"],
    ),
    "openai": ({"data": [{"id": "gpt-9"}, {"id": "text-embedding-9"}, {"id": "gpt-9-realtime"}]}, ["gpt-9"]),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_refresh_keeps_only_the_chat_models(name: str, openai_server: OpenAIServer) -> None:
    body, expected = LISTS[name]
    openai_server.play(Reply.of_json(body))
    provider = at(openai_server, name)
    if provider.list_needs_key:
        with pytest.raises(llm.NeedsKeyException, match=f"lists its models only with a key: `%llm keys set {name}`"):
            refresh(provider)
    set_key(name, "key-of-mine")
    refreshed = refresh(provider)
    assert list(refreshed.names) == list(refreshed.new) == expected
    request = openai_server.requests[0]
    assert request.path.partition("?")[0] == "/v1/models"
    if provider.list_needs_key:
        assert "key-of-mine" in (request.headers.get("authorization", "") + request.headers.get("x-goog-api-key", ""))


@pytest.mark.parametrize(
    ("name", "item", "supports"),
    [
        (
            "openrouter",
            {
                "architecture": {"input_modalities": ["text", "image", "audio"], "output_modalities": ["text"]},
                "supported_parameters": ["tools", "reasoning", "temperature"],
            },
            {"tools", "reasoning", "images", "audio", "stream"},
        ),
        ("openrouter", {"supported_parameters": []}, {"stream"}),
        (
            "openrouter",
            {"architecture": {"modality": "text+image->text"}, "supported_parameters": ["structured_outputs"]},
            {"schema", "images", "stream"},
        ),
        (
            "mistral",
            {"capabilities": {"completion_chat": True, "function_calling": True, "vision": False}},
            {"schema", "tools", "stream"},
        ),
        ("groq", {}, {"tools", "schema", "reasoning", "images", "stream"}),
    ],
)
def test_what_a_provider_says_that_a_model_can_do_is_kept(
    openai_server: OpenAIServer, name: str, item: dict[str, Any], supports: set[str]
) -> None:
    set_key(name, "key-of-mine")
    openai_server.play(Reply.of_json({"data": [{"id": "some-model", **item}]}))
    refresh(at(openai_server, name))
    known = known_model(name, "some-model")
    assert known is not None
    assert known.supports == supports


def test_a_fetched_list_is_stored_and_its_models_are_found(face: Face, openai_server: OpenAIServer) -> None:
    set_key("openai", "k")
    with pytest.raises(llm.UnknownModelError):
        face.get_model("gpt-9")
    openai_server.play(Reply.of_json(LISTS["openai"][0]), Reply.of_json(LISTS["openai"][0]))
    assert refresh(at(openai_server, "openai")).new == ("gpt-9",)
    assert face.get_model("gpt-9") is face.get_model("gpt-9")
    assert "gpt-9" in [model.model_id for model in llm.get_models()]
    process.made.pop(Registry)
    assert face.get_model("gpt-9").model_id == "gpt-9"
    assert refresh(at(openai_server, "openai")).new == ()
    path = llm.user_dir() / "llm_notebook" / "models" / "openai.json"
    assert json.loads(path.read_text())["models"] == [{"id": "gpt-9"}]
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_openrouter_tells_prices_and_wants_no_key(openai_server: OpenAIServer) -> None:
    body = {
        "data": [
            {
                "id": "a/b",
                "context_length": 1000,
                "pricing": {"prompt": "0.000002", "completion": "0.00001", "input_cache_read": "0.0000005"},
            },
            {"id": "openrouter/auto", "context_length": 1000, "pricing": {"prompt": "-1", "completion": "-1"}},
        ]
    }
    openai_server.play(Reply.of_json(body))
    refresh(at(openai_server, "openrouter"))
    known = known_model("openrouter", "a/b")
    assert known is not None
    assert known.context == 1000
    model = llm.get_model("openrouter/a/b")
    assert cost_of(model, llm.Usage(1_000_000, 1_000_000)).usd == pytest.approx(12)
    assert cost_of(llm.get_model("openrouter/openrouter/auto"), llm.Usage(1, 1)).usd is None


def test_together_tells_prices_by_the_million(openai_server: OpenAIServer) -> None:
    def listed(name: str, pricing: Any) -> dict[str, Any]:
        return {"id": name, "type": "chat", "pricing": pricing}

    by_hour = {"hourly": 4.5, "input": 0, "output": 0, "base": 0, "finetune": 0}
    body = [
        listed("a/b", {**by_hour, "hourly": 0, "input": 2, "output": 10}),
        listed("a/dedicated", by_hour),
        listed("a/odd", {"input": "x", "output": None}),
    ]
    openai_server.play(Reply.of_json(body))
    set_key("together", "key-of-the-tests")
    refresh(at(openai_server, "together"))
    usage = llm.Usage(1_000_000, 1_000_000)
    assert cost_of(llm.get_model("together/a/b"), usage).usd == pytest.approx(12)
    assert cost_of(llm.get_model("together/a/dedicated"), usage).usd is None
    assert cost_of(llm.get_model("together/a/odd"), usage).usd is None


@pytest.mark.parametrize("reply", [refusal(500), Reply.of_json({"data": "x"}), Reply.of_json(5), Reply([b"<html>"])])
def test_a_refresh_that_fails_leaves_the_stored_list(openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.play(Reply.of_json({"data": [{"id": "kept"}]}), reply)
    refresh(at(openai_server, "openrouter"))
    with pytest.raises(llm.ModelError) as caught:
        refresh(at(openai_server, "openrouter"))
    assert "\n" not in str(caught.value)
    assert known_model("openrouter", "kept") is not None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"models": 5}',
        '{"updated": "x", "models": [5]}',
        '{"updated": "x", "models": [{"id": "new", "aliases": null}]}',
        "[]",
    ],
)
def test_a_stored_list_that_cannot_be_read_counts_as_empty(text: str) -> None:
    path = own_dir() / "models" / "groq.json"
    path.parent.mkdir()
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConfigurationWarning)
        assert known_model("groq", "new") is None
        assert stored_names("groq") == []


def ollama(server: OpenAIServer, *names: str) -> None:
    server.play(Reply.of_json({"models": [{"name": name, "model": name} for name in names]}))


def test_the_models_of_the_ollama_server_are_found(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", openai_server.base_url.removesuffix("/v1"))
    ollama(openai_server, "qwen9:latest", "llama9:70b")
    model = face.get_model("qwen9")
    assert (model.model_id, model.model_name) == ("ollama/qwen9:latest", "qwen9:latest")
    assert face.get_model("ollama/qwen9:latest").model_name == "qwen9:latest"
    assert face.get_model("llama9:70b").model_id == "ollama/llama9:70b"
    assert {"ollama/qwen9:latest", "ollama/llama9:70b"} <= {entry.model_id for entry in llm.get_models()}
    assert [request.path for request in openai_server.requests] == ["/api/tags"]
    assert "authorization" not in openai_server.requests[0].headers


@pytest.fixture
def llm_package_plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register a plugin of the `llm` package that offers the models `scripted` and `markov`."""
    monkeypatch.setitem(process.made, open_bridge, Bridge())
    monkeypatch.setitem(process.made, Plugins, Plugins())
    their_plugins.pm.register(plugin, "scripted_for_tests")
    yield
    their_plugins.pm.unregister(plugin)


@pytest.mark.usefixtures("llm_package_plugin")
def test_a_model_of_an_llm_plugin_is_found_without_a_request_to_ollama(
    openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", openai_server.base_url.removesuffix("/v1"))
    for name in ("scripted", "script", "markov"):
        assert llm.get_model(name).model_id in ("scripted", "markov")
    assert (openai_server.requests, openai_server.connections) == ([], 0)
    ollama(openai_server, "qwen9:latest")
    assert llm.get_model("qwen9").model_id == "ollama/qwen9:latest"
    assert [request.path for request in openai_server.requests] == ["/api/tags"]


def test_other_models_are_found_without_asking_ollama(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", openai_server.base_url.removesuffix("/v1"))
    for name in ("gpt-4o", "4o-mini", "smollm2", "groq/brand-new", "openai/brand-new", "ollama/any", None):
        face.get_model(name)
    assert openai_server.requests == []


def test_an_ollama_that_does_not_answer_is_given_up_and_left_alone(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            try:
                while True:
                    asked.append(listener.accept())
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(3):
            with pytest.raises(llm.UnknownModelError):
                face.get_model("qwen9")
        listener.shutdown(socket.SHUT_RDWR)
    assert len(asked) == 1
    for connection, _ in asked:
        connection.close()
