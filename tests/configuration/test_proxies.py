"""Which proxy an address is reached through, whatever other programs have written into the environment."""

from __future__ import annotations

import importlib.util

import pytest

import llm_notebook as llm
from llm_notebook.configuration.proxies import proxy_for

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("exempt", "url", "direct"),
    [
        ("localhost,127.0.0.0/8,::1/128", "http://localhost:8080/v1", True),
        ("localhost,127.0.0.0/8,::1/128", "http://127.0.0.1:8080/v1", True),
        ("::1/128", "http://[::1]:8080/v1", True),
        ("[::1]", "http://[::1]/v1", True),
        ("[::1]:8080", "http://[::1]:8080/v1", True),
        ("[::1]:8080", "http://[::1]:9090/v1", False),
        ("10.0.0.0/8", "http://11.0.0.1/v1", False),
        ("::1/128", "http://127.0.0.1/v1", False),
        ("*", "http://anything.example/v1", True),
        ("example.org", "http://api.example.org/v1", True),
        (".example.org", "http://example.org/v1", True),
        ("*.example.org", "http://api.example.org/v1", True),
        ("example.org", "http://notexample.org/v1", False),
        ("example.org:443", "http://example.org/v1", False),
        ("example.org:80", "http://example.org/v1", True),
        ("http://example.org/", "http://example.org/v1", True),
        ("a.example  b.example", "http://b.example/v1", True),
        ("EXAMPLE.org", "http://Example.ORG/v1", True),
        ("", "http://example.org/v1", False),
        (", ,/,//,:,[,]", "http://example.org/v1", False),
    ],
)
def test_what_needs_no_proxy(monkeypatch: pytest.MonkeyPatch, exempt: str, url: str, direct: bool) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_for(url) == (None if direct else "http://proxy:3128")


@pytest.mark.parametrize(
    ("variable", "value", "url", "expected"),
    [
        ("HTTPS_PROXY", "socks://127.0.0.1:9", "http://localhost/v1", None),
        ("HTTPS_PROXY", "proxy:3128", "https://example.org/v1", "http://proxy:3128"),
        ("ALL_PROXY", "http://u:p@proxy:3128", "https://example.org/v1", "http://u:p@proxy:3128"),
        ("HTTP_PROXY", " ", "http://example.org/v1", None),
    ],
)
def test_the_proxy_of_an_address(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, url: str, expected: str | None
) -> None:
    monkeypatch.setenv(variable, value)
    assert proxy_for(url) == expected


@pytest.mark.parametrize(
    "value", ["ftp://proxy", "http://", "http://proxy:port", "http://[::1", "socks4://u:SECRET@proxy:1"]
)
def test_a_proxy_that_cannot_be_used_is_a_sentence_without_its_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(llm.ModelError, match="cannot be used, so nothing was sent") as caught:
        proxy_for("https://example.org")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("value", ["socks://127.0.0.1:9", "socks5://127.0.0.1:9", "socks5h://127.0.0.1:9"])
def test_socks_needs_its_package(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    if importlib.util.find_spec("socksio"):
        assert (proxy_for("https://example.org") or "").startswith("socks5")
    else:
        with pytest.raises(llm.ModelError, match="needs the package socksio"):
            proxy_for("https://example.org")
