"""Continues from the journal: chains that wait in it, whichever process asked, and earlier conversations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, TypedDict, Unpack, overload

from llm_notebook.approvals.consent import canonical, digest, digest_of_unknown, thawed
from llm_notebook.approvals.identity import digest_of_undescribed
from llm_notebook.approvals.policy import ChainPolicy
from llm_notebook.approvals.requests import ASKED, ApprovalRequest
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import CallEntry, CallMoved, TurnBegun, TurnEntry, needs_human
from llm_notebook.journal.protocol import Journal
from llm_notebook.models.conversations import AsyncConversation, Conversation
from llm_notebook.models.lookup import find_tools, model_source
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.models.pauses import PauseChain
from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.models.stored.carried_options import carried_options
from llm_notebook.tools.calls import ToolCall
from llm_notebook.turns.calls.noting import seen_from_outside
from llm_notebook.turns.calls.open_calls import rounds_since, with_results
from llm_notebook.turns.calls.questions import UNKNOWN_OUTCOME
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.origin import Origin, origin_of
from llm_notebook.turns.pauses import PausedChain
from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainPlan
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
    from llm_notebook.tools.collecting import ToolLike

__all__ = [
    "AbsentModel",
    "ask_about_unknown",
    "asked_inside",
    "asking_turn",
    "left_of",
    "load_conversation",
    "log_after",
    "model_of",
    "open_calls",
    "pause_of",
    "pause_with",
    "pending",
    "response_of",
    "resume",
]

SyncModel = Model | KeyModel
AwaitedModel = AsyncModel | AsyncKeyModel


class Continuing(TypedDict, total=False):
    """The objects with which a chain continues, as in `load_pause()`."""

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
    tools = wanted.get("tools")
    if tools is None:
        tools = find_tools(settings, [call.tool_name for call in turn.calls])
    prompt = Prompt(
        None,
        model,
        options=carried_options(model, settings.get("options")),
        schema=settings.get("schema"),
        tools=tools,
        messages=with_results(log.known, results),
        hide_reasoning=settings.get("hide_reasoning", False),
    )
    plan = ChainPlan(
        model,
        None,
        wanted.get("before_call"),
        wanted.get("after_call"),
        settings.get("chain_limit"),
        policy=ChainPolicy.from_dict(settings.get("approval")),
    )
    rounds = rounds_since(plan.chain_limit, len(journal.chain(begun.chain_id)))
    return PausedChain(plan, prompt, prompt.said, [], log, begun.turn_id, rounds)


def pause_of(call: CallEntry, journal: Journal, **wanted: Unpack[Continuing]) -> PauseChain:
    """Return the pause of a call in the journal, from which its chain continues.

    Args:
        call: a call that waits, or one that was decided and has not continued.
        journal: where the call is kept.
        wanted: what the chain continues with, as for `load_pause()`.

    Raises:
        UnknownModelError: no model is given and none has the name in the journal.
    """
    return _pause_after(asking_turn(call, journal), call, journal, **wanted)


def _pause_after(turn: TurnEntry | None, call: CallEntry, journal: Journal, **wanted: Unpack[Continuing]) -> PauseChain:
    if turn is None:
        raise JournalError(f"The journal holds the call {call.call_id} without the turn that asked for it.")
    paused = left_of(turn, journal, **wanted)
    if call.state == "suspended":
        call = next(iter(open_calls(call, journal)), call)
    open_ones = [found for other in turn.calls for found in open_calls(other, journal)]
    waiting = [one for one in open_ones if one.state in ASKED or one.call_id == call.call_id]
    if all(one.call_id != call.call_id for one in waiting) and (needs_human(call) or not waiting):
        # This is a question inside a call that was itself interrupted, or a settled one.
        waiting.append(call)
    asked = {one.call_id: ask_about_unknown(one, journal) for one in waiting}
    paused.requests = [request for request in asked.values() if request is not None]
    for one in paused.requests:
        if not one.facts:
            # The tool may be available by now.
            asked[one.id] = paused.renew(one)
    request = asked[call.call_id] if call.call_id in asked else ask_about_unknown(call, journal)
    reason = request.reason if request is not None else ""
    return pause_with(reason or f"{call.tool_name} waits for approval", request, paused)


def asking_turn(call: CallEntry, journal: Journal) -> TurnEntry | None:
    """Return the turn whose chain continues when a call is decided: the turn that asked for the call or, if that turn is inside a tool, the
    turn that asked for the tool's call, as long as that call has no result.
    """
    turn = journal.turn(call.turn_id)
    while turn is not None and turn.begun.inside:
        outer = journal.call(turn.begun.inside)
        if outer is None or outer.result is not None:
            break
        turn = journal.turn(outer.turn_id)
    return turn


def open_calls(call: CallEntry, journal: Journal) -> list[CallEntry]:
    """Return the calls that need a human or a resumed chain: this one or, if it is suspended, the calls inside it."""
    if call.state != "suspended":
        return [call] if needs_human(call) else []
    inner = [call for turn in journal.turns_inside(call.call_id) for call in turn.calls]
    return [found for call in inner for found in open_calls(call, journal)]


def asked_inside(call: CallEntry, journal: Journal) -> list[CallEntry]:
    """Return the calls inside a tool's call, at any depth, about which a human was or is asked, oldest first, as seen from outside."""
    found = []
    for inner in [call for turn in journal.turns_inside(call.call_id) for call in turn.calls]:
        inner.request = ask_about_unknown(inner, journal)
        shown = [seen_from_outside(inner)] if inner.request is not None else []
        found += [*shown, *asked_inside(inner, journal)]
    return found


def ask_about_unknown(call: CallEntry, journal: Journal) -> ApprovalRequest | None:
    """Return what a human is asked about a call.

    If a call was interrupted while it ran and no process has asked about it yet, the question is recorded first.
    """
    request = call.request
    if call.state != "unknown" or (request is not None and request.outcome_unknown):
        return request
    if request is None:
        arguments = thawed(call.arguments)
        # The tool's identity was not recorded. If it is marked, an approval to run the call again leads to one more question.
        policy = None if call.policy is None else call.policy.to_dict()
        bound = digest(digest_of_undescribed(call.tool_name), policy, call.arguments, call.tool_call_id)
        request = ApprovalRequest(call.tool_name, arguments, call.tool_call_id, "", bound, id=call.call_id)
    bound = digest_of_unknown(request.digest)
    request = replace(request, reason=UNKNOWN_OUTCOME, outcome_unknown=True, digest=bound)
    journal.submit(CallMoved(call.call_id, ("unknown",), "unknown", datetime.now(UTC), request=request)).result()
    return request


def response_of(
    turn: TurnEntry, journal: Journal, *, model: SyncModel | AwaitedModel | None = None
) -> Response | AsyncResponse:
    """Return a turn of the journal as a finished response. It can `reply()`, and conversations can continue from it.

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
    prompt = Prompt(None, model, messages=sent, options=carried_options(model, begun.settings.get("options")))
    log = ChainLog(journal, Origin(), begun.conversation_id, chain_id=begun.chain_id)
    log.policy = ChainPolicy.from_dict(begun.settings.get("approval"))
    if isinstance(model, AwaitedModel):
        return AsyncResponse._from_journal(prompt, model, log, turn)
    return Response._from_journal(prompt, model, log, turn)


@overload
def load_conversation(id: str, *, model: SyncModel | None = None) -> Conversation: ...


@overload
def load_conversation(id: str, *, model: AwaitedModel) -> AsyncConversation: ...


def load_conversation(
    id: str,
    *,
    model: SyncModel | AwaitedModel | None = None,
) -> Conversation | AsyncConversation:
    """Return a conversation of the journal, to continue it.

    Args:
        id: the conversation, or one of its turns from which to continue; the beginning of the id is enough.
        model: the model with which to continue; the one that answered last if not given.

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
        return AsyncConversation(response.model, responses=[response])
    return Conversation(response.model, responses=[response])


def pending() -> list[PauseChain]:
    """Return the chains in the journal that wait for a human, oldest first, whichever process asked.

    Each is a pause: `.request` is the question, `.request.id` its id, and `approve()`, `deny()`, `answer()` and `resume(tools=)` return its
    chain from there on.

    Raises:
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).to_read
    asking = [(asking_turn(call, journal), call) for call in journal.waiting()]
    return [_pause_after(turn, call, journal, model=model_of(turn)) for turn, call in asking]


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
    id: str,
    *,
    tools: Sequence[ToolLike] | None = None,
    model: SyncModel | AwaitedModel | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> ChainResponse | AsyncChainResponse:
    """Continue a chain that waits in the journal, in this process or another.

    Args:
        id: the call's id, as in `pending()` and `request.id`; the beginning is enough.
        tools: the tools with which to continue; a decision counts only for a tool that has not changed.
        model, before_call, after_call: as for `load_pause()`. An async model gives an AsyncChainResponse.

    Returns:
        The chain from there on, which runs when it is read. What is not decided is asked again.

    Raises:
        KeyError: nothing with that id waits.
        UnknownModelError: no model is given and none has the name in the journal.
    """
    journal = process.of(CurrentJournal).to_read
    call = journal.call(id)
    if call is None:
        raise KeyError(f"Nothing called {id!r} waits in the journal; pending() lists what does.")
    pause = pause_of(call, journal, model=model, tools=tools, before_call=before_call, after_call=after_call)
    return pause.resume()


class AbsentModel(Model):
    """Takes the place of a model that this process does not know, so that its questions can be seen and decided."""

    supports_tools = supports_schema = True

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id

    def execute(self, *_: object) -> NoReturn:
        raise UnknownModelError(
            f"This process does not know the model {self.model_id!r}: go on with resume(id, model=...) and name one."
        )


def model_of(turn: TurnEntry | None) -> Model | KeyModel | None:
    """Return the model that continues after a turn, or an AbsentModel if this process does not know it."""
    if turn is None:
        return None
    try:
        return model_source().model(turn.begun.model_id)
    except UnknownModelError:
        return AbsentModel(turn.begun.model_id)


def log_after(journal: Journal, begun: TurnBegun) -> ChainLog:
    """Return the log of a chain that continues after a turn of the journal."""
    return ChainLog(
        journal,
        origin_of(begun),
        begun.conversation_id,
        chain_id=begun.chain_id,
        parent_id=begun.turn_id,
        known=journal.messages(begun.turn_id),
        inside=begun.inside or "",
    )


def pause_with(reason: str, request: ApprovalRequest | None, paused: PausedChain) -> PauseChain:
    """Return the pause that a waiting chain would raise."""
    pause = PauseChain(reason)
    pause.messages, pause.asked, pause.paused = paused.messages, request, paused
    if request is not None:
        pause.tool_call = ToolCall(request.tool_name, thawed(canonical(request.arguments)), request.tool_call_id)
    return pause
