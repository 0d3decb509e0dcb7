"""What a human is asked about one call, as things stand: by the chain that comes to it, and by one that waits and looks again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.approvals.consent import asked_anew, digest_of_unknown, request_for
from llm_notebook.approvals.policy import ApprovalPolicy

if TYPE_CHECKING:
    from llm_notebook.approvals.identity import Identity
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.journal.operations import CallEntry
    from llm_notebook.tools.tool import Tool
    from llm_notebook.turns.plan import ChainPlan

__all__ = ["is_about_unknown", "policy_in_force", "question_about"]


def policy_in_force(plan: ChainPlan, tool: Tool, entry: CallEntry) -> ApprovalPolicy | None:
    """Return when a human is asked about a call: of all that ever held for it, the strictest. None if nobody is asked."""
    asked = entry.request.policy if entry.request is not None else None
    return plan.policy_for(tool, entry.policy, None if asked is None else ApprovalPolicy.from_dict(asked))


def is_about_unknown(entry: CallEntry) -> bool:
    """Return whether a human is or was asked how a call that was interrupted came out."""
    if entry.state in ("unknown", "started"):
        # What a body asks that runs again is about this run.
        return entry.state == "unknown"
    return entry.request is not None and entry.request.outcome_unknown


def question_about(
    plan: ChainPlan,
    tool: Tool,
    entry: CallEntry,
    frozen: bytes,
    *,
    reason: str,
    is_required: bool,
    identity: Identity | None = None,
    inside: str = "",
) -> ApprovalRequest:
    """Return the question about a call, which says what has changed since it was asked before.

    Args:
        plan: how the chain is run.
        tool: what would run.
        entry: the call.
        frozen: the arguments.
        reason: the sentence that the tool or the hook gave; empty if the policy asks.
        is_required: the policy asks.
        identity: what the tool is, where that is known already.
        inside: which tool asks, if the call is one of a chain inside a tool.
    """
    policy = policy_in_force(plan, tool, entry)
    request = request_for(tool, frozen, entry.tool_call_id, policy=policy, identity=identity)
    request.id, request.reason, request.is_required = entry.call_id, reason, is_required
    request.outcome_unknown = is_about_unknown(entry)
    if inside:
        request.origin = [*request.origin, inside]
    if is_about_unknown(entry):
        request.digest = digest_of_unknown(request.digest)
    before = entry.request
    if before is not None:
        is_same = before.digest == request.digest
        request.changed = (
            before.changed if is_same else asked_anew(before, request, was_decided=entry.decision is not None)
        )
    return request
