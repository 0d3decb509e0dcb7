"""Approval policies: when a human is asked about a tool's calls, and how policies from several sources are combined.

A call may be asked about for several reasons: its tool is marked, its Toolbox is, the cell said `--ta`, or the question was asked under a
policy before the kernel was restarted. `strictest()` combines these policies: a human is asked if any of them asks, and a tool is destructive
if any of them says so.

A policy is recorded with the turn and with each call, so that a later process asks about the same calls. Only conditions cannot be recorded:
the later process uses the condition of the tool's mark as it is defined then, and asks about every call if there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

__all__ = ["ApprovalPolicy", "ChainPolicy", "strictest"]

Asks = Literal["always", "sometimes"]


@dataclass(slots=True, frozen=True)
class ApprovalPolicy:
    """When a human is asked about the calls of one tool.

    Attributes:
        asks: whether a human is asked about every call, or about those for which a condition is true.
        destructive: whether the tool does something that cannot be undone. Such a tool can never be "always allowed".
        conditions: functions that are called with the arguments by name. A human is asked if one of them returns true. They are not recorded;
            if a policy asks about some calls but its condition is not known, it asks about all of them.
    """

    asks: Asks = "always"
    destructive: bool = False
    conditions: tuple[Callable[..., bool], ...] = ()

    def without_conditions(self) -> ApprovalPolicy:
        """Return the policy without what cannot be recorded."""
        return replace(self, conditions=())

    def to_dict(self) -> dict[str, Any]:
        """Return the recordable part of the policy as a JSON-safe dict."""
        return {"asks": self.asks, "destructive": self.destructive}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ApprovalPolicy:
        """Return the policy that `to_dict()` wrote. A value that cannot be read becomes a policy that always asks."""
        asks: Asks = "sometimes" if data.get("asks") == "sometimes" else "always"
        return ApprovalPolicy(asks, bool(data.get("destructive")))


def strictest(*policies: ApprovalPolicy | None) -> ApprovalPolicy | None:
    """Return the policy that asks whenever one of these does; None if none of them is a policy."""
    given = [policy for policy in policies if policy is not None]
    if not given:
        return None
    asks: Asks = "always" if any(policy.asks == "always" for policy in given) else "sometimes"
    conditions = tuple(condition for policy in given for condition in policy.conditions)
    return ApprovalPolicy(asks, any(policy.destructive for policy in given), conditions)


@dataclass(slots=True)
class ChainPolicy:
    """The calls about which one chain asks, in addition to the marks of its tools.

    Attributes:
        always: whether every call is asked about, including calls of tools that are added later.
        named: names of tools whose calls are asked about.
        kept: the policies in force so far, by the names of their tools.
    """

    always: bool = False
    named: frozenset[str] = frozenset()
    kept: dict[str, ApprovalPolicy] = field(default_factory=dict)

    def policy_for(self, name: str, mark: ApprovalPolicy | None) -> ApprovalPolicy | None:
        """Return the policy for a tool of this name and with this mark; None if nobody has to be asked."""
        asks_here = ApprovalPolicy() if self.always or name in self.named else None
        return strictest(asks_here, self.kept.get(name), mark)

    def keep(self, marks: Iterable[tuple[str, ApprovalPolicy | None]]) -> dict[str, ApprovalPolicy]:
        """Keep the policies in force, so that they still apply if the chain continues with tools that were created anew. Returns them by tool.

        Args:
            marks: the names of the chain's tools, each with the tool's mark.
        """
        found: dict[str, ApprovalPolicy] = {}
        for name, mark in marks:
            policy = self.policy_for(name, mark)
            if policy is not None:
                found[name] = policy
                # A condition belongs to the tool with which the chain continues.
                self.kept[name] = policy.without_conditions()
        return found

    def joined(self, other: ChainPolicy) -> ChainPolicy:
        """Return the policy that asks whenever one of the two does."""
        joined = ChainPolicy(self.always or other.always, self.named | other.named, dict(self.kept))
        joined.keep(other.kept.items())
        return joined

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as a JSON-safe dict, which is empty if there is none."""
        tools = {name: ApprovalPolicy().to_dict() for name in self.named}
        tools |= {name: policy.to_dict() for name, policy in self.kept.items()}
        return ({"always": True} if self.always else {}) | ({"tools": tools} if tools else {})

    @staticmethod
    def from_dict(data: object) -> ChainPolicy:
        """Return the policy that `to_dict()` wrote."""
        if not isinstance(data, dict):
            return ChainPolicy()
        tools = data.get("tools")
        kept = cast("dict[str, Any]", tools) if isinstance(tools, dict) else {}
        return ChainPolicy(
            bool(data.get("always")),
            kept={
                name: ApprovalPolicy.from_dict(policy if isinstance(policy, dict) else {})
                for name, policy in kept.items()
            },
        )
