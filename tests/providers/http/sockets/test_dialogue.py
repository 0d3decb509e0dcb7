"""The bytes that arrive on a connection: what replies mean however they are cut."""

from __future__ import annotations

import signal
from itertools import pairwise

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.http.sockets.dialogue import Dialogue

REPLIES = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "chunks": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3 \r\nllo\r\n0\r\nx: 1\r\n\r\n", b"hello", True),
    "a length beside chunks": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello",
        True,
    ),
    "until the end of the connection": (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello", False),
    "an old server": (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", b"hello", False),
    "a last reply": (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", b"hello", False),
    "hints before": (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"", True),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "bare line feeds": (b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello", b"hello", True),
}  # fmt: skip


def read(dialogue: Dialogue, *arrivals: bytes) -> bytes:
    """Return the whole body of a reply that arrives in these pieces, after which the connection ends if the reply has not."""
    arriving = iter([*arrivals, b""])
    while dialogue.head() is None:
        dialogue.arrived(next(arriving))
    body = b""
    while (piece := dialogue.piece()) != b"":
        if piece is None:
            dialogue.arrived(next(arriving))
        else:
            body += piece
    return body


@pytest.mark.parametrize("kind", REPLIES)
@given(cuts=st.lists(st.integers(0, 120), max_size=6))
def test_a_reply_means_the_same_however_it_is_cut(kind: str, cuts: list[int]) -> None:
    reply, body, may_follow = REPLIES[kind]
    places = sorted({0, len(reply), *(min(cut, len(reply)) for cut in cuts)})
    dialogue = Dialogue()
    # The same holds for the next reply on the connection.
    for _ in range(2 if may_follow else 1):
        assert read(dialogue, *(reply[start:end] for start, end in pairwise(places))) == body
        assert dialogue.is_in_step
        assert dialogue.may_follow == may_follow


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, body, _) in REPLIES.items() if body and kind != "until the end of the connection"]
)
@given(missing=st.integers(1, 3))
def test_a_reply_that_ends_too_early_is_not_whole(kind: str, missing: int) -> None:
    dialogue = Dialogue()
    with pytest.raises(httpcore.RemoteProtocolError, match="the server closed it before the end"):
        read(dialogue, REPLIES[kind][0][:-missing])
    assert not dialogue.may_follow


@pytest.mark.parametrize(
    "more",
    [
        b"HTTP/1.1 200 OK\r\n\r\nmore",
        REPLIES["a length"][0],
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"H",
        b"garbage",
        b"\x00",
    ],
)
def test_a_server_that_sends_more_than_its_reply_is_out_of_step(more: bytes) -> None:
    reply, body, _ = REPLIES["a length"]
    dialogue = Dialogue()
    dialogue.arrived(reply + more)
    head = dialogue.head()
    assert head is not None
    assert (head.status, head.headers) == (200, [(b"Content-Length", b"5")])
    assert dialogue.piece() == body
    assert dialogue.piece() == b""
    assert not dialogue.is_in_step
    assert not dialogue.may_follow


def test_a_reply_that_is_not_read_to_its_end_lets_no_other_follow() -> None:
    dialogue = Dialogue()
    dialogue.arrived(REPLIES["a length"][0])
    assert dialogue.piece() == b"hello"
    assert not dialogue.may_follow


def test_what_came_before_a_failure_is_given_first() -> None:
    dialogue = Dialogue()
    dialogue.arrived(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nno number\r\n")
    assert dialogue.head() is not None
    assert dialogue.piece() == b"hello"
    with pytest.raises(httpcore.RemoteProtocolError):
        dialogue.piece()
    assert not dialogue.may_follow


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"x-one-of-many: a\r\n" * 50),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40),
        (b"", b"\r\n" * 500),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x-one-of-many: a\r\n" * 50),
    ],
)
def test_a_server_that_never_comes_to_the_point_is_given_up(start: bytes, more: bytes) -> None:
    dialogue = Dialogue()
    with pytest.raises(httpcore.RemoteProtocolError, match="100 kB without any content"):
        read(dialogue, start + more, *[more] * 1000)


@pytest.mark.parametrize(
    "header",
    [
        b"x-note: \x01",
        b"x-note: a\x00b",
        b"x note: a",
        b"x-note : a",
        b"content-length: 3\r\ncontent-length: 4",
        b"\x00: a",
    ],
)
def test_a_header_that_is_none_fails(header: bytes) -> None:
    dialogue = Dialogue()
    with pytest.raises(httpcore.RemoteProtocolError):
        read(dialogue, b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\nhello")


@pytest.mark.parametrize("moment", ["on_header", "on_headers_complete", "on_message_complete"])
def test_an_interrupt_while_a_reply_is_read_is_not_taken_for_a_fault_of_the_server(
    monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    usual = getattr(Dialogue, moment)

    def interrupted(dialogue: Dialogue, *found: bytes) -> None:
        usual(dialogue, *found)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Dialogue, moment, interrupted)
    dialogue = Dialogue()
    with pytest.raises(KeyboardInterrupt):
        dialogue.arrived(REPLIES["a length"][0])
    assert not dialogue.may_follow
