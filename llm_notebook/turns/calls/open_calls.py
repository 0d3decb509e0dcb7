"""Finds the tool calls at the end of a history that have no result yet, and adds results after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llm_notebook.approvals.running import said_by
from llm_notebook.parts.messages import Message, Part, ToolCallPart, ToolResultPart
from llm_notebook.tools.calls import ToolCall, ToolResult

__all__ = ["part_of", "rounds_since", "unresolved_calls", "with_calls", "with_ids", "with_results"]


def unresolved_calls(messages: Sequence[Message]) -> list[ToolCall]:
    """Return the calls at the end of a history that have no result yet.

    If anything but tool results follows the calls, the history has moved on and there are none. Calls match results by id, and
    by name, in order, where ids are missing. Calls that the provider ran itself are not ours.
    """
    return [ToolCall.from_part(part) for part in _waiting(messages)]


def rounds_since(limit: int | None, rounds: int) -> int:
    """Return how many of a chain's responses count towards its limit: those since a human last let it continue past the limit."""
    return rounds % limit if limit else rounds


def with_ids(messages: Sequence[Message]) -> list[Message]:
    """Return the same history with an id on every waiting call, so that its result can refer to it."""
    anonymous = {id(part): part for part in _waiting(messages) if part.tool_call_id is None}
    if not anonymous:
        return list(messages)

    def with_id(part: Part) -> Part:
        call = anonymous.get(id(part))
        return part if call is None else replace(call, tool_call_id=ToolCall.from_part(call).tool_call_id)

    return [replace(message, parts=[with_id(part) for part in message.parts]) for message in messages]


def with_calls(messages: Sequence[Message], calls: Sequence[ToolCall]) -> list[Message]:
    """Return messages that contain these calls, and add at the end those that the model has not made itself."""
    said = {part.tool_call_id for message in messages for part in message.parts if isinstance(part, ToolCallPart)}
    missing: list[Part] = [
        ToolCallPart(call.name, call.arguments, call.tool_call_id) for call in calls if call.tool_call_id not in said
    ]
    return [*messages, Message("assistant", missing)] if missing else list(messages)


def with_results(history: Sequence[Message], results: Sequence[ToolResult | ToolResultPart]) -> list[Message]:
    """Return a history that ends in tool calls, followed by one tool message with results of some of them in the order of the calls.

    A second result with the same id replaces the first.
    """
    if not results:
        return list(history)
    asked, answered, end = _tail(history)
    new = [result if isinstance(result, ToolResultPart) else part_of(result) for result in results]
    again = {part.tool_call_id for part in new} - {None}
    others = [part for message in history[end:] for part in message.parts if part not in answered]
    kept = [part for part in answered if part.tool_call_id not in again]
    order = {part.tool_call_id or part.name: position for position, part in reversed(list(enumerate(asked)))}
    merged = sorted([*kept, *new], key=lambda part: order.get(part.tool_call_id or part.name, len(order)))
    return [*history[:end], Message("tool", [*merged, *others])]


def _tail(messages: Sequence[Message]) -> tuple[list[ToolCallPart], list[ToolResultPart], int]:
    """Return the calls at the end of a history, the results that follow them, and the position where the results begin."""
    end = len(messages)
    while end and messages[end - 1].role == "tool":
        end -= 1
    start = end
    while start and messages[start - 1].role == "assistant":
        start -= 1
    asked = [part for message in messages[start:end] for part in message.parts if isinstance(part, ToolCallPart)]
    answered = [part for message in messages[end:] for part in message.parts if isinstance(part, ToolResultPart)]
    return [part for part in asked if not part.server_executed], answered, end


def _waiting(messages: Sequence[Message]) -> list[ToolCallPart]:
    asked, answered, _ = _tail(messages)
    ids = {part.tool_call_id for part in asked if part.tool_call_id is not None}
    loose = [part for part in answered if part.tool_call_id not in ids]
    answered_ids = {part.tool_call_id for part in answered} & ids
    waiting = []
    for call in asked:
        if call.tool_call_id in answered_ids:
            continue
        by_name = next(
            (
                position
                for position, part in enumerate(loose)
                if part.name == call.name and (part.tool_call_id is None or call.tool_call_id is None)
            ),
            None,
        )
        if by_name is None:
            waiting.append(call)
        else:
            del loose[by_name]
    return waiting


def part_of(result: ToolResult) -> ToolResultPart:
    """Return a result as a part of a message."""
    return ToolResultPart(
        name=result.name,
        output=result.output,
        tool_call_id=result.tool_call_id,
        exception=None if result.exception is None else ": ".join(said_by(result.exception)),
        attachments=list(result.attachments),
    )
