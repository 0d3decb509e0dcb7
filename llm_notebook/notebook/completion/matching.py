"""Finds what Tab offers at the cursor of a cell, best first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from llm_notebook.errors import JournalError
from llm_notebook.notebook.completion.candidates import Candidate, candidates_of
from llm_notebook.notebook.completion.places import Place, place_in_cell
from llm_notebook.notebook.completion.words import quoted

__all__ = ["completions_in"]

# IPython keeps 500 of what it is given; nobody reads so many.
_MOST = 200


def completions_in(text: str, line: int, column: int, variables: dict[str, Any]) -> tuple[str, list[Candidate]] | None:
    """Return (what has been typed, what can replace it, best first) at the cursor; None if the line is not one of ours.

    Args:
        text: the cell.
        line, column: the position of the cursor, counted from 0.
        variables: the notebook's variables.
    """
    place = place_in_cell(text, line, column)
    if place is None:
        return None
    try:
        return place.typed, list(islice(_matching(place, candidates_of(place, variables)), _MOST))
    except JournalError:
        return place.typed, []


def _matching(place: Place, candidates: Iterable[Candidate]) -> Iterable[Candidate]:
    """Yield the candidates that begin with what has been typed, then those that contain it elsewhere, each only once."""
    typed = place.text.lower()
    elsewhere: dict[str, Candidate] = {}
    seen: set[str] = set()
    for candidate in candidates:
        text = candidate.text.lower()
        if candidate.text in seen or (not typed and text.startswith(".")):
            continue
        if text.startswith(typed):
            seen.add(candidate.text)
            yield Candidate(quoted(candidate.text, place.typed), candidate.kind)
        elif len(typed) > 1 and typed in text and not typed.startswith("-"):
            elsewhere.setdefault(candidate.text, candidate)
    for text, candidate in elsewhere.items():
        if text not in seen:
            yield Candidate(quoted(text, place.typed), candidate.kind)
