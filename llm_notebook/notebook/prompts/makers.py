"""Which cells define the tools of a prompt. This is noted when a model is asked, and shown if a later kernel lacks a tool.

A cell is named by the number beside it, such as [3], which the notebook still shows after its kernel has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.tools.callables import layers
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.origin import Origin

__all__ = ["maker_of", "missing_sentence"]


def maker_of(shell: InteractiveShell, word: str, tools: Iterable[object], *, is_here: bool) -> dict[str, Any]:
    """Return how tools were made, as JSON values for `Origin.makers`.

    Args:
        shell: the shell whose cells may define them.
        word: how the prompt names what makes the tools: a name, an expression, or an option.
        tools: functions, Tools and Toolboxes.
        is_here: whether the cell of the prompt makes them itself, each time it is run.
    """
    cells = sorted({number for tool in tools for file in _files_of(tool) if (number := _number_of(shell, file))})
    # What the cell makes itself need not be named, and an expression may hold a secret.
    return {"word": "" if is_here else word, "cells": cells, "here": is_here}


def missing_sentence(name: str, origin: Origin) -> str:
    """Return the sentence that says which cell to run if the tool of a waiting call is missing.

    Args:
        name: the name of the tool.
        origin: the place where its call was asked for.
    """
    # Tools that a Toolbox adds only when it is set up, such as those of a server, had no name yet when this was noted.
    maker = origin.makers.get(name) or _only(list(origin.makers.values()))
    if maker is None:
        return _guess(name)
    asked = f"the cell that asked this{_numbers([origin.number])}"
    cells = maker["cells"]
    if maker["here"] and not cells:
        return f"Run {asked} again, which makes {name}. Then decide."
    if maker["here"]:
        what = "cell" if len(cells) == 1 else "cells"
        return f"Run the {what} that {name} is defined in{_numbers(cells)}, and {asked} again. Then decide."
    return f"Run the cell that defines {maker['word']}{_numbers(cells, ' when this was asked')}, then decide."


def _only(makers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what all makers have in common, if that says which cells to run."""
    if makers and all(maker == makers[0] for maker in makers):
        return makers[0]
    if makers and all(maker["here"] for maker in makers):
        return makers[0] | {"cells": sorted({number for maker in makers for number in maker["cells"]})}
    return None


def _guess(name: str) -> str:
    if "_" in name and name[0].isupper():
        return f"Run the cell that makes the {name.partition('_')[0]} with the tool {name}, then decide."
    return f"Run the cell that defines {name}, then decide."


def _numbers(numbers: Iterable[int], when: str = "") -> str:
    named = ", ".join(f"[{number}]" for number in numbers if number)
    return f" ({named}{when})" if named else ""


def _files_of(tool: object) -> set[str]:
    """Return the names of the files, or of the cells, that the code of a tool was compiled from."""
    if isinstance(tool, Toolbox):
        kinds = [kind for kind in type(tool).__mro__ if issubclass(kind, Toolbox) and kind is not Toolbox]
        parts = [part for kind in kinds for part in vars(kind).values()]
    else:
        parts = [tool.implementation if isinstance(tool, Tool) else tool]
    codes = [getattr(layer.value, "__code__", None) for part in parts if callable(part) for layer in layers(part)]
    return {code.co_filename for code in codes if code is not None}


def _number_of(shell: InteractiveShell, file: str) -> int:
    """Return the number of the cell that was compiled under a file name; 0 if there is none."""
    # IPython keeps this map for its tracebacks, and has this information nowhere else.
    known: Mapping[str, int] = getattr(shell.compile, "_filename_map", {})
    return known.get(file, 0)
