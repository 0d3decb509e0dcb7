"""What outlives a turn in the notebook: the value of its variable, and the remarks about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.answers.fences import code_blocks
from llm_notebook.errors import AnswerMisfit
from llm_notebook.notebook.prompts.wanted import Wanted
from llm_notebook.notebook.running.remarks import add_remark, drop_remarks
from llm_notebook.transcript.view import TranscriptView

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.models.responses import Response
    from llm_notebook.notebook.running.live_turn import LiveTurn

__all__ = ["ask_for_correction", "bind", "outcome", "put_in_new_cell", "take_answer"]

_TOLD = "The model was told what does not fit, and asked again: {} of {}."


def outcome(view: TranscriptView, wanted: Wanted | None = None) -> object:
    """Return the value that `--out` assigns: the data that was asked for, the text of the answer, the picture, or all pictures."""
    if wanted is not None and wanted.has_value:
        return wanted.value
    made = [block.attachment for block in view.pictures if block.attachment is not None]
    return view.answer if not made else made[0] if len(made) == 1 else made


def bind(view: TranscriptView, wanted: Wanted | None, name: str, names: dict[str, Any]) -> None:
    """Assign the result of a turn to its variable, or delete the variable, because an old value would look like the new one.

    A turn that failed has no result, nor has one that should have given data but has not. If a turn was stopped, its result is the
    text that had come.

    Args:
        view: the turn.
        wanted: what its cell wants of the answer.
        name: the name of the variable.
        names: the variables of the notebook.
    """
    is_unfit = wanted is not None and wanted.is_data and not wanted.has_value
    if is_unfit or view.state == "failed":
        names.pop(name, None)
        return
    names[name] = outcome(view, wanted)
    _say_what_it_holds(view, name)


def take_answer(turn: LiveTurn, chain: ChainResponse) -> None:
    """Read the finished answer of a turn, if its cell wants more than the text.

    Raises:
        AnswerMisfit: the answer is not what is wanted.
    """
    latest = chain._chain.latest
    if turn.wanted is not None and latest is not None:
        # The reason why the model stopped may explain what is wrong with the answer.
        turn.view.finish = cast("Response", latest).finish_reason
        turn.wanted.take(latest._turn.state.text(), turn.view)
        turn.wanted.take_response(latest, turn.view)


def ask_for_correction(turn: LiveTurn, chain: ChainResponse, error: Exception) -> ChainResponse | None:
    """Return the chain that tells the model what does not fit and asks again; None for other errors, or after the last retry."""
    wanted = turn.wanted
    if not isinstance(error, AnswerMisfit) or wanted is None:
        return None
    latest = chain._chain.latest
    if wanted.tries >= wanted.retries or wanted.ask_again is None or latest is None:
        _keep_as_last_error(error)
        wanted.tries = 0
        return None
    drop_remarks(turn.view, _TOLD.format(wanted.tries, wanted.retries))
    wanted.tries += 1
    again = wanted.ask_again(latest, _correction(error))
    for block in turn.view.blocks:
        if block.is_folded and block.table is not None and not block.said:
            block.said = f"Row {error.row} did not fit: {error.fault}." if error.row is not None else f"{error.fault}."
            block.version += 1
            turn.view.touch(block)
    # The new rounds belong to the same transcript, but do not continue the text of the last one.
    again._chain.log.chain_id = turn.view.id
    turn.view.state, turn.view.finish = "done", None
    add_remark(turn.view, _TOLD.format(wanted.tries, wanted.retries))
    return again


def put_in_new_cell(view: TranscriptView, shell: InteractiveShell) -> None:
    """Put the first block of code of an answer into a new cell below the running one. It is not run."""
    blocks = code_blocks(view.answer)
    if not blocks:
        add_remark(view, "The answer has no block of code, so there is no new cell.")
        return
    is_script = blocks[0].language.lower() in ("bash", "sh", "shell", "zsh") and blocks[0].code[:1] not in ("%", "!")
    shell.set_next_input(f"%%bash\n{blocks[0].code}" if is_script else blocks[0].code, replace=False)


def _say_what_it_holds(view: TranscriptView, name: str) -> None:
    """Add a remark that a variable holds the pictures, if there are any. A continued answer may have more."""
    is_one, are_more = f"`{name}` is the picture at full size.", f"`{name}` holds the {{}} pictures at full size."
    count = len(view.pictures)
    drop_remarks(view, is_one, *(are_more.format(fewer) for fewer in range(2, count)))
    if count:
        add_remark(view, is_one if count == 1 else are_more.format(count))


def _keep_as_last_error(error: AnswerMisfit) -> None:
    """Set `sys.last_value` to an error, as a cell with a traceback would, so that the values it holds can be used."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__


def _correction(error: AnswerMisfit) -> str:
    """Return the text that tells a model what does not fit in its answer."""
    where = f"In row {error.row}, counted from 0, " if error.row is not None else ""
    fault = error.fault.replace("and the model wrote", "and you wrote")
    return f"Your answer does not fit the schema. {where}{fault}. Answer again with the whole corrected JSON and nothing else."
