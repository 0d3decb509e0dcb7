"""One HTTP exchange: the request that is sent, and the consequence of each reply or failure. No I/O.

`transport.py` pumps bytes twice, sync and async, and the two pumps must not differ in what they do about a status or a broken connection. So
everything that is not I/O is here, once. For each attempt a pump asks its `Exchange`:

    http_request()                        what to send
    accept(reply)                         whether the reply is an answer to decode
    decide_after_refusal(reply, content)  the reply has an error status: what now?
    decide_after_failure(error)           the connection failed: what now?
    close(decoder)                        the answer has ended: the error that it ends in, if any
    waits(notify)                         how long to wait before an attempt, if the server has announced a limit

A decision is a value, which the pump only has to carry out: a `Retry` means wait and send again, a `ModelError` is raised, and None
(after a failure only) means that the answer was complete before the connection broke.

`answering` is what protects the user from paying twice. It is set when a reply is accepted, and from then on nothing is sent again,
whatever happens: a failure becomes an `IncompleteResponse`.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx

from llm_notebook.configuration.proxies import proxy_for
from llm_notebook.configuration.scrubbing import Secrets, secrets_in_url, shown_url
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, TransportError, plain_words
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.providers.http.answers.bounded import (
    REFUSAL_PATIENCE,
    BoundedBody,
    CheckedPieces,
    ExpandedPieces,
    checked_pieces,
    expanded_pieces,
)
from llm_notebook.providers.http.errors import error_text, provider_error, refusal_in, request_id_in
from llm_notebook.providers.http.rate_limits.limiter import Gate, Limits
from llm_notebook.providers.http.rate_limits.passage import Passage
from llm_notebook.providers.http.retries import Retries, Retry, retry_after, retry_delay
from llm_notebook.providers.http.settings import TransportSettings
from llm_notebook.providers.http.sockets.deadlines import Left
from llm_notebook.providers.http.sockets.direct import AsyncReply, Reply
from llm_notebook.providers.http.sockets.failures import failure_words
from llm_notebook.providers.http.sockets.requests import Address, Request, request_to
from llm_notebook.providers.http.wire import Decoder, OpenedFile, WireRequest

__all__ = ["FAILURES", "Exchange", "Item", "OpenedFile"]

# httpx does not wrap TLS alerts that arrive while an async connection is read: they are OSErrors.
FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, zlib.error)

_LONGEST_CAUSE = 200
# A step that was given all the remaining time may end a moment before the clock says that the time is over.
_SLACK = 0.02

# In async code, the library gives no reason for these.
_UNSAID: Mapping[type[Exception], str] = MappingProxyType(
    {
        httpx.ConnectError: "the connection failed",
        httpx.ReadError: "the connection broke",
        httpx.WriteError: "the connection broke",
    }
)
_HEADERS = MappingProxyType(
    {
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "llm_notebook",
    }
)

Item = str | StreamEvent

# Failures before a reply that may be over by the next attempt.
_PASSING = (httpx.NetworkError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.RemoteProtocolError, OSError)


class Exchange:
    """One request, and the consequences of its replies and failures.

    Args:
        request: what is sent.
        decoder: reads the answer; None if the answer is a file or a list.
        settings: how it is sent.
        limits: the limits of the process; None if no limit applies to the request.

    Attributes:
        answering: whether an answer has begun, so that nothing is sent again.
        is_limited: whether the time for the whole answer is limited.
    """

    def __init__(
        self,
        request: WireRequest,
        decoder: Decoder | None,
        settings: TransportSettings,
        limits: Limits | None = None,
    ) -> None:
        self._request = request
        self._passage = None if limits is None else Passage(limits, (_server_of(request.url), request.key or ""))
        self._decoder = decoder
        self._settings = settings
        self._accepted: Reply | AsyncReply | None = None
        total = settings.total_timeout
        self._until = None if total is None else monotonic() + total
        self.is_limited = total is not None
        self._times: dict[str, float] = {}
        self.answering = False

    def gate_to_wait_at(self) -> Gate | None:
        """Return the server's limit for this key, if the next attempt has to wait for it."""
        passage = self._passage
        # Few keys have a limit that is known.
        if passage is None or passage.gate is None or passage.passes():
            return None
        return passage.gate

    def look_again(self) -> None:
        """Look for the limit again before another attempt."""
        if self._passage is not None:
            self._passage.look()

    def waits(self, notify: Callable[[Retry], object]) -> Generator[float, None, None]:
        """Yield the seconds of each wait until the limit lets the next attempt through.

        Args:
            notify: called with a long wait.

        Raises:
            TransportError: (from the generator) the time for the whole answer is over.
        """
        assert self._passage is not None
        return self._passage.waits(self._time_to_wait, lambda seconds: notify(self._retries.wait(seconds)))

    def _time_to_wait(self, seconds: float) -> float:
        """Return the part of a wait for which there is time.

        Raises:
            TransportError: the time for the whole answer is over.
        """
        if self._is_late():
            raise self._late_error()
        return min(seconds, self.seconds_left())

    def http_request(self) -> Request:
        """Return the request as it is sent."""
        if self._passage is not None:
            self._passage.sent_at = monotonic()
        address, left = _parsed(self._request.url), self._left
        headers = {**_HEADERS, **self._request.headers}
        return request_to("POST", address, headers, self._new_times(), body=self._request.body, left=left)

    def seconds_left(self) -> float:
        """Return the seconds that are left for the whole answer, more than 0; infinity if there is no limit."""
        return float("inf") if self._until is None else max(0.001, self._until - monotonic())

    @property
    def _left(self) -> Left | None:
        return None if self._until is None else self.seconds_left

    def _new_times(self) -> Mapping[str, float]:
        """Return the seconds that each phase of the next attempt may take."""
        self._times = self._settings.phases(self.seconds_left())
        return self._times

    def file_request(self) -> Request:
        """Return the request for a file or a part of it. It asks for no compression, as a compressed file cannot be resumed."""
        usual = {name: _HEADERS[name] for name in ("accept", "accept-encoding", "user-agent")}
        headers = usual | self._request.headers
        return request_to("GET", _parsed(self._request.url), headers, self._new_times(), left=self._left)

    def begin_file(self, reply: Reply, first_headers: Mapping[str, str]) -> OpenedFile:
        """Treat the reply as the beginning of a file, and return the file."""
        self.answering = True
        return OpenedFile(reply.status_code, reply.headers, first_headers, self._file_pieces(reply))

    def _file_pieces(self, reply: Reply) -> Iterator[bytes]:
        try:
            encoding = reply.content_encoding
            yield from expanded_pieces(reply, encoding) if encoding else reply
        except FAILURES as error:
            raise self.failure_error(error) from None

    def accept(self, reply: Reply | AsyncReply) -> bool:
        """Return True if the reply is an answer to decode, and prepare the decoder for it."""
        if self._passage is not None:
            self._passage.replied(reply.raw_headers, reply.is_success)
        if not reply.is_success:
            # A server may take as long as it likes to answer, but not to refuse.
            self._times["read"] = min(self._times["read"], REFUSAL_PATIENCE)
            return False
        self.answering = True
        self._accepted = reply
        # For other types, the first byte says more: some servers call everything text/html.
        if self._decoder is not None and reply.content_type.startswith("application/json"):
            self._decoder.expect_whole()
        return True

    @functools.cached_property
    def _retries(self) -> Retries:
        return Retries(self._settings.max_retries)

    def _request_id(self) -> str | None:
        """Return the id that the server has given to the answer, if it has."""
        return None if self._accepted is None else request_id_in(self._accepted.headers, self._request.secrets)

    def check_time(self) -> None:
        """Abandon an answer that takes longer than the whole answer may take, unless its end has been decoded.

        Raises:
            IncompleteResponse: the time is over.
        """
        decoder = self._decoder
        has_ended = decoder is not None and (decoder.done or decoder.failure is not None)
        if not has_ended and self._is_late():
            raise self._late_error()

    def _is_late(self, seconds: float = 0.0) -> bool:
        """Return whether the time for the whole answer will be over in so many seconds."""
        return self._until is not None and monotonic() + seconds >= self._until

    def _late_error(self) -> ModelError:
        total, sender = f"{self._settings.total_timeout:g} s", self._request.sender
        if not self.answering:
            return TransportError(f"{sender}: no answer came within {total}, which is all that total_timeout allows.")
        late = IncompleteResponse(
            f"{sender}: the answer was not complete within {total}, which is all that total_timeout allows; "
            "what arrived is in `.partial`."
        )
        late.request_id = self._request_id()
        return late

    def close(self, decoder: Decoder) -> None:
        """End the answer, after what the end of its body completes was handed on.

        Raises:
            ModelError: the answer is incomplete or holds an error; the error names the request's id.
        """
        if self._passage is not None and self._passage.gate is not None:
            self._passage.used(decoder)
        try:
            decoder.close()
        except ModelError as error:
            error.request_id = error.request_id or self._request_id()
            raise

    def refusal_body(self, reply: Reply | AsyncReply) -> BoundedBody:
        """Return an object that collects the body of a refusal, within limits of size and time."""
        return BoundedBody(reply.headers, seconds=min(REFUSAL_PATIENCE, self.seconds_left()))

    def iter_pieces(self, reply: Reply) -> Iterable[bytes]:
        """Return the pieces of the body as they arrive, without their compression.

        If the time for the whole answer is limited, they end in an IncompleteResponse as soon as `check_time()` abandons it.
        """
        encoding = reply.content_encoding
        pieces = expanded_pieces(reply, encoding) if encoding else reply
        return checked_pieces(pieces, self.check_time) if self.is_limited else pieces

    def aiter_pieces(self, reply: AsyncReply) -> AsyncIterator[bytes]:
        """Return the same as `iter_pieces()` for an async reply."""
        encoding = reply.content_encoding
        pieces: AsyncIterator[bytes] = ExpandedPieces(reply, encoding) if encoding else reply
        return CheckedPieces(pieces, self.check_time) if self.is_limited else pieces

    def decide_after_refusal(self, reply: Reply | AsyncReply, content: bytes) -> Retry | ModelError:
        """Return what to do about an error status: send again, or raise an error."""
        body = refusal_in(content, reply.headers.get("content-type", ""))
        said, code = error_text(body)
        # llama.cpp and servers like it answer 503 until they have loaded the model, which can take minutes.
        loading = reply.status_code == 503 and "loading" in said.lower()
        # OpenAI sends 429 for this too, but waiting does not refill an account.
        final = code == "insufficient_quota"
        if reply.status_code == 429 and not final and self._passage is not None:
            asked = retry_after(reply.headers)
            self._passage.refused(retry_delay(body) if asked is None else asked)
        retry = self._retries.decide_after_reply(
            reply.status_code, reply.headers, body=body, loading=loading, final=final
        )
        return self._in_time(retry) or self._refusal_error(reply, body)

    def _in_time(self, retry: Retry | None) -> Retry | None:
        """Return a retry if it begins before the time for the whole answer is over, else None."""
        return None if retry is None or self._is_late(retry.delay) else retry

    def refusal_error(self, reply: Reply | AsyncReply, content: bytes) -> ProviderError:
        """Return the error for a reply with an error status."""
        return self._refusal_error(reply, refusal_in(content, reply.headers.get("content-type", "")))

    def _refusal_error(self, reply: Reply | AsyncReply, body: object) -> ProviderError:
        return provider_error(
            self._request.sender,
            body,
            status=reply.status_code,
            headers=reply.headers,
            secrets=self._secrets(),
            hint=self._request.advise(reply.status_code, self._request.key),
        )

    def decide_after_failure(self, error: Exception) -> Retry | ModelError | None:
        """Return what to do about a failed connection: send again, or raise an error; None if the answer is complete."""
        if self._decoder is not None and self._decoder.done:
            return None
        if isinstance(error, _PASSING) and not self.answering and not _about_certificates(error):
            retry = self._retries.decide_after_failure(f"No connection to {shown_url(self._request.url)}")
            if (retry := self._in_time(retry)) is not None:
                return retry
        return self.failure_error(error)

    def failure_error(self, error: Exception) -> ModelError:
        """Return the error for a failed connection."""
        sender, host = self._request.sender, shown_url(self._request.url)
        if isinstance(error, httpx.TransportError | OSError) and self._is_late(_SLACK):
            return self._late_error()
        if isinstance(error, httpx.InvalidURL):
            # httpx's message quotes parts of the address, which may hold a password.
            return TransportError(f"{sender}: its address cannot be used. Check base_url.")
        if isinstance(error, httpx.LocalProtocolError):
            # httpx's message quotes the header, which may hold the key.
            return TransportError(f"{sender}: a header cannot be sent. Check the key and headers=.")
        if self.answering:
            return self._broken_answer(error)
        if _about_certificates(error):
            advice = "A private certificate needs tls=TLSSettings(ca_file=…), or `tls:` in an endpoints file."
            return TransportError(f"{sender}: could not reach {host} ({self._cause(error)}). {advice}")
        seconds = f"{self._settings.seconds:g} s"
        if isinstance(error, httpx.PoolTimeout):
            what = f"all connections to {host} were busy for {seconds}. Ask for fewer things at once."
        elif isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            what = f"{host} did not answer within {seconds}."
        else:
            what = f"{self._no_answer(error)} Check {_proxy_named(self._request.url)}the address and the network."
        return TransportError(f"{sender}: {what}")

    def _no_answer(self, error: Exception) -> str:
        """Return a sentence about a connection over which no answer came."""
        host = shown_url(self._request.url)
        if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
            return f"what {host} sent is no answer over HTTP ({self._cause(error)})."
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
            return f"{host} broke the connection without an answer."
        return f"could not reach {host} ({self._cause(error)})."

    def _broken_answer(self, error: Exception) -> ModelError:
        """Return the error for an answer that broke off."""
        sender, host = self._request.sender, shown_url(self._request.url)
        if isinstance(error, zlib.error):
            said = "the answer is not compressed in the way that it says it is."
            return ProviderError(f"{sender}: {said}", kind="broken")
        silent = isinstance(error, httpx.ReadTimeout)
        cause = f"nothing came for {self._settings.seconds:g} s" if silent else self._cause(error)
        incomplete = IncompleteResponse(f"{sender}: the connection to {host} broke off mid-answer ({cause}).")
        incomplete.request_id = self._request_id()
        return incomplete

    def _cause(self, error: Exception) -> str:
        """Return what an error says. httpx quotes what a server sent, so secrets are replaced."""
        said = " ".join(self._secrets().scrub(failure_words(error)).split())[:_LONGEST_CAUSE]
        return plain_words(said) or _UNSAID.get(type(error), type(error).__name__)

    def _secrets(self) -> Secrets:
        """Return the texts that no message may show: the secrets in the request, and a proxy's password, because the proxy may repeat it."""
        with suppress(TransportError):
            return self._request.secrets | secrets_in_url(proxy_for(self._request.url) or "")
        return self._request.secrets


@functools.lru_cache(maxsize=64)
def _parsed(url: str) -> Address:
    return Address(httpx.URL(url))


@functools.lru_cache(maxsize=64)
def _server_of(url: str) -> str:
    """Return the scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _proxy_named(url: str) -> str:
    """Return what to check besides the address if there is a proxy."""
    return (
        "" if proxy_for(url) is None else "the proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), "
    )


def _about_certificates(error: Exception) -> bool:
    """Return True for a failure that a retry cannot fix, because the certificates will be the same."""
    return "certificate" in str(error).lower()
