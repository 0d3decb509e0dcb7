"""The wording in which a model is told what is wrong with its arguments. It is the same for both checkers."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Sequence

from llm_notebook.errors import ToolArgumentError

__all__ = ["alternatives", "argument_error", "path_text", "short", "unknown"]

_MOST_COMPLAINTS = 10


def argument_error(tool_name: str, complaints: list[str], arguments: object) -> ToolArgumentError:
    more = len(complaints) - _MOST_COMPLAINTS
    text = "; ".join(complaints[:_MOST_COMPLAINTS]) + (f"; and {more} more" if more > 0 else "")
    return ToolArgumentError(text, tool_name=tool_name, raw=json.dumps(arguments, ensure_ascii=False, default=repr))


def unknown(names: Sequence[str], known: Iterable[str], tool_name: str) -> list[str]:
    takes = ", ".join(known) or "no arguments"
    return [f"{short(name).strip(chr(39))}: unknown argument, {tool_name} takes {takes}" for name in names]


def short(value: object) -> str:
    """Return the value as Python writes it, cut to a length that fits in a sentence."""
    writer = reprlib.Repr()
    writer.maxstring = writer.maxother = 80
    return writer.repr(value)


def path_text(steps: Iterable[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "arguments"


def alternatives(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))
