"""Figures: matplotlib's as pictures; plotly's and altair's as pictures if they can be exported, otherwise as their specification."""

from __future__ import annotations

import base64
import io
from array import array
from collections.abc import Callable
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from llm_notebook.objects.bounded import bounded_json, size_of
from llm_notebook.objects.described import Bounds, Described
from llm_notebook.objects.json_forms import to_json_value
from llm_notebook.objects.pictures import LONGEST_SIDE, with_picture

__all__ = ["describe_altair", "describe_figure", "describe_plotly", "figure_of"]

# How many steps are followed from a part of a figure, through the parts that contain it, to the figure itself.
_DEEPEST = 5
_USUAL_DPI = 100.0
_ARRAY_CODES = MappingProxyType(
    {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d"}
)
_SIZE = {"width": 1000, "height": 700}


def figure_of(artist: object) -> Any:
    """Return the matplotlib figure that an object is or belongs to; None if there is none. Axes, lines and seaborn grids belong to one."""
    for _ in range(_DEEPEST):
        if callable(getattr(type(artist), "savefig", None)) and hasattr(artist, "get_size_inches"):
            return artist
        artist = getattr(artist, "figure", None)
    return None


def describe_figure(artist: object, bounds: Bounds) -> Described | None:
    """Describe a matplotlib figure, its Axes or another part of it to a model: the whole figure as PNG."""
    figure = figure_of(artist)
    if figure is None:
        return None
    inches = max(*figure.get_size_inches(), 0.01)
    written = io.BytesIO()
    # The user's own figure keeps its size and its resolution.
    figure.savefig(written, format="png", dpi=max(1.0, min(_USUAL_DPI, LONGEST_SIDE / inches)))
    width, height = (round(float(length), 1) for length in figure.get_size_inches())
    return with_picture(f"matplotlib figure, {width:g} \u00d7 {height:g} inches", written.getvalue(), bounds)


def describe_plotly(figure: Any, bounds: Bounds) -> Described:
    """Describe a plotly figure to a model: as PNG if kaleido can make one, otherwise by its specification."""
    picture = _exported("kaleido", lambda: figure.to_image(format="png", **_SIZE))
    if picture is not None:
        return with_picture("plotly figure", picture, bounds)
    specification = figure.to_plotly_json()
    data = [_with_numbers(trace) for trace in specification.get("data", ())]
    layout = {name: value for name, value in specification.get("layout", {}).items() if name != "template"}
    return _specified("plotly figure", specification | {"data": data, "layout": layout}, "kaleido", bounds)


def describe_altair(chart: Any, bounds: Bounds) -> Described:
    """Describe an altair chart to a model: as PNG if vl-convert can make one, otherwise by its specification."""
    import altair  # the user has a chart, so it is loaded

    def export() -> bytes:
        written = io.BytesIO()
        chart.save(written, format="png")
        return written.getvalue()

    with altair.data_transformers.enable("default", max_rows=None):
        picture = _exported("vl_convert", export)
        if picture is not None:
            return with_picture("altair chart", picture, bounds)
        return _specified("altair chart", chart.to_dict(validate=False), "vl-convert-python", bounds)


def _with_numbers(value: object) -> object:
    """Return a part of a specification with its arrays as lists of numbers: plotly writes them as the base64 of their bytes."""
    if isinstance(value, list | tuple):
        return [_with_numbers(item) for item in value]
    if not isinstance(value, dict):
        return value
    if (code := _ARRAY_CODES.get(value.get("dtype", ""))) and isinstance(value.get("bdata"), str):
        return array(code, base64.b64decode(value["bdata"])).tolist()
    return {name: _with_numbers(item) for name, item in value.items()}


def _exported(exporter: str, export: Callable[[], bytes]) -> bytes | None:
    """Return the picture; None if the exporter is not installed or fails, for instance because it finds no browser."""
    if find_spec(exporter) is None:
        return None
    try:
        return export()
    except Exception:
        return None


def _specified(kind: str, specification: object, exporter: str, bounds: Bounds) -> Described:
    why = f"the picture, since {exporter} cannot make one here"
    title = f"{bounds.name}: {kind}" if bounds.name else kind
    first = f"{title}. Its specification follows, without a picture."
    if bounds.scrubber is not None:
        specification = bounds.scrubber.scrub_json(specification)
    text, left_out = bounded_json(specification, bounds.most_bytes - size_of(first) - 1, to_json_value)
    text, further = bounds.fitted(f"{first}\n{text}")
    return Described(f"{kind}, as its specification", text, left_out=(why, *left_out, *further), name=bounds.name)
