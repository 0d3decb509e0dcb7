"""The oracle for documents: made at once from a view, or from an earlier one and a delta as the front end's `reducer.ts` does."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.document import block_document, top_fields

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["apply", "document_of", "unpacked"]

Document = dict[str, Any]


def document_of(view: TranscriptView, seq: int = 0) -> Document:
    """Return the document of a whole view, made without any deltas.

    Args:
        view: the view.
        seq: the number of the last delta that the document includes.
    """
    blocks = [block_document(block, view) for block in view.blocks]
    return {"version": 1, "id": view.id, "seq": seq, **top_fields(view), "blocks": blocks}


def apply(document: Document, delta: Document) -> Document:
    """Return the document after a delta. Neither is changed.

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
            case "rows":
                block = blocks[op["block"]]
                head, tail = [*block["head"], *op["head"]], [*block["tail"], *op["tail"]][-5:]
                blocks[op["block"]] = {**block, "head": head, "tail": tail, "count": op["count"]}
            case "block":
                blocks[op["block"] : op["block"] + 1] = [op["value"]]
            case "set":
                fields.update(op["fields"])
    return {**document, **fields, "blocks": blocks, "seq": delta["seq"]}


def unpacked(value: Any, buffers: Sequence[bytes]) -> Any:
    """Return a message as a page reads it, whose long texts are deflated in the buffers beside it."""
    if isinstance(value, dict) and "deflated" in value:
        data = zlib.decompress(bytes(buffers[value["deflated"]]), -zlib.MAX_WBITS)
        assert len(data) == value["bytes"]
        return data.decode()
    if isinstance(value, dict):
        return {name: unpacked(inner, buffers) for name, inner in value.items()}
    return [unpacked(inner, buffers) for inner in value] if isinstance(value, list) else value
