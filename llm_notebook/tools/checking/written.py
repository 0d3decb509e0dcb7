"""The arguments of a tool call as a model writes them: JSON text that is usually an object, but may be anything.

Text that is not a JSON object is kept as `{"_raw": text}`, so that the call can be sent back to the model in every wire format. Such a call
is never run, and nobody is asked to approve it: its result is an error that says what is wrong, and the model tries again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from llm_notebook.errors import ToolArgumentError
from llm_notebook.parts.json_values import safe_repr
from llm_notebook.parts.messages import RAW_ARGUMENTS

__all__ = ["is_parsed", "keep_arguments", "parse_arguments", "require_parsed", "writable_arguments"]


def writable_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a plugin's arguments, or `{"_raw": text}` if they cannot be written, such as a huge integer or a circular reference."""
    # Keys that are not strings, and deep nesting, are dealt with when the call is prepared.
    with suppress(TypeError, RecursionError):
        try:
            json.dumps(arguments, default=safe_repr)
        except ValueError:
            return {RAW_ARGUMENTS: safe_repr(arguments)}
    return arguments


def keep_arguments(text: object) -> dict[str, Any]:
    """Return a call's arguments from what a model wrote, or `{"_raw": text}` if that is not a JSON object. Never raises."""
    if isinstance(text, dict):
        return text
    raw = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=repr)
    try:
        return parse_arguments("", raw)
    except ToolArgumentError:
        return {RAW_ARGUMENTS: raw}


def is_parsed(arguments: object) -> bool:
    """Return whether arguments were parsed, and are not text that `keep_arguments()` kept."""
    try:
        require_parsed("", arguments)
    except ToolArgumentError:
        return False
    return True


def require_parsed(tool_name: str, arguments: object) -> None:
    """Raise a ToolArgumentError for arguments that `keep_arguments()` kept as text."""
    if isinstance(arguments, dict) and len(arguments) == 1 and isinstance(arguments.get(RAW_ARGUMENTS), str):
        parse_arguments(tool_name, arguments[RAW_ARGUMENTS])


def parse_arguments(tool_name: str, text: str) -> dict[str, Any]:
    """Return a tool call's arguments from the JSON text that a model wrote; no text means no arguments.

    Raises:
        ToolArgumentError: the text is not a JSON object.
    """
    if not text.strip():
        return {}
    try:
        arguments = json.loads(text)
        if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
            # Some servers encode their JSON twice.
            arguments = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        problem = f"are not valid JSON ({error})"
    else:
        if isinstance(arguments, dict):
            return arguments
        problem = f"are not a JSON object but {type(arguments).__name__}"
    shown = text if len(text) <= 200 else text[:200] + "…"
    sentence = f"The model called {tool_name or 'a tool'} with arguments that {problem}: {shown}"
    raise ToolArgumentError(
        # The model's text may have line breaks, but an error is a single line.
        " ".join(sentence.split()),
        tool_name=tool_name,
        raw=text,
    )
