"""Asks a human by keyboard whether a tool call may run: in a terminal, and with `--wait`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.requests import ASKED
from llm_notebook.errors import JournalError, ToolArgumentError
from llm_notebook.models.pauses import PauseChain
from llm_notebook.notebook.display.columns import columns, fitted
from llm_notebook.notebook.display.editing import edited, editor
from llm_notebook.notebook.display.encoding import spelled, write
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.waits.deciding import show_calls
from llm_notebook.transcript.calls.call_rendering import all_arguments, odd_letters, plain_tool, shows_all_of
from llm_notebook.transcript.calls.requests import value_text
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import on_one_line
from llm_notebook.turns.pauses import PausedChain

if sys.platform != "win32":
    import termios

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.models.chain_responses import ChainResponse

__all__ = ["ask_by_keyboard"]

_COLUMNS = 80
_SHORTEST_NAME = 8
# The keys that run a call with the arguments that are shown.
_RUN = ("y", "yes", "a", "always")


def ask_by_keyboard(turn: LiveTurn, pause: PauseChain) -> ChainResponse | None:
    """Ask one question after the other, each until a key decides it.

    Args:
        turn: the turn, which shows what was decided.
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
    # If a hook paused after its call had run, there is nothing to ask.
    return pause.resume()


def _is_open(request: ApprovalRequest, pause: PauseChain) -> bool:
    """Return whether a question still waits. A key for an earlier one may have decided it: "always" covers every call of its tool."""
    call = pause.paused.call(request) if pause.paused is not None else None
    return call is not None and call.state in ASKED


def _ask(request: ApprovalRequest, pause: PauseChain, place: str) -> ChainResponse | None:
    assert pause.paused is not None
    ways = _ways(request, pause.paused)
    question = _question(request, ways, place)
    has_seen_all = shows_all_of(request)
    _drop_typed_ahead()
    while True:
        try:
            key = _read_line(question).strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        if key in ("q", "later"):
            return None
        if key in _RUN and not has_seen_all:
            _write("\n".join([*all_arguments(request), "Nothing was decided: read all of them first."]))
            has_seen_all = True
            _drop_typed_ahead()
            continue
        try:
            if (chain := _decide(key, request, pause)) is not None:
                return chain
        except (ValueError, ToolArgumentError, JournalError) as error:
            _write(f"{error} Nothing was decided.")
        except (EOFError, KeyboardInterrupt):
            _write("\nNothing was decided.")
        else:
            _write("\n".join(_explanation(request, ways)))
            if not has_seen_all:
                _write("\n".join(all_arguments(request)))
                has_seen_all = True


def _ways(request: ApprovalRequest, paused: PausedChain) -> dict[str, tuple[str, str]]:
    """Return what the keys do: for each, a word for the question and a description for `?`."""
    if request.outcome_unknown:
        return {
            "y": ("again", "runs it again, once, with exactly these arguments"),
            "s": ("say", "does not run it again: you say what came of it"),
            "n": ("no", "does not run it again, and tells the model so"),
            "q": ("later", "leaves the question open; `%llm pending` lists it"),
        }
    where = "in your editor" if editor() else "here"
    always = {"a": ("always", "runs it, and in this session every further call of this tool without a question")}
    return {
        "y": ("yes", "runs it once, with exactly these arguments"),
        "n": ("no", "does not run it, and tells the model so"),
        "e": ("edit", f"changes the arguments {where}, and asks whether to run it with them"),
        "r": ("reason", "does not run it, and tells the model why"),
        "s": ("say", "does not run it: you answer in its place"),
        **(always if "session" in paused.log.scopes and not request.destructive else {}),
        "q": ("later", "leaves the question open; `%llm pending` lists it"),
    }


def _question(request: ApprovalRequest, ways: dict[str, tuple[str, str]], place: str) -> str:
    """Return the question as one line that fits the terminal, with room for the key. It has words if they fit, otherwise only the keys."""
    width = min(_COLUMNS, shutil.get_terminal_size().columns) - 2
    name = on_one_line(request.tool_name)
    asked = f"{place}{name}? {', '.join(f'{key} {word}' for key, (word, _) in ways.items())}, ? explains: "
    if columns(asked) <= width:
        return asked
    keys = f"? {'/'.join(ways)}, ? explains: "
    return place + fitted(name, max(_SHORTEST_NAME, width - columns(place + keys))) + keys


def _explanation(request: ApprovalRequest, ways: dict[str, tuple[str, str]]) -> list[str]:
    """Return the lines that explain what the keys do and what the tool is."""
    return [*(f"  {key}  {text.replace('`', '')}" for key, (_, text) in ways.items()), *plain_tool(request)]


def _decide(key: str, request: ApprovalRequest, pause: PauseChain) -> ChainResponse | None:
    """Decide as the key says, after asking for the text that some keys need.

    Returns:
        The chain that continues, or None if the key decides nothing.

    Raises:
        ValueError: the edited text is not a JSON object, the edit was given up, or the decision comes too late.
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
        return _approve_edited(edited(request.arguments, _read_line), request, pause)
    if key in ("a", "always") and "session" in paused.log.scopes and not request.destructive:
        chain: ChainResponse = paused.decide(request, "approved", scope="session")
        return chain
    return None


def _approve_edited(arguments: dict[str, Any], request: ApprovalRequest, pause: PauseChain) -> ChainResponse | None:
    """Show the edited arguments as they would run, and run the call if the human agrees."""
    written = value_text(arguments)
    _write("\n".join(filter(None, [f"Changed to:\n{visible(written)}", odd_letters(request.tool_name, written)])))
    if _read_line("Run it with these arguments? y/n: ").strip().lower() not in ("y", "yes"):
        raise ValueError("The arguments stay as they were.")
    return pause.approve(arguments, request=request)


def _drop_typed_ahead() -> None:
    """Discard the keys that were pressed before the question could be read, since they were not an answer to it."""
    if sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _read_line(question: str) -> str:
    # The question must not appear before what was written above it.
    sys.stdout.flush()
    return input(spelled(question))


def _write(text: str) -> None:
    write(f"{text}\n")
