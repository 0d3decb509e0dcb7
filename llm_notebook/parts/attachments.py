"""Attachments: an image, a sound or another file that goes with a prompt, given by path, by URL or as bytes."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from llm_notebook.serialization import AttachmentDict

__all__ = ["Attachment"]


@dataclass(slots=True)
class Attachment:
    """Content other than text for a model to read. Give one of `path`, `url` or `content`.

    Attributes:
        type: MIME type such as `image/png`. If it is None, `resolve_type()` detects it.
        path: a file on this machine.
        url: an address for the provider to fetch; not every provider does.
        content: the bytes themselves.
    """

    type: str | None = None
    path: str | None = None
    url: str | None = None
    content: bytes | None = None

    def id(self) -> str:
        """Return the SHA-256 of the content, or of the URL if that is all there is, as 64 hexadecimal digits."""
        if self.url is not None and self.content is None and self.path is None:
            return hashlib.sha256(self.url.encode()).hexdigest()
        return hashlib.sha256(self.content_bytes()).hexdigest()

    def resolve_type(self) -> str:
        """Return the MIME type, detected from the content of files and bytes and from the name of URLs.

        Raises:
            ValueError: the type cannot be detected; pass `type=`.
        """
        found = self.type or _usual_name(self._detected_type())
        if found is None:
            where = self.path or self.url or "these bytes"
            raise ValueError(f"Cannot tell the type of {where}: give it, as in Attachment(type='image/png', …).")
        return found

    def content_bytes(self) -> bytes:
        """Return `content`, or the bytes of the file at `path`.

        Raises:
            ValueError: the attachment is only a URL.
            OSError: the file cannot be read.
        """
        if self.content is not None:
            return self.content
        if self.path is not None:
            return Path(self.path).expanduser().read_bytes()
        raise ValueError("This attachment is a URL; its bytes are fetched by the provider.")

    def base64_content(self) -> str:
        """Return `content_bytes()` as base64 text."""
        return base64.b64encode(self.content_bytes()).decode("ascii")

    def to_dict(self) -> AttachmentDict:
        """Return a JSON-safe dict, with the content as base64 and without the fields that are None."""
        values = {name: getattr(self, name) for name in ("type", "path", "url")}
        data: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        if self.content is not None:
            data["content"] = base64.b64encode(self.content).decode("ascii")
        return cast("AttachmentDict", data)

    @staticmethod
    def from_dict(data: AttachmentDict) -> Attachment:
        """Return the attachment that `to_dict()` wrote."""
        content = data.get("content")
        return Attachment(
            type=data.get("type"),
            path=data.get("path"),
            url=data.get("url"),
            content=base64.b64decode(content) if content is not None else None,
        )

    def _detected_type(self) -> str | None:
        if self.url is not None:
            return mimetypes.guess_type(urlsplit(self.url).path)[0]
        if self.path is not None:
            head = _head_of_file(self.path)
            # The content says more than the name, which may have any ending.
            return _type_by_content(head) or mimetypes.guess_type(self.path)[0]
        return _type_by_content(self.content or b"")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what Jupyter shows of a picture: the picture itself, if it is of a format that holds no scripts."""
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.content is not None and self.type in ("image/png", "image/jpeg"):
            bundle[self.type] = self.base64_content()
        return bundle

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in ("type", "path", "url") if getattr(self, name)]
        if self.content is not None:
            shown.append(f"content=<{len(self.content):,} bytes>")
        return f"Attachment({', '.join(shown)})"


def _usual_name(found: str | None) -> str | None:
    """Replace the less common names of WAV audio by the one that models list in `attachment_types`."""
    return "audio/wav" if found in ("audio/wave", "audio/x-wav") else found


def _head_of_file(path: str) -> bytes:
    with Path(path).expanduser().open("rb") as file:
        return file.read(4096)


def _type_by_content(head: bytes) -> str | None:
    import puremagic  # most attachments say their type

    try:
        return puremagic.from_string(head, mime=True) or None
    except (puremagic.PureError, ValueError):
        return None
