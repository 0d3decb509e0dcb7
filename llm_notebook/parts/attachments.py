"""Attachments: images, sounds or other files that are sent with a prompt, given by path, by URL or as bytes.

What was said does not change afterwards. So `settled()` reads a file once, when the prompt is created, and from then on the attachment has its
content. A file of more than 20 MB is not kept in memory or in the journal: only its digest is kept, and the file is read again when it is sent.
If it has changed by then, that is an error, and nothing is sent.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import mimetypes
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes, urlsplit

from llm_notebook.parts.checked import checked
from llm_notebook.serialization import AttachmentDict

__all__ = ["MOST_KEPT_BYTES", "Attachment"]

MOST_KEPT_BYTES = 20 * 1024 * 1024
"""The size up to which the content of a file is kept. For a larger file, the path and the digest are kept."""

_PIECE_BYTES = 1024 * 1024
# Names that other programs give to types, by the names that models list in `attachment_types`.
_USUAL_NAMES = {
    "audio/mp3": "audio/mpeg",
    "audio/mpeg3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "application/x-pdf": "application/pdf",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "text/x-markdown": "text/markdown",
}
# Types that servers and programs give to files that they do not know.
_UNKNOWN_TYPES = ("", "application/octet-stream", "application/x-unknown", "binary/octet-stream")


@dataclass(slots=True, init=False, repr=False)
class Attachment:
    """Content other than text for a model to read. Give one of `path`, `url` or `content`.

    Attributes:
        type: MIME type such as `image/png`. If it is None, `resolve_type()` detects it.
        path: a file on this machine.
        url: an address for the provider to fetch; not every provider does. A `data:` URL is content.
        content: the bytes, given or read from the file.
        digest: the SHA-256 of a file whose content is not kept, as 64 hexadecimal digits. The file is sent only if its digest is still the
            same.
    """

    type: str | None
    path: str | None
    url: str | None
    content: bytes | None
    digest: str | None

    def __init__(
        self,
        type: str | None = None,
        path: str | os.PathLike[str] | None = None,
        url: str | None = None,
        content: bytes | bytearray | memoryview | None = None,
        digest: str | None = None,
    ) -> None:
        """Describe an attachment; nothing is read.

        Raises:
            TypeError: `content` is not bytes.
        """
        if content is not None and not isinstance(content, bytes | bytearray | memoryview):
            raise TypeError(f"content= takes bytes, not {content.__class__.__name__}; give a file as path=.")
        self.type = type
        self.path = None if path is None else os.fspath(path)
        self.url = url
        self.content = None if content is None else bytes(content)
        self.digest = digest

    def id(self) -> str:
        """Return the SHA-256 of the content, or of the URL as JSON if there is only a URL, as 64 hexadecimal digits."""
        if self.content is None and self.digest is not None:
            return self.digest
        if self._is_remote:
            return hashlib.sha256(json.dumps({"url": self.url}).encode()).hexdigest()
        return hashlib.sha256(self.content_bytes()).hexdigest()

    def resolve_type(self) -> str:
        """Return the MIME type, detected from the content of files and bytes and from the name of URLs. Synonyms become the usual name.

        If a URL's name does not reveal the type, its server is asked, which takes a few seconds at most. So use this only for addresses that
        you write yourself.

        Raises:
            ValueError: the type cannot be detected; pass `type=`.
            OSError: the file cannot be read.
        """
        return self.known_type() or self._told_type() or self.certain_type()

    def certain_type(self) -> str:
        """Return what `resolve_type()` does, without asking any server.

        Raises:
            ValueError: the type cannot be detected.
            OSError: the file cannot be read.
        """
        found = self.known_type()
        if found is None:
            where = _shown(self.path or self.url or "these bytes")
            raise ValueError(f"Cannot tell the type of {where}: give it, as in Attachment(type='image/png', …).")
        return found

    def known_type(self) -> str | None:
        """Return what `resolve_type()` does, or None if the type cannot be detected. No server is asked.

        Raises:
            OSError: the file cannot be read.
        """
        given = _usual_name(self.type)
        return given if given not in (None, *_UNKNOWN_TYPES) else _usual_name(self._detected_type()) or given or None

    def content_bytes(self) -> bytes:
        """Return `content`, or the bytes of the file at `path` or of a `data:` URL.

        Raises:
            ValueError: the attachment is only a URL, or the file is not the one that was attached.
            OSError: the file cannot be read.
        """
        if self.content is not None:
            return self.content
        if self.path is not None:
            return self._content_of_file(self.path)
        if self._is_data:
            return _data_of(self.url or "")[1]
        self._check_given()
        raise ValueError("This attachment is a URL; its bytes are fetched by the provider.")

    def base64_content(self) -> str:
        """Return `content_bytes()` as base64 text."""
        return base64.b64encode(self.content_bytes()).decode("ascii")

    def settled(self, *, by_user: bool = False) -> Attachment:
        """Return the attachment with its content, so that later changes to the file do not matter.

        A file of more than 20 MB gets its digest instead. A `data:` URL becomes its content. Other URLs stay unchanged.

        Args:
            by_user: whether the user has written the address, so that its server may be asked for the type.

        Raises:
            ValueError: the `data:` URL is invalid.
            OSError: the file cannot be read.
        """
        if self.content is not None or self.digest is not None:
            return self
        if self._is_data:
            kind, content = _data_of(self.url or "")
            return Attachment(self.type or kind, content=content)
        if self.path is None:
            told = self._told_type() if by_user and self.known_type() is None else None
            return self if told is None else replace(self, type=told)
        with _opened(self.path) as file:
            content = file.read(MOST_KEPT_BYTES + 1)
            if len(content) <= MOST_KEPT_BYTES:
                return replace(self, content=content)
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError(
                    f"{self.path} is not a file, and gives more than 20 MB: save it as a file and attach that."
                )
            digest = _digest_of(file, content)
        # A relative path means another file after the working folder has changed.
        return replace(self, path=str(Path(self.path).expanduser().absolute()), digest=digest)

    def to_dict(self) -> AttachmentDict:
        """Return a JSON-safe dict, with the content as base64 and without the fields that are None."""
        values = {name: getattr(self, name) for name in ("type", "path", "url", "digest")}
        data: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        if self.content is not None:
            data["content"] = base64.b64encode(self.content).decode("ascii")
        return cast("AttachmentDict", data)

    @staticmethod
    def from_dict(data: AttachmentDict) -> Attachment:
        """Return the attachment that `to_dict()` wrote.

        Raises:
            ValueError: a value in the dict is of another type than `to_dict()` writes, or the content is no base64.
        """
        fields = ("type", "path", "url", "content", "digest")
        given = checked(data, "an attachment", {}, dict.fromkeys(fields, str))
        content = given.get("content")
        try:
            decoded = None if content is None else base64.b64decode(content)
        except ValueError:
            raise ValueError("The content in the dict of an attachment is no base64.") from None
        return Attachment(
            type=given.get("type"),
            path=given.get("path"),
            url=given.get("url"),
            content=decoded,
            digest=given.get("digest"),
        )

    def _check_given(self) -> None:
        """Refuse an attachment without any content.

        Raises:
            ValueError: it has neither a path, a URL nor content.
        """
        if not self.path and not self.url and self.content is None and self.digest is None:
            raise ValueError("This attachment is empty: give it a path, a url or content.")

    @property
    def _is_data(self) -> bool:
        return self.url is not None and self.url[:5].lower() == "data:"

    @property
    def _is_remote(self) -> bool:
        return self.url is not None and self.content is None and self.path is None and not self._is_data

    def _told_type(self) -> str | None:
        """Return what the server of a URL says about it."""
        if not self._is_remote:
            return None
        from llm_notebook.parts.remote_types import type_at  # loads ssl

        told = _usual_name(type_at(self.url or ""))
        return None if told in _UNKNOWN_TYPES else told

    def _content_of_file(self, path: str) -> bytes:
        with _opened(path) as file:
            content = file.read()
        if self.digest is not None and hashlib.sha256(content).hexdigest() != self.digest:
            raise ValueError(
                f"{path} has changed since it was attached, so nothing was sent. Files of more than 20 MB are not kept: put the "
                "file back, or begin a new conversation with it."
            )
        return content

    def _detected_type(self) -> str | None:
        if self._is_data:
            kind, content = _data_of(self.url or "")
            return kind or _type_by_content(content)
        if self.url is not None and self.content is None:
            return mimetypes.guess_type(urlsplit(self.url).path)[0]
        self._check_given()
        head = self.content if self.content is not None else _head_of_file(self.path or "")
        # The content is more reliable than the name, which may have any ending.
        return _type_by_content(head) or mimetypes.guess_type(self.path or "")[0]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what Jupyter shows of a picture: the picture itself, if its format cannot contain scripts."""
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.content is not None and self.type in ("image/png", "image/jpeg"):
            bundle[self.type] = self.base64_content()
        return bundle

    def __repr__(self) -> str:
        shown = [f"{name}={_shown(getattr(self, name))!r}" for name in ("type", "path", "url") if getattr(self, name)]
        if self.content is not None:
            shown.append(f"content=<{len(self.content):,} bytes>")
        return f"Attachment({', '.join(shown)})"


def _usual_name(found: str | None) -> str | None:
    """Return the name of a type that models list in `attachment_types`, without parameters such as a charset."""
    if found is None:
        return None
    name = found.partition(";")[0].strip().lower()
    return _USUAL_NAMES.get(name, name)


def _shown(text: str) -> str:
    """Return a path or an address as people read it. A `data:` URL, which contains the whole content, is shortened."""
    return text if len(text) <= 300 else f"{text[:40]}… ({len(text):,} characters)"


def _opened(path: str) -> BinaryIO:
    """Open a file to be read.

    Raises:
        OSError: of the class that Python raises, with a sentence.
    """
    try:
        return Path(path).expanduser().open("rb")
    except OSError as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise type(error)(f"{path} cannot be attached: {why}.") from None


def _head_of_file(path: str) -> bytes:
    with _opened(path) as file:
        return file.read(4096)


def _digest_of(file: BinaryIO, beginning: bytes) -> str:
    digest = hashlib.sha256(beginning)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _data_of(url: str) -> tuple[str | None, bytes]:
    """Return the type, if it is given, and the content of a `data:` URL.

    Raises:
        ValueError: it is not a `data:` URL."""
    header, comma, data = url[5:].partition(",")
    kind, *parameters = (item.strip() for item in header.split(";"))
    content = unquote_to_bytes(data)
    try:
        if not comma:
            raise ValueError("it has no comma")
        if parameters and parameters[-1].lower() == "base64":
            content = base64.b64decode(
                b"".join(content.split()) + b"==", altchars=b"-_" if b"-" in content or b"_" in content else None
            )
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"{_shown(url)} is not a data: URL: {error}.") from None
    return kind or None, content


def _type_by_content(head: bytes) -> str | None:
    import puremagic  # most attachments say their type

    try:
        return puremagic.from_string(head[:4096], mime=True) or None
    except (puremagic.PureError, ValueError):
        return None
