"""Grants: tools that a human always allows in a cell, a notebook or a session."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Grant", "Scope", "cell_place", "renamed_cell_place"]

Scope = Literal["cell", "notebook", "session"]


@dataclass(slots=True, frozen=True)
class Grant:
    """An "always allow": calls of one tool run without a question.

    Attributes:
        grant_id: a ULID.
        tool_name: the name of the tool, for people.
        identity: the identity of the tool to which the grant is bound (see `approvals.consent`).
        scope: whether the grant is for a cell, a notebook or a session.
        place: the cell, notebook or session: what `cell_place()` returns, a notebook's path, or the id of a kernel session.
        who, at: who gave the grant, and when.
        revoked_at: when the grant was revoked; None while it is in force.
        notebook: the path of the notebook in which it was given, for people; empty if it is not known.
        owner: the name of the lock of the process with which the grant ends (see `Journal.owner`); empty if it outlasts the process.
    """

    grant_id: str
    tool_name: str
    identity: str
    scope: Scope
    place: str
    who: str
    at: datetime
    revoked_at: datetime | None = None
    notebook: str = ""
    owner: str = ""


def cell_place(container: str, cell_id: str, text: str) -> str:
    """Return the `place` of a grant for a cell.

    Args:
        container: the path of the cell's notebook; if it is not known, a text that cannot be a path.
        cell_id: the cell's id.
        text: a digest of the cell's text.
    """
    return json.dumps((container, cell_id, text))


def renamed_cell_place(place: str, before: str, after: str) -> str:
    """Return the `place` of a grant for a cell after a notebook's file was renamed."""
    beginning = f"{json.dumps((before,))[:-1]}, "
    return f"{json.dumps((after,))[:-1]}, {place.removeprefix(beginning)}" if place.startswith(beginning) else place
