"""The requests of Anthropic Messages: encodes prompts as request bodies. No I/O.

Source: https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

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
from llm_notebook.providers.anthropic.schemas import strict_schema
from llm_notebook.providers.http.encoding import substitute_call_ids
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.tools.tool import Tool

__all__ = ["message_blocks", "messages_body_text", "messages_settings"]

_CACHED = {"cache_control": {"type": "ephemeral"}}
_CACHED_TEXT = json_text(_CACHED)[1:]


def messages_settings(prompt: Prompt, *, stream: bool, fields: dict[str, Any], cache: bool = False) -> dict[str, Any]:
    """Return the fields of a Messages request, except the model and the messages.

    Args:
        prompt: the prompt to send.
        stream: whether to ask for a stream.
        fields: further request fields, under the server's names; the server requires `max_tokens` among them.
        cache: whether the server should cache tools and system prompt.
    """
    settings: dict[str, Any] = dict(fields)
    if stream:
        settings["stream"] = True
    if system := _system_text(prompt.sent):
        settings["system"] = [{"type": "text", "text": system, **_CACHED}] if cache else system
    if prompt.tools:
        settings["tools"] = [*(_tool(tool, prompt.model) for tool in prompt.tools), *settings.get("tools", [])]
        if cache:
            settings["tools"][-1] = {**settings["tools"][-1], **_CACHED}
    if prompt.schema is not None:
        wanted = {"type": "json_schema", "schema": strict_schema(prompt.schema)}
        settings["output_config"] = {**settings.get("output_config", {}), "format": wanted}
    for tool in prompt.tools:
        if isinstance(tool, ServerSideTool):
            tool.prepare_request(prompt.model, settings)
    return settings


def messages_body_text(prompt: Prompt, model_name: str, settings: dict[str, Any], *, cache: bool = False) -> str:
    """Return the body of a Messages request as JSON text. Messages that earlier rounds of the chain encoded are not encoded again.

    Args:
        prompt: the prompt to send.
        model_name: the server's name for the model.
        settings: the other fields of the request.
        cache: whether the server should cache the whole conversation.
    """
    rest = "".join(f",{json_text(name)}:{json_text(value)}" for name, value in settings.items())
    return f'{{"model":{json_text(model_name)},"messages":[{_messages_text(prompt, model_name, cache=cache)}]{rest}}}'


def _system_text(messages: list[Message]) -> str:
    texts = [part.text for message in messages if message.role == "system" for part in message.parts if _has_text(part)]
    return "\n\n".join(texts)


def _has_text(part: Part) -> TypeGuard[TextPart]:
    # The server refuses text blocks that consist of white space.
    return isinstance(part, TextPart) and not part.text.isspace() and bool(part.text)


def _tool(tool: Tool | ServerSideTool, model: object) -> dict[str, Any]:
    if isinstance(tool, ServerSideTool):
        return tool.tool_spec(model)
    return {"name": tool.name, "description": tool.description or "", "input_schema": tool.input_schema}


def _messages_text(prompt: Prompt, model_name: str, *, cache: bool) -> str:
    """Return the messages as JSON text. Consecutive messages of one role become one, as the server requires roles to alternate."""
    messages = [message for message in prompt.sent if message.role != "system"]
    ids = substitute_call_ids(messages)
    known = prompt.known_texts(("anthropic", model_name), messages)
    turns: list[tuple[str, list[str]]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        text = _blocks_text(message, model_name, ids, known)
        if not text:
            continue
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].append(text)
    if cache and turns and turns[-1][0] == "user":
        # The text ends with the closing brace of its last block, before which the field is inserted.
        turns[-1][1][-1] = f"{turns[-1][1][-1][:-1]},{_CACHED_TEXT}"
    return ",".join(f'{{"role":"{role}","content":[{",".join(texts)}]}}' for role, texts in turns)


def _blocks_text(message: Message, model_name: str, ids: dict[int, str], known: dict[int, tuple[Message, str]]) -> str:
    kept = known.get(id(message))
    if kept is not None and kept[0] is message:
        return kept[1]
    text = ",".join(map(json_text, message_blocks(message, model_name, ids)))
    if not any(id(part) in ids for part in message.parts):
        # A substitute id depends on the other messages, so a message that needs one is encoded anew each time.
        known[id(message)] = (message, text)
    return text


def message_blocks(message: Message, model_name: str, ids: dict[int, str] | None = None) -> list[dict[str, Any]]:
    """Return the content blocks of a message, in the order of its parts.

    Args:
        message: a message of any role but `system`.
        model_name: the server's name for the model. Reasoning of another model is left out, since its signature is not valid here.
        ids: substitutes for the tool calls and results that have no id, by the `id()` of their part.
    """
    # The API accepts no pictures from an assistant, whichever model made them.
    made = message.role == "assistant"
    parts = [part for part in message.parts if not (made and isinstance(part, AttachmentPart))]
    blocks = (_block(part, model_name, ids or {}) for part in parts)
    return [block for block in blocks if block is not None]


def _block(part: Part, model_name: str, ids: dict[int, str]) -> dict[str, Any] | None:
    own: dict[str, Any] = (getattr(part, "provider_metadata", None) or {}).get("anthropic") or {}
    if "block" in own:
        block: dict[str, Any] = own["block"]
        return block
    if isinstance(part, TextPart):
        cited = {"citations": own["citations"]} if own.get("citations") else {}
        return {"type": "text", "text": part.text, **cited} if _has_text(part) else None
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        return _attachment_block(part.attachment)
    if isinstance(part, ReasoningPart):
        return _reasoning_block(part, own, model_name)
    if isinstance(part, ToolCallPart):
        if part.server_executed and not own:
            return None
        call_id = _sendable_id(part.tool_call_id or ids.get(id(part)))
        return {"type": "tool_use", "id": call_id, "name": part.name, "input": part.arguments, **own}
    if isinstance(part, ToolResultPart) and not part.server_executed:
        return _result_block(part, _sendable_id(part.tool_call_id or ids.get(id(part))))
    return None


def _reasoning_block(part: ReasoningPart, own: dict[str, Any], model_name: str) -> dict[str, Any] | None:
    if own.get("model", model_name) != model_name:
        return None
    if own.get("type") == "redacted_thinking":
        return {"type": "redacted_thinking", "data": own["data"]}
    if "signature" not in own:
        return None
    return {"type": "thinking", "thinking": part.text, "signature": own["signature"]}


def _result_block(part: ToolResultPart, call_id: str | None) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id, "content": part.output}
    if part.attachments:
        text = [{"type": "text", "text": part.output}] if part.output.strip() else []
        block["content"] = [*text, *map(_attachment_block, part.attachments)]
    return block | ({"is_error": True} if part.exception is not None else {})


def _attachment_block(attachment: Attachment) -> dict[str, Any]:
    kind = attachment.certain_type()
    holder = "image" if kind.startswith("image/") else "document"
    if attachment.url is not None:
        return {"type": holder, "source": {"type": "url", "url": attachment.url}}
    if kind == "text/plain":
        text = attachment.content_bytes().decode(errors="replace")
        return {"type": holder, "source": {"type": "text", "media_type": kind, "data": text}}
    data = attachment.base64_content()
    return {"type": holder, "source": {"type": "base64", "media_type": kind, "data": data}}


def _sendable_id(call_id: str | None) -> str | None:
    """Return an id with only the characters that the server accepts. Ids from other providers may contain others."""
    return call_id and re.sub(r"[^A-Za-z0-9_-]", "_", call_id)
