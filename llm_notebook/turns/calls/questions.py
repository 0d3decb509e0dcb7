"""Builds the question about a call from its current state: for a chain that reaches the call, and for one that waits and checks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.approvals.consent import asked_anew, digest, digest_of_unknown, request_for, thawed
from llm_notebook.approvals.identity import digest_of_undescribed
from llm_notebook.approvals.policy import ApprovalPolicy, strictest
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.signatures import TOOL_CALL_PARAMETER

if TYPE_CHECKING:
    from llm_notebook.approvals.identity import Identity
    from llm_notebook.approvals.requests import ApprovalRequest, Decision
    from llm_notebook.journal.operations import CallEntry
    from llm_notebook.tools.tool import Tool

__all__ = ["UNKNOWN_OUTCOME", "applies", "bound_digest", "covers", "policy_in_force", "question_about"]

UNKNOWN_OUTCOME = "This call was interrupted while it ran, and nobody knows how far it came: approve it to run it again, or answer in its place."


def policy_in_force(policy: ApprovalPolicy | None, entry: CallEntry) -> ApprovalPolicy | None:
    """Return the strictest policy that ever applied to a call, or None if nobody is asked.

    Args:
        policy: the current policy for calls of the tool.
        entry: the call, with the policies under which it was proposed and asked about.
    """
    asked = entry.request.policy if entry.request is not None else None
    return strictest(policy, entry.policy, None if asked is None else ApprovalPolicy.from_dict(asked))


def applies(policy: ApprovalPolicy, tool: Tool, call: ToolCall, runs: bytes) -> bool:
    """Return whether a human must be asked. If the condition raises an error, the answer is yes: silence is not consent."""
    if policy.asks == "always" or not policy.conditions:
        return True
    try:
        for condition in policy.conditions:
            # Each gets a copy, because nothing that it does to the arguments may change what runs.
            arguments = tool.arguments_for(ToolCall(call.name, thawed(runs), call.tool_call_id))
            arguments.pop(TOOL_CALL_PARAMETER, None)
            if condition(**arguments):
                return True
    except Exception:
        return True
    return False


def _is_about_unknown(entry: CallEntry) -> bool:
    """Return whether a human is or was asked how an interrupted call ended."""
    if entry.state == "started":
        # When a body runs again, its questions are about this run.
        return False
    return entry.state == "unknown" or (entry.request is not None and entry.request.outcome_unknown)


def bound_digest(identity: str, policy: ApprovalPolicy | None, frozen: bytes, entry: CallEntry) -> str:
    """Return the digest to which a decision about a call in its current state is bound: that of the question about it.

    Args:
        identity: the digest of what the tool is.
        policy: the policy in force.
        frozen: the arguments.
        entry: the call.
    """
    about_unknown = _is_about_unknown(entry)
    asks = None if policy is None else policy.to_dict()
    bound = digest(identity, asks, frozen, entry.tool_call_id)
    return digest_of_unknown(bound) if about_unknown else bound


def covers(decision: Decision, entry: CallEntry, identity: str, policy: ApprovalPolicy | None, frozen: bytes) -> bool:
    """Return whether a decision is about a call in its current state.

    Args:
        decision: the decision.
        entry: the call.
        identity: the digest of what the tool is.
        policy: the policy in force.
        frozen: the arguments.
    """
    # The identity of an unmarked tool is not recorded, so the question whether to run it again may have been about its name and arguments.
    identities = [identity]
    if policy is None and _is_about_unknown(entry):
        identities.append(digest_of_undescribed(entry.tool_name))
    return decision.digest in [bound_digest(one, policy, frozen, entry) for one in identities]


def question_about(
    tool: Tool,
    entry: CallEntry,
    frozen: bytes,
    policy: ApprovalPolicy | None,
    *,
    reason: str,
    is_required: bool,
    identity: Identity | None = None,
    inside: str = "",
) -> ApprovalRequest:
    """Return the question about a call, which says what has changed since it was asked before.

    Args:
        tool: what would run.
        entry: the call.
        frozen: the arguments.
        policy: the policy in force.
        reason: the sentence that the tool or the hook gave; empty if the policy asks.
        is_required: whether the policy asks.
        identity: the identity of the tool, if it is known already.
        inside: the tool that asks, if the call belongs to a chain inside a tool.
    """
    about_unknown = _is_about_unknown(entry)
    request = request_for(tool, frozen, entry.tool_call_id, policy=policy, identity=identity)
    request.id, request.reason, request.is_required = entry.call_id, reason, is_required
    request.outcome_unknown = about_unknown
    if inside:
        request.origin = [*request.origin, inside]
    if about_unknown:
        request.digest = digest_of_unknown(request.digest)
    before = entry.request
    if before is not None:
        is_same = before.digest == request.digest
        request.changed = (
            before.changed if is_same else asked_anew(before, request, was_decided=entry.decision is not None)
        )
    return request
