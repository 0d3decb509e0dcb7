"""The places of secrets in a text."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Span", "apart"]

Span = tuple[int, int, str]
"""Where a value begins and ends in a text, and the name that says that it is a secret; no name if only something in it may be one."""


def apart(spans: Iterable[Span]) -> list[Span]:
    """Return spans in the order of the text, without those that begin inside an earlier one."""
    kept: list[Span] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
