"""Pictures that a model has made, as a reader sees them: checked by their content, and limited in what a notebook file keeps.

Neither the provider nor the model is trusted to say what it sends. So a picture is shown only if its own bytes say that it has one of four
formats without scripts, and how large it is: a small file can unfold into a picture that fills the memory of a browser. A large picture is kept
as a smaller copy if Pillow is installed, and otherwise named without being shown.
"""

from __future__ import annotations

import base64
import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_notebook.transcript.words import on_one_line

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment

__all__ = ["ShownPicture", "shown_picture"]

_MOST_PIXELS = 50_000_000
_LONGEST_SIDE = 16_384
# The bytes that one picture, and all pictures of a turn, may take in the file; the Markdown next to our own record contains them once more.
_MOST_BYTES = 256 * 1024
_COPY_SIDES = (1024, 768, 512, 320)
_FORMATS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WebP"}
_NO_SIZE_MARKERS = frozenset({0xC4, 0xC8, 0xCC})


@dataclass(slots=True, frozen=True)
class ShownPicture:
    """A picture in the form in which it is shown.

    Attributes:
        caption: a sentence about it: who made it, its size, and what the notebook keeps of it.
        type: the MIME type of `data`; empty if there is none.
        data: the picture in base64; empty if it is not shown.
        url: its address, if it is only on the web; it is not loaded.
    """

    caption: str
    type: str = ""
    data: str = ""
    url: str = ""

    @property
    def size(self) -> int:
        """The number of characters that it takes in the file."""
        return len(self.data)


def shown_picture(attachment: Attachment, model_id: str, room: int) -> ShownPicture:
    """Return an attachment of an answer in the form in which it is shown.

    Args:
        attachment: what the model has made.
        model_id: the model.
        room: how many bytes the turn's file still has for it.
    """
    by = f"Made by {on_one_line(model_id)}"
    content = attachment.content
    if content is None:
        return ShownPicture(f"{by}; it is not loaded.", url=attachment.url or "")
    facts = _facts(content)
    if facts is None:
        kind = on_one_line(attachment.type or "a file of an unknown type")
        return ShownPicture(f"{by}; {kind}, {_bytes(len(content))}. It cannot be shown here; `--out NAME` keeps it.")
    name, width, height = facts
    about = f"{by}; {width:,} \u00d7 {height:,}, {_FORMATS[name]}, {_bytes(len(content))}."
    limit = min(room, _MOST_BYTES)
    if max(width, height) > _LONGEST_SIDE or width * height > _MOST_PIXELS:
        return ShownPicture(f"{about} It is too large to be shown here; `--out NAME` keeps it.")
    if len(content) <= limit:
        return ShownPicture(about, f"image/{name}", base64.b64encode(content).decode("ascii"))
    copy = _smaller(content, limit)
    if copy is None:
        return ShownPicture(f"{about} The notebook does not keep it; `--out NAME` does.")
    return ShownPicture(
        f"{about} The notebook keeps a smaller copy.", "image/webp", base64.b64encode(copy).decode("ascii")
    )


def _smaller(content: bytes, limit: int) -> bytes | None:
    """Return a smaller copy as WebP; None without Pillow, or if it does not get small enough."""
    try:
        from PIL import Image  # large, and few answers have pictures
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_FORMATS)) as picture:
            is_transparent = "A" in picture.getbands() or "transparency" in picture.info
            # It is reduced first, so that a large picture is in memory only once.
            picture.thumbnail((_COPY_SIDES[0],) * 2)
            copy = picture.convert("RGBA" if is_transparent else "RGB")
            for side in _COPY_SIDES:
                copy.thumbnail((side, side))
                written = io.BytesIO()
                copy.save(written, "WEBP", quality=80)
                if len(written.getvalue()) <= limit:
                    return written.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # Pillow raises these for files that are damaged in one way or another.
        pass
    return None


def _facts(content: bytes) -> tuple[str, int, int] | None:
    """Return (format, width, height) according to the picture itself; None if it is not a picture, or too incomplete to say so."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return ("png", *struct.unpack(">II", content[16:24]))
        if content[:6] in (b"GIF87a", b"GIF89a"):
            return ("gif", *struct.unpack("<HH", content[6:10]))
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return ("webp", *_webp_size(content))
        if content.startswith(b"\xff\xd8\xff"):
            return ("jpeg", *_jpeg_size(content))
    except (struct.error, IndexError, ValueError):
        pass
    return None


def _webp_size(content: bytes) -> tuple[int, int]:
    chunk = content[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if chunk == b"VP8L":
        (bits,) = struct.unpack("<I", content[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("an unknown kind of WebP")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE_MARKERS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise ValueError("no size")


def _bytes(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.0f} KB" if count < 1024**2 else f"{count / 1024**2:.1f} MB"
