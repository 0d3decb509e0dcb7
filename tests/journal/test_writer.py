"""Operations are stored together and answered in order; a faulty one fails alone; full and locked disks are recovered from."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.operations import Granted, Revoked
from llm_notebook.journal.runs import RowAsked
from llm_notebook.journal.sqlite import connections, migrations, open_sqlite_journal
from tests.journal.making import AT, begun, decided, done, ended, grant, moved, proposed, request


@contextmanager
def others_write(path):
    """Hold the lock for writing on another connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def statements(journal):
    """Collect the SQL statements that the writer's connection executes."""
    done(journal, Revoked("warm up", "Ada", AT))
    seen = []
    journal._writer._connection.set_trace_callback(seen.append)
    yield seen
    journal._writer._connection.set_trace_callback(None)


def level_of(journal):
    """Return how long the writer's latest commit waited for the disk."""
    [level] = journal._writer._connection.execute("PRAGMA synchronous").fetchone()
    return ("OFF", "NORMAL", "FULL", "EXTRA")[level]


def test_what_is_queued_together_goes_in_one_transaction(journal, path):
    with statements(journal) as seen:
        with others_write(path):
            futures = [journal.submit(begun(f"Q{number}")) for number in range(200)]
        for future in futures:
            future.result(60)
    assert seen.count("COMMIT") <= 2
    assert len(journal.history(limit=1000)) == 201


@pytest.mark.parametrize(
    ("operation", "level"),
    [
        (begun("T2"), "NORMAL"),
        (proposed("K2"), "NORMAL"),
        (moved("K1", "approved", "cancelled"), "NORMAL"),
        (ended(), "FULL"),
        (moved("K1", "approved", "waiting", request=request()), "FULL"),
        (moved("K1", "approved", "started", owner="nobody"), "FULL"),
        (decided(verdict="denied", replaces=True), "FULL"),
        (Granted(grant()), "FULL"),
        (Revoked("G1", "Ada", AT), "FULL"),
    ],
)
def test_the_disk_is_waited_for_where_it_matters(journal, operation, level):
    done(journal, proposed(), moved("K1", "proposed", "waiting", request=request()), decided())
    for before in (begun("T8"), ended("T8")):
        done(journal, before)
    done(journal, operation)
    assert level_of(journal) == level
    done(journal, begun("T9"))
    assert level_of(journal) == "NORMAL"


def test_without_wal_it_is_waited_for_always(path, monkeypatch):
    monkeypatch.setattr(migrations, "is_on_local_disk", lambda _: False)
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
        assert level_of(journal) == "FULL"
        done(journal, ended())
        assert level_of(journal) == "EXTRA"


def test_one_that_is_wrong_takes_no_other_with_it(journal, path):
    with others_write(path):
        good = [journal.submit(begun(f"Q{number}")) for number in range(10)]
        bad = [journal.submit(begun("T1")), journal.submit(ended("Q-unknown"))]
        good += [journal.submit(ended(f"Q{number}")) for number in range(10)]
    for future in good:
        assert future.result(60) is None
    with pytest.raises(ValueError, match="T1 has begun already"):
        bad[0].result(60)
    with pytest.raises(JournalError, match="Q-unknown is not in the journal"):
        bad[1].result(60)
    assert all(journal.turn(f"Q{number}").status == "complete" for number in range(10))


def row(number, turn_id=""):
    turn_id = turn_id or f"R{number}"
    return RowAsked(
        begun(turn_id, f"Row {number}", request=f"digest {number}", rows="run"), ended(turn_id, f"Said {number}")
    )


def test_rows_that_are_queued_together_are_stored_with_few_statements(journal, path):
    with statements(journal) as seen:
        with others_write(path):
            futures = [journal.submit(row(number)) for number in range(100)]
        for future in futures:
            future.result(60)
    for table in ("turns", "turn_endings", "search "):
        assert sum(statement.startswith(f"INSERT INTO {table}") for statement in seen) <= 10, table
    found = journal.rows([f"digest {number}" for number in range(100)])
    assert [found[f"digest {number}"].output[0].parts[0].text for number in range(100)] == [
        f"Said {number}" for number in range(100)
    ]
    # Both the prompt and the answer are found by their words, and belong to the same turn.
    for word in ("Row", "Said"):
        assert [turn.begun.turn_id for turn in journal.history(f"{word} 73")] == ["R73"]


def test_a_row_that_is_stored_already_takes_no_other_with_it(journal, path):
    with others_write(path):
        futures = [journal.submit(row(number)) for number in range(5)]
        again = journal.submit(row(5, "R3"))
        futures += [journal.submit(begun("Q1")), journal.submit(row(6)), journal.submit(ended("Q1"))]
    for future in futures:
        assert future.result(60) is None
    with pytest.raises(ValueError, match="R3 has begun already"):
        again.result(60)
    assert sorted(journal.rows([f"digest {number}" for number in range(7)])) == [
        f"digest {number}" for number in (0, 1, 2, 3, 4, 6)
    ]


def test_a_call_of_a_row_that_is_stored_in_the_same_transaction_is_kept(journal, path):
    with others_write(path):
        asked, call = journal.submit(row(1)), journal.submit(proposed("K1", "R1"))
    assert asked.result(60) is None
    assert call.result(60).turn_id == "R1"
    assert [one.call_id for one in journal.turn("R1").calls] == ["K1"]


def test_a_turn_ends_once(journal):
    done(journal, ended())
    with pytest.raises(ValueError, match="T1 has ended already"):
        done(journal, ended("T1", "Another answer"))
    with pytest.raises(ValueError, match="is not streaming"):
        done(journal, ended("T1", status="streaming"))
    with pytest.raises(ValueError, match="cannot continue itself"):
        done(journal, begun("T5", parent_id="T5"))
    with pytest.raises(TypeError, match="takes operations"):
        done(journal, "begin")


def test_a_call_is_proposed_once(journal):
    first = done(journal, proposed("K1"))
    again = done(journal, proposed("K2", tool_call_id="tc-K1", arguments=b"{}"))
    assert again == first
    with pytest.raises(ValueError, match="Another call has the id K1"):
        done(journal, proposed("K1", tool_call_id="another"))
    with pytest.raises(JournalError, match="T9 is not in the journal"):
        done(journal, proposed("K3", "T9"))


def test_answers_come_in_order(journal):
    order = []
    futures = [journal.submit(begun(f"Q{number}")) for number in range(50)]
    for number, future in enumerate(futures):
        future.add_done_callback(lambda _, number=number: order.append(number))
    journal.flush()
    assert order == list(range(50))


def test_what_was_handed_over_cannot_be_cancelled(journal):
    future = journal.submit(begun("T2"))
    assert future.cancel() is False
    future.result(60)
    assert journal.turn("T2") is not None


def test_another_process_that_writes_is_waited_for_and_one_that_never_ends_is_told(journal, path, monkeypatch):
    with others_write(path):
        future = journal.submit(begun("T2"))
        assert not future.done()
    future.result(60)
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.1)
    with open_sqlite_journal(path) as impatient:
        with others_write(path):
            futures = [impatient.submit(begun(f"Q{number}")) for number in range(5)]
            for future in futures:
                with pytest.raises(JournalError, match="locked by another process"):
                    future.result(60)
        done(impatient, begun("Q1"))


def test_a_full_disk_leaves_what_was_there_and_later_writes_work(path, monkeypatch):
    most_pages = 100

    def limited(path, connect=connections.connect):
        connection = connect(path)
        connection.execute(f"PRAGMA max_page_count = {most_pages}")
        return connection

    monkeypatch.setattr(connections, "connect", limited)
    with open_sqlite_journal(path) as journal:
        done(journal, begun("T1", "small"), ended("T1", "small"))
        small = journal.turn("T1")
        with pytest.raises(JournalError, match=r"journal\.db could not be written, as the disk or your quota is full"):
            done(journal, begun("T2", "word " * 100_000))
        assert journal.history() == [small]
        done(journal, begun("T3", "still small"))
        journal._writer._connection.execute("PRAGMA max_page_count = 100000")
        done(journal, begun("T2", "word " * 100_000))
        assert [turn.begun.turn_id for turn in journal.history()] == ["T2", "T3", "T1"]


LIMITED = """
import resource, sys
from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done, ended
journal = open_sqlite_journal(sys.argv[1])
done(journal, begun("T0"), ended("T0"))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
saved = 1
try:
    for number in range(1, 1000):
        done(journal, begun(f"T{number}", f"{number} " * 3000), ended(f"T{number}"))
        saved += 1
except JournalError as error:
    print(error)
assert len(journal.history(limit=1000)) in (saved, saved + 1), (saved, len(journal.history(limit=1000)))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
done(journal, begun("again", "room " * 100_000), ended("again"))
assert journal.turn("T0").status == journal.turn("again").status == "complete"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes")
def test_a_file_that_must_not_grow_is_told_and_later_writes_work(path):
    run = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "journal.db could not be" in run.stdout
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_several_threads_write_and_read_at_once(journal):
    problems = []

    def work(name):
        try:
            for number in range(20):
                turn_id = f"{name}-{number}"
                done(journal, begun(turn_id), ended(turn_id))
                assert journal.turn(turn_id).status == "complete"
                assert journal.history(limit=5)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(journal.history(limit=1000)) == 161
