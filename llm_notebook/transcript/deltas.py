"""Numbered deltas: what has changed in a transcript since the last one, for readers that hold a copy of its document.

How it works. An answer arrives in thousands of small events, and a browser must neither receive the whole document for each of them
nor miss one. So a `DeltaWriter` remembers what readers have of each block: the version of the block, and how many chunks of its text
have been sent. A change of a version means that the block is sent whole; otherwise only the chunks beyond that number are sent, as an
`append`. The view lists the positions of changed blocks in `touched`, and the writer keeps a cursor into that list, so that a look
costs as much as what is new, however long the transcript is.

Deltas are numbered without gaps. A reader that finds a gap asks for the whole document, which `full()` gives together with the number
of the last delta that it includes. The document may include changes that no delta has reported yet. These are then sent as the next delta, with
the number that the document already has, so that other readers do not miss them; the reader of the document ignores that delta because of its
number.

The view may change in one thread while the writer looks at it in another. So the writer reads the length of a list once and ignores what
is appended later, and it reads a block's version before its fields, so that a change in between is sent again rather than lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.answer.tables import is_table, rows_added, table_document
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.document import block_document, shown_arguments, shown_text, top_fields
from llm_notebook.transcript.visible import encodable, encodable_document

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["DeltaWriter"]

Document = dict[str, Any]
Delta = dict[str, Any]


@dataclass(slots=True, eq=False)
class DeltaWriter:
    """A writer of numbered deltas for one view.

    Another thread may change the view at the same time, but only one thread at a time may use the writer.

    Attributes:
        view: the view to follow. Its `id` names the transcript.
        seq: the number of the latest delta; at first, that of the last one that readers already have.
    """

    view: TranscriptView
    seq: int = 0
    _cursor: int = 0
    _top: Document = field(default_factory=dict)
    _blocks: list[_Sent] = field(default_factory=list)
    _held: deque[Delta] = field(default_factory=deque)

    def next(self) -> Delta | None:
        """Return the next delta, or None if nothing is new. After `full()` there may be two deltas in a row."""
        return self._held.popleft() if self._held else self._look()

    def rest(self) -> list[Delta]:
        """Return the deltas that bring readers up to date with the latest `full()`, and note that they are sent."""
        held = list(self._held)
        self._held.clear()
        return held

    def full(self) -> Document:
        """Return the current document, with the number of the last delta that it includes.

        If something was new, the following `next()` returns the delta for it, so that other readers do not miss it.
        """
        delta = self._look()
        if delta is not None:
            self._held.append(delta)
        blocks = [sent.document() for sent in self._blocks]
        return {"version": 1, "id": self.view.id, "seq": self.seq, **self._top, "blocks": blocks}

    def _look(self) -> Delta | None:
        ops = self._collect_block_ops()
        top = top_fields(self.view)
        fields = {name: value for name, value in top.items() if self._top.get(name, _ABSENT) != value}
        if fields:
            self._top.update(fields)
            ops.append({"op": "set", "fields": fields})
        if not ops:
            return None
        self.seq += 1
        return {"type": "delta", "id": self.view.id, "seq": self.seq, "ops": ops}

    def _collect_block_ops(self) -> list[Document]:
        touched = self.view.touched
        until = len(touched)
        # `touched` leaves out repetitions of its last entry, so that block may have changed again: hence the `- 1`.
        positions = dict.fromkeys(touched[max(0, self._cursor - 1) : until])
        self._cursor = until
        return [op for position in sorted(positions) if (op := self._take_op(position)) is not None]

    def _take_op(self, position: int) -> Document | None:
        """Return the operation that brings readers up to date with one block, and note that they have it."""
        block = self.view.blocks[position]
        if position == len(self._blocks):
            self._blocks.append(_Sent(block))
            return {"op": "block", "block": position, "value": self._blocks[position].take_whole(self.view)}
        sent = self._blocks[position]
        if block.version != sent.version:
            return {"op": "block", "block": position, "value": sent.take_whole(self.view)}
        if block.table is not None and is_table(block):
            added = sent.take_rows()
            return encodable_document({"op": "rows", "block": position, **added}) if added else None
        if block.table is not None and block.table.may_begin:
            # The block is sent as a whole once its kind is known.
            return None
        text = sent.take_growth(self.view)
        return {"op": "append", "block": position, "text": text} if text else None


_ABSENT = object()


class _Sent:
    """The part of one block that has been sent to readers."""

    __slots__ = ("_arguments", "_block", "_chunks", "_fields", "_is_hidden", "_rows", "version")

    def __init__(self, block: Block) -> None:
        self._block = block
        self.version = -1
        self._chunks = 0
        self._arguments = 0
        self._fields: Document = {}
        self._is_hidden = False
        self._rows = 0

    def take_whole(self, view: TranscriptView) -> Document:
        """Return the document of the whole block, and note that it is sent."""
        # The version is read before the fields: if the block changes in between, it is sent again.
        self.version = self._block.version
        chunks = self._block.chunks
        self._chunks = len(chunks)
        self._is_hidden = view.hide_reasoning and self._block.kind == "reasoning"
        text = "".join(chunks[: self._chunks])
        self._rows = len(self._block.table.rows) if self._block.table is not None else 0
        self._fields = block_document(self._block, view, text, rows=self._rows)
        self._arguments = len(text)
        value = dict(self._fields)
        if not isinstance(self._block, CallBlock):
            self._fields.pop("text", None)
        return value

    def take_rows(self) -> Document | None:
        """Return the rows of a table that have arrived since, and note that they are sent; None if there are none."""
        table = self._block.table
        until = len(table.rows) if table is not None else 0
        added = rows_added(self._block, self._rows, until)
        self._rows = max(until, self._rows)
        return added

    def take_growth(self, view: TranscriptView) -> str:
        """Return the text that has been appended since, and note that it is sent."""
        chunks = self._block.chunks
        until = len(chunks)
        new = "".join(chunks[self._chunks : until])
        self._chunks = max(until, self._chunks)
        if not new or self._is_hidden:
            return ""
        if not isinstance(self._block, CallBlock):
            return encodable(new)
        before, self._arguments = self._arguments, self._arguments + len(new)
        text = encodable(shown_arguments(new, before))
        self._fields["arguments"] += text
        return text

    def document(self) -> Document:
        """Return the document of the block as readers have it."""
        if isinstance(self._block, CallBlock | PictureBlock):
            return dict(self._fields)
        if self._fields["kind"] == "table":
            return encodable_document(table_document(self._block, self._rows))
        text = "" if self._is_hidden else shown_text(self._block, "".join(self._block.chunks[: self._chunks]))
        return {**self._fields, "text": text}
