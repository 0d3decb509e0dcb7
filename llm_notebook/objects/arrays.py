"""NumPy arrays, and labelled arrays of xarray."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from llm_notebook.objects.bounded import left_out_note
from llm_notebook.objects.described import Bounds, Described
from llm_notebook.objects.figures import describe_figure
from llm_notebook.objects.frames import counted, range_of
from llm_notebook.objects.pictures import png_of_array, with_picture
from llm_notebook.objects.secret_names import is_secret_name
from llm_notebook.objects.secrets import Scrubber

__all__ = ["describe_array", "describe_xarray"]

# The range is computed only for arrays of at most this many values: larger ones may be on disk, or slow to read.
_MOST_LOOKED_AT = 50_000_000


def describe_array(array: Any, bounds: Bounds) -> Described | None:
    """Describe a NumPy array to a model: as a picture if it is one, otherwise as NumPy prints it.

    If NumPy leaves elements out, the shape, the type and the range come first.
    """
    import numpy  # the user has an array, so it is loaded

    shape = " \u00d7 ".join(f"{length:,}" for length in array.shape)
    kind = f"numpy array, {shape or 'one'} {array.dtype}"
    if array.dtype.kind == "O" and array.size and type(array.flat[0]).__module__.startswith("matplotlib."):
        return describe_figure(array.flat[0], bounds)  # what `subplots()` returns
    picture = _pixels(array, as_picture=bounds.as_picture)
    if picture is not None:
        return with_picture(f"{kind}, as a picture", png_of_array(picture), bounds)
    text = str(_without_secrets(array, bounds.scrubber))
    facts = _facts(array)
    left_out: tuple[str, ...] = ()
    if array.size > numpy.get_printoptions()["threshold"]:
        left_out = (f"all but the first and last of {array.size:,} values",)
    if left_out or bounds.name:
        title = f"{bounds.name}: {kind}" if bounds.name else kind
        text = f"{title}{facts}\n{text}"
    if left_out:
        text = f"{text}\n(all but the first and last of {array.size:,} values left out)"
    text, further = bounds.fitted(text)
    return Described(kind, text, left_out=(*left_out, *further), name=bounds.name)


def _without_secrets(array: Any, scrubber: Scrubber | None) -> Any:
    """Return a structured array without the texts in its fields whose names say that they are secret."""
    named = [name for name in array.dtype.names or () if is_secret_name(name)]
    if scrubber is None or not named or array.ndim == 0:
        return array
    scrubbed = array.astype([(name, "O" if name in named else array.dtype[name]) for name in array.dtype.names])
    for name in named:
        for place, value in zip(range(array.size), array[name].flat, strict=True):
            scrubbed[name].flat[place] = scrubber.scrub_named(name, str(value))
    return scrubbed


def _facts(array: Any) -> str:
    """Return the range of an array and how many values are missing, if they are numbers or times."""
    if array.dtype.kind not in "iufmM" or not 1 < array.size <= _MOST_LOOKED_AT:
        return ""
    import numpy  # the user has an array, so it is loaded

    is_missing = numpy.isnan(array) if array.dtype.kind == "f" else numpy.zeros(0, bool)
    missing = int(is_missing.sum())
    known = array[~is_missing] if missing else array
    found = f", {range_of(known.min(), known.max())}" if known.size else ""
    return f"{found}{f', {missing:,} missing' if missing else ''}"


def _pixels(array: Any, *, as_picture: bool) -> object:
    """Return the array as bytes of pixels, if it is a picture; None otherwise.

    An array of bytes with red, green, blue and perhaps opacity for each pixel always counts as a picture. If a picture is wanted, so do
    arrays with one value per pixel, and arrays of fractions from 0 to 1.
    """
    is_colour = array.ndim == 3 and array.shape[2] in (3, 4)
    if not (is_colour or (as_picture and array.ndim == 2)) or 0 in array.shape:
        return None
    if array.dtype == "uint8":
        return array if as_picture or min(array.shape[:2]) >= 8 else None
    if not as_picture or array.dtype.kind not in "bif":
        return None
    import numpy  # the user has an array, so it is loaded

    values = numpy.nan_to_num(array.astype("float64"), posinf=0, neginf=0)
    least, most = float(values.min()), float(values.max())
    is_fraction = array.dtype.kind in "bf" and least >= 0 and most <= 1
    span = 1.0 if is_fraction else (most - least) or 1.0
    return ((values - (0 if is_fraction else least)) / span * 255).round().astype("uint8")


def describe_xarray(array: Any, bounds: Bounds) -> Described:
    """Describe an xarray Dataset or DataArray to a model: its sizes, its variables with their ranges, and what xarray prints."""
    sizes = ", ".join(f"{name}: {length:,}" for name, length in array.sizes.items())
    kind = f"xarray {type(array).__name__}, {sizes or 'no dimensions'}"
    variables = array.data_vars if hasattr(array, "data_vars") else {array.name or "value": array}
    lines = [f"{bounds.name}: {kind}" if bounds.name else kind]
    for name, variable in list(variables.items())[:100]:
        facts = ""
        # Chunked (lazy) values are not computed just to find their range.
        if variable.chunks is None and variable.size <= _MOST_LOOKED_AT:
            with suppress(Exception):
                facts = _facts(variable.values)
        lines.append(f"- {name} ({', '.join(map(str, variable.dims))}): {variable.dtype}{facts}")
    shown = repr(array)
    values = sum(variable.size for variable in variables.values())
    left_out = (f"most of {counted(values, 'value')}",) if "..." in shown else ()
    lines += ["", shown, *([left_out_note(left_out)] if left_out else [])]
    text, further = bounds.fitted("\n".join(lines))
    return Described(kind, text, left_out=(*left_out, *further), name=bounds.name)
