"""How the lists name notebooks, cells and ages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

__all__ = ["age", "cell_name", "notebook_names"]


def notebook_names(paths: Iterable[str], here: str) -> dict[str, str]:
    """Return a short name for each path: the file's, with as many of its folders as tell it from the others.

    Args:
        paths: the paths of notebooks. An empty one has an empty name.
        here: the path of the notebook that reads the list, which is called "this notebook"; empty if it is not known.
    """
    known = {path: [part for part in re.split(r"[/\\]", path) if part] for path in dict.fromkeys(paths)}
    return {
        path: "this notebook" if path and path == here else _short(parts, known.values())
        for path, parts in known.items()
    }


def _short(parts: list[str], all_parts: Iterable[list[str]]) -> str:
    others = [other for other in all_parts if other != parts]
    kept = 1
    while kept < len(parts) and any(other[-kept:] == parts[-kept:] for other in others):
        kept += 1
    return "/".join(parts[-kept:])


def cell_name(notebook: str, number: int) -> str:
    """Return a name for a cell, such as `prices.ipynb, [12]`; empty if nothing is known of it.

    Args:
        notebook: the name of its notebook; empty if that is not known.
        number: the number beside it; 0 if it has none.
    """
    if not number:
        return notebook
    return f"{notebook}, [{number}]" if notebook else f"cell [{number}]"


def age(since: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago something was, in its largest unit: `4 min`, `2 d`."""
    if since is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - since).total_seconds()
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "just now"
