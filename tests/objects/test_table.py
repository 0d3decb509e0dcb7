"""What each kind of object becomes for a model: made by the real libraries, bounded, and with a note of what is missing."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import io
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.objects.described import MOST_BYTES, Described
from llm_notebook.objects.secrets import Scrubber
from llm_notebook.objects.table import describe
from llm_notebook.parts.attachments import Attachment

PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
LIBRARIES = "altair matplotlib narwhals numpy pandas PIL plotly polars pyarrow xarray".split()
COLUMNS = {"n": [1, 2, None], "name": ["Ada", "Bo", None]}


@dataclass
class Kind:
    """A kind of object.

    Attributes:
        make: makes a small one and, with 5,000, a large one.
        says: what the text of a small one has in it; of a large one too, unless `large` is given.
        missing: what is left out of a large one; empty if nothing can be.
        picture: it becomes a picture and no text.
    """

    make: Callable[[int], Any]
    says: tuple[str, ...] = ()
    missing: str = ""
    picture: bool = False


def library(name: str) -> Any:
    return pytest.importorskip(name)


def pandas_frame(rows: int) -> Any:
    pandas = library("pandas")
    dates = pandas.date_range("2025-01-01", periods=rows + 3)
    return pandas.DataFrame({"n": [1, 2, None, *range(rows)], "name": ["Ada", "Bo", None, *"x" * rows], "day": dates})


def columns(rows: int) -> dict[str, list[Any]]:
    return {"n": [1, 2, None, *range(rows)], "name": ["Ada", "Bo", None, *"x" * rows]}


def figure(_size: int) -> Any:
    library("matplotlib").use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2)
    axes[0].plot([1, 2])
    pyplot.close(figure)
    return figure


def pixels(size: int) -> Any:
    return library("numpy").zeros((20 + size // 2, 30, 3), "uint8")


def image(size: int) -> Any:
    return library("PIL.Image").new("RGB", (20 + size // 2, 30))


def error(size: int) -> Exception:
    try:
        raise ValueError("wrong " + "x" * size * 10)
    except ValueError as caught:
        return caught


class Point(pydantic.BaseModel):
    x: int = 3
    tags: list[int] = []


@dataclass
class Box:
    width: int
    items: list[int]


class Colour(enum.Enum):
    RED = "red"


class Markdown:
    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_markdown_(self) -> str:
        return f"**bold** {self.text}"


class Drawn:
    def _repr_png_(self) -> bytes:
        return PNG


class Html:
    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return f"<style>p {{}}</style><p>One &amp; two</p><table><tr><td>a</td><td>b</td></tr></table>{self.text}"


class Broken:
    def __repr__(self) -> str:
        raise ValueError


class Long:
    def __init__(self, size: int) -> None:
        self.size = size

    def __repr__(self) -> str:
        return "<Long " + "x" * self.size * 20 + ">"


TABLE = ("- n: ", "1 missing", "1.0 to 2.0", "- name: ", "2 different values", "| 1.0 | Ada |")
KINDS = {
    "pandas DataFrame": Kind(
        pandas_frame, ("3 rows \u00d7 3 columns", "- day: datetime64", *TABLE), "4,953 of 5,003 rows"
    ),
    "pandas Series": Kind(
        lambda size: pandas_frame(size)["n"], ("3 values", "float64, 1 missing"), "4,953 of 5,003 rows"
    ),
    "pandas Index": Kind(lambda size: pandas_frame(size).set_index("day").index, ("3 values",), "4,953 of 5,003 rows"),
    "polars DataFrame": Kind(
        lambda size: library("polars").DataFrame(columns(size)),
        ("3 rows \u00d7 2 columns", "- n: Int64, 1 missing, 1 to 2", "2 different values", "| 1 | Ada |"),
        "4,953 of 5,003 rows",
    ),
    "polars LazyFrame": Kind(
        lambda size: library("polars").LazyFrame(columns(size)),
        ("rows not computed yet", "- n: Int64", "| 1 | Ada |"),
        "all but the first 50 rows",
    ),
    "polars Series": Kind(
        lambda size: library("polars").Series("n", columns(size)["n"]), ("- n: Int64, 1 missing",), "4,953 of 5,003"
    ),
    "pyarrow Table": Kind(
        lambda size: library("pyarrow").table(columns(size)),
        ("3 rows \u00d7 2 columns", "- n: int64, 1 missing, 1 to 2", "2 different values", "| 1 | Ada |"),
        "4,953 of 5,003 rows",
    ),
    "pyarrow RecordBatch": Kind(
        lambda size: library("pyarrow").record_batch(columns(size)), ("- n: int64, 1 missing",), "4,953 of 5,003 rows"
    ),
    "pyarrow Array": Kind(
        lambda size: library("pyarrow").array(columns(size)["n"]), ("1 missing, 1 to 2",), "4,953 of"
    ),
    "narwhals frame": Kind(
        lambda size: library("narwhals").from_native(pandas_frame(size)),
        ("narwhals DataFrame, 3 rows", *TABLE),
        "4,953 of",
    ),
    "numpy array": Kind(
        lambda size: library("numpy").arange(float(3 + size)),
        ("[0. 1. 2.]", "3 float64", "0.0 to 2.0"),
        "of 5,003 values",
    ),
    "image array": Kind(pixels, picture=True),
    "xarray DataArray": Kind(
        lambda size: library("xarray").DataArray(library("numpy").arange(3.0 + size), dims="time", name="t"),
        ("time: 3", "- t (time): float64, 0.0 to 2.0"),
        "most of 5,003 values",
    ),
    "xarray Dataset": Kind(
        lambda size: library("xarray").Dataset({"t": ("time", library("numpy").arange(3.0 + size))}),
        ("time: 3", "- t (time): float64, 0.0 to 2.0"),
        "most of 5,003 values",
    ),
    "matplotlib Figure": Kind(figure, picture=True),
    "matplotlib Axes": Kind(lambda size: figure(size).axes[0], picture=True),
    "matplotlib Axes of subplots": Kind(lambda size: library("numpy").array(figure(size).axes), picture=True),
    "matplotlib lines": Kind(lambda size: list(figure(size).axes[0].lines), picture=True),
    "PIL image": Kind(image, missing="it goes as 1,568", picture=True),
    "plotly figure": Kind(
        lambda size: library("plotly.express").scatter(x=list(range(3 + size)), y=list(range(3 + size))),
        ("Its specification follows, without a picture", '"x": [0, 1, 2]', '"type": "scatter"'),
        "the picture, since kaleido cannot make one here",
    ),
    "altair chart": Kind(
        lambda size: library("altair").Chart(pandas_frame(size)).mark_line().encode(x="day:T", y="n:Q"),
        ("Its specification follows, without a picture", '"mark"', '"Ada"'),
        "the picture, since vl-convert-python cannot make one here",
    ),
    "dict": Kind(lambda size: {"a": 1, "b": list(range(size * 10))}, ('"a": 1',), "items"),
    "dict with a frame": Kind(
        lambda size: {"frame": pandas_frame(size)}, ("pandas DataFrame, 3 rows",), "4,953 of 5,003 rows"
    ),
    "list": Kind(lambda size: [1, "\u00e9", *range(size * 10)], ('[1, "\u00e9"]',), "items"),
    "dataclass": Kind(lambda size: Box(1, list(range(size * 10))), ('{"width": 1, "items": []}',), "items"),
    "pydantic object": Kind(lambda size: Point(tags=list(range(size * 10))), ('{"x": 3, "tags": []}',), "items"),
    "set": Kind(lambda size: set(range(1 + size * 10)), ("[0]",), "items"),
    "date": Kind(lambda _size: datetime.date(2025, 1, 2), ("2025-01-02",)),
    "enum": Kind(lambda _size: Colour.RED, ("red",)),
    "number": Kind(lambda _size: decimal.Decimal("1.50"), ("1.50",)),
    "None": Kind(lambda _size: None, ("None",)),
    "path": Kind(lambda _size: PurePosixPath("data/no-such.csv"), ("data/no-such.csv",)),
    "text": Kind(lambda size: "plain \u00e9 " + "\u00e9" * size * 10, ("plain \u00e9",), "of 50,008 characters"),
    "bytes of a picture": Kind(lambda _size: PNG, picture=True),
    "bytes of text": Kind(lambda size: b"plain " + b"x" * size * 10, ("plain",), "of 50,006 characters"),
    "other bytes": Kind(lambda size: b"\xff\xfe\x00" * (1 + size), ("3 of them", "ff fe 00"), "of 15,003 bytes"),
    "exception": Kind(error, ("Traceback", 'raise ValueError("wrong ', "ValueError: wrong"), "characters"),
    "function": Kind(lambda _size: columns, ("function columns, line ", "test_table.py", "def columns(rows: int)")),
    "method": Kind(lambda _size: Broken().__repr__, ("function Broken.__repr__, line ", "raise ValueError")),
    "builtin function": Kind(lambda _size: len, ("len(obj, /)", "Return the number of items")),
    "class": Kind(lambda _size: Box, ("class Box, line ", "test_table.py", "width: int")),
    "module": Kind(
        lambda size: dataclasses if size else json.scanner,
        ("module json.scanner, line 1 of ", "import re"),
        "characters",
    ),
    "shown as Markdown": Kind(lambda size: Markdown("x" * size * 10), ("**bold**",), "characters"),
    "shown as a picture": Kind(lambda _size: Drawn(), picture=True),
    "shown as HTML": Kind(lambda size: Html("x" * size * 10), ("One & two", "a | b"), "characters"),
    "plain object": Kind(Long, ("<Long >",), "characters"),
    "object whose repr fails": Kind(lambda _size: Broken(), ("<Broken object; its repr raised ValueError>",)),
    "attachment": Kind(lambda _size: Attachment("image/png", content=PNG), picture=True),
}


def size_of_png(content: bytes) -> tuple[int, int]:
    return struct.unpack(">II", content[16:24])  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_object_becomes_what_a_model_reads(kind: Kind) -> None:
    described = describe(kind.make(0), name="it")
    assert described.name == "it"
    assert [part for part in kind.says if part not in described.text] == []
    assert [attachment.known_type() for attachment in described.attachments] == ["image/png"] * kind.picture
    assert bool(described.text) != kind.picture


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("most", [MOST_BYTES, 700])
def test_a_large_object_is_bounded_and_says_what_is_missing(kind: Kind, most: int) -> None:
    described = describe(kind.make(5000), name="it", max_size=most)
    assert len(described.text.encode()) <= most
    for attachment in described.attachments:
        assert max(size_of_png(attachment.content_bytes())) <= 1568
    if kind.missing and most == MOST_BYTES:
        assert kind.missing in ", ".join(described.left_out)
        assert (
            kind.picture
            or "left out" in described.text
            or "\u2026" in described.text
            or "specification" in described.text
        )
    if not described.left_out:
        assert describe(kind.make(5000), name="it", max_size=10**9).text == described.text


def test_a_frame_of_many_long_columns_says_what_is_cut() -> None:
    frame = library("pandas").DataFrame({f"c{number}": ["y" * 1000] * 3 for number in range(300)})
    described = describe(frame, max_size=60_000)
    assert len(described.text.encode()) <= 60_000
    assert "- and 200 more columns" in described.text
    assert "280 of 300 columns" in described.left_out
    assert "the ends of 60 long values" in described.left_out


def test_more_room_gives_more_rows() -> None:
    frame = pandas_frame(5000)
    assert "4,503 of 5,003 rows" in describe(frame, max_size=200_000).left_out
    assert describe(frame, max_size=10**7).left_out == ()


def test_odd_frames_are_frames() -> None:
    pandas = library("pandas")
    index = pandas.MultiIndex.from_tuples([("x", 1)], names=["k", None])
    both = pandas.DataFrame([[5]], index=index, columns=pandas.MultiIndex.from_tuples([("a", "b")]))
    assert "| k |  | a b |\n| --- | --- | --- |\n| x | 1 | 5 |" in describe(both).text
    assert "0 rows \u00d7 0 columns" in describe(pandas.DataFrame()).text
    twice = pandas.DataFrame([[1, "a|b\nc"]], columns=["n", "n"])
    assert "| 1 | a\\|b c |" in describe(twice).text
    unhashable = pandas.DataFrame({"lists": [[1], None, {}]})
    assert "- lists: object, 1 missing\n" in describe(unhashable).text
    nothing = pandas.DataFrame({"n": [float("nan")], "day": [pandas.NaT]})
    assert "- n: float64, 1 missing\n" in describe(nothing).text


def test_an_array_is_a_picture_where_one_is_wanted() -> None:
    numpy = library("numpy")
    grey = numpy.linspace(0, 1, 100).reshape(10, 10)
    assert describe(grey).attachments == ()
    [picture] = describe(grey, as_picture=True).attachments
    with library("PIL.Image").open(io.BytesIO(picture.content_bytes())) as drawn:
        assert (drawn.size, drawn.getpixel((0, 0)), drawn.getpixel((9, 9))) == ((10, 10), 0, 255)
    assert describe(numpy.zeros((3, 3, 3), "uint8")).attachments == ()


@pytest.mark.parametrize(("exporter", "kind"), [("kaleido", "plotly figure"), ("vl_convert", "altair chart")])
def test_a_figure_with_an_exporter_is_a_picture(monkeypatch: pytest.MonkeyPatch, exporter: str, kind: str) -> None:
    # The exporters are not installed, since they bring a browser. What they write is written here in their place.
    drawn = KINDS[kind].make(0)
    monkeypatch.setattr("llm_notebook.objects.figures.find_spec", lambda name: name == exporter or None)
    monkeypatch.setattr(type(drawn), "to_image", lambda _figure, format, **_size: PNG, raising=False)
    monkeypatch.setattr(type(drawn), "save", lambda _chart, written, format: written.write(PNG), raising=False)
    described = describe(drawn, name="it")
    assert (described.kind, described.text, described.left_out) == (kind, "", ())
    assert [attachment.content for attachment in described.attachments] == [PNG]


def test_a_figure_is_drawn_as_it_is_and_stays_so() -> None:
    drawn = figure(0)
    drawn.set_size_inches(40, 10)
    [picture] = describe(drawn).attachments
    assert size_of_png(picture.content_bytes()) == (1568, 392)
    assert (drawn.dpi, *drawn.get_size_inches()) == (100, 40, 10)


def test_what_cannot_be_drawn_is_told_by_its_repr() -> None:
    drawn = figure(0)
    drawn.axes[0].set_title(r"$\frac$")
    described = describe(drawn)
    assert described.text.startswith("<Figure size")
    assert described.left_out == ("its usual form, which failed with ValueError",)


def test_several_pictures_are_sent_together() -> None:
    assert len(describe([image(0), image(0)]).attachments) == 2
    assert len(describe([image(0), 3]).attachments) == 1


def test_objects_of_no_library_that_is_installed_need_none() -> None:
    class DataFrame:
        def __repr__(self) -> str:
            return "a frame of mine"

    DataFrame.__module__ = "modin.pandas"
    assert describe(DataFrame()).text == "a frame of mine"


@given(st.text(), st.integers(80, 400))
def test_any_text_is_bounded(text: str, most: int) -> None:
    described = describe(text, max_size=most)
    assert len(described.text.encode("utf-8", "backslashreplace")) <= most
    assert described.text == text or described.left_out


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_bounded(value: Any) -> None:
    described = describe(value, max_size=100)
    assert len(described.text.encode("utf-8", "backslashreplace")) <= 100


def test_a_described_object_can_be_described_again() -> None:
    assert describe(Described("kind", "text")) == Described("kind", "text")


@pytest.mark.parametrize(
    "statements", ["llm.describe({'a': [1, len, 2.5]})", "llm.describe(len)", "import decimal; llm.describe(decimal)"]
)
def test_no_library_is_loaded_without_an_object_of_it(statements: str) -> None:
    script = f"import sys, llm_notebook as llm\n{statements}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) & set(LIBRARIES) == set()


@pytest.mark.parametrize("name", ["polars", "pyarrow"])
def test_a_frame_loads_no_library_but_its_own(name: str) -> None:
    library(name)
    script = f"""
import sys, {name}, llm_notebook as llm
frame = {name}.DataFrame({{'a': [1]}}) if '{name}' == 'polars' else {name}.table({{'a': [1]}})
before = set(sys.modules)
assert '- a: ' in llm.describe(frame).text
print(*{{one.split('.')[0] for one in set(sys.modules) - before}})"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) & (set(LIBRARIES) - {name}) == set()


def _holding_a_secret() -> dict[str, object]:
    import numpy  # heavy, and only needed here
    import pandas  # heavy, and only needed here

    named = collections.namedtuple("named", "host password")
    frame = pandas.DataFrame({"name": ["host", "DB_PASSWORD"], "value": ["h", "correct"]})

    class Client:
        def __repr__(self) -> str:
            return "<Client host=h password=correct>"

    return {
        "a named tuple": named("h", "correct"),
        "named tuples in a list": [named("h", "correct")],
        "a structured array": numpy.array([("h", "correct")], dtype=[("host", "U9"), ("password", "U9")]),
        "a style": pandas.DataFrame({"password": ["correct"]}).style,
        "a frame of settings": frame,
        "settings as labels": frame.set_index("name"),
        "settings as a series": frame.set_index("name")["value"],
        "settings as columns": frame.set_index("name").T,
        "the repr of a class": Client(),
        "an exception": ValueError("no login with password=correct"),
    }


@pytest.mark.parametrize("kind", _holding_a_secret())
def test_a_secret_in_an_object_is_removed(kind: str) -> None:
    scrubber = Scrubber()
    found = describe(_holding_a_secret()[kind], name="x", scrubber=scrubber)
    assert "correct" not in found.text
    assert "[removed]" in found.text
    assert scrubber.count == 1
