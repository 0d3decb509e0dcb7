"""What a decision needs before it counts: a page that shows the current question, and a tool and a model to carry the decision out.

The card says what is missing before anybody decides (`mark_problems`), and it is checked once more when somebody does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_notebook.approvals.requests import DECIDED, ApprovalRequest
from llm_notebook.journal.grants import Scope
from llm_notebook.journal.operations import CallEntry
from llm_notebook.models.stored.resuming import AbsentModel
from llm_notebook.notebook.frontend.execution import Execution
from llm_notebook.notebook.prompts.makers import missing_sentence
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.running.remarks import KERNEL_ENDS, SESSION_ENDS, drop_remarks
from llm_notebook.parts.messages import ToolCallPart
from llm_notebook.tools.tool import Tool
from llm_notebook.transcript.calls.displayed import displayed_digest
from llm_notebook.transcript.words import on_one_line
from llm_notebook.turns.origin import Origin
from llm_notebook.turns.pauses import PausedChain

__all__ = [
    "explain_refusal",
    "granted_scope",
    "mark_problems",
    "problem_with",
    "renew",
    "show_calls",
    "show_settled",
    "was_displayed",
]

_NOT_AS_SHOWN = "Nothing was decided: what waits is not what this page showed. Read it as it is now, then decide."
_NOT_WAITING = "Nothing was decided: this answer does not wait for a decision at the moment. Try again when it does."


def problem_with(verdict: str, paused: PausedChain, request: ApprovalRequest, call: CallEntry | None) -> str:
    """Return a sentence that says why a decision cannot be carried out here; empty if it can.

    Args:
        verdict: the decision.
        paused: the chain that waits for it.
        request: the question.
        call: the call that it is about; None if nothing is known about it.
    """
    if verdict == "approved" and (missing := _missing_tool(paused, paused.needed_tool(request, call))):
        return missing_sentence(missing, paused.log.origin)
    model = paused.plan.model
    if verdict in ("approved", "answered") and isinstance(model, AbsentModel):
        return f"This kernel does not know the model {model.model_id}, which would read the result. You can deny the call or drop it."
    return ""


def granted_scope(action: Mapping[str, Any], asked: Origin, here: Execution) -> Scope | None:
    """Return the scope in which an approval allows its tool from now on; None if it is for this call alone.

    A card may be shown in a notebook or a cell other than the one that asked. "This notebook" then does not mean what its reader sees.

    Args:
        action: the decision.
        asked: the place where the question was asked.
        here: the execution that carries out the click.

    Raises:
        ValueError: the scope does not match the place where the click came from.
    """
    scope: Scope | None = action.get("grant") if action.get("verdict") == "approved" else None
    if scope in ("cell", "notebook") and asked.notebook and here.notebook != asked.notebook:
        raise ValueError(f"This was asked in {on_one_line(asked.notebook)}: allow it there, or approve it here once.")
    if scope == "cell" and here.cell_id and here.cell_id != asked.cell_id:
        raise ValueError("This was asked in another cell: allow it there, or approve it here once.")
    return scope if scope in ("cell", "notebook", "session") else None


def renew(turn: LiveTurn, paused: PausedChain, known: CallEntry | None = None) -> bool:
    """Ask again about the waiting calls of a turn whose tools have changed. Returns whether a question has changed.

    Args:
        turn: the turn.
        paused: the paused chain that it continues from.
        known: one of the calls, if it has just been read.

    Raises:
        JournalError: a new question cannot be kept.
    """
    has_changed = False
    for block in turn.view.open_calls:
        asked = block.request
        if asked is not None and paused.renew(asked, known).digest != asked.digest:
            call = paused.call(asked)
            if call is not None:
                turn.view.update_call(call)
            turn.unread.add(block.call_id)
            has_changed = True
    return has_changed


def mark_problems(turn: LiveTurn, paused: PausedChain) -> None:
    """Note for each question of a turn why it cannot be approved here, or that it can.

    Args:
        turn: the turn.
        paused: the paused chain that it continues from.

    Raises:
        JournalError: the journal cannot be read.
    """
    for block in turn.view.open_calls:
        if block.request is not None:
            problem = problem_with("approved", paused, block.request, paused.call(block.request))
            turn.view.mark_question(block.call_id, blocked=problem)


def was_displayed(turn: LiveTurn, action: Mapping[str, Any]) -> bool:
    """Return whether a decision is about a question of this turn, and whether everything that its reader saw of it is still current."""
    verdict = action.get("verdict")
    if not _is_well_formed(action) or verdict not in DECIDED:
        return False
    block = turn.view.call(str(action.get("request")))
    if block is None or block.request is None:
        return False
    # A client that draws no card, such as a program that drives the kernel, decides about the request alone, and sends its digest.
    return "shown" not in action or action["shown"] == displayed_digest(turn.view, block, verdict)


def explain_refusal(turn: LiveTurn, action: Mapping[str, Any], *, is_new: bool) -> bool:
    """Say on the cards why a page's decision about them had no effect, unless they say so already.

    Their questions are sent again, since a page that does not show the question that waits could never decide it.

    Args:
        turn: the turn.
        action: the decision, about one question or about all.
        is_new: whether the text on the cards is about an earlier decision.

    Returns:
        Whether a card has changed.
    """
    about_all = action["type"] == "decideAll"
    questions = [block for block in turn.view.open_calls if about_all or block.call_id == action.get("request")]
    if not is_new and any(block.refused or block.blocked for block in questions):
        return False
    turn.view.show_printed(None)
    for block in questions:
        why = _NOT_AS_SHOWN if turn.is_waiting else _NOT_WAITING
        turn.view.mark_question(block.call_id, blocked=block.blocked, refused=why)
        block.version += 1
        turn.view.touch(block)
    return bool(questions)


def _is_well_formed(action: Mapping[str, Any]) -> bool:
    """Return whether everything in a decision besides its verdict is well-formed. Malformed parts are not guessed at."""
    edits, text, grant = (action.get(name) for name in ("arguments", "text", "grant"))
    are_edits = edits is None or (
        isinstance(edits, dict) and all(value is None or isinstance(value, str) for value in edits.values())
    )
    return are_edits and (text is None or isinstance(text, str)) and grant in (None, "cell", "notebook", "session")


def _missing_tool(paused: PausedChain, needed: str) -> str:
    """Return the name of a tool that the chain will run and that is not here: the one that is needed, or that of a call in the queue."""
    if not _has_tool(paused, needed):
        return needed
    called = {part.name for said in paused.messages for part in said.parts if isinstance(part, ToolCallPart)}
    if called <= {needed}:
        return ""
    queued = [call.tool_name for call in paused.log.calls_of(paused.asked_by) if call.state == "proposed"]
    return next((name for name in queued if not _has_tool(paused, name)), "")


def _has_tool(paused: PausedChain, needed: str) -> bool:
    """Return whether a tool is there, or a Toolbox that may add it."""
    if any(isinstance(tool, Tool) and tool.name == needed for tool in paused.prompt.tools):
        return True
    # A Toolbox that is not set up yet, such as an MCP server, adds its tools when the chain continues.
    return any(toolbox.pending_preparations() for toolbox in paused.prompt.toolboxes)


def show_calls(turn: LiveTurn, paused: PausedChain, known: CallEntry | None = None) -> None:
    """Show the state of a turn's questions, some of which were decided, and of the calls inside which they were asked.

    Args:
        turn: the turn.
        paused: the chain that waits.
        known: one of the calls, if its state is known.
    """
    for block in turn.view.calls:
        if block.status not in ("waiting", "unknown", "suspended"):
            continue
        is_known = known is not None and known.call_id == block.call_id
        call = known if is_known else paused.log.call(block.call_id)
        asked = block.request.digest if block.request is not None else ""
        is_asked = call is not None and call.request is not None and call.request.digest != asked
        if call is not None and (is_asked or call.state != block.status):
            turn.view.update_call(call)


def show_settled(turn: LiveTurn) -> None:
    """Show the state of a turn. A turn that is paused without an open question is over, though its answer is not complete."""
    if turn.view.state == "paused" and not turn.view.open_calls:
        turn.view.end("interrupted", turn.view.seconds)
        drop_remarks(turn.view, KERNEL_ENDS, SESSION_ENDS)
        turn.display.refresh()
