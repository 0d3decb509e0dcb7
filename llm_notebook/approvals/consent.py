"""The digests to which consent is bound, and frozen arguments.

A human consents to a digest of four things: what the tool is (`identity`), the policy under which the question is asked, the frozen
arguments, and the id of the call. After `before_call`, the arguments are checked and frozen as canonical JSON bytes. Whatever runs is made from
those bytes, so nothing that happens later can change it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.approvals.identity import identify, origin_of
from llm_notebook.approvals.requests import ApprovalRequest
from llm_notebook.approvals.sources import source_of

if TYPE_CHECKING:
    from llm_notebook.approvals.identity import Identity
    from llm_notebook.approvals.policy import ApprovalPolicy
    from llm_notebook.tools.tool import Tool

__all__ = ["asked_anew", "canonical", "digest", "digest_of_unknown", "request_for", "thawed"]

_MOST_CHANGES = 8
_DEEPEST = 100


def canonical(arguments: dict[str, Any]) -> bytes:
    """Return the arguments as canonical JSON: sorted keys, no white space, UTF-8.

    Raises:
        TypeError, ValueError: a value has no JSON form, or values are nested too deep for a human to read.
    """
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if text.count("[") + text.count("{") > _DEEPEST and _is_deeper_than(_DEEPEST, arguments):
        raise ValueError(f"they are nested more than {_DEEPEST} levels deep")
    return text.encode("utf-8", "surrogatepass")


def _is_deeper_than(levels: int, value: dict[str, Any]) -> bool:
    """Return whether values are nested deeper than a limit, without recursion."""
    level: list[Any] = [value]
    for _ in range(levels):
        inner = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
        level = [item for item in inner if isinstance(item, dict | list | tuple)]
    return bool(level)


def thawed(frozen: bytes) -> dict[str, Any]:
    """Return a new plain dict made from frozen arguments."""
    return cast("dict[str, Any]", json.loads(frozen.decode("utf-8", "surrogatepass")))


def digest(identity: str, policy: dict[str, Any] | None, frozen: bytes, tool_call_id: str) -> str:
    """Return the digest to which consent to this one call is bound, as 64 hexadecimal digits.

    Args:
        identity: the digest of what the tool is.
        policy: the policy in force, as `ApprovalPolicy.to_dict()` writes it; None if there is none.
        frozen: the arguments.
        tool_call_id: the provider's id of the call.
    """
    asks = b"" if policy is None else canonical(policy)
    parts = (identity.encode(), asks, frozen, tool_call_id.encode("utf-8", "surrogatepass"))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def digest_of_unknown(bound: str) -> str:
    """Return the digest to use after the call with the digest `bound` was interrupted. Consent from before the interruption does not count."""
    return hashlib.sha256(b"outcome unknown " + bound.encode()).hexdigest()


def request_for(
    tool: Tool, frozen: bytes, tool_call_id: str, *, policy: ApprovalPolicy | None, identity: Identity | None = None
) -> ApprovalRequest:
    """Return the question about a call of a tool in its current state.

    Args:
        tool: what would run.
        frozen: the arguments.
        tool_call_id: the provider's id of the call.
        policy: the policy under which it is asked; None if the tool or a hook asks by itself.
        identity: the identity of the tool, if it is known already.
    """
    identity = identity or identify(tool)
    origin, source = origin_of(tool, identity.shown), source_of(tool)
    asks = None if policy is None else policy.to_dict()
    return ApprovalRequest(
        tool_name=tool.name,
        arguments=thawed(frozen),
        tool_call_id=tool_call_id,
        reason="",
        digest=digest(identity.digest, asks, frozen, tool_call_id),
        destructive=policy is not None and policy.destructive,
        description=tool.description or "",
        origin=[*origin, source["note"]] if source is not None and "note" in source else origin,
        source=source,
        input_schema=tool.input_schema,
        facts=identity.facts,
        state=identity.state,
        policy=asks,
    )


def asked_anew(before: ApprovalRequest, after: ApprovalRequest, *, was_decided: bool) -> str:
    """Return a sentence that tells the human who is asked again what has changed; empty if no difference is known.

    Args:
        before: the question as it was asked the last time.
        after: the current question.
        was_decided: whether a human has already decided about it.
    """
    changed = [
        _FACTS[name]
        for name in after.facts
        if name in _FACTS and before.facts.get(name, after.facts[name]) != after.facts[name]
    ]
    # If the earlier question did not record the tool's identity, it is not known what has changed about the tool.
    values = _changed_values(before.state, after.state) if before.facts else []
    if values and _FACTS["object"] in changed:
        changed.remove(_FACTS["object"])
    if after.facts.get("state") != before.facts.get("state", after.facts.get("state")) and not values:
        changed.append("what it holds")
    if before.policy != after.policy and before.facts:
        changed.append("when it asks")
    if before.arguments != after.arguments:
        changed.append("its arguments")
    if not changed and not values:
        return ""
    begin = "You decided about this before. Since then" if was_decided else "This was asked before. Since then"
    listed = (
        changed[0]
        if len(changed) == 1
        else f"{', '.join(changed[:-1])} and {changed[-1]}"
        if changed
        else "what it runs with"
    )
    more = f" {'; '.join(values)}." if values else ""
    return f"{begin} {listed} changed{':' if more and not changed else '.'}{more}"


def _changed_values(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """Return `name: old value → new value` for what a tool holds; only the name if a value must not be shown."""
    changed = []
    for name in [*before, *(name for name in after if name not in before)]:
        (old, old_digest), (new, new_digest) = before.get(name, ["", ""]), after.get(name, ["", ""])
        if old_digest == new_digest:
            continue
        shown = (old or not old_digest) and (new or not new_digest) and old != new
        changed.append(f"{name}: {old or 'nothing'} → {new or 'nothing'}" if shown else f"{name}: another value")
    more = len(changed) - _MOST_CHANGES
    return [*changed[:_MOST_CHANGES], *([f"{more} more"] if more > 0 else [])]


_FACTS = {
    "name": "its name",
    "description": "its description",
    "schema": "its parameters",
    "types": "the types of its arguments",
    "plugin": "its package",
    "code": "its code",
    "class": "its class",
    "object": "the object that it belongs to",
}
