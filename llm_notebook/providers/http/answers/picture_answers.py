"""Turns pictures and other files in answers into attachments, whether an API sends them as base64 or as an address. No I/O."""

from __future__ import annotations

import base64
import re

from llm_notebook.parts.attachments import Attachment

__all__ = ["attachment_at", "attachment_of"]

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")


def attachment_of(data: object, kind: object) -> Attachment | None:
    """Return the attachment that is sent as base64; None if it is not base64.

    Args:
        data: the base64 text.
        kind: its MIME type, or a short name of a picture format such as `png`; anything else is ignored.
    """
    if not isinstance(data, str) or not data:
        return None
    try:
        content = base64.b64decode(data, validate=True)
    except ValueError:
        return None
    if not isinstance(kind, str) or not kind:
        return Attachment(content=content)
    name = kind if "/" in kind else f"image/{kind}"
    return Attachment(type=name.lower() if _TYPE.fullmatch(name) else None, content=content)


def attachment_at(url: object) -> Attachment | None:
    """Return the attachment at an address, which is not fetched, or in a `data:` URL; None if the text is neither."""
    if not isinstance(url, str):
        return None
    found = _DATA_URL.match(url)
    if found is not None:
        return attachment_of(url[found.end() :], found["type"])
    return Attachment(url=url) if url.startswith(("https://", "http://")) else None
