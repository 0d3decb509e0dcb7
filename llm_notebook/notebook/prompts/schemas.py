"""Finds the schema that `--schema` names: a class of the notebook, a dict, a file, JSON text, or the concise syntax."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.tools.schemas import schema_of

__all__ = ["find_schema"]

_LARGEST_FILE = 1_000_000  # bytes


def find_schema(given: str, names: Mapping[str, Any], option: str) -> tuple[dict[str, Any], object]:
    """Return (the JSON Schema, the class or annotation that it was made from or None).

    A name of the notebook comes first, then a file, then JSON text. Anything else is read as the concise syntax.

    Args:
        given: what was typed.
        names: the variables of the notebook.
        option: the option, for error messages.

    Raises:
        CellError: it is none of these, or cannot be read.
    """
    text = given.strip()
    source: object = names[text] if text in names else _expression(text, names)
    if source is None:
        source = _file(text)
    if source is None:
        _refuse_lone_name(text, names, option)
        source = text
    try:
        schema = schema_of(source)
    except (ValueError, TypeError) as error:
        raise CellError(f"{option} cannot be used: {_one_line(error)} Nothing was sent.") from None
    except Exception as error:
        # pydantic has errors of its own for classes from which no schema can be made.
        raise CellError(f"No schema can be made of {text}: {_one_line(error)} Nothing was sent.") from None
    return schema, None if isinstance(source, dict | str) else source


def _expression(text: str, names: Mapping[str, Any]) -> object:
    """Return the value of an expression such as `models.Dog` or `list[Dog]`; None if it names nothing in the notebook."""
    root = text.partition(".")[0].partition("[")[0]
    is_expression = root.isidentifier() and (text != root) and " " not in text.partition("[")[0]
    if not is_expression or not (root in names or text.startswith(("list[", "dict["))):
        return None
    try:
        value = eval(text, dict(names))
    except Exception:
        return None
    is_schema = isinstance(value, dict | type) or typing.get_origin(value) is not None
    return value if is_schema else None


def _file(text: str) -> dict[str, Any] | None:
    path = Path(text).expanduser()
    if "\n" in text or path.suffix.lower() != ".json":
        return None
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CellError(f"The schema in {text} is larger than 1 MB. Nothing was sent.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CellError(f"There is no schema file {text}. Nothing was sent.") from None
    except OSError as error:
        raise CellError(f"The schema in {text} cannot be read ({error.strerror}). Nothing was sent.") from None
    except ValueError as error:
        raise CellError(f"The schema in {text} is not valid JSON ({_one_line(error)}). Nothing was sent.") from None
    if not isinstance(found, dict):
        raise CellError(f"The schema in {text} is no JSON object. Nothing was sent.")
    return found


def _refuse_lone_name(text: str, names: Mapping[str, Any], option: str) -> None:
    """Refuse what looks like the name of a missing class: `Persn` would otherwise be a schema with a single field of that name."""
    if text.isidentifier() and (text[:1].isupper() or nearest(text, _classes(names), cutoff=0.8)):
        raise CellError(
            f"Nothing is called {text}, which {option} names.{nearest(text, _classes(names))} For a schema with that one"
            f" field, write '{text} str'. Nothing was sent."
        )


def _classes(names: Mapping[str, Any]) -> list[str]:
    return [name for name, value in names.items() if isinstance(value, dict | type) and not name.startswith("_")]


def _one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    said = said if len(said) <= 200 else said[:199] + "…"
    return said if said.endswith(".") else f"{said}."
