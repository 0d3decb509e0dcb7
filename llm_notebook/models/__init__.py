"""What a user holds: models, their responses, chains and conversations, with the values that they take and return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.errors import ConversationNotSupported as ConversationNotSupported
    from llm_notebook.errors import NeedsKeyException as NeedsKeyException
    from llm_notebook.models.chain_responses import AsyncChainResponse as AsyncChainResponse
    from llm_notebook.models.chain_responses import ChainResponse as ChainResponse
    from llm_notebook.models.conversations import AsyncConversation as AsyncConversation
    from llm_notebook.models.conversations import Conversation as Conversation
    from llm_notebook.models.embeddings import EmbeddingModel as EmbeddingModel
    from llm_notebook.models.embeddings import EmbeddingModelWithAliases as EmbeddingModelWithAliases
    from llm_notebook.models.model import AsyncKeyModel as AsyncKeyModel
    from llm_notebook.models.model import AsyncModel as AsyncModel
    from llm_notebook.models.model import KeyModel as KeyModel
    from llm_notebook.models.model import Model as Model
    from llm_notebook.models.model import ModelWithAliases as ModelWithAliases
    from llm_notebook.models.options import Options as Options
    from llm_notebook.models.pauses import PauseChain as PauseChain
    from llm_notebook.models.responses import AsyncResponse as AsyncResponse
    from llm_notebook.models.responses import Response as Response
    from llm_notebook.parts.attachments import Attachment as Attachment
    from llm_notebook.parts.messages import Usage as Usage
    from llm_notebook.templates.fragments import Fragment as Fragment
    from llm_notebook.tools.calls import CancelToolCall as CancelToolCall
    from llm_notebook.tools.calls import ToolCall as ToolCall
    from llm_notebook.tools.calls import ToolResult as ToolResult
    from llm_notebook.tools.outputs import ToolOutput as ToolOutput
    from llm_notebook.tools.server_side import ServerSideTool as ServerSideTool
    from llm_notebook.tools.tool import Tool as Tool
    from llm_notebook.tools.toolbox import Toolbox as Toolbox
    from llm_notebook.turns.prompt import Prompt as Prompt
