"""Two hundred kill -9 at random instants: nothing that was acknowledged is lost, nothing runs twice, nothing is damaged."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest

from llm_notebook.journal.sqlite import open_sqlite_journal


@pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
def test_a_process_may_be_killed_at_any_instant():
    seed = random.randrange(2**32)
    run = subprocess.run(
        [sys.executable, "-m", "tests.journal.killing", "100", str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["kills"] == 200
    assert seen["broken"] == [], f"seed {seed}"
    # Without calls that ran and calls that were interrupted, the test would have shown nothing.
    assert seen["acknowledged"] > 200
    assert seen["effects"] > 20
    assert seen["unknown"] > 0


_ASKING = """
import sys
import llm_notebook as llm
class Slow(llm.Model):
    model_id = "slow"
    def execute(self, prompt, stream, response, conversation):
        yield "The ans"
        print("asked", flush=True)
        sys.stdin.read()
llm.open_journal(sys.argv[1])
Slow().prompt("Hi").text()
"""


def test_the_turn_of_a_killed_process_reads_as_interrupted(tmp_path):
    path = tmp_path / "journal.db"
    with subprocess.Popen(
        [sys.executable, "-c", _ASKING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as asking:
        asking.stdout.readline()
        with open_sqlite_journal(path) as journal:
            [turn] = journal.history()
            assert (turn.status, turn.is_cut_off) == ("streaming", False)
            asking.kill()
            asking.wait()
            [turn] = journal.history()
            assert (turn.status, turn.is_cut_off) == ("interrupted", True)
    with open_sqlite_journal(path) as journal:
        assert [turn.status for turn in journal.history()] == ["interrupted"]
