"""Pictures in a transcript: only what is one is shown, and a notebook file keeps a bounded part of it."""

from __future__ import annotations

import base64
import io
import json
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, StreamEvent
from llm_notebook.transcript.answer.pictures import shown_picture
from llm_notebook.transcript.blocks import PictureBlock
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView

ROOM = 2**20


def png(width: int, height: int, size: int = 60) -> bytes:
    """Return the beginning of a PNG that says that it is so large, filled up to a size."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height)
    return head + bytes(max(0, size - len(head)))


def drawn(width: int, height: int, kind: str = "PNG") -> bytes:
    """Return a real picture that does not compress."""
    image = pytest.importorskip("PIL.Image")
    noise = image.effect_noise((width, height), 90).convert("RGB")
    written = io.BytesIO()
    noise.save(written, kind)
    return written.getvalue()


def view_of(*attachments: Attachment, model: str = "painter") -> TranscriptView:
    view = TranscriptView(model)
    for number, attachment in enumerate(attachments):
        view.feed(StreamEvent("attachment", "", part_index=number, attachment=attachment), 1.0)
    view.end("done", 2.0)
    return view


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_small_picture_is_shown_as_it_is(kind: str) -> None:
    content = drawn(20, 10, kind)
    shown = shown_picture(Attachment("image/svg+xml", content=content), "painter", ROOM)
    assert shown.type == f"image/{kind.lower()}"
    assert base64.b64decode(shown.data) == content
    assert shown.caption.startswith("Made by painter; 20 \u00d7 10, ")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html><script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff\xff",
        b"RIFF1234WEBPVP8Z",
    ],
)
def test_what_is_no_picture_is_named_only(content: bytes) -> None:
    shown = shown_picture(Attachment("image/png", content=content), "painter", ROOM)
    assert (shown.data, shown.type) == ("", "")
    assert "It cannot be shown here; `--out NAME` keeps it." in shown.caption


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8", b"RIFF1234WEBPVP8X", b""]), st.binary(max_size=80)
)
def test_no_content_is_too_odd(beginning: bytes, rest: bytes) -> None:
    shown = shown_picture(Attachment("image/png", content=beginning + rest), "painter", ROOM)
    assert shown.caption
    assert not shown.data or base64.b64decode(shown.data, validate=True)


@pytest.mark.parametrize("size", [(50_000, 50_000), (20_000, 1), (10_000, 10_000)])
def test_a_picture_that_would_unfold_to_very_much_is_not_shown(size: tuple[int, int]) -> None:
    shown = shown_picture(Attachment(content=png(*size)), "painter", ROOM)
    assert not shown.data
    assert "too large to be shown here" in shown.caption


def test_of_a_large_picture_a_smaller_copy_is_kept() -> None:
    content = drawn(1500, 900)
    assert len(content) > ROOM
    shown = shown_picture(Attachment(content=content), "painter", ROOM)
    assert 1000 < len(shown.data) <= 4 * 256 * 1024 / 3 + 4
    assert shown.type == "image/webp"
    assert "1,500 \u00d7 900, PNG" in shown.caption
    assert "keeps a smaller copy" in shown.caption


def test_without_pillow_a_large_picture_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    shown = shown_picture(Attachment(content=png(600, 600, 2**19)), "painter", ROOM)
    assert not shown.data
    assert "The notebook does not keep it; `--out NAME` does." in shown.caption


def test_all_pictures_of_a_turn_together_are_bounded() -> None:
    view = view_of(*[Attachment(content=png(60, 60, 200_000))] * 30)
    document = DeltaWriter(view).full()
    assert len(json.dumps(document)) < 2**20 + 30_000
    assert len(view.pictures) == 30
    assert view.pictures[29].attachment is not None


def test_every_form_of_the_record_has_the_picture() -> None:
    view = view_of(Attachment(content=png(60, 40)))
    block = view.blocks[0]
    assert isinstance(block, PictureBlock)
    assert block.shown is not None
    data = base64.b64encode(png(60, 40)).decode()
    [document] = DeltaWriter(view).full()["blocks"]
    assert document == {"kind": "picture", "caption": block.shown.caption, "type": "image/png", "data": data}
    assert markdown_of(view).startswith(f"![picture](data:image/png;base64,{data})\n\n*Made by painter")
    assert plain_of(view) == f"[picture] {block.shown.caption}"
    assert "gave an empty answer" not in plain_of(view)


def test_a_picture_elsewhere_is_a_link_and_is_not_loaded() -> None:
    view = view_of(Attachment(url="https://example.com/a.png"), Attachment(url="javascript:alert(1)"))
    first, second = DeltaWriter(view).full()["blocks"]
    assert first == {
        "kind": "picture",
        "caption": "Made by painter; it is not loaded.",
        "url": "https://example.com/a.png",
    }
    assert "url" not in second
    assert "![" not in markdown_of(view)
    assert "javascript" not in markdown_of(view)


def test_a_hostile_name_stays_text() -> None:
    view = view_of(
        Attachment("image/png\x1b[2J<script>", content=b"x"), model="a](javascript:x)*<img src=x>\u202e\x1b[2J"
    )
    assert "<img" not in markdown_of(view)
    assert "<script" not in markdown_of(view)
    assert "\x1b" not in plain_of(view) + json.dumps(DeltaWriter(view).full())
    assert "\u202e" not in plain_of(view)


def test_a_reader_who_has_followed_has_the_same_document() -> None:
    view = TranscriptView("painter")
    writer = DeltaWriter(view)
    view.feed(StreamEvent("text", "Here:", part_index=0), 1.0)
    writer.next()
    view.feed(StreamEvent("attachment", "", part_index=1, attachment=Attachment(content=png(6, 4))), 2.0)
    view.feed(StreamEvent("text", "Done.", part_index=2), 3.0)
    ops = [op for delta in iter(writer.next, None) for op in delta["ops"] if op["op"] == "block"]
    assert ops[-1]["value"]["kind"] == "text"
    assert writer.full()["blocks"] == [{"kind": "text", "text": "Here:"}, ops[-2]["value"], ops[-1]["value"]]
    assert view.answer == "Here:Done."


def test_a_picture_of_the_journal_is_the_same() -> None:
    part = AttachmentPart(Attachment("image/png", content=png(6, 4)))
    again = Message.from_dict(json.loads(json.dumps(Message("assistant", [part]).to_dict())))
    assert again.parts == [part]
