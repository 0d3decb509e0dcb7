"""Reads a server's JSON, which may break the rules and contain values of any shape. No I/O."""

from __future__ import annotations

import json
from typing import Any

from llm_notebook.parts.messages import json_text

__all__ = ["dict_of", "dicts_of", "parse_leniently"]


def dict_of(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def dicts_of(value: object) -> list[dict[str, Any]]:
    """Return the objects in the value if it is a list, else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def parse_leniently(data: bytes) -> object:
    r"""Return the JSON value of data that a strict parser refuses, or None.

    Servers that cut text by tokens send half an emoji as an escape (`\ud83d`), or bytes that are not UTF-8. Both are replaced. Servers that
    write JSON by hand leave tabs and line breaks unescaped.
    """
    try:
        # The first pass turns half an emoji into a lone surrogate, which the second pass replaces.
        parsed = json.loads(data.decode(errors="replace"), strict=False)
        return json.loads(json_text(parsed).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
