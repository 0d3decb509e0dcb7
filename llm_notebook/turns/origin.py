"""Where a prompt is asked: in which notebook and cell, as which of the cell's prompts, and with which request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.journal.grants import Scope, cell_place
from llm_notebook.journal.operations import TurnBegun

__all__ = ["Origin", "origin_of"]


@dataclass(slots=True, frozen=True)
class Origin:
    """Where a prompt is asked. What is not known is empty.

    Attributes:
        cell_id: the cell's id, as the front end sent it with the execution.
        notebook: the notebook's path, as the front end sent it with the execution.
        session: the kernel.
        text: what the user typed.
        who: who decides here, for the record.
        keeps: whether what is asked here goes into the journal.
        started_in: if no path was sent, the path with which the kernel was started. It may be out of date, or that of another
            notebook on the same kernel.
        place: how many prompts this execution of the cell had asked before this one.
        request: a digest of the request as rendered.
        cell_text: a digest of the cell's whole text.
        number: the number of the execution that asked, as the notebook shows it beside the cell; 0 if it has none.
        makers: which cells define the tools, by the tool's name, as JSON values (see `notebook/prompts/makers.py`).
        rows: the run over rows to which this prompt belongs.
    """

    cell_id: str = ""
    notebook: str = ""
    session: str = ""
    text: str = ""
    who: str = "you"
    keeps: bool = True
    started_in: str = ""
    place: int = 0
    request: str = ""
    cell_text: str = ""
    number: int = 0
    makers: Mapping[str, Any] = field(default_factory=dict)
    rows: str = ""

    def settings(self) -> dict[str, Any]:
        """Return the part of this that a turn's settings record, without what is not known."""
        kept = {"text": self.text, "cell_text": self.cell_text, "cell_number": self.number, "makers": dict(self.makers)}
        return {name: value for name, value in kept.items() if value}

    @property
    def path(self) -> str:
        """The path of the notebook, as far as it is known."""
        return self.notebook or self.started_in

    @property
    def cell(self) -> tuple[str, str, str]:
        """What distinguishes the cell from all others: its notebook, as far as it is known, and its id."""
        return (self.notebook, self.started_in, self.cell_id)

    def is_cell_of(self, other: Origin) -> bool:
        """Return whether both are in the same cell of the same notebook.

        A copy of a notebook has the same cell ids. So if no path is known, ids can be compared only within one kernel, or if they are
        addresses, as in VS Code.
        """
        is_known = bool(self.path) or ":" in self.cell_id or (bool(self.session) and self.session == other.session)
        return is_known and bool(self.cell_id) and self.cell == other.cell

    def repeats(self, other: Origin) -> bool:
        """Return whether both are the same request at the same position in the same cell."""
        return self.is_cell_of(other) and (self.place, self.request) == (other.place, other.request)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that a grant can have here."""
        known: tuple[Scope, ...] = ("cell", "notebook", "session")
        return tuple(scope for scope in known if self.reach(scope))

    def reach(self, scope: Scope) -> str:
        """Return the cell, notebook or session to which a grant of this scope is bound; empty if there can be no such grant.

        The path with which a kernel was started does not count here. If no other path is known, a grant for a cell ends with the kernel.
        """
        if scope == "notebook":
            return self.notebook
        if scope == "session":
            return self.session
        container = self.notebook or (f"kernel {self.session}" if self.session else "")
        return cell_place(container, self.cell_id, self.cell_text) if container and self.cell_id else ""

    def ends(self, scope: Scope) -> bool:
        """Return whether a grant of this scope ends with the kernel."""
        return scope == "session" or not self.notebook


def origin_of(begun: TurnBegun) -> Origin:
    """Return where a turn of the journal was asked. Its kernel is not known, so there are no grants for the session."""
    return Origin(
        begun.cell_id or "",
        begun.notebook or "",
        text=begun.settings.get("text", ""),
        started_in=begun.started_in or "",
        place=begun.place,
        request=begun.request,
        cell_text=begun.settings.get("cell_text", ""),
        number=begun.settings.get("cell_number", 0),
        makers=begun.settings.get("makers", {}),
        rows=begun.rows or "",
    )
