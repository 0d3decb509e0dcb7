"""Measures what keeping a turn in the journal costs: early and late in a conversation, many at once, and beside plain SQLite."""

from __future__ import annotations

from benchmarks.measuring import Row, print_table, run_program

__all__ = ["run"]

_TURNS = """
import json, resource, sqlite3, statistics, tempfile, time
from datetime import UTC, datetime
from pathlib import Path
import llm_notebook as llm
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.journal.operations import TurnBegun, TurnEnded
at = datetime.now(UTC)
prompt, answer = "What is said about swallows? " * 10, "They nest under the eaves of barns and fly south in autumn. " * 30
def turn(number):
    parent = f"T{number - 1}" if number else None
    begun = TurnBegun(f"T{number}", "C", f"T{number}", parent, "m", [llm.user(prompt)], {"options": {}}, "cell", "notebook", at)
    return begun, TurnEnded(f"T{number}", "complete", [llm.assistant(answer)], None, 1500)
def spent(work, clock):
    start = clock()
    work()
    return clock() - start
folder = tempfile.TemporaryDirectory()
journal = open_sqlite_journal(Path(folder.name, "journal.db"))
def keep(number):
    for operation in turn(number):
        journal.submit(operation).result()
def written():
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock * 512
cpu, disk = [], []
for number in range(1100):
    before = written()
    cpu.append(spent(lambda: keep(number), time.process_time))
    disk.append(written() - before)
queued = [operation for number in range(2000, 3000) for operation in turn(number)]
def keep_all():
    for operation in queued:
        journal.submit(operation)
    journal.flush()
together = spent(keep_all, time.perf_counter) / 1000
reading = statistics.median(spent(lambda: journal.messages("T999"), time.perf_counter) for _ in range(5)) / 1000
finding = statistics.median(spent(lambda: journal.history("eaves autumn"), time.perf_counter) for _ in range(5))
plain = sqlite3.connect(Path(folder.name, "plain.db"), isolation_level=None)
plain.execute("PRAGMA journal_mode = WAL")
plain.execute("CREATE TABLE turns (id TEXT PRIMARY KEY, prompt TEXT, answer TEXT)")
def by_hand(number):
    plain.execute("PRAGMA synchronous = NORMAL")
    plain.execute("INSERT INTO turns VALUES (?, ?, NULL)", (f"T{number}", prompt))
    plain.execute("PRAGMA synchronous = FULL")
    plain.execute("UPDATE turns SET answer = ? WHERE id = ?", (answer, f"T{number}"))
# The speed of a disk changes from minute to minute, so the two take turns.
ours, hand = [], []
for number in range(300):
    ours.append(spent(lambda: keep(3000 + number), time.perf_counter))
    hand.append(spent(lambda: by_hand(number), time.perf_counter))
early, late = slice(5, 105), slice(1000, 1100)
print(json.dumps({
    "early_cpu": statistics.median(cpu[early]), "late_cpu": statistics.median(cpu[late]),
    "early_disk": statistics.mean(disk[early]), "late_disk": statistics.mean(disk[late]),
    "ours": statistics.median(ours), "hand": statistics.median(hand),
    "together": together, "reading": reading, "finding": finding,
}))
"""


def run() -> list[Row]:
    """Measure, print and return the rows."""
    spent = run_program(_TURNS)
    rows = [
        Row("CPU of a turn, at 1,000", spent["late_cpu"], "at 10", spent["early_cpu"], "<= 1.3"),
        Row("a turn", spent["ours"], "sqlite3 by hand", spent["hand"], "-"),
        Row("a turn of 1,000 queued", spent["together"], "one at a time", spent["ours"], "-"),
        Row("a turn of a history, read", spent["reading"], "written", spent["ours"], "-"),
        Row("words found in 2,100 turns", spent["finding"], "a turn written", spent["ours"], "-"),
    ]
    print_table("Journal", rows, "ms", 1e3)
    disk = [Row("written for a turn, at 1,000", spent["late_disk"], "at 10", spent["early_disk"], "<= 1.3")]
    print_table("Journal, disk", disk, "KB", 1e-3)
    return [*rows, *disk]


if __name__ == "__main__":
    run()
