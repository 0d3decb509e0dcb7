"""The values in an error report: for each, what it is in a few words, and its beginning."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from llm_notebook.notebook.explaining.frames import Frame
from llm_notebook.objects.secrets import Scrubber
from llm_notebook.objects.table import describe, library_kind

__all__ = ["NamedValue", "named_values", "raw_values"]

_MOST = 16
_LONGEST = 700
_LONGEST_READ = 20_000
_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(slots=True, frozen=True)
class NamedValue:
    """A variable as it is described to a model.

    Attributes:
        name: its name.
        where: the function whose variable it is; empty for a variable of the notebook.
        kind: what it is, with its size.
        text: its beginning.
    """

    name: str
    where: str
    kind: str
    text: str


def raw_values(frames: list[Frame], variables: dict[str, Any]) -> Iterator[tuple[str, str, object]]:
    """Yield the variables that the user's frames name, nearest to the failure first: (name, function, value).

    Args:
        frames: the frames.
        variables: the notebook's variables, used where an earlier failure no longer has its own.
    """
    seen: set[tuple[str, int]] = set()
    for frame in reversed([frame for frame in frames if frame.is_own]):
        for name in frame.names:
            is_local = name in frame.variables
            source = next((one for one in (frame.variables, frame.global_variables, variables) if name in one), None)
            if source is None or isinstance(source[name], ModuleType) or (name, id(source[name])) in seen:
                continue
            seen.add((name, id(source[name])))
            yield name, frame.function if is_local and frame.function != "<module>" else "", source[name]


def named_values(frames: list[Frame], variables: dict[str, Any], scrubber: Scrubber) -> tuple[list[NamedValue], int]:
    """Return (the variables that are described, how many more there are)."""
    found = list(raw_values(frames, variables))
    told: dict[int, NamedValue] = {}
    values = []
    for name, where, value in found[:_MOST]:
        known = told.get(id(value))
        # The same object under another name, such as an argument, need not be described twice.
        is_same = known is not None and len(known.text) > len(known.name) + 10
        kind, text = _told(name, value, scrubber)
        if known is not None and is_same:
            text = f"the same object as {known.name}"
        values.append(NamedValue(name, where, kind, text))
        told.setdefault(id(value), values[-1])
    return values, max(0, len(found) - _MOST)


def _told(name: str, value: object, scrubber: Scrubber) -> tuple[str, str]:
    """Return (what a value is, its beginning without secrets). Frames, arrays and figures are described by the table of objects.

    Anything else is described by its `repr()`, because an error is often about a difference that JSON does not show: a tuple or a list, 1 or "1".
    """
    if not library_kind(value):
        return _kind(value), _text(name, value, scrubber)
    found = describe(value, max_size=_LONGEST, scrubber=scrubber)
    return found.kind, found.text or f"<{found.kind}>"


def _kind(value: object) -> str:
    name = type(value).__name__
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
            return f"{name} of {_TIMES.join(f'{size:,}' for size in shape) or 'one value'}"
        if isinstance(value, str | bytes | list | tuple | dict | set | frozenset):
            return f"{name} of {len(value):,}"
    except Exception:  # an object's own code may fail in any way, as it may be what failed before
        return name
    return name


def _text(name: str, value: object, scrubber: Scrubber) -> str:
    """Return the beginning of a value, without secrets."""
    try:
        if isinstance(value, FunctionType | BuiltinFunctionType | type):
            # Its arguments may have secrets as defaults.
            return scrubber.scrub(f"def {_signature(value)}: ...").removeprefix("def ").removesuffix(": ...")
        text = _repr(value)
    except Exception as error:  # an object's own code may fail in any way, as it may be what failed before
        return f"(its repr() fails: {type(error).__name__})"
    # The part far beyond the end of what is sent need not be searched for secrets.
    whole = scrubber.scrub_named(name, text[:_LONGEST_READ])
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}… {len(whole) - _LONGEST:,} more characters"


def _repr(value: object) -> str:
    if isinstance(value, str | bytes):
        return repr(value[:_LONGEST_READ])
    shortened = reprlib.Repr()
    shortened.maxlist = shortened.maxtuple = shortened.maxdict = shortened.maxset = shortened.maxfrozenset = 20
    shortened.maxstring = shortened.maxother = 10 * _LONGEST
    shortened.maxlevel = 4
    return shortened.repr(value)


def _signature(function: Any) -> str:
    import inspect  # only needed where a function is named

    return f"{function.__name__}{inspect.signature(function)}"
