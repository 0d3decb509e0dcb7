"""The contents of a pause's suspended calls as JSON, for pauses that are stored without a journal and loaded elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.approvals.policy import ApprovalPolicy
from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.configuration.process import process
from llm_notebook.journal.operations import CallEntry
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import Message, ToolResultPart
from llm_notebook.tools.calls import ToolResult, recorded_exception
from llm_notebook.turns.calls.nesting import ChainsInTools, LeftChain, LeftRound, calls_inside, records_inside
from llm_notebook.turns.calls.open_calls import part_of

if TYPE_CHECKING:
    from llm_notebook.turns.log import ChainLog

__all__ = ["adopt_suspended", "suspended_to_dicts"]

Data = dict[str, Any]


def suspended_to_dicts(log: ChainLog, turn_id: str) -> list[Data]:
    """Return the suspended calls of a turn with everything that was asked inside of them."""
    calls = [call for call in log.memory.calls() if call.turn_id == turn_id and call.state == "suspended"]
    return [_call_to_dict(log, call) for call in calls]


def adopt_suspended(log: ChainLog, calls: list[Data]) -> None:
    """Read what `suspended_to_dicts()` wrote into the memory of a log.

    Raises:
        KeyError, TypeError, ValueError: the data has another form.
    """
    for data in calls:
        call_id = data["call_id"]
        log.memory.adopt(_call_from_dict(data))
        chains = [_chain_from_dict(chain) for chain in data["chains"]]
        process.of(ChainsInTools).loaded[call_id] = chains
        adopt_suspended(log, data["inside"])


def _call_to_dict(log: ChainLog, call: CallEntry) -> Data:
    inner = list(calls_inside(log, call.call_id))
    return {
        "call_id": call.call_id,
        "turn": call.turn_id,
        "tool_call_id": call.tool_call_id,
        "tool": call.tool_name,
        "state": call.state,
        "arguments": call.arguments.decode("utf-8", "surrogatepass"),
        "request": None if call.request is None else call.request.to_dict(),
        "decision": None if call.decision is None else call.decision.to_dict(),
        "result": None if call.result is None else part_of(call.result).to_dict(),
        "policy": None if call.policy is None else call.policy.to_dict(),
        "chains": [_chain_to_dict(chain) for chain in records_inside(call.call_id)],
        "inside": [_call_to_dict(log, one) for one in inner],
    }


def _call_from_dict(data: Data) -> CallEntry:
    result = Message.from_dict({"role": "tool", "parts": [data["result"]]}).parts[0] if data["result"] else None
    return CallEntry(
        data["call_id"],
        data["turn"],
        data["tool_call_id"],
        data["tool"],
        cast("CallState", data["state"]),
        data["arguments"].encode("utf-8", "surrogatepass"),
        None if data["request"] is None else ApprovalRequest.from_dict(data["request"]),
        None if data["decision"] is None else Decision.from_dict(data["decision"]),
        result=_result_of(result) if isinstance(result, ToolResultPart) else None,
        policy=None if data["policy"] is None else ApprovalPolicy.from_dict(data["policy"]),
    )


def _result_of(part: ToolResultPart) -> ToolResult:
    kind, _, message = (part.exception or "").partition(": ")
    error = recorded_exception(kind, message) if kind else None
    return ToolResult(part.name, part.output, part.attachments, part.tool_call_id, exception=error)


def _chain_to_dict(chain: LeftChain) -> Data:
    return {
        "request": chain.request,
        "chain_id": chain.chain_id,
        "rounds": [
            {
                "turn": one.turn_id,
                "output": [message.to_dict() for message in one.output],
                "finish": None if one.finish is None else [one.finish.reason, one.finish.said],
            }
            for one in chain.rounds
        ],
    }


def _chain_from_dict(data: Mapping[str, Any]) -> LeftChain:
    rounds = [
        LeftRound(
            one["turn"],
            [Message.from_dict(said) for said in one["output"]],
            finish=None if one["finish"] is None else Finish(*one["finish"]),
        )
        for one in data["rounds"]
    ]
    return LeftChain(data["request"], data["chain_id"], "", rounds)
