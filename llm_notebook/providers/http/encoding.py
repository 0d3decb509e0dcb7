"""What several wire formats encode in the same way: messages sent before, and tool calls that have no id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llm_notebook.parts.messages import Message, ToolCallPart, ToolResultPart, json_text
from llm_notebook.turns.prompt import Prompt

__all__ = ["encode_messages", "substitute_call_ids"]


def encode_messages(
    prompt: Prompt, encode: Callable[[list[Message]], list[dict[str, Any]]], *, after_results: str = ""
) -> list[str]:
    """Return the prompt's messages as JSON texts, and remember them for the next round of the chain.

    The rounds of a chain share `prompt.encoded`, so that each round encodes only its new messages.

    Args:
        prompt: the prompt.
        encode: turns messages into items of the wire format.
        after_results: the JSON text of an item to put between tool results and what the user says next; `encode` puts it there by
            itself where it is given both.
    """
    messages, known = prompt.messages, prompt.encoded
    if substitute_call_ids([message for message in messages if id(message) not in known]):
        # A substitute id depends on the other messages, so a message that needs one is encoded anew each time.
        return [json_text(item) for item in encode(messages)]
    texts = []
    for before, message in zip([None, *messages], messages, strict=False):
        if after_results and message.role == "user" and before is not None and _ends_with_results(before):
            texts.append(after_results)
        kept = known.get(id(message))
        # Once a message is gone, another one may get its id.
        if kept is None or kept[0] is not message:
            kept = known[id(message)] = (message, ",".join(map(json_text, encode([message]))))
        texts.append(kept[1])
    return list(filter(None, texts))


def _ends_with_results(message: Message) -> bool:
    """Return whether a message is one of tool results. What tools attached follows their results in a message of the user's."""
    attached = any(isinstance(part, ToolResultPart) and part.attachments for part in message.parts)
    return message.role == "tool" and not attached


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
