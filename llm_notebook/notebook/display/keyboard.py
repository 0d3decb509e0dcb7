"""Asks a human by keyboard whether a tool call may run: in a terminal, and with `--wait`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import JournalError, ToolArgumentError
from llm_notebook.models.pauses import PauseChain
from llm_notebook.notebook.deciding import show_calls
from llm_notebook.notebook.live_turn import LiveTurn
from llm_notebook.transcript.requests import value_text
from llm_notebook.transcript.visible import terminal_safe, visible
from llm_notebook.turns.pauses import PausedChain

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.models.chain_responses import ChainResponse

__all__ = ["ask_by_keyboard"]


def ask_by_keyboard(turn: LiveTurn, pause: PauseChain) -> ChainResponse | None:
    """Ask about one question after the other, each until a key decides.

    Args:
        turn: shows what was decided.
        pause: the pause of the chain; the transcript shows the questions already.

    Returns:
        The chain that continues, or None if the human leaves a question open.
    """
    requests = pause.requests
    for number, request in enumerate(requests, start=1):
        place = f"{number} of {len(requests)} " if len(requests) > 1 else ""
        chain = _ask(request, pause, place) if _is_open(request, pause) else pause.resume()
        if pause.paused is not None:
            show_calls(turn, pause.paused)
        if chain is None:
            return None
    # A hook that pauses after its call has run leaves nothing to ask.
    return pause.resume()


def _is_open(request: ApprovalRequest, pause: PauseChain) -> bool:
    """Return whether a question waits, which a key for an earlier one may have decided: "always" covers every call of its tool."""
    call = pause.paused.call(request) if pause.paused is not None else None
    return call is not None and call.state in ("waiting", "unknown")


def _ask(request: ApprovalRequest, pause: PauseChain, place: str) -> ChainResponse | None:
    assert pause.paused is not None
    question = place + _choices(request, pause.paused)
    while True:
        try:
            key = _read_line(question).strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        try:
            if (chain := _decide(key, request, pause)) is not None:
                return chain
        except (ValueError, ToolArgumentError, JournalError) as error:
            _write(f"{error} Nothing was decided.")
        if key in ("q", "later"):
            return None


def _choices(request: ApprovalRequest, paused: PausedChain) -> str:
    if request.outcome_unknown:
        ways = ["y run it again", "s it ran: say what came of it", "n do not run it again", "q later"]
    else:
        ways = ["y run it", "n do not", "e edit the arguments", "r say why not", "s answer in its place"]
        ways += ["a always in this session"] if "session" in paused.log.scopes and not request.destructive else []
        ways += ["q later"]
    return f"{visible(request.tool_name)}? {', '.join(ways)}: "


def _decide(key: str, request: ApprovalRequest, pause: PauseChain) -> ChainResponse | None:
    """Decide as the key says, after asking for the text that some keys need.

    Returns:
        The chain that continues, or None if the key decides nothing.

    Raises:
        ValueError: the typed text is no JSON object, or the decision comes too late.
        ToolArgumentError: the typed arguments do not fit the tool.
        JournalError: the decision cannot be kept.
    """
    paused = pause.paused
    assert paused is not None
    if key in ("y", "yes"):
        return pause.approve(request=request)
    if key in ("n", "no"):
        return pause.deny(request=request)
    if key in ("r", "reason"):
        return pause.deny(_read_line("Why not? "), request=request)
    if key in ("s", "say"):
        return pause.answer(_read_line("The answer: "), request=request)
    if request.outcome_unknown:
        return None
    if key in ("e", "edit"):
        _write(terminal_safe(value_text(request.arguments)))
        return pause.approve(_object(_read_line("New arguments, as JSON: ")), request=request)
    if key in ("a", "always") and "session" in paused.log.scopes and not request.destructive:
        paused.allow(request, "session")
        return pause.approve(request=request)
    return None


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"That is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValueError('The arguments are an object, such as {"path": "/tmp"}.')
    return value


def _read_line(question: str) -> str:
    # The question must not appear before what was written above it.
    sys.stdout.flush()
    return input(question)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
