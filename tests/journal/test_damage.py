"""A damaged journal is a JournalError, whatever byte of it is damaged, and prompts go on without it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import SQLiteJournal, open_sqlite_journal
from tests.fakes.faces import Face
from tests.journal.making import begun, decided, done, ended, moved, proposed, request

_DAMAGES = 60


def _used(path: Path) -> bytes:
    """Return the content of a journal with turns, calls and decisions."""
    with open_sqlite_journal(path) as journal:
        for number in range(4):
            turn, call = f"T{number}", f"K{number}"
            done(journal, begun(turn, "a question", settings={"options": {"n": 1}}, cell_id="cell"))
            done(journal, proposed(call, turn))
            done(journal, moved(call, "proposed", "waiting", request=request()))
            if number % 2:
                done(journal, decided(call))
            picture = llm.Attachment("image/png", content=b"picture")
            done(journal, ended(turn, [llm.assistant("an answer", picture)], usage=llm.Usage(1, 2, {"n": 1})))
    return path.read_bytes()


def _complaints_of(path: Path) -> list[str]:
    """Use a journal in every way, and return the messages of its errors, which must all be JournalErrors."""
    complaints: list[str] = []
    try:
        with open_sqlite_journal(path) as journal:
            complaints += _use(journal)
    except JournalError as error:
        complaints.append(str(error))
    return complaints


def _use(journal: SQLiteJournal) -> list[str]:
    uses: list[Any] = [
        journal.history,
        lambda: journal.history("answer"),
        journal.waiting,
        journal.grants,
        lambda: journal.call("K1"),
        lambda: journal.messages("T2"),
        lambda: journal.open_turns("cell"),
        lambda: done(journal, begun("new")),
        lambda: done(journal, ended("new")),
    ]
    complaints = []
    for use in uses:
        try:
            use()
        except JournalError as error:
            complaints.append(str(error))
    return complaints


def test_any_damaged_byte_is_said_in_a_sentence(tmp_path: Path) -> None:
    content = _used(tmp_path / "journal.db")
    chosen = random.Random(20)
    places = [place for place, byte in enumerate(content) if byte]
    # The texts of the schema are where SQLite itself quotes what it cannot read.
    schema = [content.find(start) + offset for start in (b"CREATE TABLE", b"CREATE VIEW") for offset in (13, 44, 52)]
    for number, place in enumerate([*schema, *chosen.choices(places, k=_DAMAGES)]):
        damaged = bytearray(content)
        damaged[place] = chosen.choice([0xFE, 0, damaged[place] ^ 1])
        path = tmp_path / f"{number}.db"
        path.write_bytes(damaged)
        for complaint in _complaints_of(path):
            # A turn whose beginning could not be kept has no end to keep.
            assert any(said in complaint for said in (str(path), "The journal has ", "Turn new is not in the journal"))
            assert len(complaint.splitlines()) == 1


def test_a_prompt_is_answered_beside_a_damaged_journal(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    content = bytearray(_used(path))
    content[content.find(b"CREATE TABLE") + 13] = 0xFE
    path.write_bytes(content)
    monkeypatch.setenv("LLM_NOTEBOOK_JOURNAL", str(path))
    with pytest.warns(UserWarning, match="What you ask is not saved: .*is damaged and was left as it is") as told:
        for _ in range(2):
            assert face.text(face.model("Hello").prompt("Hi")) == "Hello"
    assert len(told) == 1
