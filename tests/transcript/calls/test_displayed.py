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


def test_to_approve_a_long_value_its_whole_text_is_part_of_the_digest() -> None:
    view = asked(request({"path": "x" * 5000}))
    [block] = view.open_calls
    document = document_of(view)
    call = document["blocks"][-1]
    assert displayed_digest(view, block, "denied") == digest_of_document("t1", "echo", call, {})
    whole = digest_of_document("t1", "echo", call, {"path": "x" * 5000})
    assert displayed_digest(view, block, "approved") == whole
    assert whole != displayed_digest(view, block, "denied")
