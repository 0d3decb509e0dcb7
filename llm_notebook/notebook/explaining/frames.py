"""The frames of a traceback: the place of each, whose code it is, and the names in its failing line."""

from __future__ import annotations

import ast
import linecache
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Frame", "frames_of", "names_in_line"]

_MOST = 60
_CELL = re.compile(r"<ipython-input-(\d+)-|[/\\]ipykernel_\d+[/\\]")
# The file names that `%%time` and `%time` give the code that they run.
_TIMED = ("<timed exec>", "<timed eval>")
_LIBRARIES = ("site-packages", "dist-packages")


@dataclass(slots=True)
class Frame:
    """One line of a traceback.

    Attributes:
        file: the file, as Python names it.
        line: the number of the line.
        function: the function; `<module>` outside of functions.
        text: the line.
        module: the name of its module.
        is_own: whether the code is the user's, and not a library's.
        cell: the number of the cell that it is in; 0 if it is in none, or if that is not known.
        cell_source: the text of that cell.
        names: the names in the failing statement, and the arguments of the function.
        variables: the variables of the function. They are dropped once a later cell has failed.
        global_variables: the variables of its module, dropped likewise.
    """

    file: str
    line: int
    function: str
    text: str
    module: str
    is_own: bool
    cell: int = 0
    cell_source: str = ""
    names: list[str] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    global_variables: Mapping[str, Any] = field(default_factory=dict)


def frames_of(error: BaseException, shell: InteractiveShell, cell: str = "") -> list[Frame]:
    """Return the frames of an exception, starting at the cell or the user's first file; none if it was raised before anything ran.

    Args:
        error: the exception.
        shell: the shell that ran the cell.
        cell: the text of the cell.
    """
    places = list(_walk(error.__traceback__))
    # The frames above the cell are IPython's.
    cells = [at for at, (frame, _) in enumerate(places) if _is_cell(frame.f_code.co_filename)]
    own = cells or [at for at, (frame, _) in enumerate(places) if _is_users(frame.f_code.co_filename)]
    places = places[own[0] :] if own else []
    if len(places) > _MOST:
        places = [*places[: _MOST // 2], *places[-_MOST // 2 :]]
    body = cell.partition("\n")[2] if cell.lstrip().startswith("%%") else cell
    frames = [_frame(frame, line, shell, body) for frame, line in places]
    # The call that runs a magic is IPython's, though it is in the cell.
    return [frame for frame in frames if frame.is_own or frame.module.partition(".")[0] not in ("IPython", "decorator")]


def _walk(tb: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    for frame, line in traceback.walk_tb(tb):
        # A frame that is not the user's may ask to be hidden, as those of pytest and IPython do.
        if not frame.f_locals.get("__tracebackhide__", False) or _is_cell(frame.f_code.co_filename):
            yield frame, line


def _is_cell(file: str) -> bool:
    return _CELL.search(file) is not None


def _frame(frame: FrameType, line: int, shell: InteractiveShell, body: str) -> Frame:
    code = frame.f_code
    file = code.co_filename
    is_timed = file in _TIMED
    lines = body.splitlines(keepends=True) if is_timed else linecache.getlines(file, frame.f_globals)
    source = "".join(lines)
    is_cell = _is_cell(file) or is_timed
    arguments = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    is_own = is_cell or _is_users(file)
    return Frame(
        file=file,
        line=line,
        function=code.co_name,
        text=lines[line - 1].rstrip("\n") if 0 < line <= len(lines) else "",
        module=str(frame.f_globals.get("__name__", "")),
        is_own=is_own,
        cell=_number_of(file, source, shell) if is_cell and not is_timed else 0,
        cell_source=source if is_cell else "",
        names=list(dict.fromkeys([*names_in_line(source, line), *arguments])) if is_own else [],
        # The variables are copied, since those of the function may still change.
        variables=dict(frame.f_locals) if is_own and frame.f_locals is not frame.f_globals else {},
        global_variables=frame.f_globals if is_own else {},
    )


def _is_users(file: str) -> bool:
    """Return whether a file is the user's own, and belongs neither to the standard library nor to an installed package."""
    if file.startswith("<"):
        return file == "<string>"
    path = Path(file)
    if any(part in _LIBRARIES for part in path.parts):
        return False
    standard = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")}
    ours = Path(__file__).resolve().parents[2]
    return not any(file.startswith(f"{folder}/") for folder in {*standard, str(ours), sys.base_prefix + "/lib"})


def _number_of(file: str, source: str, shell: InteractiveShell) -> int:
    """Return the number of the cell with this file; 0 if it is not known."""
    if (found := _CELL.search(file)) is not None and found[1]:
        return int(found[1])
    history = shell.history_manager
    inputs = history.input_hist_parsed if history is not None else []
    return next((at for at in range(len(inputs) - 1, 0, -1) if inputs[at].strip() == source.strip()), 0)


def names_in_line(source: str, line: int) -> list[str]:
    """Return the names in the statement on a line, in order, without those in the body of a compound statement.

    Args:
        source: Python code, which may be incomplete or contain magics.
        line: the number of the line.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        text = source.splitlines()[line - 1] if 0 < line <= source.count("\n") + 1 else ""
        return list(dict.fromkeys(re.findall(r"(?<![\w.'\"])[^\W\d]\w*", text)))
    statement = _statement_at(tree, line)
    if statement is None:
        return []
    body = getattr(statement, "body", None)
    until = body[0].lineno if isinstance(body, list) and body else None
    found = [
        node
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and (until is None or node.lineno < until or node.lineno == line)
    ]
    return list(dict.fromkeys(node.id for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))))


def _statement_at(tree: ast.AST, line: int) -> ast.stmt | None:
    """Return the innermost statement that contains a line."""
    found: ast.stmt | None = None
    for node in ast.walk(tree):
        # The walk goes from the outside in.
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            found = node
    return found
