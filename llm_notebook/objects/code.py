"""Describes functions, classes and modules by their source with file and line, and exceptions by their traceback."""

from __future__ import annotations

import inspect
import traceback
from contextlib import suppress
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from llm_notebook.objects.described import Bounds, Described

__all__ = ["CODE_KINDS", "describe_code", "describe_exception"]

CODE_KINDS = (FunctionType, MethodType, BuiltinFunctionType, type, ModuleType, CodeType)
"""The types of objects that have source code."""


def describe_code(thing: object, bounds: Bounds) -> Described:
    """Describe a function, method, class or module to a model: its place and its source, or its outline if there is no source."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    what = "module" if inspect.ismodule(thing) else "class" if inspect.isclass(thing) else "function"
    kind = f"{what} {getattr(thing, '__qualname__', getattr(thing, '__name__', ''))}".strip()
    source, where = _source(thing)
    left_out: tuple[str, ...] = ()
    if not source:
        left_out = ("the source, which is not to be had",)
        source = _outline(thing)
    title = f"{bounds.name}: {kind}" if bounds.name and not kind.endswith(f" {bounds.name}") else kind
    text, further = bounds.fitted(f"{title}{where}\n\n{source.rstrip()}")
    return Described(f"{kind}{where}", text, left_out=(*left_out, *further), name=bounds.name)


def _source(thing: Any) -> tuple[str, str]:
    """Return (the source, a phrase that says where it is); both are empty if they cannot be found."""
    try:
        lines, start = inspect.getsourcelines(thing)
        name = inspect.getsourcefile(thing) or ""
    except (OSError, TypeError, IndexError, SyntaxError):
        return "", ""
    # Code defined in a notebook is in a temporary file whose name means nothing to a reader.
    is_file = bool(name) and not name.startswith("<") and "ipykernel_" not in name
    file = f" of {name}" if is_file and Path(name).is_file() else " of its cell"
    return "".join(lines), f", line {max(1, start)}{file}"


def _outline(thing: Any) -> str:
    """Return the signature and the docstring."""
    signature = ""
    with suppress(ValueError, TypeError):
        signature = str(inspect.signature(thing))
    name = getattr(thing, "__name__", type(thing).__name__)
    return f"{name}{signature}\n\n{inspect.getdoc(thing) or ''}".strip()


def describe_exception(error: BaseException, bounds: Bounds) -> Described:
    """Describe an exception to a model by its traceback, whose end says most."""
    lines = traceback.format_exception(type(error), error, _own_frames(error.__traceback__))
    text, left_out = bounds.fitted("".join(lines).rstrip(), end_share=0.75, is_code=False)
    return Described(f"exception {type(error).__name__}", text, left_out=left_out, name=bounds.name)


def _own_frames(found: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of IPython that lead up to the cell."""
    while (
        found is not None
        and found.tb_next is not None
        and found.tb_frame.f_globals.get("__name__", "").startswith("IPython.")
    ):
        found = found.tb_next
    return found
