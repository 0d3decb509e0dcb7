"""Attachments given by address, for plugins of the `llm` package: if a plugin needs their bytes, they are fetched by our rule.

An attachment of `llm` itself follows redirects to any address, whether a user or a model wrote the first one, and accepts any size.
"""

from __future__ import annotations

import base64
from typing import Protocol, cast

import llm

from llm_notebook.configuration.process import process

__all__ = ["WebAttachment"]


class _Web(Protocol):
    """Fetches documents. A room above this one answers."""

    def fetch(self, url: str, *, by_user: bool) -> tuple[bytes, str]:
        """Return the content and the MIME type of a document."""


class WebAttachment(llm.Attachment):
    """An attachment that is an address.

    Args:
        type: its MIME type; None if it is not known.
        url: the address.
        by_user: whether the user has written the address. Any other one must be public.
    """

    def __init__(self, type: str | None, url: str, *, by_user: bool) -> None:
        super().__init__(type=type, url=url)
        self._by_user = by_user
        self._fetched: tuple[bytes, str] | None = None

    def resolve_type(self) -> str:
        """Return the type, asking the server if it is not known.

        Raises:
            ModelError: it cannot be fetched, or may not be.
        """
        return self.type or self._fetch()[1]

    def content_bytes(self) -> bytes:
        """Return what is at the address.

        Raises:
            ModelError: it cannot be fetched, or may not be.
        """
        return self._fetch()[0]

    def base64_content(self) -> str:
        """Return `content_bytes()` as base64 text."""
        return base64.b64encode(self.content_bytes()).decode()

    def _fetch(self) -> tuple[bytes, str]:
        if self._fetched is None:
            self._fetched = cast("_Web", process.answer("the web")).fetch(self.url or "", by_user=self._by_user)
        return self._fetched
