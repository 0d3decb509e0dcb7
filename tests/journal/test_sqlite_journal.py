"""Closing, reopening, the end of the process, forks, and a file that is moved away while it is in use."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done, ended

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork or open files that can be moved")


def run(program, path):
    done = subprocess.run(
        # Newer Pythons warn of forks of processes with threads, which is what is tested here.
        [sys.executable, "-W", "error::ResourceWarning", "-W", "ignore::DeprecationWarning", "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_a_closed_journal_says_so_and_opens_again(path):
    journal = open_sqlite_journal(path)
    done(journal, begun())
    journal.close()
    journal.close()
    journal.flush()
    assert sorted(item.name for item in path.parent.iterdir()) == ["journal.db", "journal.db-lock"]
    with pytest.raises(JournalError, match=r"journal\.db is closed: open it again"):
        done(journal, ended())
    with pytest.raises(JournalError, match="is closed"):
        journal.history()
    with pytest.raises(JournalError, match="is closed"):
        _ = journal.owner
    with open_sqlite_journal(path) as again:
        assert again.turn("T1").status == "interrupted"


def test_closing_waits_for_what_was_handed_over(path):
    journal = open_sqlite_journal(path)
    futures = [journal.submit(begun(f"T{number}")) for number in range(300)]
    journal.close()
    assert all(future.done() and future.exception() is None for future in futures)


def test_the_end_of_the_process_waits_for_what_was_handed_over(path):
    run(
        "import sys\n"
        "from llm_notebook.journal.sqlite import open_sqlite_journal\n"
        "from tests.journal.making import begun\n"
        "journal = open_sqlite_journal(sys.argv[1])\n"
        "journal.owner\n"
        "for number in range(300): journal.submit(begun(f'T{number}'))\n",
        path,
    )
    assert sorted(item.name for item in path.parent.iterdir()) == ["journal.db", "journal.db-lock"]
    with open_sqlite_journal(path) as journal:
        assert len(journal.history(limit=1000)) == 300


@posix
def test_a_forked_child_begins_anew_and_so_does_its_parent_not(path):
    output = run(
        """
import os, sys
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done, ended, moved, proposed
journal = open_sqlite_journal(sys.argv[1])
done(journal, begun("T1"), proposed(), moved("K1", "proposed", "started", owner=journal.owner))
journal.history()
mine = journal.owner
for number in range(500): journal.submit(begun(f"parent-{number}"))
pid = os.fork()
if pid == 0:
    assert journal.owner != mine
    assert journal.call("K1").state == "started"
    assert done(journal, moved("K1", "started", "finished")) is True
    for number in range(50): done(journal, begun(f"child-{number}"))
    journal.submit(ended("child-1"))
    sys.exit(0)
for number in range(50): done(journal, begun(f"T-{number}"))
_, status = os.waitpid(pid, 0)
assert status == 0
assert journal.call("K1").state == "finished"
assert journal.turn("child-1").status == "complete"
print(len(journal.history(limit=10000)), journal.owner == mine)
""",
        path,
    )
    assert output == "601 True\n"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert sorted(item.name for item in path.parent.iterdir()) == ["journal.db", "journal.db-lock"]


@posix
def test_forks_while_other_threads_write_and_read_leave_children_a_journal_that_works(path):
    output = run(
        """
import os, sys, threading
from llm_notebook.journal.sqlite import open_sqlite_journal
from tests.journal.making import begun, done
journal = open_sqlite_journal(sys.argv[1])
is_over = threading.Event()
counts = [0, 0]
def write(thread):
    while not is_over.is_set():
        done(journal, begun(f"{thread}-{counts[thread]}"))
        counts[thread] += 1
def read():
    while not is_over.is_set(): journal.history(limit=20)
threads = [threading.Thread(target=write, args=(thread,)) for thread in range(2)] + [threading.Thread(target=read)]
for thread in threads: thread.start()
children = []
for number in range(20):
    pid = os.fork()
    if pid == 0:
        try:
            done(journal, begun(f"child-{number}"))
            assert journal.turn(f"child-{number}")
            os._exit(0)
        finally:
            os._exit(1)
    children.append(pid)
statuses = [os.waitpid(pid, 0)[1] for pid in children]
is_over.set()
for thread in threads: thread.join()
assert statuses == [0] * 20, statuses
print(len(journal.history(limit=100000)) - sum(counts))
""",
        path,
    )
    assert output == "20\n"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@posix
def test_a_child_of_a_process_that_closed_its_journal_has_it_closed(path):
    run(
        """
import os, sys
from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import open_sqlite_journal
journal = open_sqlite_journal(sys.argv[1])
journal.close()
pid = os.fork()
if pid == 0:
    try: journal.history()
    except JournalError: os._exit(0)
    os._exit(1)
assert os.waitpid(pid, 0)[1] == 0
""",
        path,
    )


@posix
def test_a_child_that_was_forked_while_a_reader_did_not_end_does_not_touch_the_journal(path):
    run(
        """
import os, sys
from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import connections, open_sqlite_journal
from tests.journal.making import begun, done
connections._LONGEST_PAUSE_SECONDS = 0.05
journal = open_sqlite_journal(sys.argv[1])
with journal._connections.reading():
    pid = os.fork()
    if pid == 0:
        try: journal.history()
        except JournalError: os._exit(0)
        os._exit(1)
assert os.waitpid(pid, 0)[1] == 0
done(journal, begun())
""",
        path,
    )


@posix
@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_file_that_is_taken_away_is_made_anew_and_the_other_left_alone(path, tmp_path, how):
    with open_sqlite_journal(path) as journal:
        done(journal, begun("T1"), ended("T1"))
        assert journal.history()
        for item in path.parent.glob("journal.db*"):
            if how == "moved":
                item.rename(tmp_path / item.name)
            else:
                item.unlink()
        done(journal, begun("T2"))
        assert [turn.begun.turn_id for turn in journal.history()] == ["T2"]
        with open_sqlite_journal(path) as other:
            done(other, ended("T2"))
    with open_sqlite_journal(path) as journal:
        assert [(turn.begun.turn_id, turn.status) for turn in journal.history()] == [("T2", "complete")]
    if how == "moved":
        with open_sqlite_journal(tmp_path / "journal.db") as journal:
            assert [(turn.begun.turn_id, turn.status) for turn in journal.history()] == [("T1", "complete")]
