"""What a server repeats of the secrets that it was sent is shown nowhere: not in a message, a code or an id, on any wire."""

from __future__ import annotations

import pytest

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, refusal, sse

KEY = "sk-proj-0123456789abcdef"
TEAM = "team-secret-of-ours"
COOKIE = "session-of-mine-42"
WIRES = ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel", "Ollama"]
pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


def replies(secret: str) -> dict[str, Reply]:
    """Return replies that repeat a secret, each in another place."""
    return {
        "message": refusal(401, f"Who is {secret}?"),
        "code": Reply.of_json({"error": {"message": "no", "code": secret, "type": secret}}, 400),
        "id": Reply.of_json({"error": {"message": "no"}}, 400, {"x-request-id": secret}),
        "list": Reply.of_json([{"error": {"message": secret, "status": secret}}], 403),
        "object": Reply.of_json({"error": {"sent": {"key": f'"{secret}"'}}}, 400),
        "event": Reply([sse({"type": "error", "error": {"message": secret, "type": secret}, "request_id": secret})]),
        "frame": Reply([f'data: {{"x": "{secret}\n\n'.encode()]),
        "shape": Reply([sse({"choices": secret, "output": secret, "candidates": secret, "delta": secret})]),
        "far away": Reply.of_json({"error": {"message": "x" * 590 + secret}}, 400),
        "title": Reply([f"<title>{'x' * 590}{secret}</title>".encode()], 403, content_type="text/html"),
        "page": Reply([f"<p>{'x' * 190}</p><p>{secret}</p>".encode()], 403, content_type="text/html"),
        "no stream": Reply([f"{'x' * 190}{secret}".encode()]),
        "at the bound": Reply([b"y" * (2**16 - 10) + secret.encode()], 400, content_type="text/plain"),
    }


def shown(error: llm.ModelError) -> str:
    """Return everything that an error may show."""
    return " ".join(map(str, (error, repr(error), error.request_id, getattr(error, "code", ""), error.__cause__)))


@pytest.mark.parametrize("place", replies(""))
@pytest.mark.parametrize("wire", WIRES)
def test_a_secret_that_is_repeated_is_shown_nowhere(
    face: Face, openai_server: OpenAIServer, wire: str, place: str
) -> None:
    set_key("team", TEAM)
    headers = {"X-Team": "${team}", "Cookie": f"id={COOKIE}"}
    model = face.of(wire, openai_server.base_url, key=KEY, headers=headers, max_retries=0)
    for secret in (KEY, TEAM, COOKIE):
        openai_server.play(replies(secret)[place])
        error = face.error_of(model)
        assert secret[:10] not in shown(error)


@pytest.mark.parametrize("place", replies(""))
def test_where_a_secret_is_short_the_servers_text_is_withheld(
    face: Face, openai_server: OpenAIServer, place: str
) -> None:
    openai_server.play(replies("k7q")[place])
    error = face.error_of(face.openai(openai_server.base_url, key="k7q", max_retries=0))
    assert "k7q" not in shown(error)
    assert "gpt-test: " in str(error)


def test_what_is_withheld_is_said(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(401, "Wrong key"))
    error = face.error_of(face.openai(openai_server.base_url, key="k7q"))
    assert "HTTP 401: what it said is withheld, as it may repeat a secret that is too short" in str(error)
    assert "Check the key" in str(error)


@pytest.mark.parametrize("sent", ["HTTP/1.1 {}\r\n\r\n", "HTTP/1.1 200 OK\r\n{}\r\n\r\n"], ids=["status", "header"])
def test_a_reply_that_is_no_http_is_not_quoted_with_the_key(face: Face, raw_server, sent: str) -> None:
    port = raw_server(sent.format(f"no {KEY}").encode())
    error = face.error_of(face.openai(f"http://127.0.0.1:{port}/v1", key=KEY, max_retries=0))
    assert KEY not in shown(error)
    assert "is no answer over HTTP" in str(error)


def test_a_password_in_an_address_is_not_shown(face: Face, openai_server: OpenAIServer) -> None:
    address = openai_server.base_url.replace("://", "://me:password-of-mine@")
    openai_server.play(refusal(400, "me:password-of-mine"))
    assert "password-of-mine" not in shown(face.error_of(face.openai(address, key=KEY)))
    with pytest.raises(ValueError, match="base_url must be an address") as caught:
        face.openai("ftp://me:password-of-mine@host/v1")
    assert "password-of-mine" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_password_of_a_proxy_is_not_shown(
    face: Face, raw_server, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = raw_server(b"HTTP/1.1 407 me:password-of-mine\r\ncontent-length: 17\r\n\r\npassword-of-mine.")
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:password-of-mine@127.0.0.1:{port}")
    error = face.error_of(face.openai(f"{scheme}://api.example.com/v1", key=KEY, max_retries=0))
    assert "407" in str(error)
    assert "password-of-mine" not in shown(error)


def test_control_characters_of_a_server_or_a_model_are_spelled_out() -> None:
    for error in (llm.ModelError("a\x1b]52;c;eA==\x07b"), llm.UnknownModelError("a\x1b]52;c;eA==\x07b")):
        assert str(error) == r"a\u{1b}]52;c;eA==\u{7}b"
