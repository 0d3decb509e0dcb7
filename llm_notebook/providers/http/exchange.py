"""One HTTP exchange: how it is sent, and what its replies and failures mean. No I/O; `transport.py` asks it, sync and async."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx

from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, TransportError
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.providers.http.errors import provider_error, request_id_in
from llm_notebook.providers.http.retries import Retries, Retry
from llm_notebook.providers.http.wire import Decoder, TLSSettings, WireRequest

__all__ = ["FAILURES", "Exchange", "Item", "OpenedFile", "TransportSettings"]

# Alerts of TLS that come while an async connection is read are raised as they are, as OSErrors.
FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError)

_DEFAULT_TIMEOUT = 600.0
_CONNECT_TIMEOUT = 10.0
_WRITE_TIMEOUT = 120.0

_HEADERS = MappingProxyType(
    {
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "llm_notebook",
    }
)

Item = str | StreamEvent

# What may pass, before any reply came.
_PASSING = (httpx.NetworkError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.RemoteProtocolError, OSError)


@dataclass(slots=True, frozen=True)
class TransportSettings:
    """How a model's requests are sent.

    Attributes:
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often a request that was not answered is sent again.
        tls: how the server's certificate is checked; None is the usual way.
    """

    timeout: float | None = None
    max_retries: int = 2
    tls: TLSSettings | None = None

    @property
    def seconds(self) -> float:
        """Seconds without a byte after which a request is given up."""
        return self.timeout if self.timeout is not None else _DEFAULT_TIMEOUT

    def httpx_timeout(self) -> httpx.Timeout:
        """The time for each step: a free connection and every piece of the answer may take the whole of it."""
        seconds = self.seconds
        return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_TIMEOUT), write=min(seconds, _WRITE_TIMEOUT))


@dataclass(slots=True, frozen=True)
class OpenedFile:
    """A file that a server has begun to send.

    Attributes:
        status: 200, or 206 for a part of it, or 416 where the part that was asked for is not there.
        headers: those of the server that sends it.
        asked: those of the server that was asked first, which may have sent us on to the other.
        pieces: the body, to be read once.
    """

    status: int
    headers: Mapping[str, str]
    asked: Mapping[str, str]
    pieces: Iterator[bytes]


class Exchange:
    """One request and what its replies and failures mean. Both drivers of the transport ask it.

    Attributes:
        answering: an answer has begun; nothing is sent again.
    """

    def __init__(self, request: WireRequest, decoder: Decoder | None, settings: TransportSettings) -> None:
        self._request = request
        self._decoder = decoder
        self._settings = settings
        self._retries = Retries(settings.max_retries)
        self._request_id: str | None = None
        self.answering = False

    def http_request(self) -> httpx.Request:
        """The request as it is: a client that merges its own settings into it takes as long again."""
        return httpx.Request(
            "POST",
            _parsed(self._request.url),
            headers={**_HEADERS, **self._request.headers},
            content=self._request.body,
            extensions={"timeout": self._settings.httpx_timeout().as_dict()},
        )

    def file_request(self) -> httpx.Request:
        """The request for a file as it is, or for a part of it: what the server compresses cannot be resumed."""
        return httpx.Request(
            "GET",
            httpx.URL(self._request.url),
            headers={name: _HEADERS[name] for name in ("accept", "accept-encoding", "user-agent")}
            | self._request.headers,
            extensions={"timeout": self._settings.httpx_timeout().as_dict()},
        )

    def begin_file(self, reply: httpx.Response, asked: Mapping[str, str]) -> OpenedFile:
        """The file that a reply begins to send."""
        self.answering = True
        return OpenedFile(reply.status_code, reply.headers, asked, self._file_pieces(reply))

    def _file_pieces(self, reply: httpx.Response) -> Iterator[bytes]:
        try:
            yield from self.iter_pieces(reply)
        except FAILURES as error:
            raise self.failure_error(error) from None

    def accept(self, reply: httpx.Response) -> bool:
        """True if the reply is an answer to decode."""
        if not reply.is_success:
            return False
        self.answering = True
        self._request_id = request_id_in(reply.headers)
        kind = reply.headers.get("content-type", "")
        if kind.startswith("text/html"):
            raise TransportError(
                f"{self._request.sender}: {_shown(self._request.url)} answered with a web page, not an API. Check base_url."
            )
        if kind.startswith("application/json") and self._decoder is not None:
            self._decoder.expect_whole()
        return True

    def close(self, decoder: Decoder) -> list[Item]:
        """The last items of an answer that has ended."""
        try:
            return decoder.close()
        except ModelError as error:
            error.request_id = error.request_id or self._request_id
            raise

    @staticmethod
    def iter_pieces(reply: httpx.Response) -> Iterator[bytes]:
        return reply.iter_bytes() if "content-encoding" in reply.headers else reply.iter_raw()

    @staticmethod
    def aiter_pieces(reply: httpx.Response) -> AsyncIterator[bytes]:
        return reply.aiter_bytes() if "content-encoding" in reply.headers else reply.aiter_raw()

    def decide_after_refusal(self, reply: httpx.Response, content: bytes) -> Retry | ModelError:
        """What follows an error status."""
        refusal = self.refusal_error(reply, content)
        loading = reply.status_code == 503 and "loading" in str(refusal).lower()
        final = refusal.code == "insufficient_quota"
        retry = self._retries.decide_after_reply(
            reply.status_code, reply.headers, body=_json_of(reply), loading=loading, final=final
        )
        return retry or refusal

    def refusal_error(self, reply: httpx.Response, content: bytes) -> ProviderError:
        """The error that an error status is."""
        body = _json_of(reply)
        if body is None:
            kind = reply.headers.get("content-type", "")
            page = kind.startswith("text/html") or content.lstrip()[:1] == b"<"
            body = "" if page else content.decode(errors="replace")
        return provider_error(
            self._request.sender,
            body,
            status=reply.status_code,
            headers=reply.headers,
            secret=self._request.secret,
            hint=self._request.advise(reply.status_code),
        )

    def decide_after_failure(self, error: Exception) -> Retry | ModelError | None:
        """What follows a failure of the connection; None if the answer was complete already."""
        if self._decoder is not None and self._decoder.done:
            return None
        if isinstance(error, _PASSING) and not self.answering and not _about_certificates(error):
            retry = self._retries.decide_after_failure(f"No connection to {_shown(self._request.url)}")
            if retry is not None:
                return retry
        return self.failure_error(error)

    def failure_error(self, error: Exception) -> ModelError:
        """The error that a failure of the connection is."""
        sender, host = self._request.sender, _shown(self._request.url)
        if isinstance(error, httpx.InvalidURL):
            return TransportError(f"{sender}: its address cannot be used ({error}). Check base_url.")
        if isinstance(error, httpx.LocalProtocolError):
            # The error quotes the header, and that may be the key.
            return TransportError(f"{sender}: a header cannot be sent. Check the key and headers=.")
        seconds = f"{self._settings.seconds:g} s"
        if self.answering:
            cause = f"nothing came for {seconds}" if isinstance(error, httpx.ReadTimeout) else _cause(error)
            incomplete = IncompleteResponse(f"{sender}: the connection to {host} broke off mid-answer ({cause}).")
            incomplete.request_id = self._request_id
            return incomplete
        if isinstance(error, httpx.PoolTimeout):
            return TransportError(
                f"{sender}: all connections to {host} were busy for {seconds}. Ask for fewer things at once."
            )
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return TransportError(f"{sender}: {host} did not answer within {seconds}.")
        advice = "Check the address and the network."
        if _about_certificates(error):
            advice = "A certificate of one's own needs tls=TLSSettings(ca_file=…), or `tls:` in an endpoints file."
        return TransportError(f"{sender}: could not reach {host} ({_cause(error)}). {advice}")


def _json_of(reply: httpx.Response) -> Any:
    """The body of a reply that was read, parsed; None if it is no JSON."""
    try:
        return reply.json()
    except ValueError:
        return None


@functools.lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _about_certificates(error: Exception) -> bool:
    """True for a failure that the same certificates would meet again."""
    return "certificate" in str(error).lower()


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _shown(url: str) -> str:
    """The URL without what might be secret in it."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode().rpartition('@')[2]}{parsed.path}"
