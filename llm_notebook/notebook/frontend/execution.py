"""What a front end says about the current execution: which notebook it is in, which cell it runs, and whether the notebook was renamed.

Our extension puts the notebook's current path into the metadata of every execute request, under `llm_notebook`:

    {"path": "2025.ipynb", "root": "~/work", "was": "2024.ipynb", "model": "gpt-5-mini"}

`path` is relative to `root`, the server's folder. `was` is the path before the file was renamed, and is sent until the kernel has been told.
`model` is the model that was chosen for the notebook. All of this is known for every request, including queued ones. Other front ends send
nothing of the kind. For them there is only the path that the kernel was started with, which does not change when the file is renamed or
copied, and which a second notebook on the same kernel shares.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request, kernel_session

__all__ = ["Execution", "current_execution", "is_renamed"]

_LONGEST_MODEL = 200


@dataclass(slots=True, frozen=True)
class Execution:
    """One execution of a cell. Attributes that are not known are empty.

    Attributes:
        name: the id of its request, or its number.
        cell: identifies the cell within this kernel: the id that the front end sends, or the cell's text if there is none. In a
            terminal, under nbclient and at the click of a button, nothing is ever run again, so every execution there counts as a
            cell of its own: the same words typed twice are two turns.
        cell_id: the id that the front end sends.
        notebook: the notebook's path, if it was sent with this execution.
        renamed_from: the notebook's previous path, if it was renamed since the kernel last heard of it.
        started_in: the path that the kernel was started with, if no path was sent.
        text: a digest of the cell's text, without the keys that were typed with `--key`.
        session: the name of the kernel's session.
        number: the number of the execution in the notebook, as in `[5]`; 0 if it has none.
        model: the model of the notebook, for prompts that name none.
    """

    name: str
    cell: str
    cell_id: str = ""
    notebook: str = ""
    renamed_from: str = ""
    started_in: str = ""
    text: str = ""
    session: str = ""
    number: int = 0
    model: str = ""


class _Terminal:
    """A unique name for this process. Its process id would not do: the system reuses ids, and another container may have the same."""

    def __init__(self) -> None:
        self.name = f"terminal-{secrets.token_hex(16)}"


def current_execution(shell: InteractiveShell) -> Execution:
    """Return the current execution."""
    from llm_notebook.notebook.line.typed_keys import without_keys  # loads how lines are parsed

    request = current_request(shell)
    session = kernel_session(shell) or process.of(_Terminal).name
    cell_id = "" if request is None else cell_id_of(request.message)
    number = _number(shell)
    if request is None:
        name = str(shell.execution_count)
        return Execution(name, f"number:{name}", session=session, number=number)
    content, metadata = _dict(request.message, "content"), _dict(request.message, "metadata")
    name = _text(_dict(request.message, "header"), "msg_id")
    sent = _dict(metadata, "llm_notebook")
    # Whoever wrote the notebook chose it, so it may have any length. A name that is cut is that of no model.
    model = _text(sent, "model")[:_LONGEST_MODEL]
    notebook, was, started_in = _path(sent, "path"), _path(sent, "was"), _path_at_start(shell)
    code = content.get("code")
    text = without_keys(code) if isinstance(code, str) else None
    if cell_id:
        cell = f"id:{cell_id}"
    elif text is not None and content.get("allow_stdin", True):
        cell = f"text:{text}"
    else:
        cell = f"execution:{name}"
    return Execution(
        name,
        cell,
        cell_id,
        notebook,
        was if notebook else "",
        "" if notebook else started_in,
        "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        session,
        number,
        model,
    )


def is_renamed(shell: InteractiveShell) -> bool:
    """Return whether the front end says that the notebook was renamed since the kernel last heard of it."""
    request = current_request(shell)
    metadata = None if request is None else request.message.get("metadata")
    sent = metadata.get("llm_notebook") if isinstance(metadata, dict) else None
    return isinstance(sent, dict) and bool(_text(sent, "was"))


def _number(shell: InteractiveShell) -> int:
    """Return the number of the running cell. Depending on the version, `shell.execution_count` may already be the next one."""
    history = shell.history_manager
    return 0 if history is None else max(0, len(history.input_hist_parsed) - 1)


def _path_at_start(shell: InteractiveShell) -> str:
    path = str(shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", ""))
    # The kernel of a console has a session name too, but that is not the path of a notebook.
    return path if path.endswith(".ipynb") else ""


def _path(sent: Mapping[str, Any], name: str) -> str:
    """Return a path that the front end sent, with the server's folder in front: notebooks in two folders may have the same relative path."""
    path, root = _text(sent, name), _text(sent, "root")
    return posixpath.join(os.path.expanduser(root), path) if path and root else path


def _dict(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
