"""Finds the questions of one turn that wait at the same time, and the position of a call among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.approvals.requests import DECIDED

if TYPE_CHECKING:
    from llm_notebook.transcript.blocks import CallBlock
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["place_in_series", "series_of"]


def series_of(view: TranscriptView) -> list[CallBlock]:
    """Return the calls about which a human is asked, and those that were decided and wait for the others; empty if none is open."""
    asked = [block for block in view.calls if block.request is not None and block.result is None]
    found = [block for block in asked if block.is_asked or (block.status in DECIDED and block.decision is not None)]
    return found if any(block.is_asked for block in found) else []


def place_in_series(block: CallBlock, view: TranscriptView) -> str:
    """Return a call's position among several questions, such as `1 of 3`; empty if it is the only question, or none."""
    if len(view.calls) < 2:
        return ""
    series = series_of(view)
    if len(series) < 2 or block not in series:
        return ""
    return f"{next(at for at, one in enumerate(series, 1) if one is block)} of {len(series)}"
