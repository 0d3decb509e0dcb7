"""Going on from the journal: what waits in it, in whichever process it was asked, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llm_notebook.call_log import CallLog, Place
from llm_notebook.chain import Hook
from llm_notebook.conversations import Conversation
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journals import CallEntry, Journal, TurnEntry
from llm_notebook.models import Model
from llm_notebook.pauses import ChainPlan, PausedChain, Surroundings, log_after, pause_with
from llm_notebook.prompts import Prompt
from llm_notebook.responses import Response
from llm_notebook.runtime import runtime
from llm_notebook.tools import PauseChain
from llm_notebook.unresolved import with_results

__all__ = [
    "history",
    "left_of",
    "load_conversation",
    "open_journal",
    "pause_of",
    "pending",
    "response_of",
    "resume",
]


def open_journal(path: str | Path | None = None) -> Journal:
    """Keep everything that is asked in this process from now on: turns, tool calls, decisions.

    Args:
        path: the journal's file; the user's own journal if not given (`LLM_NOTEBOOK_JOURNAL`, else one in the platform's
            data folder), which notebooks use by default.

    Raises:
        JournalError: it cannot be opened.
    """
    return runtime.open_journal(path)


def history(query: str = "", *, limit: int = 50) -> list[TurnEntry]:
    """The latest turns of the journal, newest first.

    Args:
        query: words that the prompt or the answer holds; everything if empty.
        limit: most turns.

    Raises:
        JournalError: the journal cannot be read.
    """
    journal = runtime.journal_to_read
    return journal.history(query, limit=limit) if journal is not None else []


def left_of(
    turn: TurnEntry,
    journal: Journal,
    *,
    model: Any = None,
    tools: Sequence[Any] | None = None,
    before_call: Hook = None,
    after_call: Hook = None,
) -> PausedChain:
    """What goes on with a chain after a turn of the journal.

    Args:
        turn: the chain's last one so far.
        journal: where it is kept.
        model, tools, before_call, after_call: as for `load_pause()`.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    begun = turn.begun
    around = Surroundings(model or runtime.registry.model(begun.model_id))
    log = log_after(journal, begun, around.place)
    results = [call.result for call in turn.calls if call.result is not None]
    settings = begun.settings
    prompt = Prompt(
        None,
        around.model,
        options=around.model.Options(**settings.get("options", {})),
        schema=settings.get("schema"),
        tools=tools,
        messages=with_results(log.known, results),
        hide_reasoning=settings.get("hide_reasoning", False),
    )
    plan = ChainPlan(around, before_call, after_call, chain_limit=settings.get("chain_limit"))
    return PausedChain(plan, prompt, prompt.messages, None, log, begun.turn_id)


def pause_of(call: CallEntry, journal: Journal, **wanted: Any) -> PauseChain:
    """The pause of a call in the journal, from which its chain goes on.

    Args:
        call: a call that waits, or one that was decided and not gone on with.
        journal: where it is kept.
        wanted: as for `left_of()`.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    turn = journal.turn(call.turn_id)
    if turn is None:
        raise JournalError(f"The journal holds the call {call.call_id} without the turn that asked for it.")
    paused = left_of(turn, journal, **wanted)
    paused.request = call.request
    return pause_with(
        call.request.reason if call.request is not None else f"{call.tool_name} waits", call.request, paused
    )


def response_of(turn: TurnEntry, journal: Journal, *, model: Any = None) -> Response:
    """A finished response that said what a turn of the journal did: it can `reply()`, and conversations can go on from it.

    Args:
        turn: complete, or as far as it came.
        journal: where it is kept.
        model: the model to go on with; the one named in the journal if not given.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    begun = turn.begun
    model = model or runtime.registry.model(begun.model_id)
    messages = journal.messages(begun.turn_id)
    sent = messages[: len(messages) - len(turn.output)]
    prompt = Prompt(None, model, messages=sent, options=model.Options(**begun.settings.get("options", {})))
    log = CallLog(journal, Place(), begun.conversation_id, chain_id=begun.chain_id)
    return Response.kept(prompt, model, log, turn)


def load_conversation(id: str, *, model: Any = None) -> Conversation:  # noqa: A002  the API's name
    """A conversation of the journal, to go on with.

    Args:
        id: the conversation, or one of its turns to go on from; the beginning of it will do.
        model: the model to go on with; the one that answered last if not given.

    Raises:
        KeyError: there is no such conversation.
        UnknownModelError: no model is given and the one that answered last is not known.
    """
    journal = runtime.journal_to_read
    turn = journal.turn(id) if journal is not None else None
    if turn is None and journal is not None:
        turn = next(reversed(journal.conversation(id)), None)
    if turn is None or journal is None:
        raise KeyError(f"No conversation or turn is called {id!r}; history() lists the latest.")
    response = response_of(turn, journal, model=model)
    return Conversation(response.model, [response])


def pending() -> list[PauseChain]:
    """What waits for a human, oldest first, from the journal, whichever process asked.

    Each is a pause: `.request` says what is asked, `.request.id` is its name, and `approve()`, `deny()`, `answer()` and
    `resume(tools=)` go on with its chain.

    Raises:
        JournalError: the journal cannot be read.
    """
    journal = runtime.journal_to_read
    if journal is None:
        return []
    return [pause_of(call, journal, model=_model_of(call, journal)) for call in journal.waiting()]


def resume(
    id: str,  # noqa: A002  the API's name
    *,
    tools: Sequence[Any] | None = None,
    model: Any = None,
    before_call: Hook = None,
    after_call: Hook = None,
) -> Any:
    """Go on with a chain that waits in the journal, in this process or another.

    Args:
        id: the call, as `pending()` and `request.id` name it; the beginning of it will do.
        tools: the tools to go on with; a decision counts only for a tool that has not changed.
        model, before_call, after_call: as for `load_pause()`. An async model gives an AsyncChainResponse.

    Returns:
        The chain from there on, which runs when it is read. What is not decided is asked again.

    Raises:
        KeyError: nothing of that name waits.
        UnknownModelError: no model is given and none has the name in the journal.
    """
    journal = runtime.journal_to_read
    call = journal.call(id) if journal is not None else None
    if journal is None or call is None:
        raise KeyError(f"Nothing called {id!r} waits in the journal; pending() lists what does.")
    pause = pause_of(call, journal, model=model, tools=tools, before_call=before_call, after_call=after_call)
    return pause.resume()


class _AbsentModel(Model):
    """Stands for a model that this process does not know, so that what waits for it can be seen and decided."""

    supports_tools = supports_schema = True

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def execute(self, *_: Any) -> Any:
        raise UnknownModelError(
            f"This process does not know the model {self.model_id!r}: go on with resume(id, model=...) and name one."
        )


def _model_of(call: CallEntry, journal: Journal) -> Any:
    turn = journal.turn(call.turn_id)
    if turn is None:
        return None
    try:
        return runtime.registry.model(turn.begun.model_id)
    except UnknownModelError:
        return _AbsentModel(turn.begun.model_id)
