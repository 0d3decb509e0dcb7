"""What a notebook keeps of a turn: every viewer finds the whole answer, and a very long one is kept once."""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.saved import saved_bundle
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.documents import document_of
from tests.transcript.sample_calls import call_entry

LINE = "The pelican 🐦 said: *naïve*, and flew.\n"
LONG = LINE * 20_000


def _said(*texts: tuple[str, str], state: str = "done") -> TranscriptView:
    view = TranscriptView("echo", id="t1")
    for position, (kind, text) in enumerate(texts):
        view.feed(StreamEvent(kind, text, position), 1.0)  # type: ignore[arg-type]
    view.end(state, 2.0)  # type: ignore[arg-type]
    return view


def _texts(bundle: dict[str, Any]) -> list[str]:
    """Return the texts of a bundle as our extension reads them."""
    units = bundle["text/plain"].encode("utf-16-le")
    texts = []
    for block in bundle[MIME_TYPE]["blocks"]:
        place = block.get("plain")
        if place is not None:
            texts.append(units[2 * place["start"] : 2 * (place["start"] + place["length"])].decode("utf-16-le"))
        elif "text" in block:
            texts.append(block["text"])
    return texts


def test_an_answer_is_kept_for_every_viewer() -> None:
    view = _said(("text", "A *bird*."))
    bundle = saved_bundle(view, document_of(view, 1), "Do this.")
    assert bundle[MIME_TYPE]["blocks"] == [{"kind": "text", "text": "A *bird*."}]
    assert bundle["text/markdown"] == "A *bird*.\n\nDo this."
    assert bundle["text/plain"] == "A *bird*.\n\nDo this."


def test_a_very_long_answer_is_kept_once_and_whole() -> None:
    thought = "Hmm. 🤔\n" * 1_000
    view = _said(("reasoning", thought), ("text", LONG), ("reasoning", "Short."), ("text", LONG + "The end."))
    document = document_of(view, 1)
    bundle = saved_bundle(view, document)
    assert "text/markdown" not in bundle
    assert _texts(bundle) == [thought.rstrip(), LONG.rstrip(), "Short.", LONG + "The end."]
    assert bundle["text/plain"].endswith("The end.")
    written = sum(len(str(value).encode()) for value in bundle.values())
    assert written <= 1.01 * len((thought + LONG + LONG).encode())
    assert document["blocks"][1]["text"] == LONG, "the document itself is left alone"


def test_the_places_are_right_whatever_is_said_around_the_text() -> None:
    view = TranscriptView("echo", id="t1")
    view.feed(StreamEvent("text", LONG, 0), 1.0)
    view.feed(StreamEvent("tool_call_name", "delete_files", 1, tool_call_id="c1"), 1.0)
    view.feed(StreamEvent("tool_call_args", '{"path": "🐦"}', 1, tool_call_id="c1"), 1.0)
    result = ToolResult("delete_files", "gone\n▎ not ours", "c1")
    view.update_call(call_entry("finished", result=result), 1.0)
    view.feed(StreamEvent("text", "▎ " + LONG, 2), 2.0)
    view.end("interrupted", 2.0)
    bundle = saved_bundle(view, document_of(view, 1), "Advice 🐦.")
    assert _texts(bundle) == [LONG.rstrip(), r"\u{258e} " + LONG.rstrip()]
    assert "not ours" in bundle["text/plain"]
    assert bundle["text/plain"].endswith("Advice 🐦.")


def test_line_ends_of_windows_are_line_ends() -> None:
    view = _said(("text", "one\r\ntwo\rthree"))
    assert saved_bundle(view, document_of(view, 1))["text/plain"] == "one\ntwo\\u{d}three"


def test_a_long_printed_text_does_not_make_an_answer_long() -> None:
    view = _said(("text", "A *bird*."))
    view.update_call(call_entry("started"), 1.0)
    view.add_printed(call_entry("started").call_id, "x" * 2**20)
    view.end("done", 2.0)
    assert "A *bird*." in saved_bundle(view, document_of(view, 1))["text/markdown"]
