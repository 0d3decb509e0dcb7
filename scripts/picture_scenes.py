"""The scenes for the pictures of tool calls: the tools, the cells, and the replies of a scripted model.

The small local model cannot call tools, so a scripted server plays the model. Everything else is real.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.fakes.openai_server import Reply, Step, delta_chunk, sse, text_chunk, usage_chunk

__all__ = [
    "ABOUT_FRAME",
    "ANSWER",
    "ASK",
    "ASK_FOR_USAGE",
    "CLEAN_UP",
    "DENIED",
    "EXPLANATION",
    "FAILS",
    "FRAME",
    "FRAME_IN",
    "LOOK_FIRST",
    "MODEL",
    "PEOPLE",
    "REASONED",
    "TABLE_OUT",
    "THOUGHT",
    "TOOLS",
    "calls",
    "half",
    "looks_around",
    "says",
]

MODEL = "demo"
_BETWEEN_CHUNKS = 0.06

TOOLS = '''\
%load_ext llm_notebook
import time
import llm_notebook as llm

def disk_usage(path: str) -> str:
    """How much space the folders below a path take."""
    time.sleep(0.8)
    return "checkpoints   212 GB\\ndatasets       96 GB\\nnotebooks       1 GB"

def list_files(path: str, older_than_days: int) -> list[str]:
    """The files below a path that nobody has touched for so many days."""
    time.sleep(1.3)
    return [f"{path}/run-{number:02d}.pt" for number in range(1, 19)]

@llm.require_approval
def delete_files(path: str, older_than_days: int, dry_run: bool = False) -> str:
    """Delete the files below a path that are older than so many days."""
    time.sleep(0.4)
    return "18 files would be deleted, 141 GB" if dry_run else "18 files deleted, 141 GB"
'''
FRAME = """\
%load_ext llm_notebook
import pandas as pd
sales = pd.DataFrame({
    "month": ["2025-06", "2025-07", "2025-08", "2025-09"],
    "revenue": [1_301_220, 1_288_004, 1_030_722, 1_295_072],
    "orders": [9_140, 9_120, 9_156, 9_030],
})"""
FRAME_IN = f"%%llm -m {MODEL} -f sales --context above\nWhich month should I look at first?"
ABOUT_FRAME = "**August**: revenue falls by a fifth there, and the number of orders does not."
TABLE_OUT = f"""%%llm -m {MODEL} --schema-multi "name, age int, born date, field" --out people
Four people who changed how we count."""
PEOPLE = json.dumps(
    {
        "items": [
            {"name": "Ada Lovelace", "age": 36, "born": "1815-12-10", "field": "mathematics"},
            {"name": "Grace Hopper", "age": 85, "born": "1906-12-09", "field": "computing"},
            {"name": "Mary Somerville", "age": 91, "born": "1780-12-26", "field": "astronomy"},
            {"name": "Emmy Noether", "age": 53, "born": "1882-03-23", "field": "mathematics"},
        ]
    }
)
FAILS = "per_order = sales['revenue'] / sales['order']\nper_order.round(2)"
EXPLANATION = """`sales` has no column `order`; its columns are `month`, `revenue` and **`orders`**.

```python
per_order = sales['revenue'] / sales['orders']
per_order.round(2)
```"""
_TOOL_OPTIONS = "-T disk_usage -T list_files -T delete_files"
ASK = f"%%llm -m {MODEL} {_TOOL_OPTIONS}\nFree some space in /data/scratch."
ASK_FOR_USAGE = ASK.replace("%%llm", "%%llm -u")
REASONED = f"%%llm -m {MODEL} -u\nA sample of 9 has mean 12.4 and standard deviation 1.8. How sure is the mean?"

CLEAN_UP = {"path": "/data/scratch/checkpoints", "older_than_days": 90, "dry_run": False}
DENIED = "The runs of March are still needed. Keep everything since then."

THOUGHT = """\
The sample is small, so Student's t distribution with 8 degrees of freedom applies, not the normal one.
The standard error is 1.8 / √9 = 0.6. For 95 % the quantile is 2.306, so the margin is 2.306 · 0.6 ≈ 1.38."""
LOOK_FIRST = "I should not delete anything yet: first see what takes the space, then what nobody has touched for long."
ANSWER = """\
With 95 % confidence the mean lies between **11.0 and 13.8**.

| | |
|---|---|
| standard error | 1.8 / √9 = 0.60 |
| quantile (t, 8 degrees of freedom) | 2.306 |
| margin | ± 1.38 |

```python
from scipy import stats
stats.t.interval(0.95, df=8, loc=12.4, scale=0.6)
```
"""


class _Slowly(list[Step]):
    """Steps of a reply with a pause before each, as from a model that writes."""

    def __iter__(self) -> Iterator[Step]:
        for step in super().__iter__():
            time.sleep(_BETWEEN_CHUNKS)
            yield step


def says(text: str, *, thought: str = "") -> Reply:
    """Return a whole answer, with reasoning before it if there is a thought."""
    return Reply(_Slowly([*_spoken(text, thought=thought), _end("stop", text)]))


def half(text: str, *then: Step) -> Reply:
    """Return an answer after reasoning, with further steps in its middle."""
    chunks = _spoken(text, thought=THOUGHT)
    middle = len(chunks) - len(_pieces(text)) // 2
    return Reply(_Slowly([*chunks[:middle], *then, *chunks[middle:], _end("stop", text)]))


def looks_around(text: str = "", *, thought: str = "") -> list[Reply]:
    """Return two rounds in which the model looks for files to delete."""
    return [
        calls("disk_usage", {"path": "/data/scratch"}, text=text, thought=thought),
        calls("list_files", {"path": "/data/scratch/checkpoints", "older_than_days": 90}),
    ]


def calls(name: str, arguments: dict[str, Any], *, text: str = "", thought: str = "") -> Reply:
    """Return a tool call, with reasoning and text before it if they are given."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": f"call_{name}", "type": "function", "function": function}
    asked = sse(delta_chunk({"tool_calls": [call]}), done=False)
    return Reply(_Slowly([*_spoken(text, thought=thought), asked, _end("tool_calls", text)]))


def _spoken(text: str, *, thought: str = "") -> list[Step]:
    reasoned = [sse(delta_chunk({"reasoning_content": piece}), done=False) for piece in _pieces(thought)]
    return [*reasoned, *(sse(text_chunk(piece), done=False) for piece in _pieces(text))]


def _pieces(text: str) -> list[str]:
    return [text[start : start + 12] for start in range(0, len(text), 12)]


def _end(reason: str, text: str) -> bytes:
    return sse(delta_chunk({}, reason), usage_chunk(412, 60 + len(text) // 4))
