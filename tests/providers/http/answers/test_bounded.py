"""Bodies are bounded: a refusal is read no further than 64 KB after decompression, and an answer is decompressed a little at a time."""

from __future__ import annotations

import gzip
import threading
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http import transport
from llm_notebook.providers.http.answers.bounded import BoundedBody, Expander
from llm_notebook.providers.http.transport import Transport
from llm_notebook.providers.http.wire import WireRequest
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply

MOST = 2**16
pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "identity", "gzip", "deflate"]))
def test_a_body_is_kept_up_to_its_bound(body: bytes, step: int, encoding: str) -> None:
    sent = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, bytes)(body)
    bounded = BoundedBody({"content-encoding": encoding}, most=200)
    for at in range(0, len(sent), step):
        if not bounded.feed(sent[at : at + step]):
            break
    assert bounded.content == body[:200]
    assert bounded.is_cut == (len(body) > 200)


def test_a_body_that_does_not_end_in_time_is_given_up() -> None:
    now = [0.0]
    bounded = BoundedBody({}, seconds=10, clock=lambda: now[0])
    assert bounded.feed(b"a")
    now[0] = 10.0
    assert not bounded.feed(b"b")
    assert bounded.content == b"ab"


def test_of_a_compression_that_cannot_be_undone_in_pieces_nothing_is_kept() -> None:
    bounded = BoundedBody({"content-encoding": "zstd"})
    assert not bounded.feed(b"\x28\xb5\x2f\xfd")
    assert bounded.content == b""


def bomb(megabytes: int) -> bytes:
    """Return a gzip file of so many megabytes of one letter."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"x" * 2**20
    return b"".join([*(compressor.compress(block) for _ in range(megabytes)), compressor.flush()])


def test_a_refusal_that_expands_costs_little_memory(face: Face, openai_server: OpenAIServer) -> None:
    body = bomb(64)
    openai_server.play(Reply([body], 401, {"content-encoding": "gzip"}, "application/json"))
    tracemalloc.start()
    try:
        error = face.error_of(face.openai(openai_server.base_url, key="sk-0123456789"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "HTTP 401: xxxx" in str(error)
    assert len(str(error)) < 1_000
    assert peak < 8 * 2**20


def test_a_list_of_models_that_is_refused_is_bounded_too(openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([bomb(64)], 401, {"content-encoding": "gzip"}, "application/json"))
    request = WireRequest(f"{openai_server.base_url}/models", b"", sender="The list")
    tracemalloc.start()
    try:
        with pytest.raises(llm.ProviderError, match="The list: the server answered with HTTP 401: xxxx"):
            process.of(Transport).fetch_json(request, transport.TransportSettings(5, 0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_a_refusal_without_end_is_left_at_its_bound(face: Face, openai_server: OpenAIServer) -> None:
    closed = threading.Event()
    openai_server.play(Reply([b"x" * MOST, b"y" * MOST, b"y" * MOST, Cut()], 400, content_type="text/plain"))
    error = face.error_of(face.openai(openai_server.base_url, key="sk-0123456789"))
    assert "HTTP 400: xxxx" in str(error)
    assert not closed.is_set()


def test_a_refusal_that_breaks_off_is_still_told(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([b"wrong ", Cut()], 400, content_type="text/plain"))
    error = face.error_of(face.openai(openai_server.base_url, key="sk-0123456789"))
    assert "HTTP 400: wrong" in str(error)


def test_a_refusal_that_is_nested_deeply_is_text(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([b"[" * 60_000], 400, content_type="application/json"))
    assert "HTTP 400: [[[" in str(face.error_of(face.openai(openai_server.base_url, key="sk-0123456789")))


@given(
    st.binary(max_size=300),
    st.integers(1, 50),
    st.sampled_from(["", "identity", "gzip", "x-gzip", "deflate", "br", "gzip, gzip", "deflate, GZIP"]),
)
def test_the_compression_of_an_answer_is_undone(body: bytes, step: int, encoding: str) -> None:
    sent = body
    for name in encoding.lower().split(", "):
        sent = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}.get(name, bytes)(sent)
    expander = Expander(encoding)
    found = [more for at in range(0, len(sent), step) for more in expander.expand(sent[at : at + step])]
    assert b"".join(found) == body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_an_answer_that_expands_without_end_is_given_up(
    face: Face, openai_server: OpenAIServer, layers: int, stream: bool
) -> None:
    body = bomb(100) if layers == 1 else gzip.compress(bomb(100))
    openai_server.play(Reply([body], 200, {"content-encoding": ", ".join(["gzip"] * layers)}))
    model = face.openai(openai_server.base_url, key="sk-0123456789")
    with pytest.raises(llm.ProviderError, match="more than 64 MB in one piece"):
        face.text(model.prompt("Hi", stream=stream))


def test_an_answer_that_is_not_compressed_as_it_says_is_told(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([b"data: {}"], 200, {"content-encoding": "gzip"}))
    error = face.error_of(face.openai(openai_server.base_url, key="sk-0123456789"))
    assert str(error) == "gpt-test: the answer is not compressed in the way that it says it is."
