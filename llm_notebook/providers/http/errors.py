"""Errors that servers report: reads their words, whatever the shape, and says what the user can do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from llm_notebook.configuration.scrubbing import NO_SECRETS, WITHHELD, Secrets
from llm_notebook.errors import ProviderError, plain_words
from llm_notebook.providers.http.answers.sse import SSEDecoder
from llm_notebook.providers.http.retries import LONGEST_ASKED_DELAY, retry_after

__all__ = [
    "error_text",
    "provider_error",
    "reasons_in",
    "refusal_in",
    "request_id_in",
    "tokens_over",
    "words_of",
]

_LONGEST_READ = 2**16
_LONGEST_SHOWN = 600
_LONGEST_ID = 200
_DEEPEST = 5
_MOST_MESSAGES = 5
_TAG = re.compile(r"<[^<>]*>")
# Where servers put the words of an error, the most telling places first.
_MESSAGE_NAMES = (
    "message", "detail", "msg", "error", "errors", "response", "fault", "faultstring", "Message", "reason", "title", "description",
)  # fmt: skip

_NUMBER = r"(?P<{0}>\d[\d,_]*)"
_LIMIT, _ASKED = _NUMBER.format("limit"), _NUMBER.format("asked")
# How OpenAI, vLLM, OpenRouter, llama.cpp, Anthropic, Gemini, Mistral, xAI and Groq say that a prompt is too long.
_TOO_LONG = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"maximum (?:context|prompt) length is {_LIMIT}\D{{0,120}}?{_ASKED} (?:input )?tokens",
        rf"limit of {_LIMIT} tokens\D{{0,80}}?{_ASKED} tokens",
        rf"\({_ASKED} tokens\) exceeds the available context size \({_LIMIT} tokens\)",
        rf"{_ASKED} tokens > {_LIMIT}(?: tokens)? maximum",
        rf"token count \(?{_ASKED}\)? exceeds the maximum number of tokens allowed \(?{_LIMIT}\)?",
        rf"contains {_ASKED} tokens.{{0,80}}? {_LIMIT} maximum context length",
        rf"Limit {_LIMIT}, Requested {_ASKED}, please reduce",
    )
)


# The codes of OpenAI and Groq, and of those that imitate them.
_LENGTH_CODES = ("context_length_exceeded", "string_above_max_length")


def tokens_over(said: str) -> int | None:
    """Return by how many tokens the request exceeded the limit that the server names; None if it names none."""
    for pattern in _TOO_LONG:
        found = pattern.search(said)
        if found is not None:
            limit, asked = (int(re.sub(r"\D", "", found[name])) for name in ("limit", "asked"))
            return asked - limit if asked > limit else None
    return None


_MOVED = "The address is another one: check base_url."
_HINTS = {
    301: _MOVED,
    302: _MOVED,
    303: _MOVED,
    307: _MOVED,
    308: _MOVED,
    401: "Check the key.",
    403: "Check what the key may do.",
    404: "Check the model's name and the address.",
    413: "Send less.",
    429: "Wait a little, or check the quota.",
}
_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "x-ms-request-id", "cf-ray")


def error_text(body: object) -> tuple[str, str | None]:
    """Return the message and the short code in a server's error body, from any of the shapes that servers use."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return words_of(body), None
    inner = body.get("error", body)
    inner = inner if isinstance(inner, dict) else body
    message = words_of(body) or (_as_json(body) if body else "")
    code = next((inner[name] for name in ("code", "type", "status") if isinstance(inner.get(name), str | int)), None)
    said = [message, *(more for more in _details_of(inner) if more not in message)]
    return " ".join(filter(None, said)), None if code is None else str(code)


def words_of(body: object, depth: int = 0) -> str:
    """Return the words in an error body; empty if it has none, or only in a place where no server puts them."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        said = filter(None, (words_of(item, depth + 1) for item in body[:_MOST_MESSAGES]))
        return "; ".join(said) if depth < _DEEPEST else ""
    if not isinstance(body, dict) or depth > _DEEPEST:
        return "" if isinstance(body, dict | bool | None) else str(body)
    message = next(filter(None, (words_of(body.get(name), depth + 1) for name in _MESSAGE_NAMES)), "")
    # OAuth puts a code where others have the words, and the words next to it.
    more = body.get("error_description")
    return f"{message}: {more}" if isinstance(more, str) and isinstance(body.get("error"), str) else message


def _as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def refusal_in(content: bytes, kind: str) -> object:
    """Return the body of a refusal as JSON, or else as text; for a web page its title, or else its words.

    Args:
        content: the body, or its beginning.
        kind: its content type.
    """
    text = content.decode(errors="replace").removeprefix("\ufeff").strip()
    if text.startswith(("data:", "event:")):
        # A server that was asked for a stream may send its refusal as a stream.
        frames = SSEDecoder().feed(content.strip() + b"\n\n")
        content = next((data for _, data in frames if data), content)
    for given in (content, text):
        with suppress(ValueError, RecursionError):
            body: object = json.loads(given, strict=False)
            return body
    return _words_of_page(text) if kind.startswith("text/html") or text[:1] == "<" else text


def _words_of_page(page: str) -> str:
    """Return the title of a web page, or else the text between the tags."""
    before, begin, after = page.partition("<title")
    title, end, _ = after.partition(">")[2].partition("</title")
    words = title if begin and end else _TAG.sub(" ", before)
    return " ".join(html.unescape(words).split())


def _details_of(error: dict[str, Any]) -> Iterator[str]:
    """Yield what an error says in addition to its message: the words of the provider behind a router, or what the model wrote instead of a call."""
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):
        raw = metadata["raw"]
        try:
            inner = json.loads(raw) if isinstance(raw, str) and raw[:1] == "{" else raw
        except (ValueError, RecursionError):
            inner = raw
        if isinstance(inner, dict):
            inner = inner.get("error", inner)
        said = str((inner.get("message") if isinstance(inner, dict) else None) or inner)
        provider = metadata.get("provider_name")
        yield f"({provider}: {said})" if isinstance(provider, str) else f"({said})"
    if isinstance(error.get("failed_generation"), str):
        yield f"The model wrote: {error['failed_generation']}"


def reasons_in(body: object) -> list[str]:
    """Return the reasons that Google's servers give among the details of an error, such as `API_KEY_INVALID`."""
    inner = body.get("error") if isinstance(body, dict) else None
    details = inner.get("details") if isinstance(inner, dict) else None
    found = (
        [detail.get("reason") for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    )
    return [reason for reason in found if isinstance(reason, str)]


def provider_error(
    sender: str,
    body: object,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    secrets: Secrets = NO_SECRETS,
    hint: str | None = None,
    kind: str = "",
) -> ProviderError:
    """Return the error that says what the server said, and what to do about it.

    Args:
        sender: the model's id.
        body: the parsed JSON body, or its text.
        status: the HTTP status; None inside a stream.
        headers: the reply's headers.
        secrets: texts that neither the message nor the code may show.
        hint: better advice than the status alone can give.
        kind: the kind of failure, where neither the status nor what the server said tells it.
    """
    said, code = error_text(body)
    said, code = secrets.scrub(said, otherwise=WITHHELD), secrets.scrub(code or "")[:_LONGEST_ID] or None
    # A server's text ends up in a terminal or a notebook, so it is reduced to one line without control characters.
    words = " ".join(said[:_LONGEST_READ].split())[: _LONGEST_SHOWN + 1]
    said = "".join(character if character.isprintable() else "\ufffd" for character in plain_words(words))
    said = said if len(said) <= _LONGEST_SHOWN else said[:_LONGEST_SHOWN] + "…"
    where = f"the server answered with HTTP {status}" if status is not None else "the server broke off with an error"
    message = f"{sender}: {where}" + (f": {said}" if said else ".")
    if hint is None and any("API_KEY" in reason for reason in reasons_in(body)):
        hint = _HINTS[401]
    advice = [_length_advice(said), hint or _HINTS.get(status or 0, ""), _wait_advice(status, headers or {})]
    if any(advice):
        message = (message if message[-1] in ".!?" else message + ".") + "".join(f" {text}" for text in advice if text)
    # With 429, a request may be too large for what is left of this minute, which says nothing of the next one.
    if status != 429 and (code in _LENGTH_CODES or tokens_over(said) is not None):
        kind = "long"
    request_id = request_id_in(headers or {}, secrets)
    return ProviderError(message, status=status, code=code, request_id=request_id, kind=kind)


def request_id_in(headers: Mapping[str, str], secrets: Secrets = NO_SECRETS) -> str | None:
    """Return the provider's id for the request, which its support asks for, without secrets; None if there is none."""
    found = next((headers[name] for name in _REQUEST_IDS if headers.get(name)), "")
    return (secrets.scrub(found)[:_LONGEST_ID] or None) if found else None


def _length_advice(said: str) -> str:
    """Return advice on a prompt that is too long for the model; empty for any other error."""
    over = tokens_over(said)
    return "" if over is None else f"That is {over:,} tokens too many: send less, or begin a new conversation."


def _wait_advice(status: int | None, headers: Mapping[str, str]) -> str:
    """Return how long the server asks to wait, if it is too long to wait automatically; else empty."""
    seconds = retry_after(headers) if status in (429, 503, 529) else None
    if seconds is None or not LONGEST_ASKED_DELAY < seconds < float("inf"):
        return ""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    return f"It asks to wait {f'{minutes} minutes' if minutes < 120 else f'{hours} hours'}."
