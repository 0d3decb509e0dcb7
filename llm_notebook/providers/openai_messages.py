"""OpenAI Chat Completions, the requests: prompts become request bodies. No I/O.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import re
from typing import Any

from llm_notebook.parts import (
    AttachmentPart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    json_text,
)
from llm_notebook.prompts import Prompt

__all__ = ["chat_body", "chat_body_text", "chat_messages", "made_ids"]

_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def chat_body(
    prompt: Prompt, model_name: str, *, stream: bool, options: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The body of a Chat Completions request.

    Args:
        prompt: what to send.
        model_name: the server's name of the model.
        stream: ask for a stream, with usage at its end.
        options: request fields as the server names them.
    """
    body: dict[str, Any] = {"model": model_name, "messages": chat_messages(prompt.messages)}
    return body | _settings(prompt, stream=stream, options=options)


def chat_body_text(prompt: Prompt, model_name: str, *, stream: bool, options: dict[str, Any] | None = None) -> str:
    """`chat_body()` as JSON text. What earlier rounds of a chain encoded is not encoded again."""
    settings = _settings(prompt, stream=stream, options=options)
    rest = "".join(f",{json_text(name)}:{json_text(value)}" for name, value in settings.items())
    return f'{{"model":{json_text(model_name)},"messages":[{_messages_text(prompt)}]{rest}}}'


def _messages_text(prompt: Prompt) -> str:
    messages, known = prompt.messages, prompt.encoded
    if made_ids([message for message in messages if id(message) not in known]):
        # Ids that are made up depend on the messages around; messages with such are never kept.
        return ",".join(map(json_text, chat_messages(messages)))
    texts = []
    for message in messages:
        kept = known.get(id(message))
        if kept is None or kept[0] is not message:
            kept = known[id(message)] = (message, ",".join(map(json_text, chat_messages([message]))))
        texts.append(kept[1])
    return ",".join(filter(None, texts))


def _settings(prompt: Prompt, *, stream: bool, options: dict[str, Any] | None) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema},
            }
            for tool in prompt.tools
        ]
    if prompt.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": _schema_name(prompt.schema), "schema": prompt.schema},
        }
    return body | (options or {})


def _schema_name(schema: dict[str, Any]) -> str:
    """A name that the API accepts: letters, digits, `_` and `-`, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title") or "output"))[:64]


def chat_messages(messages: list[Message]) -> list[dict[str, Any]]:
    """Messages as the API takes them. Every tool result becomes a message of its own."""
    encoded: list[dict[str, Any]] = []
    ids = made_ids(messages)
    for message in messages:
        if message.role == "assistant":
            encoded.append(_assistant_message(message, ids))
        elif message.role == "tool":
            encoded += _tool_messages(message, ids)
        else:
            encoded.append({"role": message.role, "content": _content(message.parts)})
    return encoded


def made_ids(messages: list[Message]) -> dict[int, str]:
    """Ids for the tool calls and results that have none, by the `id()` of their part: results match calls by name, in order."""
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


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in parts):
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))
    return [block for part in parts if (block := _block(part)) is not None]


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if not isinstance(part, AttachmentPart) or part.attachment is None:
        return None
    attachment = part.attachment
    kind = attachment.resolve_type()
    if kind in _AUDIO_FORMATS:
        audio = {"data": attachment.base64_content(), "format": _AUDIO_FORMATS[kind]}
        return {"type": "input_audio", "input_audio": audio}
    data = f"data:{kind};base64,{attachment.base64_content()}" if attachment.url is None else attachment.url
    if kind == "application/pdf":
        return {"type": "file", "file": {"filename": f"{attachment.id()[:16]}.pdf", "file_data": data}}
    return {"type": "image_url", "image_url": {"url": data}}


def _assistant_message(message: Message, made_ids: dict[int, str]) -> dict[str, Any]:
    text = "".join(part.text for part in message.parts if isinstance(part, TextPart))
    calls = [part for part in message.parts if isinstance(part, ToolCallPart) and not part.server_executed]
    encoded: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        encoded["tool_calls"] = [
            {
                "id": call.tool_call_id or made_ids[id(call)],
                "type": "function",
                "function": {"name": call.name, "arguments": json_text(call.arguments)},
            }
            for call in calls
        ]
    for part in message.parts:
        if isinstance(part, ReasoningPart) and part.provider_metadata and "reasoning_details" in part.provider_metadata:
            encoded["reasoning_details"] = part.provider_metadata["reasoning_details"]
    return encoded


def _tool_messages(message: Message, made_ids: dict[int, str]) -> list[dict[str, Any]]:
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    encoded: list[dict[str, Any]] = [
        {
            "role": "tool",
            "tool_call_id": result.tool_call_id or made_ids.get(id(result)),
            "content": result.output,
        }
        for result in results
    ]
    attached = [attachment for result in results for attachment in result.attachments]
    if attached:
        # A tool message holds text only; what a tool attached follows as the user's.
        encoded.append({"role": "user", "content": _content([AttachmentPart(attachment) for attachment in attached])})
    return encoded
