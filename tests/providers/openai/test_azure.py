"""Azure OpenAI: where requests go, and in which header the key is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.keys import set_key
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, text_reply

KEY = "azure-key-0123456789"
pytestmark = pytest.mark.usefixtures("own_transport")


@pytest.mark.parametrize(
    ("settings", "wire", "url"),
    [
        (("mine", "dep"), "OpenAIChat", "https://mine.openai.azure.com/openai/v1/chat/completions"),
        (
            ("mine", "a b", "2024-10-21"),
            "OpenAIChat",
            "https://mine.openai.azure.com/openai/deployments/a%20b/chat/completions?api-version=2024-10-21",
        ),
        (
            ("https://gateway.example/x/", "dep", "2024-10-21"),
            "OpenAIChat",
            "https://gateway.example/x/openai/deployments/dep/chat/completions?api-version=2024-10-21",
        ),
        (("mine", "dep"), "OpenAIResponses", "https://mine.openai.azure.com/openai/v1/responses"),
        (
            ("mine", "dep", "2025-03-01-preview"),
            "OpenAIResponses",
            "https://mine.openai.azure.com/openai/responses?api-version=2025-03-01-preview",
        ),
    ],
)
def test_where_requests_go(face: Face, settings: tuple[str, ...], wire: str, url: str) -> None:
    model = face.of(wire, None, "m", azure=llm.AzureEndpoint(*settings), key=KEY)
    request, _ = model._wire(_prompt(model), True, KEY)
    assert request.url == url
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    assert f'"model":"{settings[1]}"' in request.body.decode().replace('": "', '":"')
    assert KEY not in request.secrets.scrub(f"no {KEY}")


def _prompt(model: Any) -> llm.Prompt:
    prompt: llm.Prompt = model.prompt("x").prompt
    prompt.freeze()
    return prompt


@pytest.mark.parametrize("option", [{"seed": 1}, {"stop": "x"}])
def test_a_prompt_that_goes_as_chat_goes_to_the_address_of_chat(face: Face, option: dict[str, Any]) -> None:
    azure = llm.AzureEndpoint("mine", "dep", "2025-03-01-preview")
    model = face.of("OpenAIResponses", None, "m", azure=azure, key=KEY)
    prompt: llm.Prompt = model.prompt("x", **option).prompt
    prompt.freeze()
    request, _ = model._wire(prompt, True, KEY)
    path = "openai/deployments/dep/chat/completions?api-version=2025-03-01-preview"
    assert request.url == f"https://mine.openai.azure.com/{path}"


def test_tokens_go_into_the_usual_header(face: Face) -> None:
    azure = llm.AzureEndpoint("mine", "dep")
    for key in (lambda: "token-of-entra", "eyJhbGciOi.token"):
        model = face.of("OpenAIChat", None, "m", azure=azure, key=key)
        token = key() if callable(key) else key
        request, _ = model._wire(_prompt(model), True, token)
        assert request.headers["authorization"] == f"Bearer {token}"
        assert "api-key" not in request.headers


@pytest.mark.parametrize("settings", [("not a name", "d"), ("http://mine", "d"), ("mine", " ")])
def test_settings_that_cannot_be_are_refused(settings: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="Azure"):
        llm.AzureEndpoint(*settings)


def test_one_address_is_enough(face: Face) -> None:
    with pytest.raises(ValueError, match="not both"):
        face.of("OpenAIChat", "http://localhost:1/v1", azure=llm.AzureEndpoint("mine", "dep"))


def test_an_entry_of_the_endpoints_file_names_a_deployment(face: Face) -> None:
    set_key("work", KEY)
    path = Path(llm.user_dir()) / "extra-openai-models.yaml"
    path.write_text(
        "- model_id: at-work\n  api_key_name: work\n  total_timeout: 90\n"
        "  azure: {resource: mine, deployment: gpt-5-mini-eu, api_version: 2024-10-21}\n"
        "- {model_id: wrong, wire: messages, azure: {resource: mine, deployment: d}}\n"
        "- {model_id: short, azure: {resource: mine}}\n"
        "- {model_id: more, azure: {resource: mine, deployment: d, region: eu}}\n",
        encoding="utf-8",
    )
    with pytest.warns(ConfigurationWarning) as warned:
        model = face.get_model("at-work")
    assert len([warning for warning in warned if "is left out" in str(warning.message)]) == 3
    request, _ = model._wire(_prompt(model), True, model.get_key())
    assert request.url.endswith("/deployments/gpt-5-mini-eu/chat/completions?api-version=2024-10-21")
    assert request.headers["api-key"] == KEY
    assert model.total_timeout == 90


def test_a_query_in_an_address_stays_at_its_end(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"), text_reply("ok"))
    for base_url in (f"{openai_server.base_url}?api-version=1", f"{openai_server.base_url}/?api-version=1"):
        assert face.text(face.openai(base_url).prompt("x")) == "ok"
    assert {request.path for request in openai_server.requests} == {"/v1/chat/completions?api-version=1"}
