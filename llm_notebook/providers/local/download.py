"""The download of a GGUF file: it resumes where it was cut off, and keeps nothing but the expected file.

A file of some gigabytes rarely arrives in one go: connections break, kernels are restarted, laptops are closed. So what has arrived is
never thrown away without a reason. Beside the target `NAME.gguf` there are two files until the download is complete:

    NAME.gguf.part        the bytes that have arrived
    NAME.gguf.part.json   what is known about them: the address, the server's validator, the size, the SHA-256

The danger of resuming is a file made of two versions. `_read_rest()` therefore asks for the rest with `If-Range` and the validator (the
`ETag`, or `Last-Modified` where that is weak or missing) of the first reply, and takes only two answers: a 206 that begins at the right byte is
appended, and a 200 is the whole file again and replaces the part. After any other answer the part is discarded. A reply without a
validator, or a compressed one, is stored without one and is not resumed.

The part becomes the model only by a rename, after its SHA-256 and its metadata were checked. The digest comes from the user, or else from
the server, as hubs send it in a header of their own. A file that turns out to be the wrong one is deleted, so that it is not resumed.

Retries are counted here as well as in the transport, because they mean different things: the transport repeats a request that got no
answer; `_fetch_all()` continues after an answer that broke off, and counts only the attempts that bring no new byte.
"""

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

from llm_notebook.configuration.keys import Secret
from llm_notebook.configuration.process import process
from llm_notebook.configuration.scrubbing import Secrets, shown_url
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, TransportError
from llm_notebook.providers.http.retries import Retries, Retry
from llm_notebook.providers.http.settings import TransportSettings
from llm_notebook.providers.http.wire import OpenedFile, WireRequest
from llm_notebook.providers.local.gguf import MAGIC, ModelFacts, read_facts
from llm_notebook.providers.local.progress import Steps, copy_and_digest, megabytes

__all__ = ["PARTIAL_SUFFIX", "Download", "address_of_part", "describe_part", "discard_part"]

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


def _advise(status: int, _key: str | None) -> str | None:
    return _HINTS.get(status)


@dataclass(slots=True)
class _PartRecord:
    """What is known about a file that has arrived in part.

    Attributes:
        address: the address that it came from.
        validator: the server's mark for this version of the file; None if the file cannot be resumed.
        total: the file's size in bytes; None if it is not known.
        sha256: the file's SHA-256; None if the server did not send it.
    """

    address: str
    validator: str | None = None
    total: int | None = None
    sha256: str | None = None


@dataclass(slots=True)
class Download:
    """One file to download.

    Attributes:
        url: the address.
        target: the path where the complete file goes.
        steps: reports the progress.
        sha256: the SHA-256 that the file must have; None means the one that the server sends, if any.
        token: sent to the server, but not to another one that it redirects to.
    """

    url: str
    target: Path
    steps: Steps
    sha256: str | None = None
    token: Secret | None = None

    def fetch(self) -> ModelFacts:
        """Fetch the file, or the rest of it, and move it to its target.

        Raises:
            ModelError: the server does not send it, it is not the expected file, or it cannot be stored.
        """
        try:
            record = self._fetch_all()
            facts = self._check(record)
            self._part.replace(self.target)
            self._record.unlink(missing_ok=True)
        except (ProviderError, TransportError) as error:
            raise ModelError(f"{error} {self._kept_note()}".rstrip()) from None
        except OSError as error:
            raise ModelError(
                f"{self.steps.title} cannot be stored under {self.target.parent}: {error.strerror or error}. Make room, or "
                f"set LLM_NOTEBOOK_DATA to another folder, and try again. {self._kept_note()}".rstrip()
            ) from error
        return facts

    @property
    def address(self) -> str:
        """The address without its secrets: a password, and a query, which may be a signature."""
        return shown_url(self.url)

    def is_intact(self) -> bool:
        """Return True if the file at the target has the SHA-256 that was given, or if none was given."""
        return self.sha256 is None or self._digest_of(self.target) == self.sha256

    @property
    def _part(self) -> Path:
        return _part_path(self.target)

    @property
    def _record(self) -> Path:
        return _record_path(self.target)

    def _fetch_all(self) -> _PartRecord:
        """Fetch until the part is complete. Only attempts that bring nothing are counted."""
        retries = Retries(_SETTINGS.max_retries)
        while True:
            record, before = self._part_record(), self._size()
            if record.total is not None and before == record.total:
                return record
            try:
                return self._read_rest(record, before)
            except IncompleteResponse as error:
                if self._size() > before:
                    retries = Retries(_SETTINGS.max_retries)
                retry = retries.decide_after_failure("The connection broke off")
                if retry is None:
                    raise ModelError(f"{error} {self._kept_note() or 'Try again.'}") from None
                self._announce(retry)
                time.sleep(retry.delay)

    def _read_rest(self, record: _PartRecord, before: int) -> _PartRecord:
        """Send one request for the missing part, and store what arrives.

        Args:
            record: what is known about the part on disk.
            before: the size of the part in bytes.

        Returns:
            What is known about the completed part.

        Raises:
            IncompleteResponse: the connection broke off, or the part was of no use.
            ModelError: the server sends another file, or no file, or there is no room for it.
        """
        from llm_notebook.providers.http.transport import Transport  # loads httpx

        start = before if record.validator else 0
        headers: dict[str, str] = {"authorization": Secret(f"Bearer {self.token}")} if self.token else {}
        if start:
            headers |= {"range": f"bytes={start}-", "if-range": record.validator or ""}
        secrets = Secrets.of([self.token])
        request = WireRequest(self.url, b"", headers, secrets=secrets, sender=self.steps.title, advise=_advise)
        with process.of(Transport).open_file(request, _SETTINGS, self._announce) as opened:
            resumes = start > 0 and opened.status == 206 and _first_byte(opened.headers) == start
            if opened.status != 200 and not resumes:
                # This server cannot continue the part that is here, so the next request asks for the whole file.
                discard_part(self.target)
                raise IncompleteResponse(f"{self.steps.title}: the server has another file now.")
            if not resumes:
                start, record = 0, self._describe(opened)
            self._refuse_other(record)
            pieces = opened.pieces if resumes else self._gguf_pieces(opened)
            self._store(pieces, start, record)
        return record

    def _describe(self, opened: OpenedFile) -> _PartRecord:
        """Return what the server's headers say about the file that it begins to send."""
        compressed = "content-encoding" in opened.headers
        length = opened.headers.get("content-length", "")
        etag = opened.headers.get("etag", "")
        validator = opened.headers.get("last-modified") if not etag or etag.startswith("W/") else etag
        # Hugging Face sends the digest with its redirect; other servers use it as their ETag.
        digests = [tag.strip('"').lower() for tag in (opened.first_headers.get("x-linked-etag", ""), etag)]
        return _PartRecord(
            self.address,
            None if compressed else validator,
            int(length) if length.isdigit() and not compressed else None,
            next(filter(_SHA256.fullmatch, digests), None),
        )

    def _gguf_pieces(self, opened: OpenedFile) -> Iterator[bytes]:
        """Yield the pieces of the body, once its first bytes have shown that it is a GGUF file.

        Raises:
            ModelError: it is something else. The part that is here has not been touched yet.
        """
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

    def _store(self, pieces: Iterator[bytes], start: int, record: _PartRecord) -> None:
        """Write the pieces to the part, behind its first `start` bytes."""
        first = next(pieces, b"")  # before the part is opened: this raises if it is not a GGUF file
        free = shutil.disk_usage(self.target.parent).free + (self._size() if start == 0 else 0)
        if record.total is not None and record.total - start > free:
            raise ModelError(
                f"{self.steps.title} has {megabytes(record.total)}, and under {self.target.parent} there is room for "
                f"{megabytes(free)}: make room, or set LLM_NOTEBOOK_DATA to another folder."
            )
        done = start
        with self._part.open("ab" if start else "wb") as file:
            self._record.write_text(json.dumps(asdict(record)), encoding="utf-8")
            for piece in itertools.chain([first], pieces):
                done += file.write(piece)
                self.steps(_DOWNLOADING, done, record.total)
            file.flush()
            # The following rename must not reach the disk before the content.
            os.fsync(file.fileno())

    def _check(self, record: _PartRecord) -> ModelFacts:
        """Check that the part is the expected model, and delete it if it is not.

        Raises:
            ModelError: it is another file, or damaged.
        """
        expected = self.sha256 or record.sha256
        try:
            if expected is not None:
                self._compare_digest(expected)
            return read_facts(self._part)
        except ModelError:
            discard_part(self.target)
            raise

    def _compare_digest(self, expected: str) -> None:
        digest = self._digest_of(self._part)
        if digest != expected:
            raise ModelError(
                f"{self.steps.title}: what was downloaded is not the expected file (SHA-256 {digest} instead of "
                f"{expected}): nothing was kept. Check the address{' and --sha256' if self.sha256 else ''}, then try again."
            )

    def _digest_of(self, path: Path) -> str:
        size = path.stat().st_size
        with path.open("rb") as file:
            return copy_and_digest(file, None, lambda done: self.steps("Checking", done, size))

    def _refuse_other(self, record: _PartRecord) -> None:
        if self.sha256 and record.sha256 and self.sha256 != record.sha256:
            raise ModelError(
                f"{self.steps.title}: the server says that its file has SHA-256 {record.sha256}, not {self.sha256}: "
                "nothing was fetched."
            )

    def _part_record(self) -> _PartRecord:
        """Return what is known about the part that is here; nothing but the address if the part came from another address."""
        record = _read_record(self._record)
        return record if record is not None and record.address == self.address else _PartRecord(self.address)

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _kept_note(self) -> str:
        kept = describe_part(self.target)
        return f"{kept} arrived and are kept: the same command goes on from there." if kept else ""

    def _announce(self, retry: Retry) -> None:
        self.steps.say(f"{retry.reason}: going on in {retry.delay:.0f} s")


def describe_part(target: Path) -> str:
    """Return how much of a file has arrived, such as `12 MB of 98 MB`; empty if there is no part that can be resumed."""
    part, record = _part_path(target), _read_record(_record_path(target))
    if record is None or record.validator is None or not part.exists() or not (size := part.stat().st_size):
        return ""
    return megabytes(size) + (f" of {megabytes(record.total)}" if record.total else "")


def address_of_part(target: Path) -> str:
    """Return the address that the part of a file came from; empty if there is no part that can be resumed."""
    record = _read_record(_record_path(target))
    return record.address if record is not None and describe_part(target) else ""


def discard_part(target: Path) -> None:
    """Delete what has arrived of a file."""
    _record_path(target).unlink(missing_ok=True)
    _part_path(target).unlink(missing_ok=True)


def _part_path(target: Path) -> Path:
    return target.with_name(target.name + PARTIAL_SUFFIX)


def _record_path(target: Path) -> Path:
    return target.with_name(target.name + PARTIAL_SUFFIX + ".json")


def _read_record(record: Path) -> _PartRecord | None:
    try:
        return _PartRecord(**json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _first_byte(headers: Mapping[str, str]) -> int | None:
    """Return the position in the whole file of the first byte that a 206 reply sends; None if it does not say."""
    found = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
    return int(found[1]) if found else None
