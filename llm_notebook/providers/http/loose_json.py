"""Values in the JSON of a server, which may have any shape: what is wanted of them, or nothing. No I/O."""

from __future__ import annotations

from typing import Any

__all__ = ["dict_of", "dicts_of"]


def dict_of(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def dicts_of(value: object) -> list[dict[str, Any]]:
    """Return the objects in the value if it is a list, else none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
