"""Loads a pause that `PauseChain.to_dict()` wrote, in this process or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from llm_notebook.approvals.consent import canonical, digest, digest_of_unknown, request_for
from llm_notebook.approvals.identity import digest_of_facts, digest_of_undescribed, facts_shown, identify
from llm_notebook.approvals.policy import ApprovalPolicy, ChainPolicy
from llm_notebook.approvals.requests import ASKED, ApprovalRequest, CallState, Decision
from llm_notebook.approvals.running import as_tool
from llm_notebook.configuration.process import process
from llm_notebook.journal.memory import AskedInMemory
from llm_notebook.journal.operations import CallEntry, TurnBegun
from llm_notebook.journal.protocol import Journal
from llm_notebook.models.lookup import model_source
from llm_notebook.models.pauses import PauseChain
from llm_notebook.models.stored.carried_options import carried_options
from llm_notebook.models.stored.resuming import AwaitedModel, SyncModel, log_after, pause_with
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.nested_records import adopt_suspended
from llm_notebook.turns.calls.open_calls import unresolved_calls
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.pauses import PausedChain
from llm_notebook.turns.plan import AfterCall, BeforeCall, ChainPlan, open_log
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import AsyncChainResponse
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["load_pause"]


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

    Data may be changed after it was written. So consent is bound to the tool and the arguments that the loaded pause shows: if they differ from
    what was asked, a decision does not count. A settled pause is not run again as long as this process or a journal knows about it. A decision
    that was made before `to_dict()` is in the data and counts, unless this process or a journal has another record. So load only data that
    nobody else can write.

    Args:
        data: what `to_dict()` returned.
        model: the model with which to continue; the one named in the data if not given.
        tools: the tools with which to continue; they can be passed to `resume()` instead.
        before_call, after_call: the hooks. A hook that changes arguments must be given again, because otherwise the approved arguments differ
            from those that would run, and the human is asked again.

    Raises:
        UnknownModelError: no model is given and none has the name in the data.
    """
    model = model or model_source().model(data["model"])
    messages = [Message.from_dict(message) for message in data["messages"]]
    prompt = Prompt(
        None,
        model,
        options=carried_options(model, data.get("options")),
        schema=data.get("schema"),
        tools=tools,
        messages=messages,
        hide_reasoning=data.get("hide_reasoning", False),
    )
    policy = ChainPolicy.from_dict(data.get("approval"))
    plan = ChainPlan(model, None, before_call, after_call, data.get("chain_limit"), policy=policy)
    asked_by, rounds = data.get("turn") or new_id(), data.get("rounds", 0)
    request, requests = _asked_in(data, [tool for tool in prompt.tools if isinstance(tool, Tool)])
    decisions = {name: Decision.from_dict(decision) for name, decision in data.get("decisions", {}).items()}
    # A decision counts only for the question that is shown.
    digests = {one.id: one.digest for one in requests}
    decisions = {name: decision for name, decision in decisions.items() if digests.get(name) == decision.digest}
    turn = _known_turn(asked_by, requests)
    if turn is None:
        log = _log_of(asked_by, requests, decisions, data.get("suspended", []))
        _queue(log, asked_by, messages)
    else:
        log = log_after(*turn)
        # A question that was asked under a policy is asked under it again, whatever the data says.
        plan.policy = policy.joined(ChainPolicy.from_dict(turn[1].settings.get("approval")))
    requests = [_as_kept(one, log) for one in requests]
    waiting = [one for one in requests if (call := log.call(one.id)) is None or call.state in ASKED]
    paused = PausedChain(plan, prompt, messages, waiting or requests, log, asked_by, rounds)
    return pause_with(data["reason"], None if request is None else _as_kept(request, log), paused)


def _asked_in(data: dict[str, Any], tools: Sequence[Tool]) -> tuple[ApprovalRequest | None, list[ApprovalRequest]]:
    """Return the question of a pause, and all questions of its turn, each of them bound to what it shows."""
    requests = [_asked(question, tools) for question in data.get("requests", [])]
    if data["request"] is None:
        return None, requests
    own = _asked(data["request"], tools)
    if all(request.id != own.id for request in requests):
        return own, [own, *requests]
    return own, [own if request.id == own.id else request for request in requests]


def _asked(question: dict[str, Any], tools: Sequence[Tool]) -> ApprovalRequest:
    """Return a question from the data, bound to what it shows. If its tool is available, the tool says where it comes from and what its code is."""
    request = _bound_to_what_it_shows(ApprovalRequest.from_dict(question))
    tool = next((tool for tool in tools if tool.name == request.tool_name), None)
    if tool is None or (identity := as_tool(identify, tool)).facts != request.facts:
        return request
    frozen = canonical(request.arguments)
    said = as_tool(lambda tool: request_for(tool, frozen, "", policy=None, identity=identity), tool)
    return replace(request, origin=said.origin, source=said.source, state=said.state)


def _known_turn(asked_by: str, requests: Sequence[ApprovalRequest]) -> tuple[Journal, TurnBegun] | None:
    """Return the journal that knows the calls, and the turn in it that continues; None if there is no such journal."""
    journal = open_log(None).journal
    if journal is None or all(journal.call(request.id) is None for request in requests):
        return None
    # A call inside a tool belongs to an inner turn, but the outer chain is the one that continues.
    turn = journal.turn(asked_by)
    return None if turn is None else (journal, turn.begun)


def _log_of(
    asked_by: str,
    requests: Sequence[ApprovalRequest],
    decisions: dict[str, Decision],
    suspended: list[dict[str, Any]],
) -> ChainLog:
    """Return a log that is built from the dict, unless this process knows the calls."""
    known = process.of(AskedInMemory).journals
    memory = next((known[request.id] for request in requests if request.id in known), None)
    log = ChainLog() if memory is None else ChainLog(memory=memory)
    if memory is None:
        adopt_suspended(log, suspended)
    for request in requests:
        if request.id in log.memory.entries:
            continue
        decision = decisions.get(request.id)
        waits: CallState = "unknown" if request.outcome_unknown else "waiting"
        state = waits if decision is None else decision.verdict
        call = (request.id, asked_by, request.tool_call_id, request.tool_name)
        log.memory.adopt(CallEntry(*call, state, b"{}", request, decision))
    return log


def _queue(log: ChainLog, asked_by: str, messages: Sequence[Message]) -> None:
    """Record the calls that wait for others, so that they are not mistaken for calls of tools that do not exist."""
    known = {call.tool_call_id for call in log.memory.calls() if call.turn_id == asked_by}
    for call in unresolved_calls(messages):
        if call.tool_call_id is not None and call.tool_call_id not in known:
            log.memory.adopt(CallEntry(new_id(), asked_by, call.tool_call_id, call.name, "proposed", b"{}"))


def _as_kept(request: ApprovalRequest, log: ChainLog) -> ApprovalRequest:
    """Return this process's version of a question, if it is the same question."""
    kept = log.call(request.id)
    is_same = kept is not None and kept.request is not None and kept.request.digest == request.digest
    return kept.request if is_same and kept is not None and kept.request is not None else request


def _bound_to_what_it_shows(request: ApprovalRequest) -> ApprovalRequest:
    """Return a request from outside with the digest of what it shows: the tool, the arguments, and whether it is destructive."""
    facts, policy, identity = request.facts, None, digest_of_undescribed(request.tool_name)
    if facts:
        facts = facts | facts_shown(request.tool_name, request.description, request.input_schema)
        identity = digest_of_facts(facts)
    if request.policy is not None or request.destructive:
        asks = ApprovalPolicy.from_dict(request.policy or {})
        policy = replace(asks, destructive=request.destructive).to_dict()
    bound = digest(identity, policy, canonical(request.arguments), request.tool_call_id)
    return replace(request, facts=facts, digest=digest_of_unknown(bound) if request.outcome_unknown else bound)
