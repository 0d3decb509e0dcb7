"""Asking a human by keyboard: in a terminal, and with `--wait`."""

from __future__ import annotations

import json
import sys
from typing import Any

from llm_notebook.errors import JournalError, ToolArgumentError
from llm_notebook.models.pauses import PauseChain
from llm_notebook.notebook.live_turns import LiveTurn
from llm_notebook.transcript.requests import value_text
from llm_notebook.transcript.visible import terminal_safe, visible
from llm_notebook.turns.pauses import PausedChain

__all__ = ["ask_by_keyboard"]


def ask_by_keyboard(_turn: LiveTurn, pause: PauseChain) -> Any:
    """Ask until a key decides; returns the chain from there on, or None where the question is left open.

    Args:
        pause: what waits; the transcript has shown it already.
    """
    request, paused = pause.asked, pause.paused
    assert paused is not None
    if request is None:
        return paused.resume()
    question = _choices(request, paused)
    while True:
        try:
            key = _typed(question).strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        try:
            if (chain := _decided(key, pause)) is not None:
                return chain
        except (ValueError, ToolArgumentError, JournalError) as error:
            _write(f"{error} Nothing was decided.")
        if key in ("q", "later"):
            return None


def _choices(request: Any, paused: PausedChain) -> str:
    if request.outcome_unknown:
        ways = ["y run it again", "s it ran: say what came of it", "n do not run it again", "q later"]
    else:
        ways = ["y run it", "n do not", "e edit the arguments", "r say why not", "s answer in its place"]
        ways += ["a always in this session"] if "session" in paused.log.scopes and not request.destructive else []
        ways += ["q later"]
    return f"{visible(request.tool_name)}? {', '.join(ways)}: "


def _decided(key: str, pause: PauseChain) -> Any:
    """The chain from here on, or None where the key decides nothing.

    Raises:
        ValueError, ToolArgumentError: what was typed cannot be used.
        JournalError: the decision cannot be kept.
    """
    request, paused = pause.request, pause.paused
    assert paused is not None
    if key in ("y", "yes"):
        return pause.approve()
    if key in ("n", "no"):
        return pause.deny()
    if key in ("r", "reason"):
        return pause.deny(_typed("Why not? "))
    if key in ("s", "say"):
        return pause.answer(_typed("The answer: "))
    if request.outcome_unknown:
        return None
    if key in ("e", "edit"):
        _write(terminal_safe(value_text(request.arguments)))
        return pause.approve(_object(_typed("New arguments, as JSON: ")))
    if key in ("a", "always") and "session" in paused.log.scopes and not request.destructive:
        paused.allow(request, "session")
        return pause.approve()
    return None


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"That is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ValueError('The arguments are an object, such as {"path": "/tmp"}.')
    return value


def _typed(question: str) -> str:
    sys.stdout.flush()
    return input(question)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
