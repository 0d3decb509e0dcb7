"""Tables of every kind: what comes back is of the same kind, order and index, with columns of the types that the schema gives."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import llm_notebook as llm
from llm_notebook.rows.outcomes import AnswerReader, Outcome
from llm_notebook.rows.tables import open_table

_SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "score": {"type": "number"},
        "count": {"type": "integer"},
        "is_new": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "kind": {"enum": ["a", "b"]},
        "words": {"type": "array", "items": {"type": "string"}},
    },
}
# A number may come as an integer or not, whatever comes first.
_FIRST = {"label": "x", "score": 1, "count": 2, "is_new": True, "day": "2026-11-27", "kind": "a", "words": ["u"]}
_OUTCOMES = [
    Outcome(_FIRST, cost=0.5, turn_id="01"),
    Outcome({**_FIRST, "score": 0.5, "count": 3, "is_new": False}),
    Outcome(failure="misfit", error="It does not fit."),
]
_TEXTS = {"text": ["a", "b", "c"]}


def _with(table: object, outcomes: list[Outcome] = _OUTCOMES) -> Any:
    return open_table(table).result(AnswerReader(_SCHEMA).columns, outcomes)


def _check_values(columns: dict[str, list[Any]]) -> None:
    assert columns["text"] == ["a", "b", "c"]
    assert columns["score"] == [1.0, 0.5, None]
    assert columns["count"] == [2, 3, None]
    assert columns["is_new"] == [True, False, None]
    assert columns["words"] == [["u"], ["u"], None]
    assert columns["error"] == [None, None, "It does not fit."]
    assert columns["cost"] == [0.5, None, None]
    assert columns["turn"] == ["01", None, None]


def test_a_frame_of_pandas_keeps_its_index_and_what_else_it_has() -> None:
    frame = pd.DataFrame({"text": ["a", "b", "c"]}, index=pd.Index([7, 3, 5], name="at"))
    found = _with(frame)
    assert found.index.equals(frame.index)
    assert found.index.name == "at"
    assert [str(found[name].dtype) for name in ("label", "score", "count", "is_new", "kind")] == [
        "string", "Float64", "Int64", "boolean", "category"
    ]  # fmt: skip
    _check_values({name: [_plain(value) for value in found[name]] for name in found.columns})
    assert list(frame.columns) == ["text"]


def _plain(value: Any) -> Any:
    return None if not isinstance(value, list) and pd.isna(value) else value


@pytest.mark.parametrize("outcomes", [_OUTCOMES, _OUTCOMES[2:] * 3], ids=["some failed", "all failed"])
def test_frames_of_polars_and_pyarrow_have_the_types_of_the_schema_though_every_row_has_failed(
    outcomes: list[Outcome],
) -> None:
    polars, arrow = _with(pl.DataFrame(_TEXTS), outcomes), _with(pa.table(_TEXTS), outcomes)
    names = ("label", "score", "count", "is_new", "day")
    assert [polars.schema[name] for name in names] == [pl.String, pl.Float64, pl.Int64, pl.Boolean, pl.Date]
    assert [arrow.schema.field(name).type for name in names] == [
        pa.string(), pa.float64(), pa.int64(), pa.bool_(), pa.date32()
    ]  # fmt: skip
    if outcomes is _OUTCOMES:
        _check_values(polars.to_dict(as_series=False))
        _check_values(arrow.to_pydict())


def test_a_number_that_no_column_holds_loses_no_table_that_is_paid_for() -> None:
    outcomes = [Outcome({**_FIRST, "count": 10**30}), *_OUTCOMES[1:]]
    assert _with(pl.DataFrame(_TEXTS), outcomes)["count"].to_list() == [10**30, 3, None]
    assert _with(pa.table(_TEXTS), outcomes)["count"].to_pylist() == [str(10**30), "3", None]
    assert _with(pd.DataFrame(_TEXTS), outcomes)["count"].tolist()[:2] == [10**30, 3]


def test_tables_whose_columns_cannot_be_told_apart_or_that_have_no_rows_are_refused() -> None:
    doubled = pa.table([["a"], ["b"]], names=["text", "text"])
    for given, says in [
        (doubled, "two columns of the same name"),
        (pl.DataFrame({"text": []}), "There are no rows"),
        (pa.table({"text": []}), "There are no rows"),
        (pl.LazyFrame(_TEXTS), "not LazyFrame"),
    ]:
        with pytest.raises(llm.RowsError, match=says):
            open_table(given)
