"""The transport: which requests are sent again, and errors that say in one sentence what happened."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply, Reset, UntilClosed, refusal, sse, text_chunk, text_reply

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


@pytest.mark.parametrize(
    "first",
    [
        refusal(429, retry_after="0"),
        refusal(500),
        refusal(503, "Loading model"),
        refusal(400, x_should_retry="true"),
        Reply([Cut()], headers={"content-length": "0"}, status=500),
    ],
    ids=["429", "500", "loading", "x-should-retry", "empty 500"],
)
def test_a_refused_request_is_sent_again_and_the_retry_is_announced(
    face: Face, openai_server: OpenAIServer, first: Reply
) -> None:
    openai_server.play(first, text_reply("ok"))
    response = face.openai(openai_server.base_url).prompt("Hi")
    told: list[Any] = []
    response._turn.on_retry = told.append
    assert face.text(response) == "ok"
    bodies = [request.body for request in openai_server.requests]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert [(retry.attempt, retry.of) for retry in told] == [(2, 3)]


def test_a_server_that_loads_its_model_is_waited_for(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(*[refusal(503, "Loading model")] * 6, text_reply("ok"))
    assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "ok"
    assert len(openai_server.requests) == 7


def test_retries_end(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(*[refusal(500)] * 3)
    error = face.error_of(face.openai(openai_server.base_url))
    assert str(error) == "gpt-test: the server answered with HTTP 500: Try later"
    assert len(openai_server.requests) == 3


@pytest.mark.parametrize(
    "reply", [refusal(500, x_should_retry="false"), refusal(429, retry_after="3600"), refusal(400)]
)
def test_some_refusals_are_final(face: Face, openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.play(reply)
    face.error_of(face.openai(openai_server.base_url))
    assert len(openai_server.requests) == 1


def test_retries_can_be_turned_off(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(500))
    face.error_of(face.openai(openai_server.base_url, max_retries=0))
    assert len(openai_server.requests) == 1


@pytest.mark.parametrize("end", [Cut(), Reset()], ids=["cut", "reset"])
@pytest.mark.parametrize("arrived", [[], [sse(text_chunk("Hel"), done=False)]], ids=["nothing", "text"])
def test_nothing_is_retried_once_an_answer_began(
    face: Face, openai_server: OpenAIServer, arrived: list[bytes], end: Any
) -> None:
    openai_server.play(Reply([*arrived, end]))
    response = face.openai(openai_server.base_url).prompt("Hi")
    with pytest.raises(llm.IncompleteResponse) as caught:
        face.text(response)
    assert "Hel".startswith(caught.value.partial_text)
    assert len(openai_server.requests) == 1


def test_a_connection_that_ends_before_any_reply_is_tried_again(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []

        def hang_up() -> None:
            for _ in range(3):
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.close()
                accepted.append(connection)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        error = face.error_of(face.openai(f"http://127.0.0.1:{listener.getsockname()[1]}/v1"))
        thread.join(30)
    assert isinstance(error, llm.TransportError)
    assert len(accepted) == 3


def test_a_refused_connection_is_reported_in_one_sentence(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    where = f"127.0.0.1:{port}/v1"
    error = face.error_of(face.openai(f"http://{where}", max_retries=0))
    assert isinstance(error, llm.TransportError)
    assert str(error) == (
        f"gpt-test: could not reach http://{where}/chat/completions (Connection refused). "
        "Check the address and the network."
    )
    error = face.error_of(face.openai(f"http://user:pw@{where}", max_retries=0))
    assert str(error).startswith(f"gpt-test: could not reach http://{where}/chat/completions (")
    assert "pw" not in str(error)


def test_an_unknown_name_is_told_in_words(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        # What Linux says without a network; the tests have no name server that could say it.
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = face.error_of(face.openai("http://models.example/v1", max_retries=0))
    where = "http://models.example/v1/chat/completions"
    assert str(error) == (
        f"gpt-test: could not reach {where} (its name could not be resolved). Check the address and the network."
    )


def test_a_wrong_path_says_what_to_check(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json({"detail": "Not Found"}, 404))
    error = face.error_of(face.openai(openai_server.base_url))
    assert (
        str(error) == "gpt-test: the server answered with HTTP 404: Not Found. Check the model's name and the address."
    )


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_web_page_is_not_printed(face: Face, openai_server: OpenAIServer, status: int) -> None:
    page = Reply([b"<html><script>alert(1)</script></html>"], status, content_type="text/html; charset=utf-8")
    openai_server.play(page)
    error = face.error_of(face.openai(openai_server.base_url, max_retries=0))
    assert "<" not in str(error)
    assert ("not an API" if status == 200 else f"HTTP {status}") in str(error)


def test_a_redirect_is_not_followed(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([], 308, {"location": "http://127.0.0.1:1/"}, "text/plain"))
    error = face.error_of(face.openai(openai_server.base_url))
    assert "HTTP 308. The address is another one: check base_url." in str(error)
    assert len(openai_server.requests) == 1


def test_a_server_that_says_nothing_is_given_up(face: Face, openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    openai_server.play(Reply([sse(text_chunk("Hel"), done=False), UntilClosed(gone)]))
    # Long enough for the beginning to arrive on a busy machine.
    error = face.error_of(face.openai(openai_server.base_url, timeout=1))
    assert isinstance(error, llm.IncompleteResponse)
    assert gone.wait(30)


def test_a_server_that_never_answers_is_given_up(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = face.error_of(face.openai(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", timeout=0.05))
    assert isinstance(error, llm.TransportError)
    assert str(error).endswith("/v1/chat/completions did not answer within 0.05 s.")


@pytest.mark.parametrize(
    ("body", "said", "code"),
    [
        (
            {"error": {"message": "Bad thing", "type": "invalid_request_error", "code": None}},
            "Bad thing",
            "invalid_request_error",
        ),
        ({"error": "Bad thing"}, "Bad thing", None),
        ({"error": {"code": 400, "message": "Bad thing", "type": "x"}}, "Bad thing", "400"),
        ({"object": "error", "message": "Bad thing", "type": "BadRequestError", "code": 400}, "Bad thing", "400"),
        ({"detail": "Bad thing"}, "Bad thing", None),
        ({"detail": [{"loc": ["body"], "msg": "Bad thing"}, {"msg": "Other"}]}, "Bad thing; Other", None),
        ([{"error": {"code": 400, "message": "Bad thing", "status": "INVALID"}}], "Bad thing", "400"),
        ({"error": {"message": "Bad\n  thing\x1b[31m"}}, "Bad thing\ufffd[31m", None),
        ({"error": {"message": "Bad? "}}, "Bad?", None),
        ({"strange": 1}, '{"strange": 1}', None),
    ],
)
def test_the_message_says_what_the_server_said(
    face: Face, openai_server: OpenAIServer, body: Any, said: str, code: str | None
) -> None:
    openai_server.play(Reply.of_json(body, 400, {"x-request-id": "req_1"}))
    error = face.error_of(face.openai(openai_server.base_url))
    assert isinstance(error, llm.ProviderError)
    assert str(error) == f"gpt-test: the server answered with HTTP 400: {said}"
    assert (error.status, error.code, error.request_id) == (400, code, "req_1")


def test_a_body_that_is_not_json_is_quoted_and_an_empty_one_is_not(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(
        Reply([b"upstream gone"], 400, content_type="text/plain"), Reply([], 400), Reply.of_json({}, 400)
    )
    model = face.openai(openai_server.base_url)
    assert str(face.error_of(model)).endswith("HTTP 400: upstream gone")
    assert str(face.error_of(model)).endswith("HTTP 400.")
    assert str(face.error_of(model)).endswith("HTTP 400.")
