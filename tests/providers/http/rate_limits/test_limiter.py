"""Limits that servers state or show by refusing: every call of the process to that server and key waits, and every wait ends at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http.rate_limits import limiter
from llm_notebook.providers.http.rate_limits.limit_headers import Stated
from llm_notebook.providers.http.rate_limits.limiter import Limits
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, Request, UntilSet, refusal, text_reply

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")

_NOTHING_LEFT = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "100s",
}


def _used_up(*texts: str) -> Reply:
    reply = text_reply(*texts)
    return Reply(reply.pieces, headers=_NOTHING_LEFT)


@pytest.fixture
def on_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Return a function that lets something happen as soon as a request waits for a limit."""

    def when(act: Callable[[], object]) -> None:
        waking = limiter.Gate.waking

        def note(gate: limiter.Gate, wake: Callable[[], object]) -> object:
            threading.Timer(0, act).start()
            return waking(gate, wake)

        monkeypatch.setattr(limiter.Gate, "waking", note)

    return when


def test_a_limit_that_is_used_up_holds_for_every_call_with_that_key(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(_used_up("a"), text_reply("b"))
    model = face.openai(openai_server.base_url, key="one")
    assert face.text(model.prompt("x")) == "a"
    for other in (model, llm.OpenAIChat("other", base_url=openai_server.base_url, key="one")):
        late = other.prompt("y", total_timeout=0.01)
        with pytest.raises(llm.TransportError, match=r"no answer came within 0\.01 s"):
            face.text(late) if other is model else late.text()
    assert len(openai_server.requests) == 1
    assert face.text(face.openai(openai_server.base_url, key="two").prompt("z")) == "b"


def test_a_long_wait_is_told(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(_used_up("a"))
    model = face.openai(openai_server.base_url)
    face.text(model.prompt("x"))
    told: list[str] = []
    response = model.prompt("y", total_timeout=0.01)
    response._turn.on_retry = lambda notice: told.append(f"{notice.reason}: {notice.delay > 1}")
    with pytest.raises(llm.TransportError):
        face.text(response)
    assert told == ["Waiting for the server's limit: True"]


def test_an_answer_after_a_refusal_lets_those_that_wait_go_on_at_once(
    face: Face, openai_server: OpenAIServer, on_wait: Callable[[Callable[[], object]], None]
) -> None:
    is_sent, go_on = threading.Event(), threading.Event()
    refused, texts = refusal(429, retry_after="100"), list[str]()
    model = face.openai(openai_server.base_url, max_retries=0)
    other = threading.Thread(
        target=lambda: texts.append(llm.OpenAIChat("m", base_url=openai_server.base_url).prompt("y").text())
    )

    def answer(request: Request) -> Reply:
        if len(openai_server.requests) == 1:
            # It is refused after the other was sent, and the other is answered when the next one waits.
            other.start()
            return Reply([UntilSet(is_sent), *refused.pieces], refused.status, refused.headers, refused.content_type)
        if "y" in str(request.json()["messages"]):
            is_sent.set()
            go_on.wait(30)
        return text_reply("a")

    openai_server.answer = answer
    on_wait(go_on.set)
    assert "429" in str(face.error_of(model))
    # It fails if it waits until the hundred seconds are over.
    assert face.text(model.prompt("z", total_timeout=60)) == "a"
    other.join()
    assert texts == ["a"]
    assert len(openai_server.requests) == 3


def test_a_server_that_says_nothing_of_limits_has_none(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"), refusal(500), text_reply("b"))
    model = face.openai(openai_server.base_url)
    assert face.texts([model.prompt("x")]) + face.texts([model.prompt("y")]) == ["a", "b"]
    assert process.of(Limits).seen == {}


def test_limits_are_divided_among_processes_and_those_that_are_known_are_too() -> None:
    limits = Limits()
    known = limits.of(("https://a", ""))
    limits.divide(4)
    new = limits.of(("https://b", ""))
    for gate in (known, new):
        gate.learn({"requests": Stated(8, 60, 1000.0)}, None)
        # Two of the eight are for this process, and the third request waits.
        assert [list(gate.waits()) for _ in range(2)] == [[], []]
        assert next(gate.waits()) > 0
    limits.divide(1)
    known.learn({"requests": Stated(8, 60, 1000.0)}, None)
    assert [list(known.waits()) for _ in range(8)] == [[]] * 8
