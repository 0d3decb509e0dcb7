"""Packs long texts that are sent to a page, which `labextension/src/transcript/protocol/packing.ts` unpacks.

A packed text is deflated, and takes its place in a message as `{"deflated": …, "bytes": …}`: `bytes` is its length as UTF-8. The
deflated bytes themselves go beside the message as a buffer, since in JSON they would take a third more.
"""

from __future__ import annotations

import zlib
from typing import Any

__all__ = ["packed"]

# A shorter text is not worth the work, and a page unpacks no longer one.
_SHORTEST = 1024
_LONGEST = 2**24
# More than this takes more time than it saves bytes.
_LEVEL = 3

Document = dict[str, Any]


def packed(message: Document) -> tuple[Document, list[list[str | int]], list[bytes]]:
    """Pack the long texts of a message.

    Args:
        message: a delta, or a message with a whole document. It is not changed.

    Returns:
        The message with the numbers of buffers in place of deflated bytes, the paths of these places, and the buffers.
    """
    paths: list[list[str | int]] = []
    buffers: list[bytes] = []

    def pack(holder: Document, *path: str | int) -> Document:
        text = holder.get("text", "")
        if not _SHORTEST <= len(text) <= _LONGEST:
            return holder
        data = text.encode()
        if len(data) > _LONGEST:
            return holder
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        deflated = packer.compress(data) + packer.flush()
        if len(deflated) >= len(data):
            return holder
        paths.append([*path, "text", "deflated"])
        buffers.append(deflated)
        return {**holder, "text": {"deflated": len(buffers) - 1, "bytes": len(data)}}

    def pack_op(op: Document, at: int) -> Document:
        return {**op, "value": pack(op["value"], "ops", at, "value")} if op["op"] == "block" else pack(op, "ops", at)

    if "ops" in message:
        message = {**message, "ops": [pack_op(op, at) for at, op in enumerate(message["ops"])]}
    elif "document" in message:
        document = message["document"]
        blocks = [pack(block, "document", "blocks", at) for at, block in enumerate(document["blocks"])]
        message = {**message, "document": {**document, "blocks": blocks}}
    return message, paths, buffers
