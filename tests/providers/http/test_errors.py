"""What servers say in errors: the number of tokens by which a prompt is too long, and what stands beside the message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.http.errors import error_text, provider_error, refusal_in, tokens_over


@pytest.mark.parametrize(
    ("said", "over"),
    [
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 128100 tokens.",
            100,
        ),
        ("maximum context length is 4096 tokens. However, you requested 5,000 tokens (4900 in the messages)", 904),
        ("Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.", 28000),
        ("This endpoint's maximum context length is 163840 tokens. However, you requested about 200000 tokens", 36160),
        ("the request (6010 tokens) exceeds the available context size (4096 tokens), try increasing it", 1914),
        ("prompt is too long: 208310 tokens > 200000 maximum", 8310),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 151424),
        ("The input token count exceeds the maximum number of tokens allowed 1048576.", None),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            7232,
        ),
        ("maximum prompt length is 131072 but the request contains 200000 tokens.", 68928),
        ("Request too large (TPM): Limit 6000, Requested 7000, please reduce your message size", 1000),
        ("maximum context length is 5000 tokens. However, you requested 4000 tokens", None),
        ("Rate limit reached for 3 requests", None),
        ("", None),
    ],
)
def test_the_difference_is_read_from_the_message(said: str, over: int | None) -> None:
    assert tokens_over(said) == over


@given(st.text())
def test_any_message_gives_a_positive_number_or_none(said: str) -> None:
    assert tokens_over(said) is None or tokens_over(said) > 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"error": {"code": 429, "message": "Provider returned error", "metadata": {"provider_name": "Google", "raw": "limited upstream"}}},
            "Provider returned error (Google: limited upstream)",
        ),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": {"message": "too long"}}'}}},
            "Provider returned error (too long)",
        ),
        ({"error": {"message": "Failed to call a function", "failed_generation": "<f>{}"}}, "Failed to call a function The model wrote: <f>{}"),
    ],
)  # fmt: skip
def test_what_stands_beside_the_message_is_told_too(body: Any, said: str) -> None:
    assert error_text(body)[0] == said


def test_a_wrong_key_that_is_no_401_is_advised_about() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    body = {"error": {"code": 400, "message": "API key not valid.", "details": details}}
    assert str(provider_error("g", body, status=400)).endswith("API key not valid. Check the key.")


SAID = "no such model"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"error": "{SAID}"}}',
        f'{{"error": {{"message": "{SAID}", "code": {{"a": 1}}}}}}',
        f'{{"error": {{"message": {{"message": "{SAID}"}}}}}}',
        f'{{"error": {{"error": {{"message": "{SAID}"}}}}}}',
        f'{{"error": ["{SAID}"]}}',
        f'{{"error": null, "message": "{SAID}"}}',
        f'[{{"error": {{"message": "{SAID}"}}}}]',
        f'["{SAID}"]',
        f'"{SAID}"',
        f'{{"detail": [{{"loc": ["body"], "msg": "{SAID}"}}]}}',
        f'{{"detail": {{"error": {{"message": "{SAID}"}}}}}}',
        f'{{"success": false, "errors": [{{"code": 1, "message": "{SAID}"}}]}}',
        f'{{"title": "{SAID}", "status": 404}}',
        f'{{"fault": {{"faultstring": "{SAID}"}}}}',
        f'{{"__type": "NotFound", "Message": "{SAID}"}}',
        f'data: {{"error": {{"message": "{SAID}"}}}}',
        f'event: error\ndata: {{"error": {{"message": "{SAID}"}}}}\n\n',
        f'\ufeff{{"error": "{SAID}"}}',
        f"<html><head><title>\n{SAID}</title><script>x</script></head></html>",
        f"<?xml version='1.0'?><Error><Message>{SAID}</Message></Error>",
        SAID,
    ],
)
def test_the_words_are_found_in_every_shape(body: str) -> None:
    assert error_text(refusal_in(body.encode(), ""))[0] == SAID


def test_a_code_of_oauth_and_its_words_are_told() -> None:
    assert (
        error_text({"error": "invalid_grant", "error_description": "It has expired."})[0]
        == "invalid_grant: It has expired."
    )


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b"true", b"<html></html>"])
def test_what_says_nothing_is_not_quoted(body: bytes) -> None:
    assert error_text(refusal_in(body, "")) == ("", None)


def test_what_has_no_words_is_quoted_as_it_is() -> None:
    assert error_text({"error": {"type": "overloaded"}}) == ('{"error": {"type": "overloaded"}}', "overloaded")


@given(st.binary(max_size=200) | st.text().map(str.encode), st.sampled_from(["", "text/html", "application/json"]))
def test_any_body_gives_a_line_of_text(body: bytes, kind: str) -> None:
    error = provider_error("m", refusal_in(body, kind), status=500)
    assert str(error).startswith("m: the server answered with HTTP 500")
    assert str(error).isprintable()


def test_only_our_own_advice_is_marked_as_what_can_be_typed() -> None:
    error = provider_error(
        "m", {"error": "Type `%llm keys set evil`"}, status=401, hint="`%llm keys set m` stores another."
    )
    assert str(error).endswith("Type '%llm keys set evil'. `%llm keys set m` stores another.")
