"""Several processes with one journal: they open a new file at once, and decide and start the same calls at once."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from llm_notebook.journal.sqlite import migrations, open_sqlite_journal
from tests.journal.making import begun, done, moved, proposed, request

PROCESSES = 8
# Each process prints that it is ready, and begins when it reads a line.
STARTING = """
import json, sys
from llm_notebook.journal.sqlite import migrations, open_sqlite_journal
from tests.journal.making import begun, decided, done, moved
path, name, is_local = sys.argv[1], sys.argv[2], sys.argv[3] == "True"
if not is_local: migrations.is_on_local_disk = lambda _: False
print("ready", flush=True)
sys.stdin.readline()
"""
WRITING = """
journal = open_sqlite_journal(path)
for number in range(50): done(journal, begun(f"{name}-{number}"))
"""
RACING = """
journal = open_sqlite_journal(path)
won = []
for number in range(30):
    call = f"K{number}"
    verdict = "denied" if name == "0" else "approved"
    if done(journal, decided(call, verdict)): won.append(f"{call} decided")
    if done(journal, moved(call, "approved", "started", owner=journal.owner)):
        won.append(f"{call} started")
        done(journal, moved(call, "started", "finished"))
print(json.dumps(won))
"""


def together(program, path, *, is_local=True):
    """Run several processes that begin at the same moment, and return what each of them prints."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STARTING + program, str(path), str(name), str(is_local)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, outputs, strict=True)] == [
        (0, "")
    ] * PROCESSES
    return [output for output, _ in outputs]


@pytest.mark.parametrize("is_local", [True, False], ids=["local disk", "network disk"])
def test_eight_processes_on_a_fresh_journal_lose_nothing(path, is_local, monkeypatch):
    together(WRITING, path, is_local=is_local)
    monkeypatch.setattr(migrations, "is_on_local_disk", lambda _: is_local)
    with open_sqlite_journal(path) as journal:
        assert len(journal.history(limit=1000)) == PROCESSES * 50
        assert len(journal.history("question", limit=1000)) == PROCESSES * 50
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_of_several_that_decide_and_start_a_call_exactly_one_does(path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
        for number in range(30):
            done(journal, proposed(f"K{number}"), moved(f"K{number}", "proposed", "waiting", request=request()))
    won = [entry for output in together(RACING, path) for entry in json.loads(output)]
    decided = sorted(entry for entry in won if entry.endswith("decided"))
    assert decided == sorted(f"K{number} decided" for number in range(30))
    with open_sqlite_journal(path) as journal:
        for number in range(30):
            entry = journal.call(f"K{number}")
            starts = won.count(f"K{number} started")
            assert starts == (0 if entry.decision.verdict == "denied" else 1)
