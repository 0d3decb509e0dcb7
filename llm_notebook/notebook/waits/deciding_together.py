"""One decision about all questions of a turn: what it needs before it counts, and how it is kept in a single transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import JournalError
from llm_notebook.models.stored.resuming import AbsentModel
from llm_notebook.notebook.waits.deciding import problem_with, renew, show_calls, show_settled, was_displayed

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import Verdict
    from llm_notebook.notebook.running.live_turn import LiveTurn, Resume
    from llm_notebook.transcript.blocks import CallBlock
    from llm_notebook.turns.pauses import PausedChain

__all__ = ["decide_all", "is_about_all"]


def is_about_all(turn: LiveTurn, action: Mapping[str, Any]) -> bool:
    """Return whether a decision names every open question of a turn exactly once, each with what its reader saw of it.

    None of the calls may have run already, because a denial would then not be true. All can be approved at once only if none is destructive
    or has changed.
    """
    verdict, calls = action.get("verdict"), action.get("calls")
    blocks = turn.view.open_calls
    if verdict not in ("approved", "denied") or not isinstance(calls, list) or len(blocks) < 2:
        return False
    decisions = [{**call, "verdict": verdict} for call in calls if isinstance(call, dict)]
    if sorted(str(one.get("request")) for one in decisions) != sorted(block.call_id for block in blocks):
        return False
    if not all("shown" in one and was_displayed(turn, one) and _is_asked(blocks, one) for one in decisions):
        return False
    if any(block.status != "waiting" or block.request is None for block in blocks):
        return False
    requests = [block.request for block in blocks if block.request is not None]
    return verdict == "denied" or not any(request.destructive or request.changed for request in requests)


def _is_asked(blocks: Sequence[CallBlock], decision: Mapping[str, Any]) -> bool:
    """Return whether a decision has the digest of the question that it names."""
    return any(
        block.call_id == decision["request"]
        and block.request is not None
        and block.request.digest == decision.get("digest")
        for block in blocks
    )


def decide_all(turn: LiveTurn, paused: PausedChain | None, action: Mapping[str, Any]) -> Resume | None:
    """Keep a decision about all open questions of a turn, and return the function that makes the chain to read next.

    If one of them cannot be decided here, or has changed, none is decided: the cards say why, and None is returned.

    Args:
        turn: the turn.
        paused: the paused chain that it continues from; None if that cannot be loaded.
        action: the decision, for which `is_about_all()` is true.
    """
    verdict: Verdict = "approved" if action["verdict"] == "approved" else "denied"
    blocks = turn.view.open_calls
    requests = [block.request for block in blocks if block.request is not None]
    if paused is None or len(requests) < len(blocks):
        return None
    for block, request in zip(blocks, requests, strict=True):
        problem = problem_with(verdict, paused, request, paused.call(request))
        turn.view.mark_question(block.call_id, blocked=problem)
    if any(block.blocked for block in blocks):
        return None
    try:
        if verdict == "approved" and renew(turn, paused):
            return None
        counts = paused.settle_together(requests, verdict, str(action.get("text") or ""))
        ends = counts and isinstance(paused.plan.model, AbsentModel)
        for request in requests if ends else ():
            paused.conclude(request)
    except (ValueError, JournalError) as error:
        for block in blocks:
            turn.view.mark_question(block.call_id, refused=str(error))
        return None
    show_calls(turn, paused)
    if counts and not ends:
        return paused.resume
    show_settled(turn)
    return None
