"""The columns of rows and the data frames that are made of them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import subprocess
import sys
from typing import Any, TypedDict

import pydantic
import pytest

from llm_notebook.answers.columns import cell_text, columns_of
from llm_notebook.answers.frames import frame_of
from llm_notebook.answers.rows import RowReader
from llm_notebook.tools.schemas import schema_of


class Role(enum.Enum):
    MATHS = "maths"
    COMPUTING = "computing"


class Person(pydantic.BaseModel):
    name: str
    age: int | None = None
    height: float
    born: datetime.date
    seen: datetime.datetime | None = None
    alive: bool
    role: Role
    tags: list[str]


@dataclasses.dataclass
class Pair:
    left: int
    right: str | int


class Place(TypedDict):
    name: str
    population: int | None


PERSON: dict[str, Any] = {
    "name": "Ada",
    "age": 36,
    "height": 1.6,
    # Before 1677, where a column of nanoseconds begins.
    "born": "1515-12-10",
    "seen": "2026-01-31T12:00:00+02:00",
    "alive": False,
    "role": "maths",
    "tags": ["x"],
}


def read(rows: list[Any], schema: Any) -> RowReader:
    source = schema if isinstance(schema, type) else None
    reader = RowReader(schema_of(schema), source)
    text = json.dumps({"items": rows})
    reader.feed(text)
    reader.close(text)
    assert reader.wrong is None
    return reader


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ("name, age int: in years, tall float, dead bool", "text integer number boolean"),
        ("born date, seen datetime", "date datetime"),
        (Person, "text integer number date datetime boolean category any"),
        (Pair, "integer any"),
        (Place, "text integer"),
        (Role, "category"),
        ({"type": "string"}, "text"),
        ({"type": "object", "properties": {"a": {"type": ["number", "null"]}, "b": {"const": 1}}}, "number category"),
        ({"type": "object", "properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "number"}]}}}, "number"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, ""),
    ],
)
def test_a_schema_gives_columns_their_kinds(schema: Any, kinds: str) -> None:
    assert [column.kind for column in columns_of(schema_of(schema))] == kinds.split()


def test_pandas_frames_have_the_dtypes_of_the_schema_and_missing_values() -> None:
    import pandas as pd

    lacking = {**PERSON, "age": None, "role": "computing"}
    del lacking["seen"]
    reader = read([PERSON, lacking], Person)
    frame = frame_of("pandas", reader.frame_rows(), reader.columns)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "name": "string",
        "age": "Int64",
        "height": "Float64",
        "born": "datetime64[us]",
        "seen": "datetime64[us, UTC]",
        "alive": "boolean",
        "role": "category",
        "tags": "object",
    }
    assert frame["age"].isna().tolist() == frame["seen"].isna().tolist() == [False, True]
    assert frame["born"][0] == pd.Timestamp("1515-12-10")
    assert frame["seen"][0] == pd.Timestamp("2026-01-31T10:00:00", tz="UTC")
    assert list(frame["role"].cat.categories) == ["maths", "computing"]


def test_polars_frames_have_the_same() -> None:
    polars = pytest.importorskip("polars")
    reader = read([PERSON, {**PERSON, "age": None}], Person)
    frame = frame_of("polars", reader.frame_rows(), reader.columns)
    assert frame.schema["age"] == polars.Int64
    assert frame.schema["born"] == polars.Date
    assert frame.schema["role"] == polars.Enum(["maths", "computing"])
    assert frame["age"].to_list() == [36, None]


@pytest.mark.parametrize(
    ("rows", "schema", "dtype"),
    [
        ([], "a int", "Int64"),
        ([{"a": 36.0}], {"type": "object", "properties": {"a": {"type": "integer"}}}, "Int64"),
        ([{"a": 2**70}], "a int", "object"),
        ([{"a": "2026-01-31T12:00"}, {"a": "2026-01-31T12:00Z"}], "a datetime", "object"),
        ([{"a": "x", "more": 1}], "a", "string"),
        (["maths"], Role, "category"),
    ],
)
def test_what_fits_the_schema_always_becomes_a_frame(rows: list[Any], schema: Any, dtype: str) -> None:
    reader = read([{"value": row} if isinstance(row, str) else row for row in rows], schema)
    frame = frame_of("pandas", reader.frame_rows(), reader.columns)
    assert len(frame) == len(rows)
    assert str(frame.dtypes.iloc[0]) == dtype
    # What the schema does not name is no reason to lose it.
    assert list(frame.columns) == [column.name for column in reader.columns]


def test_objects_of_the_class_are_kept_beside_the_values() -> None:
    reader = read([{**PERSON, "age": "36"}], Person)
    assert reader.objects[0].role is Role.MATHS
    assert reader.frame_rows()[0]["age"] == 36


@pytest.mark.parametrize(
    ("schema", "row", "sentence"),
    [
        ("age int", {"age": "about 60"}, "`age` must be an integer, and the model wrote “about 60”"),
        ("age int", {"age": None}, "`age` must be an integer, and the model wrote null"),
        ("age int", {}, "`age` is missing"),
        (
            "born date",
            {"born": "about 1815"},
            "`born` must be a date such as 2026-01-31, and the model wrote “about 1815”",
        ),
        (Person, {**PERSON, "role": "x"}, "`role` must be 'maths' or 'computing', and the model wrote “x”"),
        (Person, {**PERSON, "tags": [1]}, "`tags[0]` must be text, and the model wrote “1”"),
        (Place, {"name": "Rome"}, "`population` is missing"),
        (
            {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}},
            {"a": "z"},
            "`a` must be one of x, y, and the model wrote “z”",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
            {"b": 1},
            "`b` is not in the schema",
        ),
        ({"type": "integer"}, "x", "it must be an integer, and the model wrote “x”"),
    ],
)
def test_the_first_row_that_does_not_fit_is_described(schema: Any, row: Any, sentence: str) -> None:
    source = schema if isinstance(schema, type) else None
    reader = RowReader(schema_of(schema), source)
    reader.feed(json.dumps({"items": [row, row]}))
    assert reader.wrong is not None
    assert (reader.wrong.number, reader.wrong.misfit.sentence) == (0, sentence)
    assert reader.rows == []


def test_cells_say_what_is_missing_and_are_short() -> None:
    assert cell_text(None) is None
    assert cell_text({"a": ["é"]}) == '{"a": ["é"]}'
    assert len(str(cell_text("x" * 1000))) == 200


def test_neither_pandas_nor_polars_is_loaded_for_rows() -> None:
    script = (
        "import sys\nfrom llm_notebook.answers.rows import RowReader\nimport llm_notebook.answers.frames\n"
        "reader = RowReader({'type': 'object', 'properties': {'a': {'type': 'integer'}}})\n"
        'reader.feed(\'[{"a": 1}]\')\nprint({"pandas", "polars", "jsonschema"} & set(sys.modules))'
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "set()\n"
    )
