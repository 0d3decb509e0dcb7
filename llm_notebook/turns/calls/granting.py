"""Allows a tool for later calls too, after a human has chosen "always allow"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llm_notebook.approvals.running import inside_tool
from llm_notebook.journal.grants import Grant, Scope
from llm_notebook.parts.identifiers import new_id

if TYPE_CHECKING:
    from llm_notebook.turns.log import ChainLog

__all__ = ["new_grant"]


def new_grant(log: ChainLog, tool_name: str, identity: str, scope: Scope) -> Grant:
    """Return a grant that allows a tool for later calls too, in the cell, notebook or session that is asking. It is not recorded yet.

    Args:
        log: keeps the chain that is asking.
        tool_name: the name of the tool.
        identity: the digest of what it is.
        scope: where it applies: the cell, the notebook or the session.

    Raises:
        RuntimeError: a tool is asking.
        ValueError: no journal is open, or the cell, notebook or session is not known.
    """
    if inside_tool():
        raise RuntimeError("A tool cannot allow anything: only a human can.")
    origin, place = log.origin, log.origin.reach(scope)
    if log.journal is None or not place:
        raise ValueError(f"Nothing can be allowed for a whole {scope} here: there is no journal or no {scope}.")
    return Grant(
        new_id(),
        tool_name,
        identity,
        scope,
        place,
        origin.who,
        datetime.now(UTC),
        notebook=origin.notebook or origin.started_in,
        owner=log.journal.owner if origin.ends(scope) else "",
    )
