"""The advice in errors: which key was used, which names are similar, by how much a prompt is too long, and how long to wait."""

from __future__ import annotations

from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, refusal, text_reply

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


def test_the_error_for_a_wrong_key_says_that_it_is_the_stored_one(face: Face, openai_server: OpenAIServer) -> None:
    set_key("gateway", "stored-key")
    openai_server.play(refusal(401, "Wrong key"))
    error = face.error_of(face.openai(openai_server.base_url, needs_key="gateway"))
    assert str(error).endswith("Check the key: it is the one stored as 'gateway'; `%llm keys set gateway` replaces it.")
    assert "stored-key" not in str(error)


def test_the_error_for_a_wrong_key_says_that_it_is_in_the_environment(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "key-of-the-environment")
    openai_server.play(refusal(401, "Wrong key"))
    error = face.error_of(face.openai(openai_server.base_url, needs_key="gateway", key_env_var="GATEWAY_KEY"))
    assert str(error).endswith("Check the key: it is the one in the environment variable GATEWAY_KEY.")


def test_the_error_for_a_wrong_key_says_that_it_is_the_given_one(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(401, "Wrong key"), refusal(403, "Not yours"), refusal(401, "Wrong key"))
    assert str(face.error_of(face.openai(openai_server.base_url, key="k"))).endswith(
        "the one that the model was made with."
    )
    with pytest.raises(llm.ProviderError, match="Check what the key may do, and it is the one that was passed as key="):
        face.text(face.openai(openai_server.base_url).prompt("Hi", key="given-here"))
    error = face.error_of(face.openai(openai_server.base_url))
    assert "It wants a key, and none was sent: give the model key=" in str(error)


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("openai/gpt-4o-minni", "gpt-4o-mini"),
        ("mistral/mistral-smal-latest", "mistral-small-latest"),
        ("xai/grok4", "grok-4"),
    ],
)
def test_a_name_that_the_provider_does_not_know_is_answered_with_those_it_does(
    face: Face, openai_server: OpenAIServer, name: str, close: str
) -> None:
    model = face.get_model(name)
    model.base_url, model.key = openai_server.base_url, "k"
    openai_server.play(
        Reply.of_json({"error": {"message": "The model does not exist", "code": "model_not_found"}}, 404)
    )
    error = str(face.error_of(model))
    assert "Did you mean " in error
    assert close in error


def test_the_error_for_a_prompt_that_is_too_long_says_by_how_much(face: Face, openai_server: OpenAIServer) -> None:
    said = "This model's maximum context length is 128000 tokens. However, your messages resulted in 129234 tokens."
    for status in (400, 413):
        openai_server.play(refusal(status, said))
        error = str(face.error_of(face.openai(openai_server.base_url)))
        assert "That is 1,234 tokens too many: send less, or begin a new conversation." in error


@pytest.mark.parametrize(("asked", "told"), [("121", "2 minutes"), ("3600", "60 minutes"), ("86400", "24 hours")])
def test_a_wait_that_is_too_long_is_in_the_error(
    face: Face, openai_server: OpenAIServer, asked: str, told: str
) -> None:
    openai_server.play(refusal(429, "Too many", retry_after=asked))
    assert str(face.error_of(face.openai(openai_server.base_url))).endswith(f"It asks to wait {told}.")
    assert len(openai_server.requests) == 1


def test_an_exhausted_quota_is_not_retried(face: Face, openai_server: OpenAIServer) -> None:
    body = {
        "error": {
            "message": "You exceeded your current quota",
            "type": "insufficient_quota",
            "code": "insufficient_quota",
        }
    }
    openai_server.play(Reply.of_json(body, 429))
    face.error_of(face.openai(openai_server.base_url))
    assert len(openai_server.requests) == 1


def test_a_header_may_hold_a_stored_key(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"x-gateway": "Token ${gateway}", "x-team": "${TEAM}", "x-plain": "a $ {b}"}
    model: Any = face.openai(openai_server.base_url, headers=headers)
    monkeypatch.setenv("TEAM", "blue")
    error = face.error_of(model)
    assert isinstance(error, llm.NeedsKeyException)
    assert "names the key 'gateway', which is not stored" in str(error)
    assert openai_server.requests == []
    set_key("gateway", "stored-key")
    openai_server.play(text_reply("ok"))
    assert face.text(model.prompt("Hi")) == "ok"
    sent = openai_server.requests[0].headers
    assert (sent["x-gateway"], sent["x-team"], sent["x-plain"]) == ("Token stored-key", "blue", "a $ {b}")
    assert "stored-key" not in repr(vars(model))
