"""Kills processes that run approved calls, at random moments, and checks what the journal knows afterwards.

`python -m tests.journal.killing 500` runs 500 rounds in a temporary folder, kills two processes in each, and prints what it found. A
second number is the seed. The two processes of a round share their calls, so that they also race for them. Each writes to a pipe what
its journal has acknowledged as durable. The side effect of a call is a line in a file, which is written and synchronised between
`started` and `finished`. Calls come in groups that wait together and are decided together, which must never happen to a part of a group.
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
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from llm_notebook.approvals.policy import ApprovalPolicy
from llm_notebook.journal.operations import CallEntry, DecidedTogether
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.tools.calls import ToolResult
from tests.journal.making import begun, decided, done, moved, proposed, request

__all__ = ["Seen", "kill_processes"]

# Under which every call is asked about. It must not be lost, or the call would run unasked after a restart.
POLICY = ApprovalPolicy("sometimes", destructive=True)
_PROCESSES = 2
_GROUP = 3
_ROUNDS_PER_JOURNAL = 10
_LONGEST_LIFE_SECONDS = 0.12


@dataclass
class Seen:
    """The results of all rounds.

    Attributes:
        kills, acknowledged, effects: the numbers of killed processes, of acknowledged transitions and of side effects.
        unknown: the number of calls that were interrupted while they ran.
        broken: the promises that were broken, each in a few words.
    """

    kills: int = 0
    acknowledged: int = 0
    effects: int = 0
    unknown: int = 0
    broken: list[str] = field(default_factory=list)


class _Child:
    """One of the processes. It continues the waiting calls and then makes new ones, until it is killed."""

    def __init__(self, path: Path, effects: Path, pipe: int, round_number: int) -> None:
        self.journal = open_sqlite_journal(path)
        self.effects = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.pipe = pipe
        self.round_number = round_number

    def run(self) -> None:
        beginning = self.journal.submit(begun("T1")).exception(60)
        assert beginning is None or "has begun already" in str(beginning)
        turn = self.journal.turn("T1")
        for entries in _groups(turn.calls if turn is not None else []).values():
            self.go_on(entries)
        for number in range(10_000):
            entries = []
            for place in range(_GROUP):
                call_id = f"{self.round_number}-{number}-{place}"
                entries.append(done(self.journal, proposed(call_id, policy=POLICY)))
                self.acknowledge(call_id, "proposed")
            self.go_on(entries)

    def go_on(self, entries: list[CallEntry]) -> None:
        """Take the calls of a group as far as they come: all are asked about first, and then decided together."""
        names = [entry.call_id for entry in entries if entry.result is None and entry.state != "unknown"]
        for call_id in names:
            if done(self.journal, moved(call_id, "proposed", "waiting", request=request())):
                self.acknowledge(call_id, "waiting")
        if len(names) == _GROUP and done(self.journal, DecidedTogether([decided(call_id) for call_id in names])):
            for call_id in names:
                self.acknowledge(call_id, "approved")
        for call_id in names:
            self.run_call(call_id)

    def run_call(self, call_id: str) -> None:
        if done(self.journal, moved(call_id, "approved", "started", owner=self.journal.owner)):
            self.acknowledge(call_id, "started")
            os.write(self.effects, f"{call_id}\n".encode())
            os.fsync(self.effects)
            done(self.journal, moved(call_id, "started", "finished", result=ToolResult("delete_files", "done")))
            self.acknowledge(call_id, "finished")

    def acknowledge(self, call_id: str, state: str) -> None:
        os.write(self.pipe, f"{call_id} {state}\n".encode())


def kill_processes(rounds: int, folder: Path, seed: int) -> Seen:
    """Kill `_PROCESSES` processes in each round, and check the journal after each round."""
    chance = random.Random(seed)
    seen = Seen()
    acknowledged: set[tuple[str, str]] = set()
    for round_number in range(rounds):
        place = folder / str(round_number // _ROUNDS_PER_JOURNAL)
        path, effects = place / "journal.db", place / "effects"
        if round_number % _ROUNDS_PER_JOURNAL == 0:
            place.mkdir()
            acknowledged = set()
        children = [_start_child(path, effects, round_number) for _ in range(_PROCESSES)]
        for pid, pipe in children:
            time.sleep(chance.uniform(0, _LONGEST_LIFE_SECONDS / _PROCESSES))
            _kill(pid, pipe, acknowledged, seen)
        _check(path, effects, acknowledged, seen, is_last=round_number % _ROUNDS_PER_JOURNAL == _ROUNDS_PER_JOURNAL - 1)
    return seen


def _start_child(path: Path, effects: Path, round_number: int) -> tuple[int, int]:
    """Fork a child, and return its process id and the pipe that it writes its acknowledgements to."""
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


def _kill(pid: int, pipe: int, acknowledged: set[tuple[str, str]], seen: Seen) -> None:
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    seen.kills += 1
    if not os.WIFSIGNALED(status):
        seen.broken.append("a process ended by itself")
    content = b""
    while select.select([pipe], [], [], 0)[0] and (read := os.read(pipe, 65536)):
        content += read
    os.close(pipe)
    lines = content.decode().splitlines()
    seen.acknowledged += len(lines)
    acknowledged |= {(call_id, state) for call_id, _, state in (line.partition(" ") for line in lines)}


def _check(path: Path, effects: Path, acknowledged: set[tuple[str, str]], seen: Seen, *, is_last: bool) -> None:
    """Compare the journal with what was acknowledged and with the side effects that happened."""
    states, steps, policies = _read_calls(path) if path.exists() else ({}, {}, {})
    ran = Counter(effects.read_text().split()) if effects.exists() else Counter()
    for call_id, state in acknowledged:
        if state not in steps.get(call_id, ()):
            seen.broken.append(f"{call_id} {state} was acknowledged and lost")
    for name, group in _groups(steps).items():
        if len({"approved" in steps[call_id] for call_id in group}) > 1:
            seen.broken.append(f"only a part of {name} was decided")
    for call_id, count in ran.items():
        # A call whose outcome is unknown may be approved again, and then it may run once more.
        if count > steps.get(call_id, []).count("approved"):
            seen.broken.append(f"{call_id} ran {count} times")
        if "started" not in steps.get(call_id, ()):
            seen.broken.append(f"{call_id} ran before its start was recorded")
    seen.broken += [f"{call_id} lost its policy" for call_id, policy in policies.items() if policy != POLICY]
    for call_id, state in states.items():
        if state != {"started": "unknown"}.get(steps[call_id][-1], steps[call_id][-1]):
            seen.broken.append(f"{call_id} is {state} after {steps[call_id]}")
    if is_last:
        seen.effects += len(ran)
        seen.unknown += list(states.values()).count("unknown")


def _groups(calls: Iterable[Any]) -> dict[str, list[Any]]:
    """Return calls, or their ids, by the group that they belong to."""
    found: dict[str, list[Any]] = defaultdict(list)
    for call in calls:
        found[getattr(call, "call_id", call).rpartition("-")[0]].append(call)
    return found


def _read_calls(path: Path) -> tuple[dict[str, str], dict[str, list[str]], dict[str, ApprovalPolicy | None]]:
    """Return the state of every call, the states that it went through, and its policy.

    All calls belong to one turn, which may not exist yet.
    """
    with open_sqlite_journal(path) as journal:
        turn = journal.turn("T1")
        calls = [] if turn is None else turn.calls
    states: dict[str, str] = {call.call_id: call.state for call in calls}
    steps: dict[str, list[str]] = {call_id: [] for call_id in states}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for call_id, state in connection.execute("SELECT call_id, to_state FROM call_transitions ORDER BY number"):
            steps[call_id].append(state)
    return states, steps, {call.call_id: call.policy for call in calls}


if __name__ == "__main__":
    given_seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    sys.stderr.write(f"seed {given_seed}\n")
    with tempfile.TemporaryDirectory() as temporary:
        sys.stdout.write(json.dumps(asdict(kill_processes(int(sys.argv[1]), Path(temporary), given_seed))) + "\n")
