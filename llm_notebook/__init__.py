"""Language models in Python and in Jupyter.

    import llm_notebook as llm

    for chunk in llm.get_model("smollm2").prompt("Five names for a pelican"):
        print(chunk, end="")

In a notebook, `%load_ext llm_notebook` adds the magics `%llm` and `%%llm`; `%llm help` explains them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process
from llm_notebook.public_names import load_lazily

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# The one list of public names. They are loaded when they are first used; the comments are headings of `help(llm_notebook)`.
if TYPE_CHECKING or not load_lazily(globals()):
    # isort: off
    # Models
    from llm_notebook.providers.registry import get_model as get_model
    from llm_notebook.providers.registry import get_async_model as get_async_model
    from llm_notebook.providers.registry import get_models as get_models
    from llm_notebook.providers.registry import get_async_models as get_async_models
    from llm_notebook.providers.registry import get_models_with_aliases as get_models_with_aliases
    from llm_notebook.providers.registry import get_model_aliases as get_model_aliases
    from llm_notebook.providers.registry import get_async_model_aliases as get_async_model_aliases
    from llm_notebook.providers.registry import set_alias as set_alias
    from llm_notebook.providers.registry import remove_alias as remove_alias
    from llm_notebook.providers.registry import get_default_model as get_default_model
    from llm_notebook.providers.registry import set_default_model as set_default_model
    from llm_notebook.models.model import Model as Model
    from llm_notebook.models.model import KeyModel as KeyModel
    from llm_notebook.models.model import AsyncModel as AsyncModel
    from llm_notebook.models.model import AsyncKeyModel as AsyncKeyModel
    from llm_notebook.models.model import ModelWithAliases as ModelWithAliases

    # Models on a server that you name
    from llm_notebook.providers.openai.models import OpenAIChat as OpenAIChat
    from llm_notebook.providers.openai.models import OpenAIResponses as OpenAIResponses
    from llm_notebook.providers.anthropic.models import AnthropicMessages as AnthropicMessages
    from llm_notebook.providers.gemini.models import GeminiModel as GeminiModel
    from llm_notebook.providers.ollama.models import Ollama as Ollama
    from llm_notebook.providers.openai.models import AsyncOpenAIChat as AsyncOpenAIChat
    from llm_notebook.providers.openai.models import AsyncOpenAIResponses as AsyncOpenAIResponses
    from llm_notebook.providers.anthropic.models import AsyncAnthropicMessages as AsyncAnthropicMessages
    from llm_notebook.providers.gemini.models import AsyncGeminiModel as AsyncGeminiModel
    from llm_notebook.providers.ollama.models import AsyncOllama as AsyncOllama
    from llm_notebook.providers.http.wire import TLSSettings as TLSSettings
    from llm_notebook.providers.openai.azure import AzureEndpoint as AzureEndpoint

    # Prompts and responses
    from llm_notebook.turns.prompt import Prompt as Prompt
    from llm_notebook.models.options import Options as Options
    from llm_notebook.parts.messages import Usage as Usage
    from llm_notebook.models.responses import Response as Response
    from llm_notebook.models.chain_responses import ChainResponse as ChainResponse
    from llm_notebook.models.conversations import Conversation as Conversation
    from llm_notebook.models.responses import AsyncResponse as AsyncResponse
    from llm_notebook.models.chain_responses import AsyncChainResponse as AsyncChainResponse
    from llm_notebook.models.conversations import AsyncConversation as AsyncConversation

    # Messages
    from llm_notebook.parts.messages import user as user
    from llm_notebook.parts.messages import assistant as assistant
    from llm_notebook.parts.messages import system as system
    from llm_notebook.parts.messages import tool_message as tool_message
    from llm_notebook.parts.messages import Message as Message
    from llm_notebook.parts.messages import TextPart as TextPart
    from llm_notebook.parts.messages import ReasoningPart as ReasoningPart
    from llm_notebook.parts.messages import ToolCallPart as ToolCallPart
    from llm_notebook.parts.messages import ToolResultPart as ToolResultPart
    from llm_notebook.parts.messages import AttachmentPart as AttachmentPart
    from llm_notebook.parts.attachments import Attachment as Attachment
    from llm_notebook.objects.table import describe as describe
    from llm_notebook.parts.citations import Citation as Citation
    from llm_notebook.templates.fragments import Fragment as Fragment
    from llm_notebook.parts.messages import StreamEvent as StreamEvent

    # Tools
    from llm_notebook.tools.tool import Tool as Tool
    from llm_notebook.tools.toolbox import Toolbox as Toolbox
    from llm_notebook.tools.calls import ToolCall as ToolCall
    from llm_notebook.tools.calls import ToolResult as ToolResult
    from llm_notebook.tools.outputs import ToolOutput as ToolOutput
    from llm_notebook.tools.calls import CancelToolCall as CancelToolCall
    from llm_notebook.models.pauses import PauseChain as PauseChain
    from llm_notebook.plugins.mcp.toolbox import mcp_toolbox as mcp_toolbox
    from llm_notebook.tools.server_side import ServerSideTool as ServerSideTool
    from llm_notebook.providers.openai.tools import OpenAIWebSearch as OpenAIWebSearch
    from llm_notebook.providers.openai.tools import OpenAICodeInterpreter as OpenAICodeInterpreter
    from llm_notebook.providers.openai.tools import OpenAIFileSearch as OpenAIFileSearch
    from llm_notebook.providers.openai.tools import OpenAIImageGeneration as OpenAIImageGeneration
    from llm_notebook.providers.anthropic.tools import AnthropicWebSearch as AnthropicWebSearch
    from llm_notebook.providers.anthropic.tools import AnthropicWebFetch as AnthropicWebFetch
    from llm_notebook.providers.anthropic.tools import AnthropicCodeExecution as AnthropicCodeExecution
    from llm_notebook.providers.gemini.tools import GeminiSearch as GeminiSearch
    from llm_notebook.providers.gemini.tools import GeminiURLContext as GeminiURLContext
    from llm_notebook.providers.gemini.tools import GeminiCodeExecution as GeminiCodeExecution

    # Approvals
    from llm_notebook.approvals.marks import require_approval as require_approval
    from llm_notebook.approvals.running import approved as approved
    from llm_notebook.approvals.requests import ApprovalRequest as ApprovalRequest
    from llm_notebook.approvals.requests import Decision as Decision
    from llm_notebook.models.stored.resuming import pending as pending
    from llm_notebook.models.stored.resuming import resume as resume
    from llm_notebook.models.stored.loading import load_pause as load_pause

    # Journal
    from llm_notebook.journal.current import open_journal as open_journal
    from llm_notebook.journal.current import history as history
    from llm_notebook.models.stored.resuming import load_conversation as load_conversation

    # Schemas, templates and embeddings
    from llm_notebook.tools.schemas import schema_dsl as schema_dsl
    from llm_notebook.templates.template import Template as Template
    from llm_notebook.providers.embeddings import get_embedding_model as get_embedding_model
    from llm_notebook.providers.embeddings import get_embedding_models as get_embedding_models
    from llm_notebook.providers.embeddings import get_embedding_models_with_aliases as get_embedding_models_with_aliases
    from llm_notebook.providers.embeddings import get_embedding_model_aliases as get_embedding_model_aliases
    from llm_notebook.providers.embeddings import get_default_embedding_model as get_default_embedding_model
    from llm_notebook.providers.embeddings import set_default_embedding_model as set_default_embedding_model
    from llm_notebook.models.embeddings import EmbeddingModel as EmbeddingModel
    from llm_notebook.models.embeddings import EmbeddingModelWithAliases as EmbeddingModelWithAliases
    from llm_notebook.models.vectors import encode as encode
    from llm_notebook.models.vectors import decode as decode
    from llm_notebook.models.vectors import cosine_similarity as cosine_similarity
    from llm_notebook.providers.openai.embeddings import OpenAIEmbedding as OpenAIEmbedding

    # Rows
    from llm_notebook.rows.mapping import map_rows as map_rows
    from llm_notebook.rows.mapping import amap_rows as amap_rows
    from llm_notebook.rows.listing import runs as runs
    from llm_notebook.rows.errors import RowsError as RowsError

    # Keys and folders
    from llm_notebook.configuration.keys import get_key as get_key
    from llm_notebook.configuration.keys import load_keys as load_keys
    from llm_notebook.configuration.folders import user_dir as user_dir

    # Plugins
    from llm_notebook.plugins.own import hookimpl as hookimpl
    from llm_notebook.plugins.own import get_plugins as get_plugins
    from llm_notebook.plugins.own import get_tools as get_tools
    from llm_notebook.plugins.own import get_template_loaders as get_template_loaders
    from llm_notebook.plugins.own import get_fragment_loaders as get_fragment_loaders

    # Errors
    from llm_notebook.errors import ModelError as ModelError
    from llm_notebook.errors import NeedsKeyException as NeedsKeyException
    from llm_notebook.errors import ConversationNotSupported as ConversationNotSupported
    from llm_notebook.errors import IncompleteResponse as IncompleteResponse
    from llm_notebook.errors import JournalError as JournalError
    from llm_notebook.errors import ProviderError as ProviderError
    from llm_notebook.errors import ToolArgumentError as ToolArgumentError
    from llm_notebook.errors import TransportError as TransportError
    from llm_notebook.errors import UnknownModelError as UnknownModelError

    # Submodules
    from llm_notebook import errors as errors
    from llm_notebook import models as models
    from llm_notebook import parts as parts
    from llm_notebook import plugins as plugins
    from llm_notebook import serialization as serialization
    from llm_notebook import templates as templates
    from llm_notebook import tools as tools

__version__ = "0.1.0"

# Who answers where a lower room needs something of a room above it.
process.answers |= {
    "models": "llm_notebook.providers.registry:Registry",
    "template loaders": "llm_notebook.plugins.own:Plugins",
    "the notebook's tools": "llm_notebook.notebook.prompts.tools:NotebookTools",
    "the web": "llm_notebook.providers.http.documents.fetching:Web",
    "objects": "llm_notebook.plugins.own:Plugins",
    "the llm package": "llm_notebook.plugins.llm_package.opening:open_bridge",
}


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Carry out `%load_ext llm_notebook`."""
    from llm_notebook.notebook.registration import register  # loads IPython

    register(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Carry out `%unload_ext llm_notebook`."""
    from llm_notebook.notebook.registration import unregister  # loads IPython

    unregister(ipython)
