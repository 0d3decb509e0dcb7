"""Reads the token counts of servers with OpenAI's formats. No I/O."""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.messages import Usage

__all__ = ["openai_usage"]


def openai_usage(counted: object, input_name: str, output_name: str) -> Usage:
    """Return the tokens used, as far as the server reported them. Reasoning counts as output.

    OpenAI includes reasoning in the output. xAI counts it separately, which shows in the total.

    Args:
        counted: the API's `usage`; anything but an object counts as nothing.
        input_name, output_name: the API's names for what was sent and what was received.
    """
    usage: dict[str, Any] = counted if isinstance(counted, dict) else {}
    details = {
        name: value
        for name, value in usage.items()
        if name.endswith("_details") and isinstance(value, dict) and any(value.values())
    }
    sent, received = usage.get(input_name), usage.get(output_name)
    finer = usage.get(f"{output_name}_details")
    reasoning = finer.get("reasoning_tokens") if isinstance(finer, dict) else None
    if isinstance(received, int) and isinstance(reasoning, int) and reasoning > 0:
        both = received + reasoning
        is_beside = reasoning > received or (isinstance(sent, int) and usage.get("total_tokens") == sent + both)
        received += reasoning if is_beside else 0
    return Usage(sent, received, details or None)
