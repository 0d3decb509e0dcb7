"""Kills processes that run approved calls, at random instants, and looks what the journal knows afterwards.

`python -m tests.journal.killing 500` kills a thousand (two a round), in a folder of its own, and prints what it saw; a second number is
the seed. Two processes at a
time share the calls, so that they also race for them. Each acknowledges through a pipe whatever its journal has told it is durable;
the call's side effect is a line in a file, written and synchronised between `started` and `finished`.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from llm_notebook.journal import SQLiteJournal, open_sqlite_journal
from llm_notebook.journals import CallEntry
from llm_notebook.tools import ToolResult
from tests.journal.making import begun, decided, done, moved, proposed, request

__all__ = ["Seen", "killed"]

_ORDER = {"proposed": 0, "waiting": 1, "approved": 2, "started": 3, "unknown": 3, "finished": 4}
_PROCESSES = 2
_ROUNDS_PER_JOURNAL = 10
_LONGEST_LIFE_SECONDS = 0.12


@dataclass
class Seen:
    """What came of all rounds: how often processes were killed and what they had done, and by name how often each promise was broken."""

    kills: int = 0
    acknowledged: int = 0
    effects: int = 0
    unknown: int = 0
    lost: int = 0
    run_twice: int = 0
    run_unrecorded: int = 0
    damaged: int = 0
    still_started: int = 0
    failed_children: int = 0


class _Child:
    """One of the processes: goes on with what waits, then makes new calls, until it is killed."""

    def __init__(self, path: Path, effects: Path, pipe: int, round_number: int) -> None:
        self.journal = open_sqlite_journal(path)
        self.effects = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.pipe = pipe
        self.round_number = round_number

    def run(self) -> None:
        beginning = self.journal.submit(begun("T1")).exception(60)
        assert beginning is None or "has begun already" in str(beginning)
        for entry in self.journal.waiting():
            self.go_on(entry)
        for number in range(10_000):
            call_id = f"{self.round_number}-{number}"
            entry = done(self.journal, proposed(call_id))
            self.acknowledge(call_id, "proposed")
            self.go_on(entry)

    def go_on(self, entry: CallEntry) -> None:
        call_id = entry.call_id
        steps = [
            ("waiting", moved(call_id, "proposed", "waiting", request=request())),
            ("approved", decided(call_id)),
            ("started", moved(call_id, "approved", "started", owner=self.journal.owner)),
        ]
        has_started = False
        for state, operation in steps if entry.state != "unknown" else ():
            has_started = done(self.journal, operation)
            if has_started:
                self.acknowledge(call_id, state)
        if has_started:
            os.write(self.effects, f"{call_id}\n".encode())
            os.fsync(self.effects)
            done(self.journal, moved(call_id, "started", "finished", result=ToolResult("delete_files", "done")))
            self.acknowledge(call_id, "finished")

    def acknowledge(self, call_id: str, state: str) -> None:
        os.write(self.pipe, f"{call_id} {state}\n".encode())


def killed(rounds: int, folder: Path, seed: int) -> Seen:
    """Kill `_PROCESSES` processes in each of so many rounds, and look after each."""
    chance = random.Random(seed)
    seen = Seen()
    reached: dict[str, int] = {}
    for round_number in range(rounds):
        place = folder / str(round_number // _ROUNDS_PER_JOURNAL)
        path, effects = place / "journal.db", place / "effects"
        if round_number % _ROUNDS_PER_JOURNAL == 0:
            place.mkdir()
            reached = {}
        children = [_begun(path, effects, round_number) for _ in range(_PROCESSES)]
        for pid, pipe in children:
            time.sleep(chance.uniform(0, _LONGEST_LIFE_SECONDS / _PROCESSES))
            _kill(pid, pipe, reached, seen)
        _look(path, effects, reached, seen, is_last=round_number % _ROUNDS_PER_JOURNAL == _ROUNDS_PER_JOURNAL - 1)
    return seen


def _begun(path: Path, effects: Path, round_number: int) -> tuple[int, int]:
    """A child's process id, and the pipe that it acknowledges through."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    try:
        _Child(path, effects, writing, round_number).run()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    os._exit(1)


def _kill(pid: int, pipe: int, reached: dict[str, int], seen: Seen) -> None:
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    seen.kills += 1
    seen.failed_children += not os.WIFSIGNALED(status)
    content = b""
    while select.select([pipe], [], [], 0)[0] and (read := os.read(pipe, 65536)):
        content += read
    os.close(pipe)
    for line in content.decode().splitlines():
        call_id, state = line.split()
        reached[call_id] = max(reached.get(call_id, 0), _ORDER[state])
        seen.acknowledged += 1


def _look(path: Path, effects: Path, reached: dict[str, int], seen: Seen, *, is_last: bool) -> None:
    if not path.exists():
        seen.lost += len(reached)
        return
    with open_sqlite_journal(path) as journal:
        calls = _calls(journal)
        consents = _consents(path)
    for call_id, order in reached.items():
        seen.lost += call_id not in calls or _ORDER[calls[call_id]] < order
    ran = Counter(effects.read_text().split()) if effects.exists() else Counter()
    seen.run_twice += sum(count > consents[call_id] for call_id, count in ran.items())
    seen.run_unrecorded += sum(_ORDER[calls.get(call_id, "proposed")] < _ORDER["started"] for call_id in ran)
    seen.still_started += sum(state == "started" for state in calls.values())
    if is_last:
        seen.effects += len(ran)
        seen.unknown += sum(state == "unknown" for state in calls.values())
    with closing(sqlite3.connect(path)) as connection:
        seen.damaged += connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]


def _calls(journal: SQLiteJournal) -> dict[str, str]:
    """The state of every call. All belong to one turn, which may not have begun."""
    turn = journal.turn("T1")
    return {} if turn is None else {call.call_id: call.state for call in turn.calls}


def _consents(path: Path) -> Counter[str]:
    """How often each call was approved: once, or once more by a process that came to decide when it had become unknown."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT call_id FROM call_transitions WHERE to_state = 'approved'").fetchall()
    return Counter(call_id for (call_id,) in rows)


if __name__ == "__main__":
    given_seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    sys.stderr.write(f"seed {given_seed}\n")
    with tempfile.TemporaryDirectory() as temporary:
        sys.stdout.write(json.dumps(asdict(killed(int(sys.argv[1]), Path(temporary), given_seed))) + "\n")
