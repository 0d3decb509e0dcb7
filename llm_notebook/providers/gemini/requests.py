"""The requests of Google Gemini's generateContent: encodes prompts as request bodies. No I/O.

Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment

__all__ = ["content_parts", "gemini_body_text"]

# The ids of calls that came without one begin with this; see `parts/identifiers.py`.
_MADE_HERE = "tc_"


def gemini_body_text(prompt: Prompt, fields: dict[str, Any]) -> str:
    """Return the body of a request as JSON text. Messages that earlier rounds of the chain encoded are not encoded again.

    Args:
        prompt: the prompt to send.
        fields: further request fields, under the server's names.
    """
    rest = "".join(f",{json_text(name)}:{json_text(value)}" for name, value in _settings(prompt, fields).items())
    return f'{{"contents":[{_contents_text(prompt)}]{rest}}}'


def _settings(prompt: Prompt, fields: dict[str, Any]) -> dict[str, Any]:
    settings = dict(fields)
    systems = [message for message in prompt.sent if message.role == "system"]
    if parts := [encoded for message in systems for encoded in content_parts(message)]:
        settings["systemInstruction"] = {"parts": parts}
    if prompt.tools:
        settings["tools"] = [*_tools(prompt), *settings.get("tools", [])]
    if prompt.schema is not None:
        wanted = {"responseMimeType": "application/json", "responseJsonSchema": prompt.schema}
        settings["generationConfig"] = {**settings.get("generationConfig", {}), **wanted}
    for tool in prompt.tools:
        if not isinstance(tool, Tool):
            tool.prepare_request(prompt.model, settings)
    return settings


def _tools(prompt: Prompt) -> list[dict[str, Any]]:
    own = [tool.tool_spec(prompt.model) for tool in prompt.tools if not isinstance(tool, Tool)]
    declared = [
        {"name": tool.name, "description": tool.description or "", "parametersJsonSchema": tool.input_schema}
        for tool in prompt.tools
        if isinstance(tool, Tool)
    ]
    return [*own, *([{"functionDeclarations": declared}] if declared else [])]


def _contents_text(prompt: Prompt) -> str:
    messages = prompt.sent
    known = prompt.known_texts("gemini", messages)
    texts = []
    for message in messages:
        if message.role == "system":
            continue
        kept = known.get(id(message))
        if kept is None or kept[0] is not message:
            parts = content_parts(message)
            role = "model" if message.role == "assistant" else "user"
            kept = known[id(message)] = (message, json_text({"role": role, "parts": parts}) if parts else "")
        texts.append(kept[1])
    return ",".join(filter(None, texts))


def content_parts(message: Message) -> list[dict[str, Any]]:
    """Return the parts of a message in the API's form, in their order. Attachments of tools follow all results."""
    parts = [encoded for part in message.parts for encoded in _encode_part(part)]
    return sorted(parts, key=lambda part: "functionResponse" not in part) if message.role == "tool" else parts


def _encode_part(part: Part) -> list[dict[str, Any]]:
    own: dict[str, Any] = (getattr(part, "provider_metadata", None) or {}).get("gemini") or {}
    if "part" in own:
        return [own["part"]]
    signed = {"thoughtSignature": own["thoughtSignature"]} if own.get("thoughtSignature") else {}
    if isinstance(part, TextPart):
        return [{"text": part.text, **signed}] if part.text or signed else []
    if isinstance(part, ReasoningPart):
        return [{"text": part.text, "thought": True, **signed}] if signed else []
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        return [{**_attachment_part(part.attachment), **signed}]
    if isinstance(part, ToolCallPart) and not part.server_executed:
        call = {**_id(part.tool_call_id), "name": part.name, "args": part.arguments}
        return [{"functionCall": call, **signed}]
    if isinstance(part, ToolResultPart) and not part.server_executed:
        outcome = {"output" if part.exception is None else "error": part.output}
        response = {**_id(part.tool_call_id), "name": part.name, "response": outcome}
        return [{"functionResponse": response}, *map(_attachment_part, part.attachments)]
    return []


def _id(call_id: str | None) -> dict[str, str]:
    """Return the id of a call, unless it was made here. The server matches calls and results without ids by name and order."""
    return {"id": call_id} if call_id and not call_id.startswith(_MADE_HERE) else {}


def _attachment_part(attachment: Attachment) -> dict[str, Any]:
    if attachment.url is not None:
        # A picture that a model has made may arrive as an address without a type.
        kind = attachment.known_type()
        return {"fileData": {**({"mimeType": kind} if kind else {}), "fileUri": attachment.url}}
    return {"inlineData": {"mimeType": attachment.certain_type(), "data": attachment.base64_content()}}
