"""The requests of OpenAI Chat Completions: encodes prompts as request bodies. No I/O.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from llm_notebook.parts.messages import (
    AttachmentPart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    json_text,
)
from llm_notebook.providers.http.encoding import encode_messages, substitute_call_ids, with_further
from llm_notebook.providers.openai.dialects import DIALECTS, ChatDialect
from llm_notebook.providers.openai.strict_schemas import strict_schema
from llm_notebook.turns.prompt import Prompt

__all__ = ["METADATA", "chat_body", "chat_body_text", "chat_messages", "schema_name", "wanted_schema"]

METADATA = "chat"
"""The key of `provider_metadata` that says where reasoning came from."""

_USUAL = DIALECTS[""]
_SHORT_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")
# The answer that some servers require between a tool's result and the user's next message.
_ANSWERED = Message("assistant", [TextPart("OK.")])
_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def chat_body(
    prompt: Prompt,
    model_name: str,
    *,
    stream: bool,
    options: dict[str, Any] | None = None,
    dialect: ChatDialect = _USUAL,
    origin: str = "",
) -> dict[str, Any]:
    """Return the body of a Chat Completions request.

    Args:
        prompt: the prompt to send.
        model_name: the server's name for the model.
        stream: whether to ask for a stream, with usage at its end.
        options: further request fields, under the server's names.
        dialect: the dialect that the server speaks.
        origin: the server and the model; reasoning that came from others is not sent.
    """
    ordered = _in_order(prompt.sent, dialect)
    messages = [*_schema_messages(prompt, dialect), *chat_messages(ordered, dialect, origin)]
    body: dict[str, Any] = {"model": model_name, "messages": messages}
    return body | _settings(prompt, dialect, stream=stream, options=options)


def chat_body_text(
    prompt: Prompt,
    model_name: str,
    *,
    stream: bool,
    options: dict[str, Any] | None = None,
    dialect: ChatDialect = _USUAL,
    origin: str = "",
) -> str:
    """Return `chat_body()` as JSON text. Messages that earlier rounds of the chain encoded are not encoded again."""
    settings = {"model": model_name} | _settings(prompt, dialect, stream=stream, options=options)
    schema = map(json_text, _schema_messages(prompt, dialect))
    ordered = _in_order(prompt.sent, dialect)
    form = ("chat", dialect, origin)
    encoded = encode_messages(
        prompt, form, lambda part, call_ids: chat_messages(part, dialect, origin, call_ids), ordered
    )
    messages = ",".join([*schema, *encoded])
    return f'{json_text(settings)[:-1]},"messages":[{messages}]}}'


def _settings(prompt: Prompt, dialect: ChatDialect, *, stream: bool, options: dict[str, Any] | None) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    if prompt.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema},
            }
            for tool in prompt.tools
        ]
    if prompt.schema is not None and dialect.schema == "json_object":
        body["response_format"] = {"type": "json_object"}
    elif prompt.schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": schema_name(prompt.schema), **wanted_schema(prompt, prompt.schema)},
        }
    return with_further(body, options) if options else body


def _schema_messages(prompt: Prompt, dialect: ChatDialect) -> list[dict[str, Any]]:
    """Return a message that explains the schema to the model, for servers that know JSON mode but no schemas; else nothing."""
    if prompt.schema is None or dialect.schema == "json_schema":
        return []
    text = f"Answer with one JSON object that fits this JSON Schema: {json_text(prompt.schema)}"
    return [{"role": "system", "content": text}]


def wanted_schema(prompt: Prompt, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the request fields with a schema: as it is, or in strict form if the options ask for that."""
    if not getattr(prompt.options, "strict_schema", None):
        return {"schema": schema}
    return {"schema": strict_schema(schema), "strict": True}


def schema_name(schema: dict[str, Any]) -> str:
    """Return a name for a schema that the API accepts: at most 64 letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title") or "output"))[:64]


def _in_order(messages: list[Message], dialect: ChatDialect) -> list[Message]:
    """Return the messages with an answer between each tool result and the user's next message, for servers that require one."""
    if not dialect.answers_tools:
        return messages
    ordered: list[Message] = []
    for message in messages:
        if message.role == "user" and ordered and ordered[-1].role == "tool":
            ordered.append(_ANSWERED)
        ordered.append(message)
    return ordered


def chat_messages(
    messages: list[Message], dialect: ChatDialect = _USUAL, origin: str = "", call_ids: dict[int, str] | None = None
) -> list[dict[str, Any]]:
    """Return messages in the API's form. Every tool result becomes a separate message.

    Args:
        messages: the messages, in an order that the server accepts.
        dialect: the dialect that the server speaks.
        origin: the server and the model; reasoning that came from others is left out.
        call_ids: ids for the calls and results that have none; they are made here if they are not given.
    """
    encoded: list[dict[str, Any]] = []
    call_ids = substitute_call_ids(messages) if call_ids is None else call_ids
    for message in messages:
        if message.role == "assistant":
            encoded.append(_assistant_message(message, call_ids, dialect, origin))
            encoded += _made_pictures(message, dialect)
        elif message.role == "tool":
            encoded += _tool_messages(message, call_ids, dialect)
        else:
            encoded.append({"role": message.role, "content": _content(message.parts, dialect)})
    return encoded


def _content(parts: list[Part], dialect: ChatDialect) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in parts):
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))
    return [block for part in parts if (block := _block(part, dialect)) is not None]


def _block(part: Part, dialect: ChatDialect) -> dict[str, Any] | None:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if not isinstance(part, AttachmentPart) or part.attachment is None:
        return None
    attachment = part.attachment
    # Only a picture that the model has made can be an address without a type.
    kind = attachment.known_type() if attachment.url is not None else attachment.certain_type()
    if kind in _AUDIO_FORMATS:
        data = attachment.base64_content()
        audio = data if dialect.audio_as_text else {"data": data, "format": _AUDIO_FORMATS[kind]}
        return {"type": "input_audio", "input_audio": audio}
    is_document = kind == "application/pdf"
    as_url = attachment.url is not None and (dialect.document_urls or not is_document)
    data = attachment.url or "" if as_url else f"data:{kind};base64,{attachment.base64_content()}"
    if is_document and dialect.documents == "document_url":
        return {"type": "document_url", "document_url": data}
    if is_document:
        return {"type": "file", "file": {"filename": f"{attachment.id()[:16]}.pdf", "file_data": data}}
    return {"type": "image_url", "image_url": {"url": data}}


def _assistant_message(message: Message, call_ids: dict[int, str], dialect: ChatDialect, origin: str) -> dict[str, Any]:
    text = "".join(part.text for part in message.parts if isinstance(part, TextPart))
    calls = [part for part in message.parts if isinstance(part, ToolCallPart) and not part.server_executed]
    # The API accepts null for a message that has tool calls and no text.
    encoded: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if calls:
        encoded["tool_calls"] = [
            {
                "id": _call_id(call, call_ids, dialect),
                "type": "function",
                "function": {"name": call.name, "arguments": json_text(call.arguments)},
            }
            for call in calls
        ]
    thoughts = [part for part in message.parts if isinstance(part, ReasoningPart)]
    for part in thoughts:
        kept = part.provider_metadata or {}
        if "reasoning_details" in kept and _came_from(kept, origin, otherwise=dialect.details_back):
            encoded["reasoning_details"] = kept["reasoning_details"]
    if dialect.reasoning_back == "reasoning_content" and calls:
        # Even if it is empty: the server refuses tool calls without this field.
        own = [part for part in thoughts if _came_from(part.provider_metadata, origin, otherwise=True)]
        encoded["reasoning_content"] = "".join(part.text for part in own)
    elif dialect.reasoning_back == "thinking":
        own = [part for part in thoughts if part.text and _came_from(part.provider_metadata, origin, otherwise=False)]
        if own:
            encoded["content"] = [*map(_thinking_chunk, own), *([{"type": "text", "text": text}] if text else [])]
    return encoded


def _came_from(kept: dict[str, Any] | None, origin: str, *, otherwise: bool) -> bool:
    """Return whether reasoning came from the server and the model that are asked.

    Args:
        kept: the metadata of the reasoning.
        origin: the server and the model.
        otherwise: what to assume about reasoning that does not say where it came from.
    """
    kept = kept or {}
    told = (kept.get(METADATA) or {}).get("origin")
    if told is not None:
        return bool(told == origin)
    return "mistral" in kept if "mistral" in kept else otherwise and not (kept.keys() - {"reasoning_details"})


def _made_pictures(message: Message, dialect: ChatDialect) -> list[dict[str, Any]]:
    """Return the model's pictures as a message of the user's, because the API accepts none from an assistant; nothing if there are none."""
    made = [part for part in message.parts if isinstance(part, AttachmentPart)]
    # The API accepts no other message between calls and their results, and pictures from other wires are not for this server.
    if not made or any(isinstance(part, ToolCallPart) for part in message.parts):
        return []
    own = [part for part in made if METADATA in (part.provider_metadata or {})]
    return [{"role": "user", "content": _content([TextPart("You made this:"), *own], dialect)}] if own else []


def _thinking_chunk(part: ReasoningPart) -> dict[str, Any]:
    kept: dict[str, Any] = (part.provider_metadata or {}).get("mistral", {})
    return {"type": "thinking", "thinking": [{"type": "text", "text": part.text}], **kept}


def _call_id(part: ToolCallPart | ToolResultPart, call_ids: dict[int, str], dialect: ChatDialect) -> str | None:
    call_id = part.tool_call_id or call_ids.get(id(part))
    if call_id is None or not dialect.short_call_ids or _SHORT_CALL_ID.fullmatch(call_id):
        return call_id
    # The call and its result must get the same short id, in this request and in later ones.
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _tool_messages(message: Message, call_ids: dict[int, str], dialect: ChatDialect) -> list[dict[str, Any]]:
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    encoded: list[dict[str, Any]] = [
        {
            "role": "tool",
            "tool_call_id": _call_id(result, call_ids, dialect),
            "content": result.output,
        }
        for result in results
    ]
    attached = [attachment for result in results for attachment in result.attachments]
    if attached:
        # A tool message can contain only text, so attachments of tools follow in a message of the user's.
        encoded += chat_messages([_ANSWERED]) if dialect.answers_tools else []
        shown: list[Part] = [AttachmentPart(attachment) for attachment in attached]
        encoded.append({"role": "user", "content": _content(shown, dialect)})
    return encoded
