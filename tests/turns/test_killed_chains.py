"""A chain that asks by a policy of its own may be killed at any point: the processes that go on with it ask as it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")
@pytest.mark.parametrize("how", ["first", "each", "together", "nested"])
def test_what_was_asked_under_a_policy_is_asked_under_it_after_a_kill_at_each_point(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-m", "tests.turns.killed_chains", str(tmp_path), how]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stderr
    kills = json.loads(run.stdout)
    whole = ["/a", "/b"] if how == "together" else ["/a"]
    for point, seen in enumerate(kills, 1):
        assert seen["ends"] == [0, 0], (point, run.stderr)
        # Only what was approved ran, in its order, and it ran once.
        assert len(set(seen["ran"])) == len(seen["ran"]), (point, seen)
        assert sorted(seen["ran"]) == seen["ran"], (point, seen)
        assert set(seen["ran"]) <= set(seen["approved"]) <= set(whole), (point, seen)
    # Fewer points than that would not be a whole chain with three calls.
    assert len(kills) > 15
    assert kills[-1]["ran"] == whole
