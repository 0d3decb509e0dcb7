"""Finds a tool's source for a human to read: the source of the loaded code, which may differ from the file by now.

A file can be edited after it was imported. So its text is compiled and searched for code that does the same as the loaded code, wherever it has
moved. If there is none, the loaded instructions are shown instead of the file's text.
"""

from __future__ import annotations
import __future__

import ast
import dis
import functools
import inspect
import io
import linecache
import types
from collections.abc import Iterator

from llm_notebook.approvals.descriptions import code_description, is_adapter
from llm_notebook.tools.callables import layers
from llm_notebook.tools.tool import Tool

__all__ = ["source_of"]

_FUTURES = functools.reduce(
    int.__or__, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)
_NOTE = "The file that this was loaded from has changed since. What is loaded runs, and is shown as instructions."


def source_of(tool: Tool) -> dict[str, str] | None:
    """Return the loaded code of a tool, from the inside out, and a title for it; None if its source is not known.

    Where a file differs from what was loaded from it, `note` is a sentence that says so.
    """
    functions = [
        layer.value
        for layer in layers(tool.implementation)
        if isinstance(layer.value, types.FunctionType) and not is_adapter(layer.value)
    ]
    found = {id(function): source for function in functions if (source := _loaded_source(function)) is not None}
    if not functions or id(functions[-1]) not in found:
        return None
    pieces = [found[id(function)][0] for function in reversed(functions) if id(function) in found]
    title = functions[-1].__qualname__.rpartition("<locals>.")[2]
    loaded = {"title": title, "code": "\n# What wraps it:\n".join(pieces)}
    return loaded if all(is_current for _, is_current in found.values()) else loaded | {"note": _NOTE}


def _loaded_source(function: types.FunctionType) -> tuple[str, bool] | None:
    """Return the text of a function and whether it is the text in its file; None if there is no file."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        return None
    named = [found for found in _codes_in("".join(lines), code.co_flags & _FUTURES) if found.co_name == code.co_name]
    loaded, *described = map(code_description, [code, *named])
    same = [found for found, description in zip(named, described, strict=True) if description == loaded]
    if not same:
        written = io.StringIO()
        dis.dis(code, file=written)
        return f"# {_NOTE}\n{written.getvalue()}", False
    nearest = min(same, key=lambda found: abs(found.co_firstlineno - code.co_firstlineno))
    return "".join(inspect.getblock(lines[nearest.co_firstlineno - 1 :])), True


@functools.lru_cache(maxsize=8)
def _codes_in(text: str, futures: int) -> tuple[types.CodeType, ...]:
    """Return the code objects of all functions in a text; none if it is not Python.

    IPython compiles each statement of a cell separately. That makes a difference: how a function calls `module.name()` depends on whether
    the module is imported in the same compilation. So each function is compiled both ways.
    """
    flags = futures | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        module = ast.parse(text)
        units = [module, *(ast.Module([statement], []) for statement in module.body)]
        return tuple(
            code for unit in units for code in _nested(compile(unit, "<source>", "exec", flags, dont_inherit=True))
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _nested(constant)
