"""Fetches a GGUF file from a server: goes on where it was cut off, and keeps nothing that is not the expected file."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from llm_notebook.configuration.keys import Secret
from llm_notebook.configuration.process import process
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, TransportError
from llm_notebook.providers.http.exchange import OpenedFile, TransportSettings
from llm_notebook.providers.http.retries import Retries, Retry
from llm_notebook.providers.http.wire import WireRequest
from llm_notebook.providers.local.gguf import MAGIC, ModelFacts, read_facts
from llm_notebook.providers.local.progress import Steps, copied_digest, megabytes

__all__ = ["PARTIAL_SUFFIX", "Download", "arrived_in_part", "discard_part"]

PARTIAL_SUFFIX = ".part"

_SETTINGS = TransportSettings(timeout=60.0, max_retries=4)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DOWNLOADING = "Downloading"
_HINTS = {
    401: "Check the address; where the page of the model asks for consent, give it there and store a token of yours: "
    "`%llm keys set huggingface`.",
    404: "Check the address.",
}
_HINTS[403] = _HINTS[401]


@dataclass(slots=True)
class _Arrived:
    """What is known of a file that has arrived in part.

    Attributes:
        address: where it came from.
        validator: the server's mark of this version of the file; None where it cannot be resumed.
        total: its size in bytes, if that is known.
        sha256: its SHA-256, if the server told it.
    """

    address: str
    validator: str | None = None
    total: int | None = None
    sha256: str | None = None


@dataclass(slots=True)
class Download:
    """One file that is to be fetched.

    Attributes:
        url: where from.
        target: where to. What has arrived is beside it, with `.part` behind its name, until all is there.
        steps: told how far it is.
        sha256: the SHA-256 that it must have; None leaves it to what the server says.
        token: sent to the server, but to no other that it may send us on to.
    """

    url: str
    target: Path
    steps: Steps
    sha256: str | None = None
    token: Secret | None = None

    def fetch(self) -> ModelFacts:
        """Fetch it, or the rest of it, and put it in its place.

        Raises:
            ModelError: the server does not give it, or it is not what it should be, or it cannot be stored.
        """
        try:
            arrived = self._all_of_it()
            facts = self._checked(arrived)
            self._partial.replace(self.target)
            self._record.unlink(missing_ok=True)
        except (ProviderError, TransportError) as error:
            raise ModelError(f"{error} {self._kept()}".rstrip()) from None
        except OSError as error:
            raise ModelError(
                f"{self.steps.title} cannot be stored under {self.target.parent}: {error.strerror or error}. Make room, or "
                f"set LLM_NOTEBOOK_DATA to another folder, and try again. {self._kept()}".rstrip()
            ) from error
        return facts

    @property
    def address(self) -> str:
        """Where from, without what may be secret in it: a password, and a query, which may be a signature."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def is_intact(self) -> bool:
        """The file that is in its place has the SHA-256 that it must have, if one was given."""
        return self.sha256 is None or self._digest_of(self.target) == self.sha256

    @property
    def _partial(self) -> Path:
        return _partial_of(self.target)

    @property
    def _record(self) -> Path:
        return _record_of(self.target)

    def _all_of_it(self) -> _Arrived:
        """Read until all is there, however often the connection breaks off as long as something comes each time."""
        retries = Retries(_SETTINGS.max_retries)
        while True:
            arrived, before = self._arrived(), self._size()
            if arrived.total is not None and before == arrived.total:
                return arrived
            try:
                return self._read_rest(arrived, before)
            except IncompleteResponse as error:
                if self._size() > before:
                    retries = Retries(_SETTINGS.max_retries)
                retry = retries.decide_after_failure("The connection broke off")
                if retry is None:
                    raise ModelError(f"{error} {self._kept() or 'Try again.'}") from None
                self._wait(retry)
                time.sleep(retry.delay)

    def _read_rest(self, arrived: _Arrived, before: int) -> _Arrived:
        from llm_notebook.providers.http.transport import Transport  # loads httpx

        start = before if arrived.validator else 0
        headers: dict[str, str] = {"authorization": Secret(f"Bearer {self.token}")} if self.token else {}
        if start:
            headers |= {"range": f"bytes={start}-", "if-range": arrived.validator or ""}
        request = WireRequest(self.url, b"", headers, secret=self.token, sender=self.steps.title, advise=_HINTS.get)
        with process.of(Transport).open_file(request, _SETTINGS, self._wait) as opened:
            goes_on = start > 0 and opened.status == 206 and _begins_at(opened.headers) == start
            if opened.status != 200 and not goes_on:
                # The part that is here is of no use to this server: the next time it is asked for all.
                discard_part(self.target)
                raise IncompleteResponse(f"{self.steps.title}: the server has another file now.")
            if not goes_on:
                start, arrived = 0, self._described(opened)
            self._refuse_other(arrived)
            pieces = opened.pieces if goes_on else self._of_gguf(opened)
            self._store(pieces, start, arrived)
        return arrived

    def _described(self, opened: OpenedFile) -> _Arrived:
        """What the server says about the file that it begins to send."""
        compressed = "content-encoding" in opened.headers
        length = opened.headers.get("content-length", "")
        etag = opened.headers.get("etag", "")
        validator = opened.headers.get("last-modified") if not etag or etag.startswith("W/") else etag
        digests = [asked.strip('"').lower() for asked in (opened.first_headers.get("x-linked-etag", ""), etag)]
        return _Arrived(
            self.address,
            None if compressed else validator,
            int(length) if length.isdigit() and not compressed else None,
            next(filter(_SHA256.fullmatch, digests), None),
        )

    def _of_gguf(self, opened: OpenedFile) -> Iterator[bytes]:
        """The pieces of a file that begins as a GGUF file does. What is here already is left alone until that is sure."""
        head = b""
        for piece in opened.pieces:
            head += piece
            if len(head) >= len(MAGIC):
                break
        if not head.startswith(MAGIC):
            page = opened.headers.get("content-type", "").startswith("text/html")
            raise ModelError(
                f"{self.address} is {'a web page' if page else 'something else'}, not a GGUF file: "
                "give the address that its download button has."
            )
        yield head
        yield from opened.pieces

    def _store(self, pieces: Iterator[bytes], start: int, arrived: _Arrived) -> None:
        first = next(pieces, b"")  # raises if it is not the beginning of the right kind of file
        free = shutil.disk_usage(self.target.parent).free + (self._size() if start == 0 else 0)
        if arrived.total is not None and arrived.total - start > free:
            raise ModelError(
                f"{self.steps.title} has {megabytes(arrived.total)}, and under {self.target.parent} there is room for "
                f"{megabytes(free)}: make room, or set LLM_NOTEBOOK_DATA to another folder."
            )
        done = start
        with self._partial.open("ab" if start else "wb") as file:
            self._record.write_text(json.dumps(asdict(arrived)), encoding="utf-8")
            for piece in itertools.chain([first], pieces):
                done += file.write(piece)
                self.steps(_DOWNLOADING, done, arrived.total)
            file.flush()
            os.fsync(file.fileno())

    def _checked(self, arrived: _Arrived) -> ModelFacts:
        """Make sure that what arrived is the expected model; it is deleted if it is not.

        Raises:
            ModelError: it is another file, or damaged.
        """
        expected = self.sha256 or arrived.sha256
        try:
            if expected is not None:
                self._compare_digest(expected)
            return read_facts(self._partial)
        except ModelError:
            discard_part(self.target)
            raise

    def _compare_digest(self, expected: str) -> None:
        digest = self._digest_of(self._partial)
        if digest != expected:
            raise ModelError(
                f"{self.steps.title}: what was downloaded is not the expected file (SHA-256 {digest} instead of "
                f"{expected}): nothing was kept. Check the address{' and --sha256' if self.sha256 else ''}, then try again."
            )

    def _digest_of(self, path: Path) -> str:
        size = path.stat().st_size
        with path.open("rb") as file:
            return copied_digest(file, None, lambda done: self.steps("Checking", done, size))

    def _refuse_other(self, arrived: _Arrived) -> None:
        if self.sha256 and arrived.sha256 and self.sha256 != arrived.sha256:
            raise ModelError(
                f"{self.steps.title}: the server says that its file has SHA-256 {arrived.sha256}, not {self.sha256}: "
                "nothing was fetched."
            )

    def _arrived(self) -> _Arrived:
        """What is known of the part that is here; nothing, if it came from elsewhere."""
        arrived = _recorded(self._record)
        return arrived if arrived is not None and arrived.address == self.address else _Arrived(self.address)

    def _size(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _kept(self) -> str:
        kept = arrived_in_part(self.target)
        return f"{kept} arrived and are kept: the same command goes on from there." if kept else ""

    def _wait(self, retry: Retry) -> None:
        self.steps.say(f"{retry.reason}: going on in {retry.delay:.0f} s")


def arrived_in_part(target: Path) -> str:
    """How much has arrived of a file that is to be there, such as `12 MB of 98 MB`; empty if there is nothing to go on with."""
    partial, arrived = _partial_of(target), _recorded(_record_of(target))
    if arrived is None or arrived.validator is None or not partial.exists() or not (size := partial.stat().st_size):
        return ""
    return megabytes(size) + (f" of {megabytes(arrived.total)}" if arrived.total else "")


def discard_part(target: Path) -> None:
    """Delete what has arrived of a file."""
    _record_of(target).unlink(missing_ok=True)
    _partial_of(target).unlink(missing_ok=True)


def _partial_of(target: Path) -> Path:
    return target.with_name(target.name + PARTIAL_SUFFIX)


def _record_of(target: Path) -> Path:
    return target.with_name(target.name + PARTIAL_SUFFIX + ".json")


def _recorded(record: Path) -> _Arrived | None:
    try:
        return _Arrived(**json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _begins_at(headers: Mapping[str, str]) -> int | None:
    """The place of a part's first byte in the whole file."""
    found = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
    return int(found[1]) if found else None
