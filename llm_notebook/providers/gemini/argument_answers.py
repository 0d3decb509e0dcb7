"""Assembles the arguments of a Gemini call that arrive in pieces, each of which names its place in the arguments. No I/O.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
"""

from __future__ import annotations

import itertools
import re
from typing import Any

__all__ = ["StreamedArguments"]

# One step of a JSON path: .name, ['name'], ["name"] or [0].
_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_VALUES = ("stringValue", "numberValue", "boolValue")
# A path may name any position in a list; the positions before it are filled.
_LONGEST_LIST = 100_000


class StreamedArguments:
    """The arguments of one call while their pieces arrive.

    Attributes:
        value: the arguments so far.
    """

    def __init__(self, begun: dict[str, Any]) -> None:
        """Begin with the arguments that arrived complete."""
        self.value: dict[str, Any] = dict(begun)
        self._open: set[str] = set()

    def add(self, piece: dict[str, Any]) -> None:
        """Put a piece into its place. Text is continued if the previous piece announced that.

        Raises:
            TypeError, ValueError, KeyError: the piece has another shape, or its place is taken by something else.
        """
        path = piece["jsonPath"]
        value = next((piece[name] for name in _VALUES if name in piece), None)
        if value is None and "nullValue" not in piece and not piece.get("willContinue"):
            return
        steps = _steps(path)
        last = steps[-1]
        holder: object = self.value
        for step, following in itertools.pairwise(steps):
            holder = _inside(holder, step, [] if isinstance(following, int) else {})
        if path in self._open and isinstance(value, str):
            value = (_get(holder, last) or "") + value
        if value is not None or "nullValue" in piece:
            _put(holder, last, value)
        (self._open.add if piece.get("willContinue") else self._open.discard)(path)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 1
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            raise ValueError("this is no JSON path")
        name, index, *quoted = found.groups()
        text = name or next((one for one in quoted if one is not None), "")
        steps.append(int(index) if index is not None else re.sub(r"\\(.)", r"\1", text) if name is None else text)
        position = found.end()
    if path[:1] != "$" or not steps:
        raise ValueError("this is no JSON path")
    return steps


def _get(holder: Any, step: str | int) -> Any:
    if isinstance(holder, list) and isinstance(step, int):
        return holder[step] if step < len(holder) else None
    return holder.get(step)


def _put(holder: Any, step: str | int, value: object) -> None:
    if isinstance(holder, list):
        if not isinstance(step, int) or step > _LONGEST_LIST:
            raise ValueError("this is no place in a list")
        holder.extend([None] * (step + 1 - len(holder)))
    elif isinstance(step, int):
        raise ValueError("this is no place in an object")
    holder[step] = value


def _inside(holder: object, step: str | int, empty: list[Any] | dict[str, Any]) -> object:
    """Return the object or list at a step, and put an empty one there if there is none."""
    found = _get(holder, step)
    if found is None:
        _put(holder, step, found := empty)
    return found
