"""Shows in the transcript why a cell has failed, instead of a traceback, and lets the reader fix the problem there.

The cell still fails, so that the cells queued below it do not run.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from llm_notebook.configuration.keys import set_key
from llm_notebook.errors import AnswerMisfit, JournalError, ModelError, NeedsKeyException
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.notebook.commands.local import local
from llm_notebook.notebook.errors import CellHalted, limit_error
from llm_notebook.notebook.frontend.kernel import (
    current_request,
    is_captured,
    is_in_output_widget,
    is_interactive,
)
from llm_notebook.notebook.running.problems import in_words, local_ways, misfit_ways, problem_of
from llm_notebook.notebook.running.remarks import add_remark
from llm_notebook.parts.identifiers import new_id
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.transcript.words import kept_sentence

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.errors import ChainLimitReached
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.models.pauses import PauseChain
    from llm_notebook.notebook.frontend.frontend import FrontEnd
    from llm_notebook.notebook.running.live_turn import AskWith, LiveTurn
    from llm_notebook.notebook.running.live_turns import LiveTurns
    from llm_notebook.transcript.endings import Problem

__all__ = [
    "explain_failure",
    "explains",
    "halt_at_limit",
    "install_local_model",
    "plain_error",
    "refuse",
    "show_pause",
    "store_typed_key",
]

_IN_PYTHON = "In Python: `llm.pending()[0].approve().text()`. The code after this line did not run."
_KEY_STORED = "The key is stored. Start over, or run the cell again."


def explains(front: FrontEnd) -> bool:
    """Return whether failures are explained in transcripts. If not, the error itself is shown.

    They are not explained in a terminal, if nobody is watching, as under nbclient, or if output is captured.
    """
    shell = front.shell
    return front.is_notebook and is_interactive(shell) and not is_captured(shell) and not is_in_output_widget(shell)


def explain_failure(turn: LiveTurn, chain: ChainResponse, error: Exception) -> None:
    """Note in a turn's view why its run has failed.

    Args:
        turn: the turn.
        chain: the chain that failed.
        error: one of `problems.EXPECTED`.
    """
    view = turn.view
    view.problem = problem = _problem(turn, chain, error)
    problem.can_start_over = not isinstance(error, NeedsKeyException)
    if isinstance(error, AnswerMisfit):
        problem.ways, problem.is_complete = misfit_ways(error), True
    elif view.answer:
        problem.text = f"{problem.text} {kept_sentence(view)}".lstrip()


def _problem(turn: LiveTurn, chain: ChainResponse, error: Exception) -> Problem:
    is_default = turn.context is not None and turn.context[0].model is None
    model = chain.prompt.model
    known = model if isinstance(model, KeyHolder) else None
    return problem_of(error, known, is_default=is_default, has_begun=bool(turn.view.blocks))


def plain_error(turn: LiveTurn, chain: ChainResponse, error: Exception) -> Exception:
    """Return the error that a cell ends with where no transcript explains it. If a key is missing, it names the ways to do without.

    Args:
        turn: the turn.
        chain: the chain that failed.
        error: one of `problems.EXPECTED`.
    """
    return in_words(_problem(turn, chain, error)) if isinstance(error, NeedsKeyException) else error


def halt_at_limit(reached: ChainLimitReached, shell: InteractiveShell, *, stops: bool) -> None:
    """End the cell of a turn that has reached the limit of its chain, which shows that already.

    Args:
        reached: the limit.
        shell: the shell.
        stops: whether the cells below must not run.
    """
    if not is_interactive(shell):
        # Nobody can click here, so the error has to say what to do.
        raise limit_error(reached)
    if stops:
        raise CellHalted("Stopped at the limit of the chain.")


def refuse(turns: LiveTurns, error: Exception, ask_with: AskWith | None = None) -> NoReturn:
    """Show why a cell cannot do what it was asked to do, and end the cell.

    Args:
        turns: the turns of the shell.
        error: one of `problems.EXPECTED`.
        ask_with: asks another model the same; None if it is not known what to ask.

    Raises:
        CellHalted: the failure was shown.
        Exception: the error itself, if it is not explained in transcripts.
    """
    if not explains(turns.front):
        raise error
    view = TranscriptView("", id=new_id(), state="failed", problem=problem_of(error))
    turn = turns.register(view, None)
    turn.ask_with = ask_with
    turn.request = current_request(turns.shell)
    turn.display.open()
    turn.display.close()
    raise CellHalted(str(error)) from error


def show_pause(turns: LiveTurns, pause: PauseChain, *, halts: bool) -> bool:
    """Show the card, with its buttons, of a pause that ends a cell of Python code or is displayed in one.

    Args:
        turns: the turns of the shell.
        pause: the pause.
        halts: whether the cells below must not run.

    Returns:
        Whether it could be shown. For that, the pause must be in the journal, and a page must be listening.
    """
    paused, asked = pause.paused, pause.asked
    if paused is None or asked is None or not explains(turns.front):
        return False
    try:
        turn = turns.find(paused.log.chain_id, request=asked.id)
    except JournalError:
        return False
    if turn is None or turn.view.call(asked.id) is None:
        return False
    # The tools of the pause are those that were asked about, wherever they are defined.
    turn.paused = paused
    add_remark(turn.view, _IN_PYTHON)
    with suppress(CellHalted):
        turns.show_again(turn, halts=halts)
    return True


def store_typed_key(turns: LiveTurns, transcript: str, name: str, key: str) -> None:
    """Store a key that a reader has typed into a page, if a problem there asks for it. The key is never sent back to the page.

    Args:
        turns: the turns of the shell.
        transcript: the id of the transcript.
        name: the name under which the key is stored.
        key: the key.
    """
    turn = turns.turns.get(transcript)
    problem = turn.view.problem if turn is not None else None
    if turn is None or problem is None:
        turns.tell({"type": "gone", "id": transcript})
        return
    way = next((way for way in problem.ways if way.key and way.key == name), None)
    if way is not None:
        try:
            set_key(name, key.strip())
        except (ModelError, ValueError, OSError) as error:
            problem.text = str(error)
        else:
            problem.text = _KEY_STORED
            problem.ways.remove(way)
            problem.can_start_over = turn.chain is not None
        turn.display.refresh()
    turns.tell_state(turn)


def install_local_model(turns: LiveTurns, turn: LiveTurn) -> None:
    """Install the small local model while the cell runs, and then offer it.

    Raises:
        CellError: it could not be installed.
    """
    problem = turn.view.problem
    if problem is None or not any(way.installs for way in problem.ways):
        return
    local(turns.shell, ["install"])
    problem.ways = [*local_ways(), *(way for way in problem.ways if not way.installs)]
    turn.display.refresh()
    turns.tell_state(turn)
