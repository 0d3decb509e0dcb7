"""Secrets are found in foreign text in every spelling in which they may come back, and too short ones withhold all of it."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets, secrets_in_headers, secrets_in_url, shown_url


@given(st.text(min_size=6, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_spelling_of_a_secret_is_left(secret: str, before: str, after: str) -> None:
    scrub = Secrets.of([secret]).scrub
    for spelled in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret)):
        assert spelled not in scrub(before + spelled + after).replace("…", "") or spelled in before + after
    try:
        spelled = quote(secret, safe="")
    except UnicodeEncodeError:
        return
    assert scrub(spelled) == "…"


def test_a_secret_is_found_in_base64() -> None:
    encoded = base64.b64encode(b"user:password-of-mine").decode()
    assert Secrets.of(["user:password-of-mine"]).scrub(f"Basic {encoded} is wrong") in (
        "Basic … is wrong",
        "Basic …= is wrong",
        "Basic …== is wrong",
    )


def test_a_short_secret_withholds_everything() -> None:
    secrets = Secrets.of(["long-enough", "short"])
    assert secrets.scrub("a harmless text", otherwise="withheld") == "withheld"
    assert secrets.occur_in("a harmless text")
    assert NO_SECRETS.scrub("a harmless text") == "a harmless text"
    assert not Secrets.of(["", None, "long-enough"]).occur_in("a harmless text")


@pytest.mark.parametrize(
    ("headers", "hidden"),
    [
        ({"Authorization": "Bearer 0123456789"}, ["0123456789"]),
        ({"authorization": f"Basic {base64.b64encode(b'me:mypassword').decode()}"}, ["mypassword", "me:mypassword"]),
        ({"Cookie": "session=abcdefgh; theme=darkest"}, ["abcdefgh"]),
        ({"x-api-key": "0123456789"}, ["0123456789"]),
        ({"X-Team-Token": "0123456789"}, ["0123456789"]),
        ({"X-Team": "0123456789"}, ["0123456789"]),
    ],
)
def test_headers_that_hold_secrets_are_known_by_their_names(headers: dict[str, str], hidden: list[str]) -> None:
    secrets = secrets_in_headers(headers)
    for value in hidden:
        assert value not in secrets.scrub(f"you sent {value}!")


def test_other_headers_hold_none() -> None:
    assert secrets_in_headers({"anthropic-version": "1", "user-agent": "my program", "x-team": "blue"}) == NO_SECRETS


def test_addresses_are_shown_without_what_may_be_secret() -> None:
    url = "https://me:mypassword@host.example:8080/v1/chat?api-key=0123456789&api-version=2026-01-01"
    assert shown_url(url) == "https://host.example:8080/v1/chat"
    scrubbed = secrets_in_url(url).scrub(f"cannot read {url}")
    assert "mypassword" not in scrubbed
    assert "0123456789" not in scrubbed
    assert "2026-01-01" in scrubbed
    assert "secret" not in shown_url("htp:/me:secret@host")
    assert "secret" not in shown_url("http://me:a/secret@host")
    assert shown_url("http://[::1]:8080/@me") == "http://[::1]:8080/@me"
