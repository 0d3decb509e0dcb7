"""Changing the arguments of a call by keyboard: in the user's editor if there is one, otherwise in place.

Both show JSON in which every invisible or direction-changing character, such as `\\u202e`, is escaped, so that what is read is what runs.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llm_notebook.notebook.display.encoding import write
from llm_notebook.transcript.visible import visible

__all__ = ["edited", "editor", "json_to_edit"]

_LONGEST_LINE = 4_000
_NOT_PLAIN = re.compile(r"[^\n\x20-\x7e]")


def editor() -> str:
    """Return the user's editor, as `$VISUAL` or `$EDITOR` names it; empty if there is none, or no terminal that it could use."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    return named if sys.stdin is not None and sys.stdin.isatty() else ""


def edited(arguments: dict[str, Any], read_line: Callable[[str], str]) -> dict[str, Any]:
    """Let a human change arguments, and return the new ones.

    Args:
        arguments: the current arguments.
        read_line: asks for a line.

    Raises:
        ValueError: the text is not a JSON object, nothing was changed, or the editor could not be used.
        KeyboardInterrupt, EOFError: the human gave up.
    """
    named = editor()
    text = _from_editor(named, json_to_edit(arguments, indent=2)) if named else _in_place(arguments, read_line)
    value = _object(text)
    if value == arguments:
        raise ValueError("The arguments are as they were.")
    return value


def json_to_edit(arguments: dict[str, Any], *, indent: int | None = None) -> str:
    """Return arguments as JSON in which every character is visible, and which reads back as the same arguments."""
    text = json.dumps(arguments, ensure_ascii=False, indent=indent)
    return _NOT_PLAIN.sub(lambda found: found[0] if visible(found[0]) == found[0] else json.dumps(found[0])[1:-1], text)


def _from_editor(named: str, text: str) -> str:
    # The folder is the user's alone, so that nobody else can read or change the arguments in the meantime.
    with tempfile.TemporaryDirectory(prefix="llm-notebook-") as folder:
        file = Path(folder, "arguments.json")
        file.write_text(text + "\n", encoding="utf-8")
        try:
            status = subprocess.run([*shlex.split(named), str(file)], check=False).returncode  # noqa: S603  the user's own
        except (OSError, ValueError) as error:
            raise ValueError(f"The editor {visible(named)} cannot be started ({error}).") from None
        if status:
            raise ValueError(f"The editor {visible(named)} ended with the status {status}.")
        try:
            return file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"What the editor left cannot be read: {error}.") from None


def _in_place(arguments: dict[str, Any], read_line: Callable[[str], str]) -> str:
    """Ask for a line that is filled in with the arguments, if the terminal can do that; otherwise show them above the line."""
    is_terminal = sys.stdin is not None and sys.stdin.isatty()
    try:
        import readline  # changes how input() reads, so it is loaded only where somebody edits
    except ImportError:
        is_terminal = False
    if not is_terminal:
        write(f"{json_to_edit(arguments, indent=2)}\n")
        return read_line("New arguments, as JSON: ")
    text = json_to_edit(arguments)
    if len(text) > _LONGEST_LINE:
        raise ValueError("The arguments are too long for one line: set the environment variable EDITOR to your editor.")
    readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return read_line("Arguments: ")
    finally:
        readline.set_startup_hook(None)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"That is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValueError('The arguments are an object, such as {"path": "/tmp"}.')
    return value
