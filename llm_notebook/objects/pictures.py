"""Pictures in a size that models read: large ones are scaled down, and all are written as PNG."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from llm_notebook.objects.described import Bounds, Described
from llm_notebook.parts.attachments import Attachment

__all__ = ["LONGEST_SIDE", "describe_pil", "png_of_array", "with_picture"]

LONGEST_SIDE = 1568
"""The longest side of a picture in pixels. Providers scale larger ones down themselves, and bill for the pixels that they discard."""

_COLOURS = {1: 0, 3: 2, 4: 6}


def with_picture(kind: str, png: bytes, bounds: Bounds, *left_out: str) -> Described:
    """Return the description of an object that is sent as a picture, with what was left out."""
    return Described(kind, "", (Attachment("image/png", content=png),), tuple(left_out), bounds.name)


def describe_pil(image: Any, bounds: Bounds) -> Described:
    """Describe a Pillow image to a model: as PNG, scaled down if it is large. The image itself is not changed."""
    width, height = image.size
    kind = f"picture, {width:,} \u00d7 {height:,}"
    copy, left_out = image, list[str]()
    if max(image.size) > LONGEST_SIDE:
        copy = image.copy()
        copy.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        left_out.append(f"detail: it goes as {copy.size[0]:,} \u00d7 {copy.size[1]:,}")
    if copy.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        copy = copy.convert("RGB")
    written = io.BytesIO()
    copy.save(written, "PNG")
    return with_picture(kind, written.getvalue(), bounds, *left_out)


def png_of_array(pixels: Any) -> bytes:
    """Return an array of bytes, with one, three or four for each pixel, as PNG. Of a large one, only every second or third pixel is taken."""
    step = -(-max(pixels.shape[:2]) // LONGEST_SIDE)
    pixels = pixels[::step, ::step]
    height, width = pixels.shape[:2]
    depth = pixels.shape[2] if pixels.ndim == 3 else 1
    # Each row begins with the number of its filter: none.
    rows = b"".join(b"\0" + pixels[row].tobytes() for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[depth], 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
