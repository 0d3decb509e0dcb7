"""Long texts of messages are deflated, and short ones and those that would not become shorter are left alone."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.transcript.packing import packed
from tests.transcript.documents import unpacked


def _at(message: Any, path: list[str | int]) -> Any:
    for step in path:
        message = message[step]
    return message


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3), st.integers(0, 900))
def test_a_page_reads_what_was_said(texts: list[str], repeated: int) -> None:
    blocks = [{"kind": "text", "text": text * repeated} for text in texts] + [{"kind": "picture", "caption": ""}]
    ops: list[Any] = [{"op": "append", "block": 0, "text": text * repeated} for text in texts]
    ops += [{"op": "block", "block": 1, "value": block} for block in blocks]
    ops += [{"op": "set", "fields": {"state": "done"}}]
    for message in ({"type": "delta", "ops": ops}, {"type": "state", "document": {"id": "t", "blocks": blocks}}):
        sent, paths, buffers = packed(message)
        assert unpacked(sent, buffers) == message
        assert [_at(sent, path) for path in paths] == list(range(len(buffers)))


def test_only_what_becomes_shorter_is_packed() -> None:
    def sent(text: str) -> tuple[Any, list[bytes]]:
        message, _, buffers = packed({"type": "delta", "ops": [{"op": "append", "block": 0, "text": text}]})
        return message["ops"][0]["text"], buffers

    assert sent("word " * 20) == ("word " * 20, [])
    noise = (
        "".join(map(chr, random.Random(1).choices(range(0x20, 0x10000 - 0x2800), k=5_000)))
        .encode(errors="ignore")
        .decode()
    )
    assert isinstance(sent(noise)[0], str) or len(sent(noise)[1][0]) < len(noise.encode())
    _, buffers = sent("word " * 20_000)
    assert len(buffers[0]) < 1_000


def test_what_is_packed_is_bounded_by_its_bytes() -> None:
    """A page unpacks at most 16 MB. A text of 5 million letters is packed, and one that is longer as UTF-8 only is not."""
    for text, is_packed in (("word " * 1_000_000, True), ("\u3042" * 6_000_000, False)):
        sent, _, buffers = packed({"type": "delta", "ops": [{"op": "append", "block": 0, "text": text}]})
        assert bool(buffers) is is_packed
        assert unpacked(sent, buffers)["ops"][0]["text"] == text
