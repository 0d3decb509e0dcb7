"""The requests of OpenAI Responses: encodes prompts as request bodies. No I/O.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

import functools
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
from llm_notebook.providers.openai.chat_requests import schema_name, wanted_schema
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.prompt import Prompt

__all__ = ["METADATA", "input_items", "responses_body_text"]

METADATA = "openai"
"""The key of `provider_metadata` under which parts keep their original output items."""


def responses_body_text(
    prompt: Prompt,
    model_name: str,
    *,
    stream: bool,
    options: dict[str, Any] | None = None,
    reasoning: bool = False,
    origin: str = "",
) -> str:
    """Return the body of a Responses request as JSON text. Messages that earlier rounds of the chain encoded are not encoded again.

    The provider is asked to store nothing. So the whole history is sent, with reasoning as the provider encrypted it.

    Args:
        prompt: the prompt to send.
        model_name: the server's name for the model.
        stream: whether to ask for a stream.
        options: further request fields, under the server's names.
        reasoning: whether the model reasons. If so, its reasoning is requested in encrypted form and, unless the prompt hides it, as a summary.
        origin: the server and the model; only their own items go back in their original form.
    """
    body = {"model": model_name} | _settings(prompt, stream=stream, options=options, reasoning=reasoning)
    for tool in prompt.tools:
        if isinstance(tool, ServerSideTool):
            tool.prepare_request(prompt.model, body)
    form = ("responses", origin)
    items = ",".join(encode_messages(prompt, form, lambda part, call_ids: input_items(part, origin, call_ids)))
    return f'{json_text(body)[:-1]},"input":[{items}]}}'


def _settings(prompt: Prompt, *, stream: bool, options: dict[str, Any] | None, reasoning: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"store": False}
    if stream:
        body["stream"] = True
    body = with_further(body, options)
    if reasoning:
        body = with_further(body, {"include": ["reasoning.encrypted_content"]})
        body["reasoning"] = _reasoning(prompt, body.get("reasoning") or {})
    if prompt.tools:
        body["tools"] = [*(_tool(tool, prompt.model) for tool in prompt.tools), *body.get("tools", [])]
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        # The user wrote the choice in the form of Chat Completions.
        body["tool_choice"] = {"type": "function", **choice["function"]}
    if prompt.schema is not None:
        name = schema_name(prompt.schema)
        shape = {"type": "json_schema", "name": name, **wanted_schema(prompt, prompt.schema)}
        body["text"] = {**body.get("text", {}), "format": shape}
    return {name: value for name, value in body.items() if value != {}}


def _reasoning(prompt: Prompt, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the `reasoning` field, which asks for a summary unless the prompt or an option says otherwise."""
    reasoning = {**({} if prompt.hide_reasoning else {"summary": "auto"}), **asked}
    return {name: value for name, value in reasoning.items() if (name, value) != ("summary", "none")}


def _tool(tool: Tool | ServerSideTool, model: object) -> dict[str, Any]:
    if isinstance(tool, ServerSideTool):
        return tool.tool_spec(model)
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or "",
        "parameters": tool.input_schema,
        # The default is true, and most schemas do not have the form that strict mode requires.
        "strict": False,
    }


def input_items(
    messages: list[Message], origin: str = "", call_ids: dict[int, str] | None = None
) -> list[dict[str, Any]]:
    """Return messages in the API's form, in which every call, result and piece of reasoning is a separate item.

    Args:
        messages: the messages.
        origin: the server and the model. Items from others, and their ids, mean nothing there, so only the content of such parts is sent.
        call_ids: ids for the calls and results that have none; they are made here if they are not given.
    """
    call_ids = substitute_call_ids(messages) if call_ids is None else call_ids
    items: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "assistant":
            sent = [item for part in message.parts if (item := _output_item(part, call_ids, origin)) is not None]
            items += _with_pictures(sent, message)
        elif message.role == "tool":
            results = [part for part in message.parts if isinstance(part, ToolResultPart)]
            items += map(functools.partial(_result, call_ids=call_ids), results)
        else:
            items.append({"type": "message", "role": message.role, "content": _content(message.parts)})
    return items


def _with_pictures(items: list[dict[str, Any]], message: Message) -> list[dict[str, Any]]:
    """Return the items of an assistant's message with the provider's pictures put back, because the API accepts no such item without its picture."""
    attached = [part for part in message.parts if isinstance(part, AttachmentPart) and part.attachment is not None]
    pictures = {((part.provider_metadata or {}).get(METADATA) or {}).get("of"): part.attachment for part in attached}
    whole = []
    for item in items:
        if item.get("type") != "image_generation_call" or "result" in item:
            whole.append(item)
        elif (picture := pictures.get(item.get("id"))) is not None:
            whole.append({**item, "result": picture.base64_content()})
    return whole


def _output_item(part: Part, call_ids: dict[int, str], origin: str) -> dict[str, Any] | None:
    """Return the original item of a part of an assistant's message; None for a part that is not sent back."""
    kept: dict[str, Any] = ((getattr(part, "provider_metadata", None) or {}).get(METADATA)) or {}
    if kept.get("origin") not in (None, origin):
        kept = {}
    if isinstance(part, TextPart):
        return _assistant_text(part, kept) if part.text else None
    if isinstance(part, ReasoningPart):
        # Only encrypted reasoning can be sent back. The provider stored nothing that the item's id would refer to.
        return kept.get("item") if (kept.get("item") or {}).get("encrypted_content") else None
    if isinstance(part, ToolCallPart) and part.server_executed:
        return kept.get("item")
    if isinstance(part, ToolCallPart):
        return {
            "type": "function_call",
            **({"id": kept["id"]} if kept.get("id") else {}),
            "call_id": part.tool_call_id or call_ids[id(part)],
            "name": part.name,
            "arguments": json_text(part.arguments),
        }
    return None


def _assistant_text(part: TextPart, kept: dict[str, Any]) -> dict[str, Any]:
    if not kept.get("id"):
        return {"type": "message", "role": "assistant", "content": part.text}
    content = {"type": "output_text", "text": part.text, "annotations": kept.get("annotations", [])}
    about = {name: kept[name] for name in ("id", "phase") if kept.get(name)}
    return {"type": "message", "role": "assistant", "status": "completed", **about, "content": [content]}


def _result(result: ToolResultPart, call_ids: dict[int, str]) -> dict[str, Any]:
    output: str | list[dict[str, Any]] = result.output
    if result.attachments:
        attached = [AttachmentPart(attachment) for attachment in result.attachments]
        output = _blocks([TextPart(result.output), *attached])
    call_id = result.tool_call_id or call_ids.get(id(result))
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, TextPart) for part in parts):
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))
    return _blocks(parts)


def _blocks(parts: list[Part]) -> list[dict[str, Any]]:
    return [block for part in parts if (block := _block(part)) is not None]


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, TextPart):
        return {"type": "input_text", "text": part.text}
    if not isinstance(part, AttachmentPart) or part.attachment is None:
        return None
    attachment = part.attachment
    kind, url = attachment.certain_type(), attachment.url
    data = f"data:{kind};base64,{attachment.base64_content()}" if url is None else url
    if not kind.startswith("image/"):
        if url is not None:
            return {"type": "input_file", "file_url": url}
        return {
            "type": "input_file",
            "filename": f"{attachment.id()[:16]}.{kind.rpartition('/')[2]}",
            "file_data": data,
        }
    return {"type": "input_image", "image_url": data, "detail": "auto"}
