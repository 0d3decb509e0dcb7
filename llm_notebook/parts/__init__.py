"""What a conversation is made of: messages and their parts, attachments, and the events of a response that is still arriving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.parts.attachments import Attachment as Attachment
    from llm_notebook.parts.citations import Citation as Citation
    from llm_notebook.parts.messages import AttachmentPart as AttachmentPart
    from llm_notebook.parts.messages import EventType as EventType
    from llm_notebook.parts.messages import Message as Message
    from llm_notebook.parts.messages import Part as Part
    from llm_notebook.parts.messages import ReasoningPart as ReasoningPart
    from llm_notebook.parts.messages import StreamEvent as StreamEvent
    from llm_notebook.parts.messages import TextPart as TextPart
    from llm_notebook.parts.messages import ToolCallPart as ToolCallPart
    from llm_notebook.parts.messages import ToolResultPart as ToolResultPart
    from llm_notebook.parts.messages import Usage as Usage
    from llm_notebook.parts.messages import assistant as assistant
    from llm_notebook.parts.messages import system as system
    from llm_notebook.parts.messages import tool_message as tool_message
    from llm_notebook.parts.messages import user as user
    from llm_notebook.serialization import AttachmentDict as AttachmentDict
    from llm_notebook.serialization import AttachmentPartDict as AttachmentPartDict
    from llm_notebook.serialization import MessageDict as MessageDict
    from llm_notebook.serialization import PartDict as PartDict
    from llm_notebook.serialization import ReasoningPartDict as ReasoningPartDict
    from llm_notebook.serialization import TextPartDict as TextPartDict
    from llm_notebook.serialization import ToolCallPartDict as ToolCallPartDict
    from llm_notebook.serialization import ToolResultPartDict as ToolResultPartDict
