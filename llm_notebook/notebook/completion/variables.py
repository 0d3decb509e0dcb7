"""Finds the notebook's variables that fit a place. Only their types are looked at; none of their code is run."""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

__all__ = ["fitting_variables"]

_SHOWN = ("_repr_png_", "_repr_jpeg_", "_repr_mimebundle_", "savefig")
_PICTURES = ("matplotlib", "PIL", "plotly", "altair", "seaborn")


def fitting_variables(variables: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Yield the names of the variables that fit a kind of value, the most recently defined first."""
    fits = _FITS[kind]
    for name in reversed(list(variables)):
        value = variables[name]
        if (
            not name.startswith("_")
            and name not in ("In", "Out", "exit", "quit", "get_ipython", "open")
            and fits(value)
        ):
            yield name


def _is_tool(value: object) -> bool:
    tool, toolbox = _loaded("tools.tool", "Tool"), _loaded("tools.toolbox", "Toolbox")
    if isinstance(value, (tool, toolbox, FunctionType, MethodType)):
        return True
    return isinstance(value, type) and issubclass(value, toolbox)


def _is_attachment(value: object) -> bool:
    if isinstance(value, type | ModuleType):
        return False
    kind = type(value)
    top = kind.__module__.partition(".")[0]
    is_shown = top in _PICTURES or any(hasattr(kind, name) for name in _SHOWN)
    is_file = isinstance(value, (_loaded("parts.attachments", "Attachment"), PurePath, bytes))
    return is_file or is_shown or _is_frame(kind) or top == "numpy"


def _loaded(module: str, name: str) -> type | tuple[type, ...]:
    """Return one of our classes; an empty tuple if its module is not loaded, since then no variable can hold such an object."""
    found = getattr(sys.modules.get(f"llm_notebook.{module}"), name, None)
    return found if isinstance(found, type) else ()


def _is_frame(kind: type) -> bool:
    return kind.__name__ in ("DataFrame", "Series", "LazyFrame", "Table")


def _is_rows(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], dict | str)
    return _is_frame(type(value)) and type(value).__name__ != "Series"


def _is_fragment(value: object) -> bool:
    return not isinstance(value, ModuleType | BuiltinFunctionType) and not _is_shell(value)


def _is_schema(value: object) -> bool:
    if isinstance(value, dict):
        return bool(value.keys() & {"type", "properties", "$schema", "items", "anyOf"})
    if not isinstance(value, type):
        return False
    base = getattr(sys.modules.get("pydantic"), "BaseModel", None)
    is_model = base is not None and issubclass(value, base) and value is not base
    is_typed_dict = hasattr(value, "__total__") and hasattr(value, "__required_keys__")
    return (
        is_model
        or is_typed_dict
        or dataclasses.is_dataclass(value)
        or (issubclass(value, enum.Enum) and len(value) > 0)
    )


def _is_data(value: object) -> bool:
    return not isinstance(value, ModuleType | type | FunctionType | BuiltinFunctionType) and not _is_shell(value)


def _is_shell(value: object) -> bool:
    return type(value).__module__.startswith(("IPython.", "ipykernel."))


_FITS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "tool": _is_tool,
        "attachment": _is_attachment,
        "fragment": _is_fragment,
        "rows": _is_rows,
        "schema": _is_schema,
        "new-variable": _is_data,
    }
)
