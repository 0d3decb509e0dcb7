"""Opening a file: new ones, many processes at once, files of other programs and of newer versions, damaged files, remote disks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.grants import cell_place
from llm_notebook.journal.sqlite import migrations, open_sqlite_journal
from llm_notebook.parts.finishes import Finish
from tests.journal.making import begun, done, ended


def pragma(path: Path, name: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_journal_is_made_and_opened_again(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun(), ended())
    with open_sqlite_journal(path) as journal:
        assert journal.turn("T1").status == "complete"
    assert pragma(path, "user_version") == len(migrations.MIGRATIONS)
    assert pragma(path, "journal_mode") == "wal"


def test_on_a_network_disk_it_goes_without_shared_memory(path, monkeypatch):
    monkeypatch.setattr(migrations, "is_on_local_disk", lambda _: False)
    with open_sqlite_journal(path) as journal:
        done(journal, begun(), ended())
        assert not list(path.parent.glob("*-wal"))
        assert not list(path.parent.glob("*-shm"))
        assert journal.turn("T1").status == "complete"
    assert pragma(path, "journal_mode") == "delete"


def test_a_journal_can_move_to_a_network_disk_and_back(path, monkeypatch):
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "is_on_local_disk", lambda _: False)
        with open_sqlite_journal(path) as journal:
            done(journal, ended())
        assert pragma(path, "journal_mode") == "delete"
    with open_sqlite_journal(path) as journal:
        assert journal.turn("T1").status == "complete"
    assert pragma(path, "journal_mode") == "wal"


def test_a_file_that_is_in_use_keeps_its_mode(path, monkeypatch):
    with open_sqlite_journal(path) as first:
        done(first, begun())
        monkeypatch.setattr(migrations, "is_on_local_disk", lambda _: False)
        monkeypatch.setattr("llm_notebook.journal.sqlite.connections.BUSY_SECONDS", 0.05)
        with open_sqlite_journal(path) as second:
            done(second, ended())
            assert first.turn("T1").status == "complete"


DAMAGED = {
    "random bytes": b"\x07\xfe" * 4096,
    "text": b"This is no journal.\n" * 200,
    "a few bytes": b"SQLite",
    "zeros": bytes(8192),
    "header only": b"SQLite format 3\0" + b"\xff" * 2000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_told_and_left_as_it_is(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.db .*(damaged|another program).*LLM_NOTEBOOK_JOURNAL"):
        open_sqlite_journal(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("length", [4096, 20_000, 50_000])
def test_a_truncated_journal_is_told_and_left_as_it_is(path, length):
    with open_sqlite_journal(path) as journal:
        done(journal, *[begun(f"T{number}", "word " * 500) for number in range(50)])
    content = path.read_bytes()[:length]
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is damaged and was left as it is"), open_sqlite_journal(path) as journal:
        journal.history(limit=1000)
    assert path.read_bytes() == content


def test_damage_that_is_met_later_is_told_and_what_is_whole_stays_readable(path):
    with open_sqlite_journal(path) as journal:
        done(journal, *[begun(f"T{number}", f"{number} " * 2000) for number in range(50)])
    content = bytearray(path.read_bytes())
    place = content.find(b"49 49 49 49")
    page = place - place % 4096
    content[page : page + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with open_sqlite_journal(path) as journal:
        with pytest.raises(JournalError, match="is damaged"):
            journal.history(limit=50)
        assert journal.turn("T1") is not None
        assert journal.turn("T3") is not None


def test_a_file_that_lost_its_content_does_not_take_the_log_beside_it_along(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
        log = path.with_name("journal.db-wal").read_bytes()
    path.write_bytes(b"")
    path.with_name("journal.db-wal").write_bytes(log)
    with pytest.raises(JournalError, match=r"journal\.db has lost its content, while journal\.db-wal"):
        open_sqlite_journal(path)
    assert path.with_name("journal.db-wal").read_bytes() == log


def test_another_programs_database_is_not_written_to(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE responses (id TEXT)")
    content = path.read_bytes()
    with pytest.raises(JournalError, match="is another program's SQLite file, not a journal"):
        open_sqlite_journal(path)
    assert path.read_bytes() == content


def test_a_newer_journal_is_not_written_to(path):
    open_sqlite_journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    content = path.read_bytes()
    with pytest.raises(JournalError, match="is of a newer version than this package"):
        open_sqlite_journal(path)
    assert path.read_bytes() == content


def test_an_empty_file_becomes_a_journal(path):
    path.parent.mkdir()
    path.touch()
    with open_sqlite_journal(path) as journal:
        done(journal, begun())


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
    monkeypatch.setattr(
        migrations, "MIGRATIONS", (*migrations.MIGRATIONS, ("CREATE TABLE more (x)", "CREATE TABLE turns (x)"))
    )
    with pytest.raises(JournalError, match="could not be used"):
        open_sqlite_journal(path)
    monkeypatch.undo()
    with open_sqlite_journal(path) as journal:
        assert journal.turn("T1") is not None
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchall()


def test_paths_of_which_it_is_not_known_who_said_them_allow_nothing(path):
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        for statement in migrations.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO turns VALUES (1, 'T1', 'C1', 'T1', NULL, 'echo', '[]', 1, '{}', 'c1', 'a.ipynb', '2026-11-24')"
        )
        for scope in ("cell", "notebook", "session"):
            values = (scope, f"erase in a {scope}", "identity", scope, "a.ipynb", "Ada", "2026-11-24")
            connection.execute(
                "INSERT INTO grants (grant_id, tool_name, identity, scope, place, granted_by, granted_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        connection.commit()
    with open_sqlite_journal(path) as journal:
        found = journal.turn("T1").begun
        assert (found.notebook, found.started_in, found.place, found.request) == (None, "a.ipynb", 0, "")
        assert journal.grants() == []


def test_an_answer_of_before_has_no_reason_why_it_ended(path):
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        for statement in [one for migration in migrations.MIGRATIONS[:5] for one in migration]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 5")
        connection.execute(
            "INSERT INTO turns (number, turn_id, conversation_id, chain_id, model_id, messages, is_whole, settings, began_at)"
            " VALUES (1, 'T1', 'C1', 'T1', 'echo', '[]', 1, '{}', '2026-11-24')"
        )
        connection.execute("INSERT INTO turn_endings VALUES (1, 'complete', '[]', NULL, 5, NULL, '')")
        connection.commit()
    with open_sqlite_journal(path) as journal:
        assert (journal.turn("T1").status, journal.turn("T1").finish) == ("complete", None)
        done(journal, begun("T2"), ended("T2", finish=Finish("length", "max_tokens")))
        assert journal.turn("T2").finish == Finish("length", "max_tokens")
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT turn_id, answer, finish_reason FROM readable_turns ORDER BY number"
        ).fetchall()
    assert rows == [("T1", None, None), ("T2", "An answer", "length")]


def test_grants_of_which_it_is_not_known_whose_kernel_they_end_with_have_ended(path):
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        for statement in [one for migration in migrations.MIGRATIONS[:3] for one in migration]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")
        places = [
            ("cell", cell_place("a.ipynb", "c1", "text")),
            ("cell", cell_place("kernel 1234", "c1", "text")),
            ("notebook", "b.ipynb"),
            ("session", "1234"),
            ("cell", "no JSON"),
        ]
        for number, values in enumerate(places):
            connection.execute(
                "INSERT INTO grants (grant_id, tool_name, identity, scope, place, granted_by, granted_at)"
                " VALUES (?, 'erase', 'identity', ?, ?, 'Ada', '2026-11-24')",
                (f"G{number}", *values),
            )
        connection.commit()
    with open_sqlite_journal(path) as journal:
        found = {grant.grant_id: grant.notebook for grant in journal.grants()}
        assert found == {"G0": "a.ipynb", "G2": "b.ipynb", "G4": ""}
