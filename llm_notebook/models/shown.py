"""Shows a response or a chain in Jupyter: its transcript if it has been read, or else what it would send. This sends nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import ModelError
from llm_notebook.parts.identifiers import new_id
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.endings import Problem, Unsent
from llm_notebook.transcript.rendering import markdown_of, plain_of, turn_words
from llm_notebook.transcript.view import State, TranscriptView
from llm_notebook.turns.prompt import Prompt, name_of_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llm_notebook.parts.messages import StreamEvent
    from llm_notebook.turns.chain import Chain
    from llm_notebook.turns.state import ResponseState

__all__ = ["show_chain", "show_request", "show_response"]


def show_request(prompt: Prompt, reads: tuple[str, str]) -> dict[str, Any]:
    """Return the MIME bundle of a prompt that was not sent.

    Args:
        prompt: the prompt.
        reads: two ways to read the answer, in Python.
    """
    options = prompt.given_options()
    asks = [
        ("system", prompt.system),
        ("prompt", prompt.prompt),
        ("attachments", "\n".join(map(repr, prompt.attachments))),
        ("tools", ", ".join(map(name_of_source, prompt.tool_sources))),
        ("options", json.dumps(options, ensure_ascii=False) if options else ""),
    ]
    unsent = Unsent([(name, text) for name, text in asks if text], reads)
    return _bundle(TranscriptView(prompt.model.model_id, id=new_id(), state="unsent", unsent=unsent))


def show_response(prompt: Prompt, reads: tuple[str, str], state: ResponseState) -> dict[str, Any]:
    """Return the MIME bundle of a response.

    Args:
        prompt: the prompt that it answers.
        reads: two ways to read the answer, in Python.
        state: its state, and what has arrived.
    """
    if state.status == "new":
        return show_request(prompt, reads)
    return _show_answer(prompt, state.events(), state.status, state.error, state.duration_ms())


def show_chain(chain: Chain) -> dict[str, Any]:
    """Return the MIME bundle of a chain that is being read, or was."""
    state, error = _standing(chain)
    milliseconds = sum(response._turn.state.duration_ms() for response in chain.responses())
    return _show_answer(chain.prompt, chain.events(), state, error, milliseconds)


def _standing(chain: Chain) -> tuple[State, BaseException | None]:
    try:
        has_more = chain.has(len(chain.items))
    except BaseException as error:
        return ("paused" if chain.has_paused else "failed"), error
    return ("done" if has_more is False else "streaming"), None


def _show_answer(
    prompt: Prompt, events: Iterable[StreamEvent], state: State, error: BaseException | None, milliseconds: int
) -> dict[str, Any]:
    view = TranscriptView(prompt.model.model_id, id=new_id(), sent=list(prompt.enclosed))
    for event in events:
        view.feed(event, milliseconds / 1000)
    view.end(state, milliseconds / 1000)
    if isinstance(error, ModelError) and state == "failed":
        view.problem = Problem("The answer broke off" if view.blocks else "No answer came", str(error))
    elif state == "paused":
        view.remarks = ["It waits for a human: `llm.pending()` lists what is asked."]
    elif state == "streaming":
        view.remarks = ["This is what has arrived. Reading on fetches the rest."]
    return _bundle(view)


def _bundle(view: TranscriptView) -> dict[str, Any]:
    words = turn_words(view)
    return {
        MIME_TYPE: DeltaWriter(view).full(),
        "text/markdown": markdown_of(view, words),
        "text/plain": plain_of(view, words),
    }
