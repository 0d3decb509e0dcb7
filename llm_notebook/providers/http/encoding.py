"""Encodes what several wire formats have in common: messages that were sent before, tool calls without an id, and the user's extra fields."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from llm_notebook.parts.messages import Message, ToolCallPart, ToolResultPart, json_text
from llm_notebook.turns.prompt import Prompt

__all__ = ["encode_messages", "substitute_call_ids", "with_further"]

# Lists in requests that `extra_body` adds to. Other lists, such as `stop`, are values.
_ADDED_UP = frozenset({"tools", "include", "betas"})


def encode_messages(
    prompt: Prompt,
    form: Hashable,
    encode: Callable[[list[Message], dict[int, str]], list[dict[str, Any]]],
    messages: list[Message] | None = None,
) -> list[str]:
    """Return the prompt's messages as JSON texts, and remember them for the next round of the chain or turn of the conversation.

    Args:
        prompt: the prompt.
        form: the wire, and everything else that the items of a message depend on.
        encode: turns messages into items of the wire format; it is given ids for the calls and results that have none.
        messages: the messages to send, if they differ from the prompt's.
    """
    messages = prompt.sent if messages is None else messages
    known = prompt.known_texts(form, messages)
    # After a message is freed, another one may get its id.
    new = [message for message in messages if id(message) not in known or known[id(message)][0] is not message]
    if substitute_call_ids(new):
        # A substitute id depends on the other messages, so a message that needs one is encoded anew each time.
        return [json_text(item) for item in encode(messages, substitute_call_ids(messages))]
    items = [encode([message], {}) for message in new]
    for message, encoded in zip(new, items, strict=True):
        known[id(message)] = (message, ",".join(map(json_text, encoded)))
    texts = []
    for message in messages:
        texts.append(known[id(message)][1])
    return list(filter(None, texts))


def substitute_call_ids(messages: list[Message]) -> dict[int, str]:
    """Return ids for the tool calls and results that have none, by the `id()` of their part.

    A result gets the id of the first unanswered call with its name.
    """
    made: dict[int, str] = {}
    unanswered: list[ToolCallPart] = []
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, ToolCallPart) and not part.tool_call_id and not part.server_executed:
            made[id(part)] = f"call_{len(made)}"
            unanswered.append(part)
        elif isinstance(part, ToolResultPart) and not part.tool_call_id:
            call = next((call for call in unanswered if call.name == part.name), None)
            if call is not None:
                unanswered.remove(call)
                made[id(part)] = made[id(call)]
    return made


def with_further(fields: dict[str, Any], further: dict[str, Any] | None) -> dict[str, Any]:
    """Merge `extra_body` into request fields, so that none of the other fields is lost.

    Objects are merged, unless their `type` says that they are different things. Lists that only collect entries, such as `tools`, `include` and
    `betas`, are joined. Of any other two values the one in `extra_body` counts.

    Args:
        fields: the fields that result from the prompt and its options.
        further: what the user gave as `extra_body`.
    """
    together = dict(fields)
    for name, value in (further or {}).items():
        before = together.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            is_another = "type" in before and "type" in value and before["type"] != value["type"]
            together[name] = value if is_another else with_further(before, value)
        elif isinstance(before, list) and isinstance(value, list) and name in _ADDED_UP:
            together[name] = [*before, *(item for item in value if item not in before)]
        else:
            together[name] = value
    return together
