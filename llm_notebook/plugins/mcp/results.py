"""Converts the result of an MCP server to the output of a tool."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import mcp_types

from llm_notebook.errors import ModelError
from llm_notebook.parts.attachments import Attachment
from llm_notebook.tools.outputs import ToolOutput

if TYPE_CHECKING:
    from mcp_types import CallToolResult

__all__ = ["output_of"]


def output_of(result: CallToolResult) -> ToolOutput:
    """Return the result as text and attachments.

    Raises:
        ModelError: the server says that the tool failed. The message is for the model.
    """
    texts: list[str] = []
    attachments: list[Attachment] = []
    for block in result.content:
        match block:
            case mcp_types.TextContent():
                texts.append(block.text)
            case mcp_types.ImageContent() | mcp_types.AudioContent():
                attachments.append(_attachment(block.mime_type, block.data))
            case mcp_types.ResourceLink():
                texts.append(f"{block.title or block.name}: {block.uri}")
            case mcp_types.EmbeddedResource(resource=mcp_types.TextResourceContents() as resource):
                texts.append(resource.text)
            case mcp_types.EmbeddedResource(resource=mcp_types.BlobResourceContents() as resource):
                attachments.append(_attachment(resource.mime_type, resource.blob))
    # Servers should repeat structured content as text, but not all do.
    if not texts and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(texts)
    if result.is_error:
        raise ModelError(text or "the tool failed and did not say why")
    return ToolOutput(text, attachments)


def _attachment(mime_type: str | None, content: str) -> Attachment:
    return Attachment(type=mime_type, content=base64.b64decode(content))
