"""Continuing what the journal holds: what waits in it, in whichever process it was asked, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, Unpack, overload

from llm_notebook.approvals.consent import canonical, digest, digest_of_unknown, identity_of, thawed
from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.memory import AskedInMemory
from llm_notebook.journal.operations import CallEntry, CallMoved, Journal, TurnBegun, TurnEntry
from llm_notebook.models.conversations import AsyncConversation, Conversation
from llm_notebook.models.lookup import model_source
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.models.pauses import PauseChain
from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import ToolCall
from llm_notebook.turns.log import ChainLog, Origin
from llm_notebook.turns.open_calls import with_results
from llm_notebook.turns.pauses import PausedChain
from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainPlan, open_log
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.tool_run import UNKNOWN_OUTCOME

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
    from llm_notebook.tools.collecting import ToolLike

__all__ = [
    "ask_about_unknown",
    "left_of",
    "load_conversation",
    "load_pause",
    "log_after",
    "pause_of",
    "pause_with",
    "pending",
    "response_of",
    "resume",
]

SyncModel = Model | KeyModel
AwaitedModel = AsyncModel | AsyncKeyModel


class Continuing(TypedDict, total=False):
    """What a chain continues with; `load_pause()` says what each means."""

    model: SyncModel | AwaitedModel | None
    tools: Sequence[ToolLike] | None
    before_call: BeforeCall | None
    after_call: AfterCall | None


def left_of(turn: TurnEntry, journal: Journal, **wanted: Unpack[Continuing]) -> PausedChain:
    """Return what continues a chain after a turn of the journal.

    Args:
        turn: the chain's last one so far.
        journal: where the turn is kept.
        wanted: what the chain continues with, as for `load_pause()`.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    begun = turn.begun
    model = wanted.get("model") or model_source().model(begun.model_id)
    log = log_after(journal, begun)
    results = [call.result for call in turn.calls if call.result is not None]
    settings = begun.settings
    prompt = Prompt(
        None,
        model,
        options=model.Options(**settings.get("options", {})),
        schema=settings.get("schema"),
        tools=wanted.get("tools"),
        messages=with_results(log.known, results),
        hide_reasoning=settings.get("hide_reasoning", False),
    )
    plan = ChainPlan(model, None, wanted.get("before_call"), wanted.get("after_call"), settings.get("chain_limit"))
    return PausedChain(plan, prompt, prompt.messages, None, log, begun.turn_id)


def pause_of(call: CallEntry, journal: Journal, **wanted: Unpack[Continuing]) -> PauseChain:
    """Return the pause of a call in the journal, from which its chain continues.

    Args:
        call: a call that waits, or one that was decided and has not continued.
        journal: where the call is kept.
        wanted: what the chain continues with, as for `load_pause()`.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    turn = journal.turn(call.turn_id)
    if turn is None:
        raise JournalError(f"The journal holds the call {call.call_id} without the turn that asked for it.")
    paused = left_of(turn, journal, **wanted)
    paused.request = request = ask_about_unknown(call, journal)
    reason = request.reason if request is not None else ""
    return pause_with(reason or f"{call.tool_name} waits for approval", request, paused)


def ask_about_unknown(call: CallEntry, journal: Journal) -> ApprovalRequest | None:
    """Return what a human is asked about a call.

    A call that was interrupted while it ran may not have been asked about by any process yet: then the question is kept first.
    """
    request = call.request
    if call.state != "unknown" or (request is not None and request.outcome_unknown):
        return request
    if request is None:
        arguments = thawed(call.arguments)
        # Nobody noted what the tool is, so this digest fits no tool: an approval to run the call again leads to one more question.
        bound = digest("", call.arguments, call.tool_call_id)
        request = ApprovalRequest(call.tool_name, arguments, call.tool_call_id, "", bound, id=call.call_id)
    bound = digest_of_unknown(request.digest)
    request = replace(request, reason=UNKNOWN_OUTCOME, outcome_unknown=True, digest=bound)
    journal.submit(CallMoved(call.call_id, ("unknown",), "unknown", datetime.now(UTC), request=request)).result()
    return request


def response_of(
    turn: TurnEntry, journal: Journal, *, model: SyncModel | AwaitedModel | None = None
) -> Response | AsyncResponse:
    """Return a finished response that said what a turn of the journal did. It can `reply()`, and conversations can continue from it.

    Args:
        turn: complete, or interrupted.
        journal: where the turn is kept.
        model: the model to continue with; the one named in the journal if not given.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    begun = turn.begun
    model = model or model_source().model(begun.model_id)
    messages = journal.messages(begun.turn_id)
    sent = messages[: len(messages) - len(turn.output)]
    prompt = Prompt(None, model, messages=sent, options=model.Options(**begun.settings.get("options", {})))
    log = ChainLog(journal, Origin(), begun.conversation_id, chain_id=begun.chain_id)
    if isinstance(model, AwaitedModel):
        return AsyncResponse._from_journal(prompt, model, log, turn)
    return Response._from_journal(prompt, model, log, turn)


@overload
def load_conversation(id: str, *, model: SyncModel | None = None) -> Conversation: ...


@overload
def load_conversation(id: str, *, model: AwaitedModel) -> AsyncConversation: ...


def load_conversation(
    id: str,  # noqa: A002  the API's name
    *,
    model: SyncModel | AwaitedModel | None = None,
) -> Conversation | AsyncConversation:
    """Return a conversation of the journal, to continue it.

    Args:
        id: the conversation, or one of its turns to continue from; the beginning of the name is enough.
        model: the model to continue with; the one that answered last if not given.

    Raises:
        KeyError: there is no such conversation.
        UnknownModelError: no model is given and the one that answered last is not known.
    """
    journal = process.of(CurrentJournal).to_read
    turn = journal.turn(id) or next(reversed(journal.conversation(id)), None)
    if turn is None:
        raise KeyError(f"No conversation or turn is called {id!r}; history() lists the latest.")
    response = response_of(turn, journal, model=model)
    if isinstance(response, AsyncResponse):
        return AsyncConversation(response.model, [response])
    return Conversation(response.model, [response])


def pending() -> list[PauseChain]:
    """Return what waits for a human, oldest first, from the journal, whichever process asked.

    Each is a pause: `.request` says what is asked, `.request.id` is its name, and `approve()`, `deny()`, `answer()` and
    `resume(tools=)` return its chain from there on.

    Raises:
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).to_read
    return [pause_of(call, journal, model=_model_of(call, journal)) for call in journal.waiting()]


@overload
def resume(
    id: str,
    *,
    tools: Sequence[ToolLike] | None = None,
    model: SyncModel | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> ChainResponse: ...


@overload
def resume(
    id: str,
    *,
    tools: Sequence[ToolLike] | None = None,
    model: AwaitedModel,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> AsyncChainResponse: ...


def resume(
    id: str,  # noqa: A002  the API's name
    *,
    tools: Sequence[ToolLike] | None = None,
    model: SyncModel | AwaitedModel | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> ChainResponse | AsyncChainResponse:
    """Continue a chain that waits in the journal, in this process or another.

    Args:
        id: the call, as `pending()` and `request.id` name it; the beginning of the name is enough.
        tools: the tools to continue with; a decision counts only for a tool that has not changed.
        model, before_call, after_call: as for `load_pause()`. An async model gives an AsyncChainResponse.

    Returns:
        The chain from there on, which runs when it is read. What is not decided is asked again.

    Raises:
        KeyError: nothing of that name waits.
        UnknownModelError: no model is given and none has the name in the journal.
    """
    journal = process.of(CurrentJournal).to_read
    call = journal.call(id)
    if call is None:
        raise KeyError(f"Nothing called {id!r} waits in the journal; pending() lists what does.")
    pause = pause_of(call, journal, model=model, tools=tools, before_call=before_call, after_call=after_call)
    return pause.resume()


class _AbsentModel(Model):
    """Stands for a model that this process does not know, so that what waits for it can be seen and decided."""

    supports_tools = supports_schema = True

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def execute(self, *_: object) -> NoReturn:
        raise UnknownModelError(
            f"This process does not know the model {self.model_id!r}: go on with resume(id, model=...) and name one."
        )


def _model_of(call: CallEntry, journal: Journal) -> Model | KeyModel | None:
    turn = journal.turn(call.turn_id)
    if turn is None:
        return None
    try:
        return model_source().model(turn.begun.model_id)
    except UnknownModelError:
        return _AbsentModel(turn.begun.model_id)


@overload
def load_pause(
    data: dict[str, Any],
    *,
    model: SyncModel | None = None,
    tools: Sequence[ToolLike] | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> PauseChain: ...


@overload
def load_pause(
    data: dict[str, Any],
    *,
    model: AwaitedModel,
    tools: Sequence[ToolLike] | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> PauseChain[AsyncChainResponse]: ...


def load_pause(
    data: dict[str, Any],
    *,
    model: SyncModel | AwaitedModel | None = None,
    tools: Sequence[ToolLike] | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> PauseChain | PauseChain[AsyncChainResponse]:
    """Return the pause that `PauseChain.to_dict()` wrote, in this process or another.

    Data can be changed on their way. So consent is bound to what the loaded pause shows: if that is not what was asked, a decision
    about it does not count. A pause that was settled is not run again as long as this process or a journal knows of it.

    Args:
        data: what `to_dict()` returned.
        model: the model to continue with; the one named in the data if not given.
        tools: the tools to continue with; they can be given to `resume()` instead.
        before_call, after_call: the hooks to continue with. A hook that changes arguments must be given again, or the approved
            arguments are not those that would run, and the human is asked again.

    Raises:
        UnknownModelError: no model is given and none has the name in the data.
    """
    model = model or model_source().model(data["model"])
    messages = [Message.from_dict(message) for message in data["messages"]]
    prompt = Prompt(
        None,
        model,
        options=model.Options(**data.get("options", {})),
        schema=data.get("schema"),
        tools=tools,
        messages=messages,
        hide_reasoning=data.get("hide_reasoning", False),
    )
    plan = ChainPlan(model, None, before_call, after_call, data.get("chain_limit"))
    request = None if data["request"] is None else _bound_to_what_it_shows(ApprovalRequest.from_dict(data["request"]))
    asked_by = data.get("turn") or new_id()
    log = _log_of(asked_by, request, data.get("decisions", {}))
    kept = log.call(request.id) if request is not None else None
    if kept is not None and kept.request is not None and request is not None and kept.request.digest == request.digest:
        request = kept.request
    return pause_with(data["reason"], request, PausedChain(plan, prompt, messages, request, log, asked_by))


def _log_of(asked_by: str, request: ApprovalRequest | None, decisions: dict[str, Any]) -> ChainLog:
    """Return the log to continue with: the journal's where it knows the call, else one made of what the dict says."""
    journal = open_log(None).journal
    if request is not None and journal is not None and journal.call(request.id) is not None:
        turn = journal.turn(asked_by)
        if turn is not None:
            return log_after(journal, turn.begun)
    known = process.of(AskedInMemory).journals.get(request.id) if request is not None else None
    if known is not None:
        return ChainLog(memory=known)
    log = ChainLog()
    for call_id, data in decisions.items():
        decision = Decision.from_dict(data)
        name = request.tool_name if request is not None else ""
        is_asked = request is not None and request.tool_call_id == call_id
        own_id = request.id if request is not None and is_asked else new_id()
        log.memory.adopt(CallEntry(own_id, asked_by, call_id, name, decision.verdict, b"{}", request, decision))
    if request is not None and log.memory.call(request.id) is None:
        state: CallState = "unknown" if request.outcome_unknown else "waiting"
        entry = CallEntry(request.id, asked_by, request.tool_call_id, request.tool_name, state, b"{}", request)
        log.memory.adopt(entry)
    return log


def _bound_to_what_it_shows(request: ApprovalRequest) -> ApprovalRequest:
    """Return a request from outside with the digest of the arguments and the facts that it shows."""
    bound = digest(
        identity_of(request.facts) if request.facts else "", canonical(request.arguments), request.tool_call_id
    )
    return replace(request, digest=digest_of_unknown(bound) if request.outcome_unknown else bound)


def log_after(journal: Journal, begun: TurnBegun) -> ChainLog:
    """Return the log of a chain that continues after a turn of the journal."""
    return ChainLog(
        journal,
        Origin(),
        begun.conversation_id,
        chain_id=begun.chain_id,
        parent_id=begun.turn_id,
        known=journal.messages(begun.turn_id),
    )


def pause_with(reason: str, request: ApprovalRequest | None, paused: PausedChain) -> PauseChain:
    """Return the pause that a chain which waits would raise."""
    pause = PauseChain(reason)
    pause.messages, pause.asked, pause.paused = paused.messages, request, paused
    if request is not None:
        pause.tool_call = ToolCall(request.tool_name, thawed(canonical(request.arguments)), request.tool_call_id)
    return pause
