"""Finding turns by words: with the index, without FTS5, and after a process without FTS5 has written."""

from __future__ import annotations

import pytest

from llm_notebook.journal.sqlite import open_sqlite_journal, search
from llm_notebook.parts.messages import ReasoningPart, ToolResultPart, assistant, system, tool_message, user
from tests.journal.making import begun, done, ended

TURNS = {
    "T1": ("Where do swallows nest?", "Under the *eaves* of barns."),
    "T2": ("Wo nisten Störche?", "Auf Dächern, in Äckern nicht. 100% sure_thing"),
    "T3": ("北京在哪里", "在中国的北方。"),
    "T4": ("def add(a, b): return a+b", "It adds; call `add(1, 2)`. C++ has no such 'thing'."),
    "T5": ("🙂 again", 'I\'d say "hello" AND (NOT) NEAR* - swallows'),
    "T6": ("Lone \ud800 surrogate", "and a NUL \0 inside"),
}


@pytest.fixture(params=["index", "no FTS5"])
def filled(path, request, monkeypatch):
    if request.param == "no FTS5":
        monkeypatch.setattr(search, "is_available", lambda: False)
    with open_sqlite_journal(path) as journal:
        for turn_id, (prompt, answer) in TURNS.items():
            done(journal, begun(turn_id, prompt), ended(turn_id, answer))
        yield journal


def found(journal, query="", **more):
    return [turn.begun.turn_id for turn in journal.history(query, **more)]


@pytest.mark.parametrize(
    ("query", "turns"),
    [
        ("swallows", ["T5", "T1"]),
        ("SWALLOWS nest", ["T1"]),
        ("nest barns", ["T1"]),
        ("barns nest swallows", ["T1"]),
        ("swallows storks", []),
        ("Störche", ["T2"]),
        ("swal", ["T5", "T1"]),
        ("北京", ["T3"]),
        ("北方", ["T3"]),
        ("京方", []),
        ("add(1,", ["T4"]),
        ("c++", ["T4"]),
        ("surrogate", ["T6"]),
        ("inside", ["T6"]),
        ("  \n ", ["T6", "T5", "T4", "T3", "T2", "T1"]),
    ],
)
def test_all_words_of_a_query_are_in_the_prompt_or_the_answer(filled, query, turns):
    assert found(filled, query) == turns


@pytest.mark.parametrize(
    "query",
    [
        '"', "'", "AND", "NOT x OR", "NEAR(a b)", "a*", "*", "^a", "text:a", "-a", "+", "()", "a\0b", "\0", "\ud800",
        "%", "_", "\\", "a AND", "{x} : y", "🙂", "a" * 100_000, "w " * 3000, ";--", "NULL",
    ],
)  # fmt: skip
def test_a_query_is_words_and_never_a_syntax_error(filled, query):
    assert isinstance(found(filled, query), list)


def test_case_and_accents_do_not_matter_with_the_index(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun("T2", TURNS["T2"][0]), ended("T2", TURNS["T2"][1]))
        assert found(journal, "storche DACHERN") == ["T2"]


def test_the_latest_come_first_and_no_more_than_asked_for(filled):
    assert found(filled, limit=2) == ["T6", "T5"]
    assert found(filled, "swallows", limit=1) == ["T5"]
    assert found(filled, limit=0) == []


def test_what_was_typed_is_found_and_what_tools_said_is_not(filled):
    asked = [system("Be a zebra"), user("first gnu"), assistant("okapi"), user("last ibex")]
    done(filled, begun("T7", asked, settings={"text": "%%llm typed kudu"}))
    done(filled, ended("T7", [assistant(ReasoningPart("thought of eland"), "said oryx")]))
    done(filled, begun("T8", [tool_message(ToolResultPart("look", "a nyala"))], parent_id="T7"))
    assert [found(filled, word) for word in ("ibex", "kudu", "oryx")] == [["T7"]] * 3
    assert [found(filled, word) for word in ("zebra", "gnu", "okapi", "eland", "nyala")] == [[]] * 5


def test_a_turn_is_found_while_it_streams(filled):
    done(filled, begun("T9", "unanswered wombat"))
    assert found(filled, "wombat") == ["T9"]


def test_turns_that_a_process_without_fts5_wrote_are_found_later(path, monkeypatch):
    with open_sqlite_journal(path) as journal:
        done(journal, begun("T1", "swallows"), ended("T1", "nest"))
    with monkeypatch.context() as patched:
        patched.setattr(search, "is_available", lambda: False)
        with open_sqlite_journal(path) as journal:
            done(journal, begun("T2", "more swallows"), ended("T2", "nest"), begun("T3", "swallows that fly"))
            assert found(journal, "swallows nest") == ["T2", "T1"]
    for _ in range(2):
        with open_sqlite_journal(path) as journal:
            assert found(journal, "swallows nest") == ["T2", "T1"]
            assert found(journal, "swallows") == ["T3", "T2", "T1"]
