"""The digest of everything that a card shows: the page and the kernel make the same."""

from __future__ import annotations

from typing import Any

from llm_notebook.transcript.calls.displayed import digest_of_document, displayed_digest
from tests.transcript.documents import document_of
from tests.transcript.sample_calls import asked, request

_REQUEST: dict[str, Any] = {
    "id": "01K0CALL",
    "digest": "9f2c41abcdef",
    "tool": "Mail.send",
    "origin": ["from the package llm-tools-mail 0.3.1"],
    "source": {"title": "mail.py, line 12", "code": "def send(self, to: str, subject: str):\n    ..."},
    "reason": "Sends one message to an address outside your organisation.",
    "destructive": False,
    "params": [
        {"name": "to", "type": "string", "text": "finance@example.com", "isText": True},
        {"name": "subject", "type": "string", "text": "Q3 figures \u202efdp.exe", "isText": True},
    ],
    "grants": ["cell", "notebook", "session"],
}


def test_the_page_makes_the_same_digest() -> None:
    """`labextension/src/transcript/protocol/digest.spec.ts` has the same sample and the same digest."""
    call = {"status": "waiting", "request": _REQUEST}
    digest = digest_of_document("turn-1", "claude-sonnet-4-5", call, {})
    assert digest == "ce8a8aebe4ed0fb734f169d0cc7f4d50a04e75c6142879a11889e1370119bc83"


def test_whatever_is_shown_is_part_of_it() -> None:
    """As in `labextension/src/transcript/protocol/digest.spec.ts`."""
    call: dict[str, Any] = {"status": "waiting", "request": _REQUEST}
    first, *others = _REQUEST["params"]
    of_the_call = [
        {"status": "unknown"},
        {"note": "A hook changed the arguments."},
        {"startedAt": "2026-11-27T12:00:00Z"},
        {"printed": {"text": "Looking.\n"}},
        {"printed": {"text": "Looking..\n"}},
        {"printed": {"text": "Looking.\n", "cut": {"at": 3, "hidden": 5}}},
    ]
    of_the_request = [
        {"id": "x"},
        {"digest": "x"},
        {"tool": "M\u0430il.send"},
        {"destructive": True},
        {"reason": ""},
        {"description": "Sends."},
        {"changed": "Its code changed."},
        {"origin": []},
        {"source": None},
        {"source": _REQUEST["source"] | {"title": "x"}},
        {"source": _REQUEST["source"] | {"code": "x"}},
        {"grants": []},
        {"grantsEndWithKernel": True},
        {"params": others},
        *[{"params": [first | change, *others]} for change in ({"name": "x"}, {"type": "x"}, {"text": "\u200b"})],
        *[{"params": [first | change, *others]} for change in ({"isText": False}, {"description": "x"})],
    ]
    calls = [call, *(call | change for change in of_the_call)]
    calls += [call | {"request": _REQUEST | change} for change in of_the_request]
    digests = [digest_of_document("turn-1", "claude-sonnet-4-5", one, {}) for one in calls]
    digests.append(digest_of_document("turn-2", "claude-sonnet-4-5", call, {}))
    digests.append(digest_of_document("turn-1", "claude-haiku-4-5", call, {}))
    assert len(set(digests)) == len(digests)


def test_to_approve_a_long_value_its_whole_text_is_part_of_the_digest() -> None:
    view = asked(request({"path": "x" * 5000}))
    [block] = view.open_calls
    document = document_of(view)
    call = document["blocks"][-1]
    assert displayed_digest(view, block, "denied") == digest_of_document("t1", "echo", call, {})
    whole = digest_of_document("t1", "echo", call, {"path": "x" * 5000})
    assert displayed_digest(view, block, "approved") == whole
    assert whole != displayed_digest(view, block, "denied")
