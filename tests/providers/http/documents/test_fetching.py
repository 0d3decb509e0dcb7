"""Fetching from the web: who wrote an address decides where it may lead, and size and time are bounded."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.parts.public_addresses import is_public, is_public_name
from llm_notebook.providers.http.documents import addresses
from llm_notebook.providers.http.documents.fetching import afetch, fetch
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "240.0.0.1",
    "168.63.129.16", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
    "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "::127.0.0.1", "ff02::1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "no address",
]  # fmt: skip


def playing(server: OpenAIServer, *replies: Reply) -> str:
    """Let the server play these replies, and return its address without a path."""
    server.play(*replies)
    return server.base_url.removesuffix("/v1")


def redirect(location: str) -> Reply:
    return Reply([b"moved"], 302, {"location": location})


def page(body: bytes = b"a page", **headers: str) -> Reply:
    return Reply([body], 200, headers, "text/plain; charset=utf-8")


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses())
def test_whatever_is_public_is_so_as_an_address_inside_another_too(address) -> None:
    inside = f"::ffff:{address}" if address.version == 4 else str(address)
    assert is_public(inside) == is_public(str(address))


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("example.com", True), ("8.8.8.8", True), ("localhost", False), ("a.localhost", False), ("printer", False), ("nas.local", False),
        ("metadata.google.internal", False), ("127.0.0.1", False), ("127.1", False), ("0x7f.1", False), ("::1", False),
    ],
)  # fmt: skip
def test_behind_a_proxy_a_name_is_judged_as_it_is(name: str, public: bool) -> None:
    assert is_public_name(name) == public


def test_the_user_may_name_a_server_on_this_machine(openai_server: OpenAIServer) -> None:
    address = playing(openai_server, page("schön".encode()))
    fetched = fetch(f"{address}/notes.txt", by_user=True)
    assert (fetched.text, fetched.type, fetched.url) == ("schön", "text/plain", f"{address}/notes.txt")
    assert openai_server.requests[0].headers["host"] == address.removeprefix("http://")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0", "localhost."]
)
def test_a_model_may_not(openai_server: OpenAIServer, host: str) -> None:
    port = playing(openai_server, page()).rpartition(":")[2]
    with pytest.raises(llm.ModelError, match=r"not a public address|no server called"):
        fetch(f"http://{host}:{port}/", by_user=False)
    assert openai_server.requests == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/", "http://", "cat.png", "http://a b/", "http://[::1", "http://x:99999/"],
)
def test_what_is_no_address_on_the_web_is_refused(url: str) -> None:
    for by_user in (True, False):
        with pytest.raises(llm.ModelError, match="is not an address on the web"):
            fetch(url, by_user=by_user)


@pytest.fixture
def public_names(monkeypatch: pytest.MonkeyPatch):
    """Let 127.0.0.1 pass for public, and return a resolver: `private.example` is elsewhere, every other name is there."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")

    def resolve(host: str, port: int) -> Sequence[str]:
        return {"private.example": ["127.0.0.2"], "both.example": ["127.0.0.1", "127.0.0.2"]}.get(host, ["127.0.0.1"])

    return resolve


def test_a_public_address_may_redirect_to_a_public_one(openai_server: OpenAIServer, public_names) -> None:
    port = openai_server.base_url.split(":")[2].partition("/")[0]
    playing(openai_server, redirect("/there"), redirect(f"http://b.example:{port}/end"), page())
    for_all = fetch(f"http://a.example:{port}/", by_user=False, resolve=public_names)
    assert for_all.url == f"http://b.example:{port}/end"
    assert [request.headers["host"] for request in openai_server.requests][-1] == f"b.example:{port}"


@pytest.mark.parametrize("by_user", [True, False])
@pytest.mark.parametrize("host", ["private.example", "both.example"])
def test_a_public_address_may_not_redirect_to_a_private_one(
    openai_server: OpenAIServer, public_names, by_user: bool, host: str
) -> None:
    port = openai_server.base_url.split(":")[2].partition("/")[0]
    playing(openai_server, redirect(f"http://{host}:{port}/"), page())
    with pytest.raises(llm.ModelError, match="not a public address"):
        fetch(f"http://a.example:{port}/", by_user=by_user, resolve=public_names)
    assert len(openai_server.requests) == 1


def test_a_private_address_of_the_users_may_redirect_to_another(openai_server: OpenAIServer) -> None:
    address = playing(openai_server, redirect("/there"), page())
    assert fetch(address, by_user=True).text == "a page"


def test_what_is_too_large_is_not_kept(openai_server: OpenAIServer) -> None:
    bomb = gzip.compress(b"x" * 2**21)
    replies = [page(b"x" * 2**21), Reply([bomb], 200, {"content-encoding": "gzip"}), page(b"x" * 2**20)]
    address = playing(openai_server, *replies)
    for _ in range(2):
        with pytest.raises(llm.ModelError, match="is larger than 1 MB"):
            fetch(address, by_user=True, most=2**20)
    assert len(fetch(address, by_user=True, most=2**20).content) == 2**20


def test_what_takes_too_long_is_given_up(openai_server: OpenAIServer) -> None:
    never = threading.Event()
    address = playing(openai_server, Reply([b"x", UntilSet(never)]), page())
    with pytest.raises(llm.TransportError, match="takes too long"):
        fetch(address, by_user=True, seconds=0.2)
    never.set()
    with pytest.raises(llm.TransportError, match="takes too long"):
        fetch(address, by_user=True, seconds=0)


def test_refusals_and_circles_are_told_in_a_sentence(openai_server: OpenAIServer) -> None:
    address = playing(openai_server, Reply([b"no"], 404), *[redirect("/again")] * 9)
    with pytest.raises(llm.ProviderError, match="its server answered with HTTP 404"):
        fetch(f"{address}?key=secret-of-mine", by_user=True)
    with pytest.raises(llm.TransportError, match="from one address to the next"):
        fetch(address, by_user=True)
    with pytest.raises(llm.TransportError, match="could not be fetched"):
        fetch("http://127.0.0.1:9/", by_user=True)
    with pytest.raises(llm.TransportError, match="there is no server called"):
        fetch("http://no.such.name.invalid/", by_user=True)


def test_through_a_proxy_the_name_goes_and_is_judged(
    openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", playing(openai_server, page()))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert fetch("http://example.com/x", by_user=False).text == "a page"
    assert openai_server.requests[0].path == "http://example.com/x"
    with pytest.raises(llm.ModelError, match="not a public address"):
        fetch("http://metadata.google.internal/x", by_user=False)
    assert len(openai_server.requests) == 1


def test_async_code_fetches_the_same(openai_server: OpenAIServer) -> None:
    address = playing(openai_server, page())
    assert asyncio.run(afetch(address, by_user=True)).text == "a page"
