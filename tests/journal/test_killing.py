"""Two hundred kill -9 at random instants: nothing that was acknowledged is lost, nothing runs twice, nothing is damaged."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest


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
