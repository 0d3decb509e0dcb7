"""The JSON document of a TranscriptView, which the front end shows and the notebook file keeps; `document.ts` has its type.

Since the notebook file keeps it, everything in it that a machine has written is shortened: arguments, results and the contents of
approval cards. Since it is sent as UTF-8, lone surrogates are spelled out, in all texts at once when the document is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.answer.sources import Source, with_numbers
from llm_notebook.transcript.answer.tables import is_table, raw_document, table_document
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.calls.printed import Printed
from llm_notebook.transcript.calls.requests import name_document, request_document, shortened, value_text
from llm_notebook.transcript.endings import is_cut
from llm_notebook.transcript.markdown.links import safe_url
from llm_notebook.transcript.sent_words import sent_document
from llm_notebook.transcript.visible import encodable, encodable_document, visible
from llm_notebook.transcript.words import facts, finish_sentence, not_saved_sentence

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import Decision
    from llm_notebook.transcript.endings import Problem, Unsent, Way
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["MIME_TYPE", "block_document", "model_name", "shown_arguments", "shown_text", "top_fields"]

MIME_TYPE = "application/vnd.llm-notebook.transcript+json"
_LONGEST_RESULT = 20_000
_LONGEST_ARGUMENTS = 20_000
_LONGEST_SENTENCE = 2_000
_MOST_CHANGES = 20
_SHOWN_BEFORE = 160  # characters that two edited values share before their difference

Document = dict[str, Any]


def top_fields(view: TranscriptView) -> Document:
    """Return the fields of the document other than its blocks, id and number.

    The keys are always the same, so that a delta can tell that a value has become empty.
    """
    cut = is_cut(view)
    document = {
        "model": name_document(view.model_id),
        "state": view.state,
        "seconds": round(view.seconds, 3),
        "began": view.began,
        "notice": _notice(view) if view.notice else None,
        "sent": sent_document(view.sent) if view.sent else None,
        "remarks": [*view.remarks, *(() if cut else finish_sentence(view)), *not_saved_sentence(view)],
        "cut": cut,
        "error": _problem(view.problem) if view.problem is not None else None,
        "limit": None if view.limit is None else {"answers": view.limit.answers, "calls": view.limit.calls},
        "sources": list(map(_source, view.sources.listed)),
        "footer": facts(view) if view.show_usage and not view.silent else None,
        "hideReasoning": view.hide_reasoning,
        "showCalls": view.show_calls,
        "byKeyboard": view.by_keyboard,
        **({"proposal": None} if view.beside is None else view.beside.document()),
        "unsent": None if view.unsent is None else _unsent(view.unsent),
        "heldUp": list(map(encodable, view.held_up)),
    }
    return encodable_document(document)


def _source(source: Source) -> Document:
    return {"title": source.title, "url": source.url, "host": source.host}


def model_name(view: TranscriptView) -> str:
    """Return the model as the document names it."""
    return encodable(name_document(view.model_id))


def block_document(block: Block, view: TranscriptView, text: str | None = None, *, rows: int | None = None) -> Document:
    """Return the document of one block.

    Args:
        block: a block of the view.
        view: the view.
        text: the beginning of the block's text; by default all of it.
        rows: how many rows of a table are included; by default all.
    """
    text = "".join(block.chunks) if text is None else text
    document: Document
    if isinstance(block, CallBlock):
        document = _call(block, view, text)
    elif isinstance(block, PictureBlock):
        document = _picture(block)
    elif block.table is not None and is_table(block):
        document = table_document(block, rows)
    elif block.kind == "text":
        document = text_document(block, text)
    else:
        # Hidden reasoning is not saved, but its block is, because deltas refer to blocks by their position.
        document = {"kind": "reasoning", "text": "" if view.hide_reasoning else text}
        if block.ended is not None:
            document["seconds"] = round(block.ended - block.began, 3)
    return encodable_document(document)


def shown_text(block: Block, text: str) -> str:
    """Return the text of an answer, as far as it has arrived, with the numbers of its sources."""
    if block.table is not None and block.table.may_begin:
        # A table is about to begin, and nobody needs to see its brackets.
        return ""
    if block.excerpt is not None:
        return encodable(block.excerpt)
    return encodable(with_numbers(text, block.marks) if block.marks else text)


def text_document(block: Block, text: str) -> Document:
    """Return the document of a text that has arrived so far."""
    document: Document = {"kind": "text", "text": shown_text(block, text)}
    if block.look:
        document["look"] = block.look
    if block.language:
        document["language"] = block.language
    if block.is_folded:
        document["raw"] = raw_document(block.text)
    return document


def _picture(block: PictureBlock) -> Document:
    shown = block.shown
    if shown is None:
        return {"kind": "picture", "caption": ""}
    document: Document = {"kind": "picture", "caption": encodable(shown.caption)}
    if shown.data:
        document |= {"type": shown.type, "data": shown.data}
    if shown.url and (url := safe_url(shown.url)):
        document["url"] = url
    return document


def shown_arguments(text: str, before: int = 0) -> str:
    """Return the part of the text of arguments that is shown: its beginning, and an ellipsis if it is longer.

    Args:
        text: the text of the arguments from `before` on.
        before: the number of characters before it.
    """
    room = _LONGEST_ARGUMENTS - before
    if len(text) <= room:
        return text
    return text[: max(0, room)] + ("…" if room >= 0 else "")


def _call(block: CallBlock, view: TranscriptView, text: str) -> Document:
    arguments, request = shown_arguments(text), block.request
    decision = None if block.decision is None else _decision(block, block.decision)
    document: Document = {
        "kind": "call",
        "callId": block.call_id or block.tool_call_id,
        "name": name_document(block.name),
        "arguments": arguments,
        "status": block.status,
        "request": None
        if request is None
        else request_document(request, block, view.scopes, grants_end=view.grants_end),
        "decision": decision,
    }
    if block.started is not None:
        document["began"] = round(block.started, 3)
    if block.seconds is not None:
        document["seconds"] = round(block.seconds, 3)
    if block.started_at is not None and block.is_asked:
        document["startedAt"] = block.started_at.isoformat()
    if block.failure is not None:
        document["failure"] = {
            "type": name_document(block.failure.type),
            "message": block.failure.message,
            "frames": block.failure.frames,
        }
    if block.printed.head:
        document["printed"] = _printed(block.printed)
    if block.note:
        document["note"] = shortened(block.note, _LONGEST_SENTENCE)
    if block.result is not None:
        document["result"] = block.result[:_LONGEST_RESULT]
        if len(block.result) > _LONGEST_RESULT:
            document["resultHidden"] = len(block.result) - _LONGEST_RESULT
    return document


def _printed(printed: Printed) -> Document:
    """Return what a tool has printed. Positions are counted in UTF-16 units, as JavaScript counts them."""
    text, at, hidden = printed.kept()
    document: Document = {"text": encodable(text)}
    if hidden:
        document["cut"] = {"at": len(encodable(text[:at]).encode("utf-16-le")) // 2, "hidden": hidden}
    return document


def _decision(block: CallBlock, decision: Decision) -> Document:
    document: Document = {
        "verdict": decision.verdict,
        "by": name_document(block.decided_by) or "you",
        "at": "" if block.decided_at is None else block.decided_at.isoformat(),
        "text": shortened(decision.text, _LONGEST_SENTENCE),
    }
    if decision.arguments is not None and block.request is not None:
        document["changes"] = _changes(block.request.arguments, decision.arguments)
    if decision.verdict == "abandoned" and block.is_dropped:
        document["dropped"] = True
    if block.grant_id:
        scope = block.grant_scope or "session"
        document["grant"] = {"id": block.grant_id, "scope": scope, "revoked": block.grant_revoked}
    return document


def _changes(before: dict[str, Any], after: dict[str, Any]) -> list[Document]:
    def texts(name: str) -> tuple[str, str]:
        one, other = (value_text(values[name]) if name in values else "" for values in (before, after))
        return _around_difference(one, other)

    changed = [
        name for name in before | after if name not in before or name not in after or _differ(before, after, name)
    ]
    documents = []
    for name in changed[:_MOST_CHANGES]:
        was, is_now = texts(name)
        documents.append({"name": name_document(name), "before": was, "after": is_now})
    if len(changed) > _MOST_CHANGES:
        documents.append({"name": f"{len(changed) - _MOST_CHANGES:,} more", "before": "…", "after": "…"})
    return documents


def _around_difference(before: str, after: str) -> tuple[str, str]:
    """Return two texts in the length that documents allow. If their beginnings are long and equal, those are cut first."""
    pairs = zip(before, after, strict=False)
    equal = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))
    start = equal - _SHOWN_BEFORE if max(len(before), len(after)) > _LONGEST_SENTENCE else 0
    mark = "…" if start > 0 else ""
    start = max(0, start)
    return (
        mark + shortened(before[start:], _LONGEST_SENTENCE),
        mark + shortened(after[start:], _LONGEST_SENTENCE),
    )


def _differ(before: dict[str, Any], after: dict[str, Any], name: str) -> bool:
    return value_text(before[name]) != value_text(after[name])


def _notice(view: TranscriptView) -> Document:
    notice: Document = {"text": shortened(view.notice, _LONGEST_SENTENCE)}
    if view.notice_seconds is not None:
        notice["seconds"] = round(view.notice_seconds, 1)
    if view.notice_detail:
        notice["detail"] = shortened(view.notice_detail, _LONGEST_SENTENCE)
    return notice


def _unsent(unsent: Unsent) -> Document:
    asks = [
        {"name": name_document(name), "text": shortened(text, _LONGEST_RESULT)} | ({"size": size} if size else {})
        for name, text, size in unsent.parts()
    ]
    document: Document = {"asks": asks, "reads": list(unsent.reads)}
    if unsent.estimate:
        # The reader may send this unchanged, so it is not shortened.
        document |= {"estimate": unsent.estimate, "exact": unsent.exact}
    return document


def _problem(problem: Problem) -> Document:
    return {
        "kind": problem.kind,
        "title": shortened(problem.title, _LONGEST_SENTENCE),
        "text": shortened(visible(problem.text[: 2 * _LONGEST_SENTENCE]), _LONGEST_SENTENCE),
        "ways": [_way(way) for way in problem.ways],
        "canStartOver": problem.can_start_over,
        **({"complete": True} if problem.is_complete else {}),
    }


def _way(way: Way) -> Document:
    document: Document = {"code": way.code, "text": shortened(way.text, _LONGEST_SENTENCE)}
    if way.label:
        document["label"] = name_document(way.label)
    for name in ("key", "model", "installs"):
        if value := getattr(way, name):
            document[name] = value
    return document
