"""What a model is told about an exception, and what the reader is told about that.

A model gets the cell with a mark before the line that failed, the exception and those that led to it, the user's frames, the values named
in them, and the versions of the packages involved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_notebook.notebook.explaining.failures import Failure
from llm_notebook.notebook.explaining.frames import Frame
from llm_notebook.notebook.explaining.values import NamedValue, named_values, raw_values
from llm_notebook.notebook.explaining.versions import versions_of
from llm_notebook.notebook.prompts.known_secrets import removed
from llm_notebook.objects.secrets import Scrubber
from llm_notebook.parts.sent import Sent

__all__ = ["EXPLAIN", "FIX", "Report", "report_on"]

EXPLAIN = (
    "A person works in a Jupyter notebook, and a cell failed. Explain why, for somebody who knows Python: first one sentence with the"
    " cause, then, only if it helps, a few more with what to do. Rest on the values that you are given, and name them. Be brief. Do not"
    " repeat the traceback. `[removed]` stands for a secret that you do not need."
)
FIX = " End with exactly one fenced Python code block: the whole cell as it should be, changed as little as possible. Write nothing below it."
_LONGEST_CELL = 8_000
_LONGEST_MESSAGE = 2_000
_MOST_FRAMES = 12
_LONGEST_LINE = 300
_LONGEST_SHOWN = 120
_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True)
class Report:
    """What a model is told about an exception.

    Attributes:
        failure: the failure.
        text: the prompt.
        sent: what the reader is told about it.
        source: the cell as the model gets it, without secrets.
    """

    failure: Failure
    text: str
    sent: list[Sent]
    source: str


def report_on(
    failure: Failure, variables: Mapping[str, Any], scrubber: Scrubber, *, asks_for_fix: bool = False
) -> Report:
    """Put together what a model is told about a failure. No code of the user's is run except the `repr()` of values.

    Args:
        failure: the failure.
        variables: the notebook's variables.
        scrubber: takes secrets out of it.
        asks_for_fix: whether the model is to propose a corrected cell.
    """
    scrubber.where = failure.name
    names = dict(variables)
    values, more_values = named_values(failure.frames, names, scrubber)
    raw = [value for _, _, value in raw_values(failure.frames, names)]
    modules = [frame.module for frame in failure.frames]
    used = [names[name] for frame in failure.frames for name in frame.names if name in names]
    versions = versions_of(failure.packages, modules, [*raw, *used])
    source = scrubber.scrub(failure.source)
    line = _failing_line(failure)
    said = scrubber.scrub(failure.said, is_code=False)[:_LONGEST_MESSAGE]
    parts = [
        f"{failure.name} failed: {said.splitlines()[0]}" + (" Propose a cell that works." if asks_for_fix else ""),
        _section(
            f"The cell {failure.name}" + (f", which failed in line {line}" if line else ""), _numbered(source, line)
        ),
        _section("The exception", said),
        _section("Where it was raised", scrubber.scrub("\n".join(_places(failure)))),
        _section("The values that are named there", _values_text(values, more_values)),
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    # The whole text is scrubbed once more: what looks harmless by itself may be a secret next to the name before it.
    text = scrubber.scrub("\n\n".join(part for part in parts if part))
    return Report(failure, text, _sent(failure, source, line, values, versions, text, scrubber), source)


def _section(title: str, text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{title}:\n{fence}\n{text}\n{fence}" if text.strip() else ""


def _failing_line(failure: Failure) -> int:
    """Return the number of the line of the cell that failed; 0 if that is not known."""
    # The cell may call a function that it defines, so its first frame has the line that made the call.
    inside = [frame for frame in failure.frames if frame.cell_source]
    # The line that runs a magic is not the one that failed, if a better one is known.
    first = next(
        (frame for frame in inside if not frame.text.lstrip().startswith("get_ipython()")), next(iter(inside), None)
    )
    if first is None:
        return failure.line
    lines = [line.strip() for line in failure.source.splitlines()]
    if first.line <= len(lines) and lines[first.line - 1] == first.text.strip():
        return first.line
    # A cell magic such as `%%time` runs the text below its own line. A line magic runs a text of its own in its place.
    below = [at for at, line in enumerate(lines, start=1) if line == first.text.strip() and at >= first.line]
    return below[0] if below else first.line if first.line <= len(lines) else 0


def _numbered(source: str, line: int) -> str:
    """Return a cell with a mark before the line that failed. A long cell is cut to the part around that line."""
    lines = [f"{'>' if at == line else ' '} {text}" for at, text in enumerate(source.rstrip().split("\n"), start=1)]
    first, last = 0, len(lines)
    while sum(map(len, lines[first:last])) > _LONGEST_CELL and last - first > 1:
        # The end that is farther from the line is left out first.
        first, last = (first + 1, last) if line - 1 - first > last - line else (first, last - 1)
    before = [f"  … {first:,} more lines"] if first else []
    after = [f"  … {len(lines) - last:,} more lines"] if last < len(lines) else []
    kept = [text[:_LONGEST_CELL] for text in lines[first:last]]
    return "\n".join([*before, *kept, *after])


def _places(failure: Failure) -> list[str]:
    """Return the frames, one per line: the user's with their code, and between them only the number of frames in libraries."""
    lines: list[str] = []
    skipped: list[Frame] = []
    for frame in failure.frames:
        if frame.is_own:
            lines += _skipped(skipped)
            skipped = []
            where = f"In[{frame.cell}]" if frame.cell else "a cell" if frame.cell_source else frame.file
            function = "" if frame.function == "<module>" else f", {frame.function}()"
            lines.append(f"{where}, line {frame.line}{function}: {frame.text.strip()[:_LONGEST_LINE]}")
        else:
            skipped.append(frame)
    lines += _skipped(skipped)
    if len(lines) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half:,} more lines of the traceback", *lines[-half:]]
    return lines


def _skipped(frames: list[Frame]) -> list[str]:
    if not frames:
        return []
    last = frames[-1]
    count = f"{len(frames)} frames of libraries, the last in " if len(frames) > 1 else ""
    return [f"{count}{last.module}, {last.function}(): {last.text.strip()[:_LONGEST_LINE]}"]


def _values_text(values: Sequence[NamedValue], more: int) -> str:
    lines = []
    for value in values:
        where = f" in {value.where}()" if value.where else ""
        text = value.text if "\n" not in value.text else "\n    " + value.text.replace("\n", "\n    ")
        lines.append(f"{value.name}{where}: {value.kind} = {text}")
    return "\n".join([*lines, *([f"… {more} more names"] if more else [])])


def _sent(
    failure: Failure,
    source: str,
    line: int,
    values: Sequence[NamedValue],
    versions: Mapping[str, str],
    text: str,
    scrubber: Scrubber,
) -> list[Sent]:
    lines = source.rstrip().split("\n")
    failed = f"; line {line} failed: {lines[line - 1].strip()[:_LONGEST_SHOWN]}" if 0 < line <= len(lines) else ""
    count = f"{len(lines):,} line{'s' if len(lines) > 1 else ''}{failed}" if source.strip() else "its text is not known"
    named = "; ".join(
        f"{value.name}, {value.kind}" + (f" in {value.where}()" if value.where else "") for value in values
    )
    rows = [
        (failure.name, count),
        ("its traceback", f"{len(failure.frames):,} frame{'s' if len(failure.frames) != 1 else ''}"),
        (f"{len(values)} value{'s' if len(values) > 1 else ''}", named),
        (
            f"{len(versions)} version{'s' if len(versions) > 1 else ''}",
            ", ".join(f"{name} {version}" for name, version in versions.items()),
        ),
    ]
    tokens = -(-len(text) // _CHARACTERS_PER_TOKEN)
    told = [Sent(name, scrubber.scrub(shown), group="error") for name, shown in rows if shown]
    return [replace(told[0], tokens=tokens), *told[1:], *removed(scrubber)]
