"""Reading: turns, chains, conversations, histories and grants; and the views that people read with any SQLite tool."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from llm_notebook.approvals.requests import Decision
from llm_notebook.errors import JournalError
from llm_notebook.journal.grants import cell_place
from llm_notebook.journal.operations import Granted, NotebookRenamed, Revoked
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import ToolCallPart, ToolResultPart, Usage, assistant, system, tool_message, user
from llm_notebook.tools.calls import ToolResult
from tests.journal.making import AT, DIGEST, begun, decided, done, ended, grant, moved, proposed, request, waiting_call

ULIDS = ("01JD000000000000000000AAAA", "01JD000000000000000000AABB", "01JD000000000000000000CCCC")


def ids(turns):
    return [turn.begun.turn_id for turn in turns]


def test_any_part_of_an_id_that_fits_one_only_will_do(journal):
    for ulid in ULIDS:
        done(journal, begun(ulid, conversation_id=f"conversation-{ulid}"), proposed(f"call-{ulid}", ulid))
    assert journal.turn(ULIDS[0]).begun.turn_id == ULIDS[0]
    assert journal.turn("cccc").begun.turn_id == ULIDS[2]
    assert journal.call("AABB").call_id == f"call-{ULIDS[1]}"
    assert ids(journal.conversation("AAAA")) == [ULIDS[0]]
    for ambiguous_or_unknown in ("AA", "01JD", "", "nothing", "%", "_", "\ud800"):
        assert journal.turn(ambiguous_or_unknown) is None
        assert journal.call(ambiguous_or_unknown) is None
        assert journal.conversation(ambiguous_or_unknown) == []


def test_an_id_that_is_a_part_of_another_still_names_its_own(journal):
    done(journal, begun("T11"))
    assert journal.turn("T1").begun.turn_id == "T1"


def test_a_chain_and_a_conversation_are_read_oldest_first(journal):
    done(
        journal,
        begun("T2", chain_id="T1", parent_id="T1"),
        begun("T3", conversation_id="C2"),
        begun("T4", parent_id="T2"),
    )
    assert ids(journal.chain("T1")) == ["T1", "T2"]
    assert ids(journal.conversation("C1")) == ["T1", "T2", "T4"]
    assert journal.chain("T") == []


def test_what_was_used_is_told_of_all_turns_or_of_those_since_a_time_in_any_zone(journal):
    later = AT.astimezone(timezone(timedelta(hours=-9))) + timedelta(days=1)
    done(journal, ended(usage=Usage(3, 4)), begun("T2", at=later), ended("T2", usage=Usage(5, 6)))
    assert [use.usage for use in journal.uses()] == [Usage(3, 4), Usage(5, 6)]
    assert [use.usage for use in journal.uses(since=AT)] == [Usage(3, 4), Usage(5, 6)]
    for since in (later, later.astimezone(timezone(timedelta(hours=12))), AT + timedelta(microseconds=1)):
        assert [use.usage for use in journal.uses(since=since)] == [Usage(5, 6)]
    assert journal.uses(since=later + timedelta(microseconds=1)) == []


def test_a_turn_streams_until_it_ends(journal):
    assert journal.turn("T1").status == "streaming"
    done(journal, ended(status="interrupted", error="You pressed stop.", usage=Usage(3, 4, {"cached": 1})))
    turn = journal.turn("T1")
    assert (turn.status, turn.error, turn.usage) == ("interrupted", "You pressed stop.", Usage(3, 4, {"cached": 1}))
    assert turn.output == [assistant("An answer")]


def test_the_history_is_that_of_all_turns_before(journal):
    call = ToolCallPart("add", {"a": 1}, "tc1")
    done(journal, ended("T1", [assistant(call)]))
    result = tool_message(ToolResultPart("add", "2", "tc1"))
    done(journal, begun("T2", [result], parent_id="T1"), ended("T2", "2"))
    done(journal, begun("T3", "and then?", parent_id="T2"))
    history = [user("A question"), assistant(call), result, assistant("2"), user("and then?")]
    assert journal.messages("T3") == history
    assert journal.messages("T2") == history[:4]
    whole = [system("Be brief"), user("Anew")]
    done(journal, begun("T4", whole, parent_id="T3", is_whole=True), ended("T4"), begun("T5", "Go on", parent_id="T4"))
    assert journal.messages("T5") == [*whole, assistant("An answer"), user("Go on")]


def test_a_history_that_is_not_all_there_is_not_passed_off_as_whole(journal):
    done(journal, begun("T2", "next", parent_id="T-that-was-not-saved"))
    with pytest.raises(JournalError, match="T-that-was-not-saved, which it continues, was not saved"):
        journal.messages("T2")
    with pytest.raises(JournalError, match="has no turn T9"):
        journal.messages("T9")


def test_branches_of_a_conversation_have_histories_of_their_own(journal):
    done(journal, ended("T1"), begun("T2", "left", parent_id="T1"), begun("T3", "right", parent_id="T1"))
    assert journal.messages("T2")[-1] == user("left")
    assert journal.messages("T3") == [user("A question"), assistant("An answer"), user("right")]


def test_calls_stand_in_the_order_in_which_the_model_asked(journal):
    asked = [ToolCallPart("f", {}, f"tc-K{number}") for number in (2, 3, 1)]
    done(journal, proposed("K1"), proposed("K2"), proposed("K3"), proposed("K4"))
    assert [call.call_id for call in journal.turn("T1").calls] == ["K1", "K2", "K3", "K4"]
    done(journal, ended("T1", [assistant(*asked)]))
    assert [call.call_id for call in journal.turn("T1").calls] == ["K2", "K3", "K1", "K4"]


def test_what_a_human_may_have_to_do_something_about_waits_oldest_first(journal):
    for number in range(1, 8):
        waiting_call(journal, f"K{number}")
    done(
        journal,
        decided("K1"),
        decided("K2", "denied"),
        decided("K3", "answered"),
        decided("K4"),
        decided("K5", "denied"),
    )
    done(journal, moved("K4", "approved", "started", owner=journal.owner))
    done(journal, moved("K5", "denied", "denied", result=ToolResult("delete_files", "Denied by the user")))
    done(journal, moved("K6", "waiting", "cancelled"))
    assert [(call.call_id, call.state) for call in journal.waiting()] == [
        ("K1", "approved"),
        ("K2", "denied"),
        ("K3", "answered"),
        ("K7", "waiting"),
    ]


def test_the_latest_turn_of_a_cell_or_a_notebook(journal):
    for turn_id, cell, notebook in [("T2", "c1", "n1"), ("T3", "c1", "n2"), ("T4", "c2", "n1"), ("T5", None, None)]:
        done(journal, begun(turn_id, cell_id=cell, notebook=notebook))
    assert journal.latest_turn(cell_id="c1").begun.turn_id == "T3"
    assert journal.latest_turn(notebook="n1").begun.turn_id == "T4"
    assert journal.latest_turn(cell_id="c1", notebook="n1").begun.turn_id == "T2"
    assert journal.latest_turn(cell_id="c") is None
    assert journal.latest_turn().begun.turn_id == "T5"
    done(journal, begun("T6", cell_id="c1", started_in="n1", place=2), begun("T7", cell_id="c1", started_in="n1"))
    assert journal.latest_turn(cell_id="c1", started_in="n1").begun.turn_id == "T7"
    assert journal.latest_turn(cell_id="c1", started_in="n1", place=2).begun.turn_id == "T6"
    assert journal.latest_turn(cell_id="c1", notebook="n1").begun.turn_id == "T2"


def test_the_turns_of_a_cell_whose_calls_are_open(journal):
    for number in range(2, 7):
        cell = "c2" if number == 6 else "c1"
        done(journal, begun(f"T{number}", cell_id=cell, notebook=f"n{number}", place=number, request="digest"))
        waiting_call(journal, f"K{number}", f"T{number}")
    done(journal, moved("K3", "waiting", "cancelled"), decided("K4"), decided("K5", "denied"))
    done(journal, moved("K5", "denied", "denied", result=ToolResult("delete_files", "Denied by the user")))
    found = journal.open_turns("c1")
    assert [(turn.begun.turn_id, turn.begun.place, turn.begun.request) for turn in found] == [
        ("T2", 2, "digest"),
        ("T4", 4, "digest"),
    ]
    assert journal.open_turns("c") == []


def test_a_renamed_notebook_keeps_its_turns_and_grants(journal):
    done(journal, begun("T2", cell_id="c1", notebook="[a].ipynb"), begun("T3", notebook="[a].ipynb.bak"))
    done(journal, begun("T4", cell_id="c1", started_in="[a].ipynb"))
    places = [
        ("cell", cell_place("[a].ipynb", "c1", "text")),
        ("cell", cell_place("other", "c1", "[a].ipynb")),
        ("notebook", "[a].ipynb"),
        ("notebook", "other"),
        ("session", "[a].ipynb"),
    ]
    for number, (scope, place) in enumerate(places):
        done(journal, Granted(grant(f"G{number}", scope=scope, place=place, notebook="[a].ipynb")))
    done(journal, NotebookRenamed("[a].ipynb", 'new "\ud800".ipynb'))
    assert [journal.turn(name).begun.notebook for name in ("T2", "T3", "T4")] == [
        'new "\ud800".ipynb',
        "[a].ipynb.bak",
        None,
    ]
    assert [given.place for given in journal.grants()] == [
        cell_place('new "\ud800".ipynb', "c1", "text"),
        cell_place("other", "c1", "[a].ipynb"),
        'new "\ud800".ipynb',
        "other",
        "[a].ipynb",
    ]
    assert {given.notebook for given in journal.grants()} == {'new "\ud800".ipynb'}


def test_grants_are_in_force_until_they_are_revoked(journal):
    grants = [grant("G1"), grant("G2", scope="session", place="kernel")]
    done(journal, *[Granted(given) for given in grants])
    assert journal.grants() == grants
    assert done(journal, Revoked("G1", "Ada", AT)) is True
    assert done(journal, Revoked("G1", "Ada", AT)) is False
    assert done(journal, Revoked("G9", "Ada", AT)) is False
    assert journal.grants() == grants[1:]


def test_a_call_names_the_grant_that_decided_it(journal):
    done(journal, Granted(grant("G1", scope="notebook")))
    waiting_call(journal)
    done(journal, decided(grant_id="G1"))
    call = journal.call("K1")
    assert (call.grant_id, call.grant_scope, call.decided_by, call.decided_at) == ("G1", "notebook", "Ada", AT)


def test_a_call_that_waits_again_has_no_decision_any_more(journal):
    waiting_call(journal)
    done(journal, decided(grant_id="G1"), moved("K1", "approved", "waiting", request=request("e" * 64)))
    call = journal.call("K1")
    assert (call.decision, call.decided_by, call.decided_at, call.grant_id) == (None, "", None, "")
    assert call.request.digest == "e" * 64


def test_a_decision_is_replaced_only_where_that_is_asked_for_and_nothing_came_of_it(journal):
    waiting_call(journal)
    done(journal, decided(verdict="denied", text="no"))
    assert done(journal, decided()) is False
    assert done(journal, decided(replaces=True)) is True
    assert journal.call("K1").state == "approved"
    assert done(journal, decided(verdict="denied", replaces=True)) is True
    done(journal, moved("K1", "denied", "denied", result=ToolResult("delete_files", "Denied")))
    assert done(journal, decided(replaces=True)) is False


def test_anybody_can_read_it_with_any_sqlite_tool(path):
    with open_sqlite_journal(path) as journal:
        history = [system("Be brief"), user("Old question"), assistant("Old answer"), user("Delete\nold files")]
        done(journal, begun("T1", history, cell_id="c1", notebook="files.ipynb", is_whole=True))
        waiting_call(journal)
        done(journal, replace(decided(), decision=Decision("approved", DIGEST, {"path": "/tmp/older"})))
        done(journal, moved("K1", "approved", "started", owner=journal.owner, digest=DIGEST))
        done(journal, moved("K1", "started", "finished", result=ToolResult("delete_files", "3 files")))
        end = ended(
            "T1", "Gone: ä", usage=Usage(10, 20), resolved_model="echo-2", finish=Finish("length", "max_tokens")
        )
        done(journal, end, begun("T2", "Next"))
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            turns = [dict(row) for row in connection.execute("SELECT * FROM readable_turns ORDER BY number")]
            [call] = [dict(row) for row in connection.execute("SELECT * FROM readable_calls")]
    assert turns[0] == {
        "number": 1,
        "began_at": "2026-11-24T12:30:15.123456+00:00",
        "status": "complete",
        "model": "echo-2",
        "prompt": "Delete\nold files",
        "answer": "Gone: ä",
        "error": "",
        "seconds": 1.5,
        "input_tokens": 10,
        "output_tokens": 20,
        "notebook": "files.ipynb",
        "cell_id": "c1",
        "turn_id": "T1",
        "parent_id": None,
        "chain_id": "T1",
        "conversation_id": "C1",
        "finish_reason": "length",
    }
    assert (turns[1]["status"], turns[1]["prompt"], turns[1]["answer"]) == ("streaming", "Next", None)
    assert (call["tool"], call["arguments"], call["state"]) == ("delete_files", '{"path":"/tmp/old"}', "finished")
    assert (call["verdict"], call["decided_by"], call["result"]) == ("approved", "Ada", "3 files")
    assert call["edited_arguments"] == '{"path":"/tmp/older"}'


def test_odd_values_do_not_break_the_views(journal, path):
    done(journal, begun("T2", [user("NaN \ud800 \0")], settings={"x": float("nan")}))
    done(journal, ended("T2", [assistant(ToolCallPart("f", {"x": float("inf")}), "text")], duration_ms=10**30))
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        assert len(connection.execute("SELECT * FROM readable_turns").fetchall()) == 2


def test_when_a_tool_ran_and_what_it_printed_are_read_with_its_call(journal):
    def at(minutes, operation):
        return replace(operation, at=AT + timedelta(minutes=minutes))

    def minutes(*numbers):
        return tuple(AT + timedelta(minutes=number) for number in numbers)

    done(
        journal,
        ended(),
        proposed(),
        at(1, moved("K1", "proposed", "started", owner=journal.owner)),
        at(2, moved("K1", "started", "waiting", request=request(), printed="a\n")),
    )
    assert (journal.call("K1").printed, journal.call("K1").result) == ("a\n", None)
    done(
        journal,
        at(60, decided()),
        at(61, moved("K1", "approved", "started", owner=journal.owner)),
    )
    assert journal.call("K1").runs == (minutes(1, 2), (*minutes(61), None))
    result = ToolResult("search", "ok", [], "c1")
    done(journal, at(63, moved("K1", "started", "finished", result=result, printed="a\nb\n")))
    [call] = journal.turn("T1").calls
    assert (call.runs, call.printed, call.result.output) == ((minutes(1, 2), minutes(61, 63)), "a\nb\n", "ok")


def test_a_call_that_never_ran_has_no_times(journal):
    waiting_call(journal)
    assert (journal.call("K1").runs, journal.call("K1").printed) == ((), "")
