"""Measures the memory of `map_rows()` over rows from a generator: its peak after 20,000 rows and after 200,000, with a journal.

It takes some minutes, so `python -m benchmarks` leaves it out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measuring import Row, print_table, run_program, serving

__all__ = ["run"]

_FEW, _ALL = 20_000, 200_000
_AT_ONCE = 64

_PROGRAM = f"""
import json, resource, sys
import llm_notebook as llm
llm.open_journal(sys.argv[2])
model = llm.AsyncOpenAIChat("m", base_url=f"http://127.0.0.1:{{sys.argv[1]}}/v1")
texts = (f"text {{number}} with some words, all of them good" for number in range({_ALL}))
rows = llm.map_rows(
    texts, "Classify: {{{{ text }}}}", schema="label, score float", model=model, concurrency={_AT_ONCE}, progress=False
)
peaks = {{}}
for count, row in enumerate(rows, 1):
    assert row["text"].startswith(f"text {{count - 1}} ")
    assert row["label"] == "good", (count, row["error"])
    if count in ({_FEW}, {_ALL}):
        peaks[count] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"few": peaks[{_FEW}], "all": peaks[{_ALL}]}}))
"""


def run() -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as folder, serving("benchmarks.rows_server") as port:
        peaks = run_program(_PROGRAM, str(port), str(Path(folder, "rows.db")))
    what = [Row(f"{_ALL:,} rows", peaks["all"], f"{_FEW:,} rows", peaks["few"], "<= 1.1")]
    print_table("Peak of the memory, rows from a generator", what, "MB", 1)


if __name__ == "__main__":
    run()
