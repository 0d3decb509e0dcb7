"""Approval policies: when a human is asked about a tool's calls, and how the policies of several sources meet.

A call may be asked about for several reasons: its tool is marked, its Toolbox is, the cell said `--ta`, or the question was asked under a
policy before the kernel was restarted. These policies meet in `strictest()`: whatever asks, asks, and what is destructive stays so.

A policy is recorded with the turn and with each call, so that a later process asks about what this one would have asked about. What
cannot be recorded is a condition. There the condition of the tool's mark in that later process counts, and where it has none, every call is
asked about.
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
        asks: whether every call is asked about, or those for which a condition is true.
        destructive: whether the tool does something that cannot be undone. Such a tool can never be "always allowed".
        conditions: functions that are called with the arguments by name. A human is asked if one of them returns true. They are not
            recorded; where calls are asked about sometimes and no condition is known, all of them are.
    """

    asks: Asks = "always"
    destructive: bool = False
    conditions: tuple[Callable[..., bool], ...] = ()

    def without_conditions(self) -> ApprovalPolicy:
        """Return what can be recorded of the policy."""
        return replace(self, conditions=())

    def to_dict(self) -> dict[str, Any]:
        """Return what can be recorded of the policy as a JSON-safe dict."""
        return {"asks": self.asks, "destructive": self.destructive}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> ApprovalPolicy:
        """Return the policy that `to_dict()` wrote. What cannot be read asks always."""
        asks: Asks = "sometimes" if data.get("asks") == "sometimes" else "always"
        return ApprovalPolicy(asks, bool(data.get("destructive")))


def strictest(*policies: ApprovalPolicy | None) -> ApprovalPolicy | None:
    """Return the policy that asks wherever one of these does; None if there is none among them."""
    given = [policy for policy in policies if policy is not None]
    if not given:
        return None
    asks: Asks = "always" if any(policy.asks == "always" for policy in given) else "sometimes"
    conditions = tuple(condition for policy in given for condition in policy.conditions)
    return ApprovalPolicy(asks, any(policy.destructive for policy in given), conditions)


@dataclass(slots=True)
class ChainPolicy:
    """What one chain asks about in addition to the marks of its tools.

    Attributes:
        always: every call is asked about, of tools that are added later too.
        named: names of tools whose calls are asked about.
        kept: the policies in force so far, by the names of their tools.
    """

    always: bool = False
    named: frozenset[str] = frozenset()
    kept: dict[str, ApprovalPolicy] = field(default_factory=dict)

    def policy_for(self, name: str, mark: ApprovalPolicy | None) -> ApprovalPolicy | None:
        """Return the policy for a tool of this name and with this mark; None if nobody is to be asked."""
        asks_here = ApprovalPolicy() if self.always or name in self.named else None
        return strictest(asks_here, self.kept.get(name), mark)

    def keep(self, marks: Iterable[tuple[str, ApprovalPolicy | None]]) -> dict[str, ApprovalPolicy]:
        """Keep the policies in force, so that they hold when the chain is continued with tools that were made anew. Returns them by tool.

        Args:
            marks: the names of the chain's tools, each with the tool's mark.
        """
        found: dict[str, ApprovalPolicy] = {}
        for name, mark in marks:
            policy = self.policy_for(name, mark)
            if policy is not None:
                found[name] = policy
                # A condition belongs to the tool that the chain is continued with.
                self.kept[name] = policy.without_conditions()
        return found

    def joined(self, other: ChainPolicy) -> ChainPolicy:
        """Return the policy that asks wherever one of the two does."""
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
