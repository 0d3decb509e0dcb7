"""The digest of everything that an approval card shows, which every decision carries.

A page computes it from what it has drawn, the kernel from what it would send now; `labextension/src/transcript/protocol/digest.ts` is the
page's part. If the two differ, the reader has seen something other than the question, and the decision does not count. So a forged notebook, a
page that missed a message and a question that changed under the pointer all end in the same way: nothing happens, and the page gets the current
question.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.calls.requests import full_value
from llm_notebook.transcript.document import block_document, model_name

if TYPE_CHECKING:
    from llm_notebook.transcript.blocks import CallBlock
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["digest_of_document", "displayed_digest"]

Document = dict[str, Any]


def displayed_digest(view: TranscriptView, block: CallBlock, verdict: str) -> str:
    """Return the digest of the card of a call that waits, as 64 hexadecimal digits.

    Args:
        view: the turn.
        block: the call, with a request.
        verdict: what was decided. To approve, the reader has opened every long value, so their whole texts are part of the digest.
    """
    assert block.request is not None
    model, call = model_name(view), block_document(block, view)
    whole = {}
    if verdict == "approved":
        names = [param["name"] for param in call["request"]["params"] if param["cut"]]
        whole = {name: full_value(block.request, name) or "" for name in names}
    return digest_of_document(view.id, model, call, whole)


def digest_of_document(transcript: str, model: str, call: Document, whole: Mapping[str, str]) -> str:
    """Return the digest of a card, made from documents.

    Args:
        transcript: the transcript's id.
        model: the model, as the document names it.
        call: the document of the call.
        whole: the whole texts of the long values that the reader has opened, by name.
    """
    request = call["request"]
    source, printed = request["source"], call.get("printed")
    cut = printed.get("cut") if printed else None
    shown = [
        [transcript, model, call["status"], call.get("note") or "", call.get("startedAt") or ""],
        [request["id"], request["digest"], request["tool"], request["destructive"]],
        [request["reason"], request.get("description") or "", request.get("changed") or ""],
        request["origin"],
        [source["title"], source["code"]] if source else None,
        [request["grants"], bool(request.get("grantsEndWithKernel"))],
        [printed["text"], [cut["at"], cut["hidden"]] if cut else None] if printed else None,
        [
            [
                param["name"],
                param["type"],
                whole.get(param["name"], param["text"]),
                param["isText"],
                param.get("description") or "",
            ]
            for param in request["params"]
        ],
    ]
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
