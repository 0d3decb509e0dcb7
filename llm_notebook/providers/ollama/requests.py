"""The requests of Ollama's `/api/chat`: encodes prompts as request bodies. No I/O.

Source: https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_notebook.parts.messages import (
    AttachmentPart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    json_text,
)
from llm_notebook.providers.http.encoding import encode_messages, with_further
from llm_notebook.turns.prompt import Prompt

__all__ = ["METADATA", "ollama_body_text", "ollama_messages"]

METADATA = "ollama"
"""The key of `provider_metadata` that says where reasoning came from."""


def ollama_body_text(
    prompt: Prompt, model_name: str, *, stream: bool, fields: Mapping[str, Any], origin: str = ""
) -> str:
    """Return the body of a chat request as JSON text. Messages that earlier rounds of the chain encoded are not encoded again.

    Args:
        prompt: the prompt to send.
        model_name: the server's name for the model.
        stream: whether to ask for a stream, which is also the server's default.
        fields: further request fields, under the server's names.
        origin: the server and the model; reasoning that came from others is left out.
    """
    body: dict[str, Any] = {"model": model_name, "stream": stream}
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema},
            }
            for tool in prompt.tools
        ]
    if prompt.schema is not None:
        body["format"] = prompt.schema
    form = ("ollama", origin)
    messages = ",".join(encode_messages(prompt, form, lambda part, _call_ids: ollama_messages(part, origin)))
    return f'{json_text(with_further(body, dict(fields)))[:-1]},"messages":[{messages}]}}'


def ollama_messages(messages: list[Message], origin: str = "") -> list[dict[str, Any]]:
    """Return messages in the API's form. Every tool result becomes a separate message, matched by name and order.

    Args:
        messages: the messages.
        origin: the server and the model; reasoning that came from others is left out.
    """
    encoded: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            encoded += [_result(part) for part in message.parts if isinstance(part, ToolResultPart)]
        elif message.role == "assistant":
            encoded.append(_assistant_message(message, origin))
        else:
            attachments = [part.attachment for part in message.parts if isinstance(part, AttachmentPart)]
            images = [attachment.base64_content() for attachment in attachments if attachment is not None]
            text = "\n".join(part.text for part in message.parts if isinstance(part, TextPart))
            encoded.append({"role": message.role, "content": text} | ({"images": images} if images else {}))
    return encoded


def _assistant_message(message: Message, origin: str) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in message.parts if isinstance(part, TextPart)),
    }
    calls = [part for part in message.parts if isinstance(part, ToolCallPart) and not part.server_executed]
    thoughts = [part for part in message.parts if isinstance(part, ReasoningPart)]
    thought = "".join(part.text for part in thoughts if _is_own(part, origin))
    if calls:
        encoded["tool_calls"] = [{"function": {"name": call.name, "arguments": call.arguments}} for call in calls]
        # Models continue the reasoning that led to a call. Reasoning before a finished answer does not help them.
        encoded |= {"thinking": thought} if thought else {}
    return encoded


def _is_own(part: ReasoningPart, origin: str) -> bool:
    """Return whether reasoning came from the server and the model that are asked, or does not say where it came from."""
    kept = part.provider_metadata
    return not kept or (kept.get(METADATA) or {}).get("origin") == origin


def _result(result: ToolResultPart) -> dict[str, Any]:
    images = [attachment.base64_content() for attachment in result.attachments]
    encoded = {"role": "tool", "tool_name": result.name, "content": result.output}
    return encoded | ({"images": images} if images else {})
