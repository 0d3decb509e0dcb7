"""Asks a whole prompt once more, into the transcript that shows how it broke off."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from llm_notebook.turns.plan import open_log

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.live_turn import LiveTurn
    from llm_notebook.notebook.live_turns import Resume

__all__ = ["start_over"]

_ASKED_ELSEWHERE = "To start over, run the cell again: another kernel asked this."


def start_over(turn: LiveTurn) -> Resume | None:
    """Return what makes the chain that asks the prompt of a turn again; None if it ended well, or another kernel asked it."""
    chain = turn.chain
    if turn.view.state not in ("interrupted", "failed"):
        return None
    if chain is None:
        turn.view.remarks = [*(said for said in turn.view.remarks if said != _ASKED_ELSEWHERE), _ASKED_ELSEWHERE]
        return None

    def again() -> ChainResponse:
        turn.feed.start_over()
        plan = chain._chain.plan
        log = open_log(plan.conversation)
        # The notebook may have been renamed since.
        log.origin = chain._chain.log.origin
        # The new rounds belong to the same transcript, under the id by which a later kernel looks for it.
        log.chain_id = turn.view.id
        return cast("ChainResponse", plan.model._chain(chain.prompt, plan, log))

    return again
