"""Describes an error that a tool raised for the reader: its type, its message, and the lines of the tool's own code that led to it."""

from __future__ import annotations

import site
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path

from llm_notebook.approvals.running import said_by

__all__ = ["Failure", "failure_of"]

_LONGEST_MESSAGE = 2_000
_LONGEST_LINE = 400
_MOST_FRAMES = 10
_OURS = str(Path(__file__).parents[2])
_LIBRARIES = (
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    *site.getsitepackages(),
)


@dataclass(slots=True, frozen=True)
class Failure:
    """An error that a tool raised.

    Attributes:
        type: the name of the error's type.
        message: its message, shortened.
        frames: two lines for each frame of the tool's own code, outermost first: where it is, and its source.
    """

    type: str
    message: str
    frames: str


def failure_of(error: BaseException) -> Failure:
    """Return the description of an error. Frames of libraries are counted, not shown; our own are left out."""
    lines: list[str] = []
    libraries = 0
    shown = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_OURS)]
    for frame in shown[-_MOST_FRAMES:]:
        if frame.filename.startswith(_LIBRARIES):
            libraries += 1
            continue
        lines.append(f"{_place(frame.filename)}, line {frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line[:_LONGEST_LINE]}")
    if libraries:
        lines.append(f"… and {libraries} in libraries")
    name, message = said_by(error)
    return Failure(name, message[:_LONGEST_MESSAGE], "\n".join(lines))


def _place(filename: str) -> str:
    # The code of a cell has a file name that is made up.
    is_cell = filename.startswith("<") or "ipykernel_" in filename
    return "a cell of this notebook" if is_cell else filename
