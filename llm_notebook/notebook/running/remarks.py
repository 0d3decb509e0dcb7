"""Our own sentences under an answer, each of which is there once, however often its turn is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["KERNEL_ENDS", "SESSION_ENDS", "add_remark", "drop_remarks"]

_ENDS = "This question is not in the journal: it ends with the {}."
KERNEL_ENDS, SESSION_ENDS = _ENDS.format("kernel"), _ENDS.format("session")
"""Said of a question that only this process knows, in a kernel and in a terminal."""


def add_remark(view: TranscriptView, said: str) -> None:
    """Say a sentence of a turn, below all others."""
    drop_remarks(view, said)
    view.remarks = [*view.remarks, said]


def drop_remarks(view: TranscriptView, *said: str) -> None:
    """Say these sentences of a turn no more."""
    view.remarks = [remark for remark in view.remarks if remark not in said]
