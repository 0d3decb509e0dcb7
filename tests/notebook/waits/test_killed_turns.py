"""What the history of a later kernel says of a turn whose kernel was killed in the middle of it."""

from __future__ import annotations

import subprocess
import sys

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

_ASKING = """
import sys
import llm_notebook as llm
class Slow(llm.Model):
    model_id = "slow"
    def execute(self, prompt, stream, response, conversation):
        yield "The ans"
        print("asked", flush=True)
        sys.stdin.read()
llm.open_journal()
Slow().prompt("What is slow?").text()
"""


def test_a_turn_whose_process_was_killed_is_interrupted_in_the_history(terminal: InteractiveShell) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", _ASKING], stdin=pipe, stdout=pipe, text=True) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        asking.kill()
    with capture_output() as shown:
        terminal.run_cell("%llm history")
    assert "What is slow?" in shown.stdout
    assert "interrupted" in shown.stdout
