"""A cell of the notebook as it may go with a prompt, whatever it is known from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llm_notebook.parts.attachments import Attachment

__all__ = ["Answer", "CellOutput", "NotebookCell", "chosen_cells", "why_hidden"]

HIDE_TAG = "llm-hide"
_HIDE = re.compile(r"^[ \t]*#[ \t]*llm:[ \t]*hide\b|<!--[ \t]*llm:[ \t]*hide\b", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True, frozen=True)
class Answer:
    """What a model answered in a cell.

    Attributes:
        question: the prompt.
        text: the answer; empty if none is known.
        calls: how many tool calls led to it.
    """

    question: str
    text: str
    calls: int = 0


@dataclass(slots=True, frozen=True)
class CellOutput:
    """One output of a cell.

    Attributes:
        kind: what it is; an `other` one is nothing that a model reads.
        text: its text, or of an `other` one what it is called.
        length: how many characters it has in all, where `text` is only its beginning; 0 where it is all of it.
        picture: the picture.
        answer: the answer.
    """

    kind: Literal["text", "error", "picture", "answer", "other"]
    text: str = ""
    length: int = 0
    picture: Attachment | None = None
    answer: Answer | None = None


@dataclass(slots=True, frozen=True)
class NotebookCell:
    """One cell.

    Attributes:
        source: its text.
        id: its id, where a page has sent it.
        kind: what the notebook calls it.
        number: the number of its execution; 0 if it has not run.
        tags: its tags.
        outputs: what it has shown.
        length: how many characters its text has in all, where `source` is only its beginning; 0 where it is all of it.
    """

    source: str
    id: str = ""
    kind: Literal["code", "markdown", "raw"] = "code"
    number: int = 0
    tags: tuple[str, ...] = ()
    outputs: Sequence[CellOutput] = ()
    length: int = 0

    @property
    def name(self) -> str:
        """What it is called in the record."""
        return (f"[{self.number}]" if self.number else "[ ]") if self.kind == "code" else f"[{self.kind}]"


def why_hidden(cell: NotebookCell) -> str:
    """Return what marks a cell as one that never goes; empty if nothing does."""
    if HIDE_TAG in cell.tags:
        return f"tagged {HIDE_TAG}"
    return "marked # llm: hide" if _HIDE.search(cell.source) else ""


def chosen_cells(cells: Sequence[NotebookCell], here: int, context: str) -> list[NotebookCell]:
    """Return the cells that are asked for, in order, without empty ones.

    Args:
        cells: all cells but the one that asks.
        here: how many of them are above it.
        context: `above`, `all`, `none` or a number.
    """
    above = [cell for cell in cells[:here] if cell.source.strip() or cell.length]
    if context == "none":
        return []
    if context == "all":
        return [*above, *(cell for cell in cells[here:] if cell.source.strip() or cell.length)]
    return above if context == "above" else above[max(0, len(above) - int(context)) :]
