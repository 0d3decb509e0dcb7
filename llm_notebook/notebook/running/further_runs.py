"""Prepares the run that a reader asks for after a turn has ended badly: the rest of the answer, a new one, or another model's.

Each function but the last returns a function that makes the chain to read, or None if the turn allows no such run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.notebook.running.failures import install_local_model
from llm_notebook.notebook.running.remarks import add_remark
from llm_notebook.parts.messages import user
from llm_notebook.transcript.endings import GO_ON, can_go_on
from llm_notebook.turns.plan import open_log

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.running.live_turn import LiveTurn, Resume
    from llm_notebook.notebook.running.live_turns import LiveTurns
    from llm_notebook.turns.pauses import PausedChain

__all__ = ["APART", "ask_another", "continue_answer", "start_over", "without_chain"]

APART = ("install", "continue")
"""The kinds of actions that may be performed without reading a chain."""

_ASKED_ELSEWHERE = "To start over, run the cell again: another kernel asked this."


def continue_answer(turn: LiveTurn, paused: PausedChain | None) -> Resume | None:
    """Prepare the run that continues a turn: its open calls first, or else an answer that was cut off.

    Args:
        turn: the turn.
        paused: the paused chain that it continues from; None if there is none.
    """
    is_paused_by_provider = turn.view.finish == "pause"
    if paused is not None and (turn.view.open_calls or paused.has_open_calls or is_paused_by_provider):
        return paused.resume
    if not can_go_on(turn.view):
        return None
    # A chain of this kernel knows what arrived. For a chain of another kernel, the journal does.
    chain = turn.chain._chain if turn.chain is not None else None
    if chain is not None and chain.latest is not None:
        asked, history, log, plan = chain.prompt, chain.messages(), chain.log, chain.plan
    elif paused is not None:
        asked, history, log, plan = paused.prompt, paused.messages, paused.log, paused.plan
    else:
        return None
    following = asked.continued([*history, user(GO_ON)], asked.tool_sources)
    return lambda: cast("ChainResponse", plan.model._chain(following, plan, log))


def start_over(turn: LiveTurn) -> Resume | None:
    """Prepare a run that asks the whole prompt again, into the same transcript."""
    chain = turn.chain
    if not can_go_on(turn.view):
        return None
    if chain is None:
        add_remark(turn.view, _ASKED_ELSEWHERE)
        return None

    def again() -> ChainResponse:
        turn.feed.start_over()
        plan = chain._chain.plan
        log = open_log(plan.conversation)
        # The notebook may have been renamed in the meantime.
        log.origin = chain._chain.log.origin
        # The new rounds belong to the same transcript, under the id by which a later kernel will look for it.
        log.chain_id = turn.view.id
        return cast("ChainResponse", plan.model._chain(chain.prompt, plan, log))

    return again


def ask_another(turn: LiveTurn, model_id: str) -> Resume | None:
    """Prepare a run, in the same transcript, that asks a model offered by the turn's problem.

    Args:
        turn: the turn.
        model_id: the id of the model.
    """
    problem, ask_with = turn.view.problem, turn.ask_with
    if problem is None or ask_with is None or model_id not in {way.model for way in problem.ways if way.model}:
        return None

    def ask() -> ChainResponse:
        chain, turn.context = ask_with(model_id)
        turn.feed.start_over()
        turn.view.model_id = chain.prompt.model.model_id
        chain._chain.log.chain_id = turn.view.id
        return chain

    return ask


def without_chain(turns: LiveTurns, turn: LiveTurn, action: Mapping[str, Any]) -> Callable[[], None] | None:
    """Return a function that performs an action without reading a chain; None if the action has to read one.

    Args:
        turns: the turns of the shell.
        turn: the turn that the action is about.
        action: what the reader does.
    """
    if action["type"] == "install":
        return lambda: install_local_model(turns, turn)
    again, beside = turn.again, turn.view.beside
    job = None if beside is None else beside.job
    # When a second click arrives, the run is already under way or over.
    if action["type"] == "continue" and again is not None and job is not None and job.can_go_on and not turn.is_running:
        return lambda: again(turn)
    return None
