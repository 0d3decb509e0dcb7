"""Measures the CPU time of `--context all` in a notebook of 500 cells, from a page that sends them and from what the kernel remembers."""

from __future__ import annotations

from benchmarks.measuring import Row, median_of, print_table, run_program

__all__ = ["run"]

_ROUNDS = 5

# 300 cells of code with outputs, 100 of Markdown, and 100 that models have answered, of which only the journal knows.
_TIMED = """
import json, os, statistics, sys, tempfile, time, warnings
os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()
os.chdir(os.environ["LLM_USER_PATH"])
warnings.simplefilter("ignore")
from datetime import UTC, datetime
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import TurnBegun, TurnEnded
from llm_notebook.notebook.context import front_end, reading
from llm_notebook.notebook.frontend.kernel import Request
from llm_notebook.notebook.prompts.given import Given
from llm_notebook.notebook.prompts.known_secrets import LazyScrubber
from llm_notebook.turns.origin import Origin

class Still(llm.Model):
    model_id = "still"

CODE = "\\n".join(f"orders_{at} = frame.groupby('month').agg(total=('price', 'sum'), most_{at}=('n', 'max'))" for at in range(15)) + "\\norders.sort_values(key=len)"
OUTPUT = "\\n".join(f"{at:4} | 2026-01-{at % 28:02} | {at * 3.7:10.2f} | shop {at}" for at in range(50)) + "\\ntoken_count: 50"
ANSWER = "The price fell in August, since the key accounts had ordered in July. " * 20
shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("%load_ext llm_notebook")
asking = shell.magics_manager.registry["LLMMagics"].asking
watched = asking._watched
at = datetime.now(UTC)
journal = process.of(CurrentJournal).journal
listed = []
for number in range(500):
    cell = {"id": f"cell-{number}", "type": "code", "number": number + 1, "source": f"# {number}\\n{CODE}", "outputs": []}
    if number % 5 == 3:
        cell |= {"type": "markdown", "number": 0, "source": f"## Part {number}\\n{CODE}"}
    elif number % 5 == 4:
        begun = TurnBegun(f"T{number}", "C", f"T{number}", None, "still", [llm.user("Why?")], {"text": f"\\nWhy {number}?"}, "c", "n", at)
        journal.submit(begun)
        journal.submit(TurnEnded(f"T{number}", "complete", [llm.assistant(f"{number}: {ANSWER}")], None, 1500)).result()
        cell |= {"source": f"%%llm\\nWhy {number}?", "outputs": [{"transcript": f"T{number}"}]}
    else:
        cell["outputs"] = [{"data": {"text/plain": f"{number}\\n{OUTPUT}"}}]
    listed.append(cell)
listed.append({"id": "here", "type": "code", "number": 0, "source": "%llm --context all Why?", "outputs": []})
message = {"metadata": {"cellId": "here", "llm_notebook": {"path": "a.ipynb", "cells": json.loads(json.dumps(listed))}}}
# In the kernel the same cells have run, and their last lines had values.
history = shell.history_manager
texts = ["", *(cell["source"] for cell in listed)]
history.input_hist_raw[:], history.input_hist_parsed[:] = texts, texts
shell.user_ns["Out"].update({cell["number"]: f"{cell['number']} {OUTPUT}" for cell in listed if cell["number"] % 5 < 4})
shell.user_ns["api_key"] = "a secret that is somewhere"

def told(request):
    front_end.current_request = lambda shell: request
    source = reading.ContextSource(asking.turns, watched.failures, watched.run_cells, reading_session)
    conversation, given = Still().conversation(), Given(secrets=LazyScrubber(shell.user_ns))
    start = time.process_time()
    reading.add_context("all", source, conversation, given, Origin(), None)
    spent = time.process_time() - start
    assert len(given.told) >= 500, len(given.told)
    return spent

from llm_notebook.notebook.cells.session import Session
reading_session = Session()
def timed(request):
    told(request)
    return statistics.median(told(request) for _ in range(5))
print(json.dumps({"page": timed(Request([], message)), "kernel": timed(None)}))
"""


def run() -> list[Row]:
    """Measure, print and return the rows."""
    samples = [run_program(_TIMED) for _ in range(_ROUNDS)]
    page, kernel = (median_of([sample[name] for sample in samples]) for name in ("page", "kernel"))
    rows = [
        Row("500 cells, from a page", page, "from the kernel", kernel, "<= 100 ms"),
        Row("500 cells, from the kernel", kernel, "from a page", page, "<= 100 ms"),
    ]
    print_table("--context all (CPU)", rows, "ms", 1e3)
    return rows


if __name__ == "__main__":
    run()
