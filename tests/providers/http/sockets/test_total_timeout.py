"""An answer that keeps coming may still take too long: the total timeout, beside the one for silence."""

from __future__ import annotations

import itertools

import pytest

import llm_notebook as llm
from llm_notebook.providers.http import exchange
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, refusal, sse, text_chunk, text_reply

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second pass whenever the time is asked."""
    seconds = itertools.count()
    monkeypatch.setattr(exchange, "monotonic", lambda: float(next(seconds)))


def pieces(count: int, text: str = "word ") -> Reply:
    return Reply([sse(text_chunk(text), done=False) for _ in range(count)])


@pytest.mark.usefixtures("clock")
def test_an_answer_that_goes_on_and_on_is_given_up(face: Face, openai_server: OpenAIServer) -> None:
    # What arrives together is read together, so each of these is more than is read at once.
    openai_server.play(pieces(200, "word " * 20_000))
    model = face.openai(openai_server.base_url, total_timeout=60)
    error = face.error_of(model)
    assert isinstance(error, llm.IncompleteResponse)
    assert "not complete within 60 s, which is all that total_timeout allows" in str(error)
    assert len(openai_server.requests) == 1


def test_no_attempt_begins_after_it(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(503, retry_after="0"), refusal(503, retry_after="100"))
    error = face.error_of(face.openai(openai_server.base_url, total_timeout=60, max_retries=8))
    assert isinstance(error, llm.ProviderError)
    assert len(openai_server.requests) == 2


def test_an_option_sets_it_for_one_prompt_and_is_not_sent(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"))
    assert face.text(face.openai(openai_server.base_url).prompt("x", total_timeout=60)) == "a"
    assert "total_timeout" not in openai_server.requests[0].json()
    silent = face.openai(openai_server.base_url, total_timeout=60)
    assert silent._transport_settings(silent.prompt("x", total_timeout=5).prompt).seconds == 5
    assert silent._transport_settings(silent.prompt("x", timeout=2).prompt).seconds == 2
