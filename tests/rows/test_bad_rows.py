"""Tables, prompts and arguments of which no run can be made: each is refused in one clear sentence, and nothing is sent. Unusual ones work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import llm_notebook as llm
from tests.rows.conftest import Rows


def _erase(path: str) -> str:
    """Erase a file."""
    return path


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"prompt": "Say {{ txt }}"}, "There is no column 'txt'; the columns are text."),
        ({"prompt": "Say it"}, "names no column"),
        ({"prompt": "Say {{ 1 + }}"}, "is not a Python expression"),
        ({"rows": []}, "There are no rows"),
        ({"rows": pd.DataFrame({"text": []})}, "There are no rows"),
        ({"rows": pd.DataFrame({"text": ["a", "b"]}, index=[1, 1])}, "label 1 more than once"),
        ({"rows": pd.DataFrame([["a", "b"]], columns=["text", "text"])}, "two columns 'text'"),
        ({"rows": 5}, "not int"),
        ({"rows": [1, 2]}, "not int"),
        ({"schema": "text, score"}, "There is a column 'text' already"),
        ({"rows": [{"text": "a", "error": 1}]}, "There is a column 'error' already"),
        ({"schema": "a what"}, "unknown type"),
        ({"prompt": "Say {{ row['txt'] }}"}, "There is no column 'txt'; the columns are text."),
        ({"prompt": "Say {{ unit price }}"}, 'is written {{ row["unit price"] }}'),
        ({"prompt": None}, "The prompt is a text, not NoneType."),
        ({"rows": pd.DataFrame(index=[1])}, "There is no column 'text'; the table has no columns."),
        ({"rows": pd.DataFrame([["a", "b"]], columns=[float("nan"), float("nan")])}, "two columns 'nan'"),
        ({"rows": pd.DataFrame([["a", "b"]], columns=[1, "1"])}, "two columns '1'"),
        (
            {"rows": pd.DataFrame({"text": ["a", "b"]}, index=pd.MultiIndex.from_tuples([(1, "x")] * 2))},
            "(1, 'x') more",
        ),
        ({"rows": pd.Series(["a"], name="text")}, "not Series: use its to_frame()."),
        ({"rows": pl.Series("text", ["a"])}, "not Series: use its to_frame()."),
        ({"rows": pl.LazyFrame({"text": ["a"]})}, "not LazyFrame."),
        ({"rows": pa.table([["a"], ["b"]], names=["text", "text"])}, "two columns of the same name"),
        ({"rows": pl.DataFrame({"text": []})}, "There are no rows"),
        ({"rows": {"text": ["a"]}}, "not dict."),
        ({"rows": b"abc"}, "not bytes."),
        ({"rows": None}, "not NoneType."),
        ({"rows": ["a", None]}, "Each row is a dict or a text, not NoneType."),
        ({"schema": "label, cost float"}, "The schema has a field 'cost', and the result needs that name"),
        ({"schema": 5}, "A schema is"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 2.5}, "concurrency is a whole number of at least 1, not 2.5."),
        ({"concurrency": "4"}, "not '4'."),
        ({"concurrency": None}, "not None."),
        ({"sample": 2.5}, "not 2.5."),
        ({"limit_cost": 0}, "above 0, not 0."),
        ({"limit_cost": float("nan")}, "above 0, not nan."),
        ({"limit_cost": float("inf")}, "above 0, not inf."),
        ({"limit_cost": "2.00"}, "above 0, not '2.00'."),
        ({"system": 5}, "system is a text, not 5."),
        ({"attachments": ["text"]}, "attachments is the name of one column"),
        ({"options": [("temperature", 1)]}, "options is a dict"),
        ({"options": {"temperature": "hot"}}, "The option temperature is wrong: Input should be a valid number"),
        ({"model": 5}, "model is a model or its name, not 5."),
        ({"tools": "look"}, "Give tools as a list"),
        ({"tools": [llm.require_approval(_erase)]}, "asks a human before it runs"),
        ({"executor": "dask"}, "executor is an executor with a method submit()"),
        ({"retry": "all"}, "retry"),
        ({"limit_cost": 1.0}, "limit_cost cannot be held"),
        ({"limit_cost": -1}, "above 0"),
        ({"sample": 0}, "sample is a whole number of rows above 0"),
        ({"attachments": "pictures"}, "no column 'pictures'"),
        ({"options": {"temperatur": 1}}, "temperatur"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_sent(rows: Rows, given: dict[str, Any], says: str) -> None:
    with pytest.raises(llm.RowsError) as raised:
        rows.map(**{"rows": ["a"], "prompt": "Say {{ text }}", **given})
    assert says in str(raised.value)
    assert "othing was sent." in str(raised.value)
    assert "\n" not in str(raised.value)
    assert rows.take_asked() == []
    assert llm.runs() == []


class _Mute:
    """Cannot say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def test_unusual_labels_and_cells_are_no_obstacle(rows: Rows) -> None:
    unusual: list[tuple[Any, str, str]] = [
        (pd.DataFrame({"": ["w0"]}), "Say {{ row[''] }}", "w0"),
        (pd.DataFrame([["w0", "x"]], columns=["text", float("nan")]), "Say {{ text }}", "w0"),
        (pd.DataFrame([["w0", "x"]]), "Say {{ row[1] }} {{ row['0'] }}", "w0"),
        (pd.DataFrame([["w0"]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "Say {{ row[('a', 'b')] }}", "w0"),
        (pd.DataFrame({"text": pd.Categorical(["w0"])}), "Say {{ text }}", "w0"),
        (pd.DataFrame({"row": ["w0"]}), "Say {{ row }}", "w0"),
        (pd.DataFrame({"class": ["w0"]}), "Say {{ row['class'] }}", "w0"),
        (pd.DataFrame({"text": [["w0"], ["w1"]]}), "Say {{ [row for row in text][0] }}", "w0"),
        (pl.DataFrame({"text": [{"a": "w0"}]}), "Say {{ text['a'] }}", "w0"),
        (["x" * 1_000_000 + " w0"], "Say {{ text }}", "w0"),
    ]
    for frame, prompt, answer in unusual:
        found = rows.map(frame, prompt)
        first = found[0]["answer"] if isinstance(found, list) else nw.from_native(found).rows()[0][-4]
        assert first == answer
    found = rows.map([{"text": _Mute()}, {"text": "w1"}])
    assert [row["answer"] for row in found] == [None, "w1"]
    assert "RuntimeError: no words" in found[0]["error"]


@pytest.mark.parametrize("kind", [list, lambda texts: pd.DataFrame({"text": texts})])
def test_what_is_added_to_a_table_while_it_is_asked_is_not_in_the_run(rows: Rows, kind: Callable[[Any], Any]) -> None:
    table = kind(["w0", "w1", "w2"])

    def reply(_text: str) -> None:
        if isinstance(table, list):
            table.append("w3")
        else:
            table.loc[len(table), "text"] = "w3"
            table["other"] = "x"

    rows.replies = reply
    found = rows.map(table, concurrency=1)
    assert len(found) == 3
    answers = [row["answer"] for row in found] if isinstance(found, list) else list(found["answer"])
    assert answers == ["w0", "w1", "w2"]


@pytest.mark.parametrize(
    ("given", "settings", "says"),
    [
        (["a"], {"prompt": "Say {{ txt }}"}, "There is no column 'txt'; the columns are text."),
        (["a"], {"schema": "text, score"}, "There is a column 'text' already"),
        ([{"text": "a", "error": 1}], {}, "There is a column 'error' already"),
        (["a"], {"attachments": "pictures"}, "no column 'pictures'"),
        ([{1: "a"}], {}, "There is no column 'text'; the columns are 1."),
        ([{None: "a"}], {"prompt": "Say {{ row }}", "attachments": "pictures"}, "the columns are None."),
        ([1], {}, "not int"),
    ],
)
def test_what_is_wrong_with_an_iterator_is_said_before_anything_is_sent(
    rows: Rows, given: list[Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(llm.RowsError) as raised:
        rows.map(**{"rows": iter(given), "prompt": "Say {{ text }}", **settings})
    assert says in str(raised.value)
    assert rows.take_asked() == []
    assert llm.runs() == []
