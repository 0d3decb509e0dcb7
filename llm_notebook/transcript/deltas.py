"""What is new in a transcript since the last look, as numbered deltas, and the whole as of such a number. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.blocks import Block, CallBlock
from llm_notebook.transcript.document import block_document, shown_arguments, top_fields
from llm_notebook.transcript.visible import encodable

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["DeltaWriter", "apply"]

Document = dict[str, Any]
Delta = dict[str, Any]


class DeltaWriter:
    """Numbers the changes of one view. Looking costs what is new, whatever came before.

    The view may be changed in another thread meanwhile; looks themselves must follow one another.

    Args:
        view: what is followed. Its `id` names the transcript.
        seq: the number that readers have already.
    """

    def __init__(self, view: TranscriptView, seq: int = 0) -> None:
        self._view = view
        self._seq = seq
        self._cursor = 0
        self._top: Document = {}
        self._blocks: list[_Sent] = []
        self._held: deque[Delta] = deque()

    @property
    def seq(self) -> int:
        """The number of the latest delta."""
        return self._seq

    def next(self) -> Delta | None:
        """The delta that brings a reader of the one before up to date; None where nothing is new.

        After `full()` there may be two in a row.
        """
        return self._held.popleft() if self._held else self._look()

    def full(self) -> Document:
        """The whole transcript as it is now, with the number of the delta that leads to it.

        If something was new, that delta comes with the following `next()`, so that other readers miss nothing.
        """
        delta = self._look()
        if delta is not None:
            self._held.append(delta)
        blocks = [sent.document() for sent in self._blocks]
        return {"version": 1, "id": self._view.id, "seq": self._seq, **self._top, "blocks": blocks}

    def _look(self) -> Delta | None:
        ops = self._new_in_blocks()
        top = top_fields(self._view)
        fields = {name: value for name, value in top.items() if self._top.get(name, _ABSENT) != value}
        if fields:
            self._top.update(fields)
            ops.append({"op": "set", "fields": fields})
        if not ops:
            return None
        self._seq += 1
        return {"type": "delta", "id": self._view.id, "seq": self._seq, "ops": ops}

    def _new_in_blocks(self) -> list[Document]:
        touched = self._view.touched
        until = len(touched)
        # The last one before may have grown since without being noted again.
        positions = dict.fromkeys(touched[max(0, self._cursor - 1) : until])
        self._cursor = until
        return [op for position in sorted(positions) if (op := self._new_in(position)) is not None]

    def _new_in(self, position: int) -> Document | None:
        block = self._view.blocks[position]
        if position == len(self._blocks):
            self._blocks.append(_Sent(block))
            return {"op": "block", "block": position, "value": self._blocks[position].renewed(self._view)}
        sent = self._blocks[position]
        if block.version != sent.version:
            return {"op": "block", "block": position, "value": sent.renewed(self._view)}
        text = sent.grown(self._view)
        return {"op": "append", "block": position, "text": text} if text else None


_ABSENT = object()


class _Sent:
    """What readers have of one block."""

    __slots__ = ("_arguments", "_block", "_chunks", "_fields", "_is_hidden", "version")

    def __init__(self, block: Block) -> None:
        self._block = block
        self.version = -1
        self._chunks = 0
        self._arguments = 0
        self._fields: Document = {}
        self._is_hidden = False

    def renewed(self, view: TranscriptView) -> Document:
        """The whole block, which readers then have."""
        # Read before the fields: a change in between raises it again and is sent again.
        self.version = self._block.version
        chunks = self._block.chunks
        self._chunks = len(chunks)
        self._is_hidden = view.hide_reasoning and self._block.kind == "reasoning"
        text = "".join(chunks[: self._chunks])
        self._fields = block_document(self._block, view, text)
        self._arguments = len(text)
        value = dict(self._fields)
        if not isinstance(self._block, CallBlock):
            self._fields.pop("text")
        return value

    def grown(self, view: TranscriptView) -> str:
        """What its text has grown by."""
        chunks = self._block.chunks
        until = len(chunks)
        new = "".join(chunks[self._chunks : until])
        self._chunks = max(until, self._chunks)
        if not isinstance(self._block, CallBlock):
            return "" if self._is_hidden else encodable(new)
        before, self._arguments = self._arguments, self._arguments + len(new)
        text = shown_arguments(new, before)
        self._fields["arguments"] += text
        return text

    def document(self) -> Document:
        """The block as readers have it."""
        if isinstance(self._block, CallBlock):
            return dict(self._fields)
        text = "" if self._is_hidden else encodable("".join(self._block.chunks[: self._chunks]))
        return {**self._fields, "text": text}


def apply(document: Document, delta: Delta) -> Document:
    """The document after a delta; neither is changed. `reducer.ts` of the front end does the same.

    Raises:
        ValueError: the delta is not the next one for this document.
    """
    if delta["id"] != document["id"] or delta["seq"] != document["seq"] + 1:
        raise ValueError(f"Delta {delta['seq']} does not follow {document['seq']}.")
    blocks = list(document["blocks"])
    fields: Document = {}
    for op in delta["ops"]:
        match op["op"]:
            case "append":
                block = blocks[op["block"]]
                key = "arguments" if block["kind"] == "call" else "text"
                blocks[op["block"]] = {**block, key: block[key] + op["text"]}
            case "block":
                blocks[op["block"] : op["block"] + 1] = [op["value"]]
            case "set":
                fields.update(op["fields"])
    return {**document, **fields, "blocks": blocks, "seq": delta["seq"]}
