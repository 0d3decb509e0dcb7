"""The transport's settings: certificates, proxies, the timeout of one prompt, and waits that an interrupt ends."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
import trustme

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http import transport
from llm_notebook.providers.http.sockets import connections
from llm_notebook.providers.http.transport import Transport
from llm_notebook.providers.http.wire import WireRequest
from tests.fakes.faces import Face
from tests.fakes.openai_server import (
    Cut,
    OpenAIServer,
    Reply,
    UntilClosed,
    UntilSet,
    refusal,
    sse,
    text_chunk,
    text_reply,
)

pytestmark = pytest.mark.usefixtures("own_transport")


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """Return a private certificate authority, whose certificate is in `ca.pem`."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made


@pytest.fixture
def secure_server(authority: trustme.CA, openai_server: OpenAIServer) -> Iterator[OpenAIServer]:
    """Put the scripted server behind TLS, with a certificate from that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with openai_server.behind(context):
        yield openai_server


@pytest.fixture(params=["noticed", "unnoticed"])
def press(request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Return a function that presses ■. Unnoticed, it does not end the wait of the main thread, as if it came just before that began."""
    if sys.platform == "win32":
        pytest.skip("sends a signal to itself")
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    if request.param == "noticed":
        yield lambda: os.kill(os.getpid(), signal.SIGINT)
    else:
        # The system hands the signal to this thread.
        yield lambda: signal.pthread_kill(other.ident or 0, signal.SIGINT)
    over.set()
    other.join()


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "TLS"])
def test_an_interrupt_of_a_silent_stream_closes_the_connection(
    secured: bool, press: Callable[[], None], request: pytest.FixtureRequest, openai_server: OpenAIServer
) -> None:
    if secured:
        request.getfixturevalue("secure_server")
    gone = threading.Event()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilClosed(gone)]))
    model = llm.OpenAIChat("m", base_url=openai_server.base_url, tls=llm.TLSSettings(verify=False))
    chunks = iter(model.prompt("Hi"))
    assert next(chunks) == "a"
    threading.Timer(0.3, press).start()
    with pytest.raises(KeyboardInterrupt):
        next(chunks)
    # A server that has given up by itself does not set this.
    assert gone.wait(30)


def test_a_certificate_of_an_unknown_authority_is_refused(face: Face, secure_server: OpenAIServer) -> None:
    error = face.error_of(face.openai(secure_server.base_url))
    assert isinstance(error, llm.TransportError)
    assert str(error).endswith("needs tls=TLSSettings(ca_file=…), or `tls:` in an endpoints file.")
    assert secure_server.requests == []
    assert secure_server.connections <= 1


@pytest.mark.parametrize("settings", [{"ca_file": "ca.pem"}, {"verify": False}], ids=["ca_file", "verify"])
def test_a_private_certificate_is_trusted_if_the_settings_say_so(
    face: Face, secure_server: OpenAIServer, tmp_path: Path, settings: dict[str, Any]
) -> None:
    if "ca_file" in settings:
        settings = {"ca_file": str(tmp_path / "ca.pem")}
    secure_server.play(text_reply("ok"), text_reply("ok"))
    model = face.openai(secure_server.base_url, tls=llm.TLSSettings(**settings))
    assert [face.text(model.prompt("Hi")) for _ in range(2)] == ["ok", "ok"]
    assert secure_server.connections == 1


def test_a_client_can_show_a_certificate(
    face: Face, authority: trustme.CA, openai_server: OpenAIServer, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = authority.issue_cert("me@example.com")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "mine.pem"))
    ca_file = str(tmp_path / "ca.pem")
    openai_server.play(text_reply("ok"))
    with openai_server.behind(context):
        known = llm.TLSSettings(ca_file=ca_file, cert_file=str(tmp_path / "mine.pem"))
        assert face.text(face.openai(openai_server.base_url, tls=known).prompt("Hi")) == "ok"
        error = face.error_of(face.openai(openai_server.base_url, tls=llm.TLSSettings(ca_file=ca_file)))
    assert isinstance(error, llm.TransportError)
    assert len(openai_server.requests) == 1


def test_missing_certificate_files_are_named(face: Face, tmp_path: Path) -> None:
    model = face.openai("https://127.0.0.1:1/v1", tls=llm.TLSSettings(ca_file=str(tmp_path / "missing.pem")))
    assert "The TLS settings for https://127.0.0.1:1 cannot be used (No such file" in str(face.error_of(model))


def test_tls_is_prepared_once_for_all_servers_and_never_for_http(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"))
    with patch.object(httpx, "create_ssl_context", wraps=httpx.create_ssl_context) as made:
        assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "ok"
        assert made.call_count == 0
        for port in (1, 2, 3):
            face.error_of(face.openai(f"https://127.0.0.1:{port}/v1", max_retries=0))
        assert made.call_count == 1


@pytest.mark.parametrize(("excepted", "through"), [("", True), ("127.0.0.1", False)])
def test_the_proxy_is_the_one_that_the_environment_names(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, excepted: str, through: bool
) -> None:
    proxy = OpenAIServer()
    monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
    monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, excepted)
    proxy.play(text_reply("by proxy"))
    openai_server.play(text_reply("straight"))
    answer = face.text(face.openai(openai_server.base_url).prompt("Hi"))
    proxy.stop()
    assert answer == ("by proxy" if through else "straight")
    if through:
        assert proxy.requests[0].path == f"{openai_server.base_url}/chat/completions"


def test_a_key_never_follows_a_redirect(face: Face, openai_server: OpenAIServer) -> None:
    elsewhere = OpenAIServer()
    for status in (301, 302, 303, 307, 308):
        openai_server.play(Reply([], status, {"location": f"{elsewhere.base_url}/chat/completions"}))
        error = face.error_of(face.openai(openai_server.base_url, key="secret"))
        assert f"HTTP {status}. The address is another one: check base_url." in str(error)
    elsewhere.stop()
    assert elsewhere.connections == 0


def test_the_password_in_an_address_is_a_login(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"))
    address = openai_server.base_url.replace("://", "://me:p%40ss@")
    assert face.text(face.openai(address).prompt("Hi")) == "ok"
    assert openai_server.requests[0].headers["authorization"] == "Basic bWU6cEBzcw=="


def test_a_prompt_may_have_its_own_patience(face: Face, openai_server: OpenAIServer) -> None:
    model = face.openai(openai_server.base_url, timeout=300, max_retries=9)
    openai_server.play(refusal(500), Reply([sse(text_chunk("Hel"), done=False), UntilSet(threading.Event())]))
    with pytest.raises(llm.ProviderError):
        face.text(model.prompt("Hi", max_retries=0))
    # Long enough for the beginning to arrive on a busy machine.
    with pytest.raises(llm.IncompleteResponse, match="nothing came for 1 s"):
        face.text(model.prompt("Hi", timeout=1))
    assert len(openai_server.requests) == 2
    assert not {"timeout", "max_retries"} & openai_server.requests[0].json().keys()


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1}, {"max_retries": -1}])
def test_patience_that_makes_no_sense_is_refused(face: Face, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="greater than"):
        face.openai("http://127.0.0.1:1/v1").prompt("Hi", **options)


def test_a_wait_is_announced_before_it_begins(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(429, retry_after_ms="30"), text_reply("ok"))
    told: list[Any] = []
    response = face.openai(openai_server.base_url).prompt("Hi")
    response._turn.on_retry = lambda retry: told.append(
        (retry.reason, retry.delay, retry.attempt, len(openai_server.requests))
    )
    assert face.text(response) == "ok"
    assert told == [("Too many requests (429)", 0.03, 2, 1)]


def test_an_interrupt_ends_a_wait(press: Callable[[], None], openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(429, retry_after="110"), text_reply("never asked for"), text_reply("ok"))
    model = llm.OpenAIChat("m", base_url=openai_server.base_url)
    response = model.prompt("Hi")
    response._turn.on_retry = lambda _retry: threading.Timer(0.1, press).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        response.text()
    # This measures nothing; it distinguishes a wait that was interrupted from one that went on to its end.
    assert time.monotonic() - began < 60
    assert response.interrupted
    assert len(openai_server.requests) == 1


def test_a_cancelled_task_ends_a_wait(openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(429, retry_after="110"))

    async def main() -> None:
        response = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url).prompt("Hi")
        waiting = asyncio.Event()
        response._turn.on_retry = lambda _retry: waiting.set()
        task = asyncio.ensure_future(response.text())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert response.interrupted

    asyncio.run(main())
    assert len(openai_server.requests) == 1


def test_each_server_has_connections_of_its_own(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 1)
    go_on = threading.Event()
    other = OpenAIServer()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilSet(go_on), sse(text_chunk("b"))]))
    other.play(text_reply("ok"))
    busy = face.chunks(face.openai(openai_server.base_url).prompt("Hi"))
    assert next(busy) == "a"
    assert face.text(face.openai(other.base_url).prompt("Hi")) == "ok"
    error = face.error_of(face.openai(openai_server.base_url, timeout=0.1, max_retries=0))
    assert "all connections to " in str(error)
    assert "were busy for 0.1 s. Ask for fewer things at once." in str(error)
    go_on.set()
    assert list(busy) == ["b"]
    other.stop()


@pytest.mark.parametrize("end", [Cut(), None], ids=["cut", "ended"])
def test_an_answer_that_breaks_off_knows_the_id_of_its_request(
    face: Face, openai_server: OpenAIServer, end: Any
) -> None:
    openai_server.play(
        Reply([sse(text_chunk("a"), done=False), *([end] if end else [])], headers={"x-request-id": "req_9"})
    )
    error = face.error_of(face.openai(openai_server.base_url))
    assert isinstance(error, llm.IncompleteResponse)
    assert error.request_id == "req_9"


def test_a_list_is_fetched_once_and_its_failures_say_why(openai_server: OpenAIServer) -> None:
    settings = transport.TransportSettings(5, 0)

    def fetched(path: str) -> Any:
        request = WireRequest(f"{openai_server.base_url}/{path}", b"", {"x-a": "b"}, sender="The list")
        return process.of(Transport).fetch_json(request, settings)

    openai_server.play(Reply.of_json([1]), refusal(401, "Wrong key"), Reply([b"<html>"], content_type="text/html"))
    assert fetched("models") == [1]
    with pytest.raises(llm.ProviderError, match="The list: the server answered with HTTP 401: Wrong key"):
        fetched("models")
    with pytest.raises(llm.ProviderError, match=r"The list: .* it sent what is not JSON"):
        fetched("models")
    with pytest.raises(llm.TransportError, match="could not reach"):
        process.of(Transport).fetch_json(WireRequest("http://127.0.0.1:9/", b"", sender="The list"), settings)
    assert len(openai_server.requests) == 3
    assert openai_server.requests[0].headers["x-a"] == "b"
