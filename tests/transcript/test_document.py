"""The document that is shown and saved is correct, limited in length, and can be sent as UTF-8 whatever it contains."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.approvals.requests import Decision
from llm_notebook.parts.messages import StreamEvent, Usage
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.calls.requests import edited_arguments, full_value, type_word
from llm_notebook.transcript.endings import Problem, Way
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.documents import document_of
from tests.transcript.sample_calls import asked, call_entry, hostile_text, request

_AT = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)


def _params(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    params: list[dict[str, Any]] = document_of(asked(request(arguments)))["blocks"][0]["request"]["params"]
    return params


def test_a_question_has_everything_that_a_card_shows() -> None:
    view = asked(request({"path": "/tmp/old", "depth": 2}), said="I will.")
    view.mark_question(view.calls[0].call_id, blocked="Run the cell that defines delete_files.")
    text, call = document_of(view, 7)["blocks"]
    assert text == {"kind": "text", "text": "I will."}
    assert (call["status"], call["arguments"]) == ("waiting", '{"path":"/tmp/old"}')
    asks = call["request"]
    assert asks["id"] == call["callId"] == view.calls[0].call_id
    assert (asks["tool"], asks["reason"], asks["destructive"]) == ("delete_files", "Deletes 3 files.", False)
    assert asks["grants"] == ["cell", "notebook", "session"]
    assert asks["blocked"] == "Run the cell that defines delete_files."
    assert "refused" not in asks
    assert [(p["name"], p["text"], p["isText"], p["type"]) for p in asks["params"]] == [
        ("path", "/tmp/old", True, "string"),
        ("depth", "2", False, "integer"),
    ]


def test_a_source_whose_file_has_changed_says_so() -> None:
    source = {"title": "f", "code": "1", "note": "The file has changed since."}
    [_, *calls] = document_of(asked(request(source=source), "Hm."))["blocks"]
    assert calls[0]["request"]["source"] == source


def test_a_destructive_tool_is_never_allowed_for_good() -> None:
    assert document_of(asked(request(destructive=True)))["blocks"][0]["request"]["grants"] == []


def test_a_decision_says_who_what_and_when() -> None:
    view = asked()
    decision = Decision("approved", "0" * 64, {"path": "/tmp/older", "force": True})
    view.update_call(call_entry("approved", decision=decision, decided_by="ada", decided_at=_AT))
    assert document_of(view)["blocks"][0]["decision"] == {
        "verdict": "approved",
        "by": "ada",
        "at": "2026-11-24T12:03:00+00:00",
        "text": "",
        "changes": [
            {"name": "path", "before": '"/tmp/old"', "after": '"/tmp/older"'},
            {"name": "force", "before": "", "after": "true"},
        ],
    }


def test_who_asks_again_starts_afresh() -> None:
    view = asked()
    view.update_call(call_entry("approved", decision=Decision("approved", "0" * 64), decided_by="ada"))
    view.update_call(call_entry("waiting", request=request({"path": "/"})))
    assert document_of(view)["blocks"][0]["decision"] is None


def test_the_rest_of_the_document() -> None:
    view = TranscriptView("echo", id="t1", show_usage=True, began="2026-11-24T12:00:00+00:00")
    view.feed(StreamEvent("reasoning", "Hm", 0), 1.0)
    view.feed(StreamEvent("text", "Yes", 1), 2.5)
    view.end("failed", 4.0)
    view.usage = Usage(10, 20)
    view.remarks = ["A remark."]
    view.not_saved = "the disk is full"
    view.problem = Problem("No key.", "Nothing was sent.", "key", [Way("%llm keys set openai", "asks for it")])
    document = document_of(view, 3)
    assert document["blocks"][0] == {"kind": "reasoning", "text": "Hm", "seconds": 1.5}
    assert (document["id"], document["seq"], document["state"], document["seconds"]) == ("t1", 3, "failed", 4.0)
    assert document["remarks"] == ["A remark.", "Not saved: the disk is full"]
    assert document["footer"] == ["echo", "10 in", "20 out", "4.0 s"]
    assert document["error"] == {
        "kind": "key",
        "title": "No key.",
        "text": "Nothing was sent.",
        "ways": [{"code": "%llm keys set openai", "text": "asks for it"}],
        "canStartOver": False,
    }


def test_hidden_reasoning_is_not_saved() -> None:
    view = TranscriptView("echo", hide_reasoning=True)
    view.feed(StreamEvent("reasoning", "secret thought", 0), 1.0)
    view.feed(StreamEvent("text", "Yes", 1), 2.0)
    assert "secret" not in json.dumps(document_of(view))


def test_a_long_value_is_head_and_tail_and_can_be_had_whole() -> None:
    value = "a" * 1_200 + "\U0001f600" * 5_000 + "z" * 400
    asks = request({"text": value})
    [param] = _params({"text": value})
    assert param["text"] == "a" * 1_200 + "z" * 400
    assert param["cut"] == {"at": 1_200, "hidden": 10_000, "total": 11_600}
    assert full_value(asks, "text") == value
    assert full_value(asks, "other") is None


def test_of_a_value_of_many_lines_the_first_ones_are_shown() -> None:
    value = "\n".join(f"line {number} \U0001f600" for number in range(60))
    head = "\n".join(value.split("\n")[:20])
    [param] = _params({"text": value})
    assert param["text"] == head
    assert param["cut"]["lines"] == {"hidden": 40, "total": 60}
    assert param["cut"]["at"] == len(head) + 20
    assert param["cut"]["total"] == param["cut"]["at"] + param["cut"]["hidden"] == len(value) + 60
    [sixty] = _params({"text": value + "\n"})
    assert sixty["cut"]["lines"] == {"hidden": 40, "total": 60}
    [short] = _params({"text": "\n" * 20})
    assert short["cut"] is None
    [wide] = _params({"text": "\n".join(["x" * 200] * 60)})
    assert "lines" not in wide["cut"]


def test_what_was_edited_is_shown_where_it_differs() -> None:
    before, after = "x" * 100_000 + "old", "x" * 100_000 + "new"
    decision = Decision("approved", "0" * 64, {"text": after})
    view = asked(request({"text": before}))
    view.update_call(call_entry("approved", request({"text": before}), decision))
    [change] = document_of(view)["blocks"][-1]["decision"]["changes"]
    assert change["before"].endswith('old"')
    assert change["after"].endswith('new"')
    assert len(change["after"]) < 300


def test_a_failed_tool_tells_its_type_its_message_and_its_own_frames() -> None:
    def broken() -> None:
        json.loads("{")

    try:
        broken()
    except ValueError as error:
        result = ToolResult("delete_files", "Error: no", exception=error)
    view = asked()
    view.update_call(call_entry("failed", result=result))
    failure = document_of(view)["blocks"][-1]["failure"]
    assert failure["type"] == "JSONDecodeError"
    assert failure["message"].startswith("Expecting")
    assert 'json.loads("{")' in failure["frames"]
    assert "decoder.py" not in failure["frames"]
    assert "in libraries" in failure["frames"]


def test_a_string_that_utf8_cannot_hold_is_written_as_json() -> None:
    [param] = _params({"path": "a\ud800b"})
    assert (param["text"], param["isText"]) == ('"a\\ud800b"', False)
    assert edited_arguments(request({"path": "a\ud800b"}), {"path": param["text"]}) == {"path": "a\ud800b"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"text": "x" * 1_000_000},
        {"text": "\u202e\x01" * 500_000},
        {"list": list(range(200_000))},
        {f"name {number}": "x" * 3_000 for number in range(1_000)},
        {"n" * 1_000_000: 1, "\ud800": 2},
    ],
    ids=["long", "hostile", "list", "many", "name"],
)
def test_what_is_saved_is_small_and_complete_on_demand(arguments: dict[str, Any]) -> None:
    view = asked(request(arguments, reason="r" * 1_000_000))
    view.update_call(call_entry("approved", decision=Decision("approved", "0" * 64, {"text": "y" * 1_000_000})))
    view.update_call(call_entry("finished", result=ToolResult("delete_files", "z" * 1_000_000)))
    document = document_of(view)
    assert len(json.dumps(document)) < 250_000
    assert document["blocks"][0]["resultHidden"] == 980_000
    asks = request(arguments)
    whole: dict[str, Any] = {}
    for param in document["blocks"][0]["request"]["params"]:
        text = full_value(asks, param["name"])
        assert text is not None
        value = text if param["isText"] else json.loads(text)
        whole |= value if param["name"].endswith(" more") else {param["name"]: value}
    assert whole == arguments


@given(st.dictionaries(hostile_text, hostile_text | st.integers() | st.lists(hostile_text), max_size=4), hostile_text)
def test_any_question_can_be_sent(arguments: dict[str, Any], reason: str) -> None:
    view = asked(request(arguments, reason), said=reason)
    sent = json.dumps(document_of(view), ensure_ascii=False).encode()
    assert json.loads(sent) == document_of(view)
    asks = request(arguments)
    edits = {p["name"]: full_value(asks, p["name"]) for p in _params(arguments) if not p["isText"]}
    assert edited_arguments(asks, edits) == arguments


def test_edits_replace_add_and_remove() -> None:
    asks = request({"path": "/tmp/old", "depth": 2})
    assert edited_arguments(asks, {"path": '"/tmp"', "depth": None, "force": "true"}) == {"path": "/tmp", "force": True}
    with pytest.raises(ValueError, match="The value of path is not valid JSON"):
        edited_arguments(asks, {"path": "/tmp"})
    with pytest.raises(ValueError, match=r"The value of depth is not valid JSON: NaN is no number of JSON"):
        edited_arguments(asks, {"depth": "[NaN]"})


@pytest.mark.parametrize(
    ("schema", "value", "word"),
    [
        ({"type": "string"}, "a", "string"),
        ({"type": "array", "items": {"type": "integer"}}, [1], "list of integer"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, "string or null"),
        ({"type": ["integer", "null"]}, 1, "integer or null"),
        ({"enum": ["a", "b"]}, "a", "choice"),
        (None, {"a": 1}, "object"),
        ({}, 1.5, "number"),
        (None, True, "boolean"),
    ],
)
def test_types_have_words(schema: Any, value: Any, word: str) -> None:
    assert type_word(schema, value) == word


def test_hidden_characters_in_what_a_server_said_are_spelled_out() -> None:
    view = TranscriptView("m", state="failed", problem=Problem("Refused", "It says: a\u202eb\u200b"))
    assert document_of(view)["error"]["text"] == r"It says: a\u{202e}b\u{200b}"
