"""The cells that our extension sends with the request that runs a cell: all of them, unsaved ones included, in the order of the notebook.

They are in the metadata of the request, where the notebook's path is (see `frontend.execution`), so they are those of the notebook that
asks, at the moment at which its cell was run. A page may send anything, so what has not the expected shape is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.context.cells import Answer, CellOutput, NotebookCell
from llm_notebook.notebook.frontend.kernel import cell_id_of, current_request
from llm_notebook.objects.html_text import html_text
from llm_notebook.parts.attachments import Attachment

__all__ = ["cells_of_page"]

FindAnswer = Callable[[str], "Answer | None"]
"""Returns the answer that a transcript shows, by the transcript's id; None if neither this kernel nor its journal knows it."""

_PICTURES = ("image/png", "image/jpeg")
_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_NAMES = {
    "application/vnd.jupyter.widget-view+json": "a widget",
    "text/latex": "a formula",
    "image/svg+xml": "a drawing",
}


def cells_of_page(shell: InteractiveShell, find: FindAnswer) -> tuple[list[NotebookCell], int] | None:
    """Return (the cells without the one that runs, how many of them are above it); None if the front end has not sent them.

    Args:
        shell: the shell.
        find: finds the answers of models among their outputs.
    """
    request = current_request(shell)
    metadata = {} if request is None else request.message.get("metadata")
    sent = metadata.get("llm_notebook") if isinstance(metadata, dict) else None
    listed = sent.get("cells") if isinstance(sent, dict) else None
    if request is None or not isinstance(listed, list):
        return None
    known = [cell for cell in listed if isinstance(cell, dict) and isinstance(cell.get("source"), str)]
    running = cell_id_of(request.message)
    here = next((at for at, cell in enumerate(known) if cell.get("id") == running), len(known))
    return [_cell(cell, find) for at, cell in enumerate(known) if at != here], here


def _cell(sent: Mapping[str, Any], find: FindAnswer) -> NotebookCell:
    kind = sent.get("type")
    number = sent.get("number")
    tags = sent.get("tags")
    outputs, length = sent.get("outputs"), sent.get("length")
    return NotebookCell(
        sent["source"],
        str(sent.get("id", "")),
        kind if kind in ("markdown", "raw") else "code",
        number if isinstance(number, int) else 0,
        tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        [found for output in outputs for found in _output(output, find)] if isinstance(outputs, list) else (),
        length if isinstance(length, int) else 0,
    )


def _output(sent: object, find: FindAnswer) -> Iterator[CellOutput]:
    if not isinstance(sent, dict):
        return
    data = {
        name: text for name, text in cast("dict[str, Any]", sent.get("data") or {}).items() if isinstance(text, str)
    }
    transcript, length = sent.get("transcript"), sent.get("length")
    length = length if isinstance(length, int) else 0
    if isinstance(transcript, str):
        answer = find(transcript)
        other = CellOutput("other", "an answer that neither this kernel nor its journal knows")
        yield other if answer is None else CellOutput("answer", answer=answer)
    elif isinstance(error := sent.get("error"), str):
        yield CellOutput("error", _COLOURS.sub("", error), length)
    elif picture := next((kind for kind in _PICTURES if kind in data), None):
        yield CellOutput("picture", picture=Attachment(url=f"data:{picture};base64,{data[picture]}").settled())
    elif text := data.get("text/markdown") or data.get("text/plain"):
        yield CellOutput("text", _COLOURS.sub("", text), length)
    elif page := data.get("text/html"):
        yield CellOutput("text", html_text(page), length)
    elif isinstance(kind := sent.get("other"), str):
        yield CellOutput("other", f"{_NAMES.get(kind, kind[:100] or 'an output')}, without text")
