"""Servers that break HTTP, or that send it in ways that few do: a whole answer is read, and anything else is one sentence.

The bytes of each reply, headers included, are those of the test, over every wire.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

import llm_notebook as llm
from tests.contract.replay import chat, gemini, messages, ollama, responses
from tests.contract.replay.case import Case
from tests.contract.test_replay import CLASSES
from tests.fakes.faces import Face

pytestmark = pytest.mark.usefixtures("own_transport")

Start = Callable[..., int]
CASES = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini, "ollama": ollama}
PLAIN: dict[str, dict[bool, Case]] = {
    wire: {
        stream: next(
            case
            for case in module.CASES
            if case.stream is stream and case.text and not (case.error or case.calls or case.reasoning)
        )
        for stream in (True, False)
    }
    for wire, module in CASES.items()
}
EVERY = [pytest.param(wire, stream, id=f"{wire} {stream}") for wire in PLAIN for stream in (True, False)]


def reply(
    body: bytes, *headers: str, status: str = "200 OK", version: str = "HTTP/1.1", length: int | None = -1
) -> bytes:
    """Return a reply. A length of -1 is the true one, and None leaves it out."""
    told = [] if length is None else [f"content-length: {len(body) if length == -1 else length}"]
    return "\r\n".join([f"{version} {status}", *told, *headers, "", ""]).encode() + body


def asked(face: Face, wire: str, stream: bool, port: int) -> str:
    model = face.of(CLASSES[wire], f"http://127.0.0.1:{port}/v1", "m", key="key-of-the-tests", max_retries=0)
    return face.text(model.prompt("Hi", stream=stream))


def chunked(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = [body[at : at + 3] for at in range(0, len(body), 3)]
    framed = b"".join(b"%x;name=value\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return reply(framed + end, "transfer-encoding: chunked", length=None)


ODD: dict[str, Callable[[bytes], bytes]] = {
    "HTTP/1.0 without a length": lambda body: reply(body, version="HTTP/1.0", length=None),
    "until the connection is closed": lambda body: reply(body, "connection: close", length=None),
    "after 100 Continue": lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" + reply(body),
    "after 103 Early Hints": lambda body: b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + reply(body),
    "no reason phrase": lambda body: reply(body, status="200"),
    "in chunks with extensions and trailers": lambda body: chunked(body, b"0\r\nx-checksum: 1\r\n\r\n"),
    "a folded header": lambda body: reply(body, "x-note: a\r\n b"),
    "a wrong charset": lambda body: reply(body, "content-type: text/event-stream; charset=utf-16"),
    "a type of pages": lambda body: reply(body, "content-type: text/html; charset=utf-8"),
    "an unknown charset": lambda body: reply(body, "content-type: text/event-stream; charset=none-such"),
    "a compression that was not applied": lambda body: reply(body, "content-encoding: br"),
    "a byte order mark": lambda body: reply(b"\xef\xbb\xbf" + body),
    "CRLF": lambda body: reply(body.replace(b"\n", b"\r\n")),
    "a length beside chunks": lambda body: chunked(body).replace(b"\r\n\r\n", b"\r\ncontent-length: 3\r\n\r\n", 1),
    "ten thousand headers": lambda body: reply(body, *(f"x-{number}: a" for number in range(10_000))),
    "a header that is no text": lambda body: reply(body).replace(b"\r\n\r\n", b"\r\nx-note: \xff\r\n\r\n", 1),
    "blank lines before": lambda body: reply(b"\r\n \n" + body),
}


@pytest.mark.parametrize(("wire", "stream"), EVERY)
@pytest.mark.parametrize("kind", ODD)
def test_a_whole_answer_is_read(kind: str, wire: str, stream: bool, face: Face, raw_server: Start) -> None:
    case = PLAIN[wire][stream]
    assert asked(face, wire, stream, raw_server(ODD[kind](case.body))) == case.text


COMMENTED = ["chat", "responses", "messages", "gemini"]
NOISE: dict[str, Callable[[bytes], bytes]] = {
    "comments": lambda body: b": hello\n\n" + body.replace(b"\n\n", b"\n\n: ping\n\n:\n"),
    "events without data": lambda body: body.replace(b"\n\n", b"\n\nevent: ping\n\nid: 7\nretry: 5\n\n"),
    "empty data": lambda body: body.replace(b"\n\n", b"\n\ndata:\n\n"),
    "lines that end in CR alone": lambda body: body.replace(b"\n", b"\r"),
    "no space after the colon": lambda body: body.replace(b"data: ", b"data:"),
    "two spaces after the colon": lambda body: body.replace(b"data: ", b"data:  "),
    "a comment of a megabyte": lambda body: b": " + b"x" * 2**20 + b"\n\n" + body,
}


@pytest.mark.parametrize("wire", COMMENTED)
@pytest.mark.parametrize("kind", NOISE)
def test_noise_between_events_is_passed_over(kind: str, wire: str, face: Face, raw_server: Start) -> None:
    case = PLAIN[wire][True]
    assert asked(face, wire, True, raw_server(reply(NOISE[kind](case.body)))) == case.text


LIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "too short a length": (lambda body: reply(body, length=len(body) // 2), "broke off before its end"),
    "204": (lambda _: b"HTTP/1.1 204 No Content\r\n\r\n", "the server answered with nothing"),
    "an empty body": (lambda _: reply(b""), "the server answered with nothing"),
    "white space": (lambda _: reply(b" \r\n\n"), "the server answered with nothing"),
    "plain text": (lambda _: reply(b"Out of memory, key-of-the-tests"), "Out of memory, …"),
    "a web page": (lambda _: reply(b"<html>Sign in</html>"), "answered with a web page, not an API. Check base_url."),
    "another encoding": (lambda body: reply(body.decode().encode("utf-16")), "it sent what is not"),
    "chunks that are shorter than they say": (
        lambda body: reply(b"%x\r\n%s\r\n" % (len(body) - 5, body), "transfer-encoding: chunked", length=None),
        "broke off mid-answer",
    ),
    "a chunk of no size": (
        lambda body: reply(b"-5\r\n" + body, "transfer-encoding: chunked", length=None),
        "broke off mid-answer",
    ),
    "less than was compressed": (
        lambda body: reply(gzip.compress(body)[:-12], "content-encoding: gzip"),
        "broke off before its end",
    ),
    "values in one another": (lambda _: reply(b"data: " + b"[" * 100_000 + b"\n\n"), "it sent what is not"),
    "a length below zero": (lambda body: reply(body, length=-7), "sent is no answer over HTTP"),
    "two lengths": (lambda body: reply(body, "content-length: 3"), "sent is no answer over HTTP"),
    "a status that is none": (lambda body: reply(body, status="OK"), "sent is no answer over HTTP"),
    "no HTTP": (lambda _: b"\x15\x03\x01\x00\x02\x02\x28", "sent is no answer over HTTP"),
    "no answer": (lambda _: b"", "broke the connection without an answer"),
    "a part of the headers": (lambda _: b"HTTP/1.1 200 OK\r\ncontent-ty", "broke the connection without an answer"),
    "a redirect": (
        lambda _: reply(b"", "location: http://127.0.0.1:1/steal", status="307 Moved"),
        "HTTP 307. The address is another one: check base_url",
    ),
    "a redirect without a target": (lambda _: reply(b"", status="302 Moved"), "HTTP 302. The address is another one"),
}  # fmt: skip


@pytest.mark.parametrize(("wire", "stream"), EVERY)
@pytest.mark.parametrize("kind", LIES)
def test_a_lie_is_one_sentence(kind: str, wire: str, stream: bool, face: Face, raw_server: Start) -> None:
    made, said = LIES[kind]
    with pytest.raises(llm.ModelError) as caught:
        asked(face, wire, stream, raw_server(made(PLAIN[wire][stream].body)))
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert "key-of-the-tests" not in str(caught.value)


UNASKED: dict[str, Callable[[bytes], bytes]] = {
    "another reply after one with a length": lambda body: reply(body) + reply(body.replace(b"Hel", b"Evil")),
    "another reply after one in chunks": lambda body: chunked(body) + reply(body.replace(b"Hel", b"Evil")),
    "the beginning of another reply": lambda body: reply(body) + b"HTTP/1.1 200 OK\r\nx-note: ",
    "what is no reply": lambda body: reply(body) + b"\0garbage",
}


@pytest.mark.parametrize("kind", UNASKED)
def test_what_nobody_has_asked_for_is_no_answer_to_the_next_prompt(kind: str, face: Face, raw_server: Start) -> None:
    body = PLAIN["chat"][True].body
    model = face.openai(f"http://127.0.0.1:{raw_server(UNASKED[kind](body), reply(body))}/v1", max_retries=0)
    assert [face.text(model.prompt("Hi")) for _ in range(2)] == [PLAIN["chat"][True].text] * 2
