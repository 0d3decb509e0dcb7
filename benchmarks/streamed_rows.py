"""Measures the CPU time of rows that are found while they stream, in pieces of 20 characters, against text that is parsed once at the end."""

from __future__ import annotations

from benchmarks.measuring import Row, median_of, print_table, run_program

__all__ = ["run"]

_ROUNDS = 5

# Both are fed to a view, as every answer is, and end as a data frame.
_TIMED = """
import json, sys, time
import pandas
from llm_notebook.answers.frames import frame_of
from llm_notebook.answers.rows import RowReader
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.schemas import schema_dsl
from llm_notebook.transcript.answer.tables import AnswerShape
from llm_notebook.transcript.view import TranscriptView

schema = schema_dsl("name, age int, born date, role, bio")
person = {"name": "Ada Lovelace", "born": "1815-12-10", "role": "mathematics", "bio": "wrote the first program for a machine"}
text = json.dumps({"items": [{**person, "age": number % 90} for number in range(int(sys.argv[1]))]})
events = [StreamEvent("text", text[at : at + 20], part_index=0) for at in range(0, len(text), 20)]

def stream(shape):
    view = TranscriptView("m", shape=shape)
    for event in events:
        view.feed(event, 0.0)
    return view.blocks[0]

def rows():
    reader = stream(AnswerShape(lambda: RowReader(schema))).table
    reader.close(text)
    return frame_of("pandas", reader.rows, reader.columns)

def once():
    reader = RowReader(schema)
    return frame_of("pandas", json.loads(stream(AnswerShape()).text)["items"], reader.columns)

def timed(make):
    make()
    start = time.process_time()
    make()
    return time.process_time() - start

print(json.dumps({"rows": timed(rows), "once": timed(once)}))
"""


def run() -> list[Row]:
    """Measure, print and return the rows."""
    found = []
    for count in (1000, 10_000):
        samples = [run_program(_TIMED, str(count)) for _ in range(_ROUNDS)]
        cost, peer = (median_of([sample[name] for sample in samples]) for name in ("rows", "once"))
        found.append(Row(f"{count:,} rows, as they stream", cost, "parsed once", peer, "<= 2"))
    first, last = found
    found.append(Row("10,000 rows", last.cost, "1,000 rows", first.cost, "<= 12 (linear)"))
    print_table("Rows of an answer (CPU)", found, "ms", 1e3)
    return found


if __name__ == "__main__":
    run()
