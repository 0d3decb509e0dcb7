"""The calls of dead processes read as unknown; those of living processes and of this one never do."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.operations import Granted
from llm_notebook.journal.sqlite import open_sqlite_journal, ownership
from llm_notebook.journal.sqlite.ownership import Ownership
from tests.journal.making import begun, decided, done, grant, moved, proposed, request

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork or signals")

RUNNING = """
import os, sys, time
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done, moved, proposed
journal = open_sqlite_journal(sys.argv[1])
done(journal, begun("T9"), proposed("K9", "T9"), moved("K9", "proposed", "started", owner=journal.owner))
{then}
"""


def running(path, then="print('ready', flush=True); time.sleep(600)"):
    """Start a process that runs call K9 and then the given statements."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNING.format(then=then), str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


ALLOWING = """
import sys, time
from llm_notebook.journal.operations import Granted
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import done, grant
journal = open_sqlite_journal(sys.argv[1])
done(journal, Granted(grant("G1", scope="session", place="kernel", owner=journal.owner)), Granted(grant("G2")))
print("ready", flush=True)
time.sleep(600)
"""


def lock_files(path):
    return list(path.parent.glob("journal.db-owner-*"))


STREAMING = """
import sys, time
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done, ended
journal = open_sqlite_journal(sys.argv[1])
done(journal, begun("T1"), begun("T2"), ended("T2"))
print("ready", flush=True)
time.sleep(600)
"""


def test_a_turn_whose_process_was_killed_reads_as_interrupted(path):
    process = subprocess.Popen([sys.executable, "-c", STREAMING, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with open_sqlite_journal(path) as journal:
        assert [journal.turn(name).status for name in ("T1", "T2")] == ["streaming", "complete"]
        process.kill()
        process.wait()
        assert [journal.turn(name).status for name in ("T1", "T2")] == ["interrupted", "complete"]


def test_what_a_process_was_allowed_for_itself_ends_with_it_however_it_ends(path):
    process = subprocess.Popen([sys.executable, "-c", ALLOWING, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with open_sqlite_journal(path) as journal:
        assert [given.grant_id for given in journal.grants()] == ["G1", "G2"]
        process.kill()
        process.wait()
        assert [given.grant_id for given in journal.grants()] == ["G2"]
    with open_sqlite_journal(path) as journal:
        assert [given.grant_id for given in journal.grants()] == ["G2"]
        done(journal, Granted(grant("G3", scope="session", owner=journal.owner)))
        assert [given.grant_id for given in journal.grants()] == ["G2", "G3"]
    with open_sqlite_journal(path) as journal:
        assert [given.grant_id for given in journal.grants()] == ["G2"]


@posix
def test_a_call_whose_process_was_killed_reads_as_unknown(path):
    process = running(path)
    with open_sqlite_journal(path) as journal:
        assert journal.call("K9").state == "started"
        assert journal.waiting() == []
        process.kill()
        process.wait()
        assert journal.call("K9").state == "unknown"
        assert [call.call_id for call in journal.waiting()] == ["K9"]
        assert journal.turn("T9").calls[0].state == "unknown"


@posix
def test_what_the_dead_left_is_noted_and_cleared_away_when_the_journal_is_next_opened(path):
    process = running(path)
    process.kill()
    process.wait()
    assert len(lock_files(path)) == 1
    with open_sqlite_journal(path) as journal:
        journal.flush()
        assert lock_files(path) == []
        assert journal.call("K9").state == "unknown"
        # When it stopped is not known, however much later that is noticed.
        assert [until for _, until in journal.call("K9").runs] == [None]
        with journal._connections.reading() as (connection, _):
            row = connection.execute(
                "SELECT from_state, to_state, note FROM call_transitions ORDER BY number"
            ).fetchall()[-1]
    assert row == ("started", "unknown", "Its process ended while it ran.")


@posix
def test_a_stopped_process_is_not_a_dead_one(path):
    process = running(path)
    try:
        process.send_signal(signal.SIGSTOP)
        with open_sqlite_journal(path) as journal:
            assert journal.call("K9").state == "started"
    finally:
        process.kill()
        process.wait()


@posix
def test_a_child_that_lives_on_does_not_keep_its_parents_calls_running(path):
    then = "if os.fork() == 0: print('ready', flush=True); print(os.getpid(), flush=True)\ntime.sleep(600)"
    process = running(path, then)
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    try:
        os.kill(child, 0)
        with open_sqlite_journal(path) as journal:
            assert journal.call("K9").state == "unknown"
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_process_that_happens_to_have_a_dead_ones_number_is_not_taken_for_it(journal, path):
    owner = f"{os.getpid()}-0123456789abcdef"
    path.with_name(f"journal.db-owner-{owner}").touch()
    done(journal, proposed(), moved("K1", "proposed", "started", owner=owner))
    assert journal.call("K1").state == "unknown"


def test_the_processs_own_calls_are_not_unknown_to_another_journal_in_it(journal, path):
    done(journal, proposed(), moved("K1", "proposed", "started", owner=journal.owner))
    with open_sqlite_journal(path) as other:
        assert other.owner != journal.owner
        assert other.call("K1").state == "started"
    assert journal.call("K1").state == "started"


def test_a_human_decides_about_an_unknown_call_once(journal, path):
    other = Ownership(path)
    done(journal, proposed(), moved("K1", "proposed", "waiting", request=request()), decided())
    done(journal, moved("K1", "approved", "started", owner=other.name))
    assert done(journal, decided(verdict="denied")) is False
    other.leave_to_parent()
    assert journal.call("K1").state == "unknown"
    # Whoever answers the question of before has not been told that the call was interrupted.
    assert done(journal, decided(verdict="answered", text="3 files")) is False
    assert done(journal, moved("K1", "unknown", "unknown", request=request("f" * 64, outcome_unknown=True))) is True
    assert done(journal, decided(verdict="answered", digest="e" * 64)) is False
    assert done(journal, decided(verdict="answered", digest="f" * 64, text="3 files")) is True
    assert done(journal, decided(digest="f" * 64)) is False
    assert journal.call("K1").decision.text == "3 files"


def test_an_unknown_call_does_not_finish_any_more(journal, path):
    other = Ownership(path)
    done(journal, proposed(), moved("K1", "proposed", "started", owner=other.name))
    other.leave_to_parent()
    assert done(journal, moved("K1", "started", "finished")) is False
    assert journal.call("K1").state == "unknown"


def test_an_interrupted_process_says_itself_that_it_does_not_know(journal):
    done(journal, proposed(), moved("K1", "proposed", "started", owner=journal.owner))
    assert done(journal, moved("K1", "started", "unknown")) is True
    assert [call.state for call in journal.waiting()] == ["unknown"]


def test_the_lock_file_goes_when_nothing_runs_and_stays_while_something_does(path):
    with open_sqlite_journal(path) as journal:
        assert lock_files(path) == []
        owner = journal.owner
        assert journal.owner == owner
        [file] = lock_files(path)
        if os.name == "posix":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        done(journal, begun(), proposed())
    assert lock_files(path) == []
    with open_sqlite_journal(path) as journal:
        done(journal, moved("K1", "proposed", "started", owner=journal.owner))
    assert len(lock_files(path)) == 1
    with open_sqlite_journal(path) as journal:
        journal.flush()
        assert len(lock_files(path)) == 1
        assert journal.call("K1").state == "started"


def test_a_lock_that_somebody_cleared_away_before_it_was_held_is_made_anew(path, monkeypatch):
    path.parent.mkdir()
    removed = []

    def lock(descriptor, *, shared, locked=ownership._lock):
        if not shared and not removed:
            [file] = lock_files(path)
            removed.append(file)
            file.unlink()
        locked(descriptor, shared=shared)

    monkeypatch.setattr(ownership, "_lock", lock)
    mine = Ownership(path)
    name = mine.name
    assert removed
    assert removed[0].name != f"journal.db-owner-{name}"
    assert Ownership(path).is_held(name)
    mine.release(is_running=False)


def test_no_lock_is_told_in_one_sentence(path, monkeypatch):
    def no_locks(descriptor, *, shared):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(ownership, "_lock", no_locks)
    with (
        open_sqlite_journal(path) as journal,
        pytest.raises(JournalError, match=r"No lock can be held beside the journal"),
    ):
        _ = journal.owner
    assert lock_files(path) == []
