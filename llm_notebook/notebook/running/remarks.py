"""Our own sentences under an answer. Each appears only once, however often the turn is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["KERNEL_ENDS", "SESSION_ENDS", "add_remark", "drop_remarks"]

_ENDS = "This question is not in the journal: it ends with the {}."
KERNEL_ENDS, SESSION_ENDS = _ENDS.format("kernel"), _ENDS.format("session")
"""The sentences about a question that only this process knows: in a kernel, and in a terminal."""


def add_remark(view: TranscriptView, said: str) -> None:
    """Add a sentence to a turn, below all others."""
    drop_remarks(view, said)
    view.remarks = [*view.remarks, said]


def drop_remarks(view: TranscriptView, *said: str) -> None:
    """Remove these sentences from a turn."""
    view.remarks = [remark for remark in view.remarks if remark not in said]
