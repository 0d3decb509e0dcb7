"""Language models in Python and in Jupyter.

    import llm_notebook as llm

    for chunk in llm.get_model("smollm2").prompt("Five names for a pelican"):
        print(chunk, end="")

In a notebook, `%load_ext llm_notebook` adds the magics `%llm` and `%%llm`; `%llm help` says what they take.

Models          get_model, get_async_model, get_models, get_async_models, get_models_with_aliases, set_alias, remove_alias,
                get_default_model, set_default_model; for a server of one's own OpenAIChat, OpenAIResponses,
                AnthropicMessages, GeminiModel, Ollama, with `await` AsyncOpenAIChat, AsyncOpenAIResponses,
                AsyncAnthropicMessages, AsyncGeminiModel, AsyncOllama; TLSSettings
Asking          model.prompt() gives a Response, model.conversation() a Conversation, model.chain() a ChainResponse;
                Prompt, Options, Usage; AsyncResponse, AsyncConversation, AsyncChainResponse with `await`
Messages        user, assistant, system, tool_message; Message and its parts TextPart, ReasoningPart, ToolCallPart,
                ToolResultPart, AttachmentPart; Attachment, Fragment; StreamEvent for what is still arriving
Tools           functions, Tool, Toolbox; ToolCall, ToolResult, ToolOutput; CancelToolCall, PauseChain; mcp_toolbox for those
                of an MCP server; what the provider runs: ServerSideTool, OpenAIWebSearch, OpenAICodeInterpreter,
                OpenAIFileSearch
Approvals       require_approval, approved, ApprovalRequest, Decision; pending, resume, load_pause
Journal         open_journal, history, load_conversation
Schemas         schema_dsl; any dict or pydantic class as schema=
Embeddings      get_embedding_model, get_embedding_models, EmbeddingModel, OpenAIEmbedding
Keys, folders   get_key, user_dir
Templates       Template
Plugins         hookimpl, get_plugins, get_tools, get_template_loaders, get_fragment_loaders; subclass Model, KeyModel,
                AsyncModel or AsyncKeyModel; ModelWithAliases
Errors          ModelError and under it NeedsKeyException, ConversationNotSupported, IncompleteResponse, JournalError,
                ProviderError, ToolArgumentError, TransportError; UnknownModelError
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook import errors as errors
    from llm_notebook import models as models
    from llm_notebook import parts as parts
    from llm_notebook import plugins as plugins
    from llm_notebook import serialization as serialization
    from llm_notebook import templates as templates
    from llm_notebook import tools as tools
    from llm_notebook.approvals import ApprovalRequest, Decision, approved, require_approval
    from llm_notebook.attachments import Attachment
    from llm_notebook.chain_responses import AsyncChainResponse, ChainResponse
    from llm_notebook.conversations import AsyncConversation, Conversation
    from llm_notebook.embeddings import EmbeddingModel, get_embedding_model, get_embedding_models
    from llm_notebook.errors import (
        ConversationNotSupported,
        IncompleteResponse,
        JournalError,
        ModelError,
        NeedsKeyException,
        ProviderError,
        ToolArgumentError,
        TransportError,
        UnknownModelError,
    )
    from llm_notebook.folders import user_dir
    from llm_notebook.fragments import Fragment
    from llm_notebook.keys import get_key
    from llm_notebook.mcp_client.toolbox import mcp_toolbox
    from llm_notebook.models import AsyncKeyModel, AsyncModel, KeyModel, Model, ModelWithAliases
    from llm_notebook.options import Options
    from llm_notebook.parts import (
        AttachmentPart,
        Message,
        ReasoningPart,
        StreamEvent,
        TextPart,
        ToolCallPart,
        ToolResultPart,
        assistant,
        system,
        tool_message,
        user,
    )
    from llm_notebook.pauses import load_pause
    from llm_notebook.plugins import get_fragment_loaders, get_plugins, get_template_loaders, get_tools, hookimpl
    from llm_notebook.prompts import Prompt, Usage
    from llm_notebook.providers.anthropic_models import AnthropicMessages, AsyncAnthropicMessages
    from llm_notebook.providers.gemini_models import AsyncGeminiModel, GeminiModel
    from llm_notebook.providers.http_embeddings import OpenAIEmbedding
    from llm_notebook.providers.ollama_models import AsyncOllama, Ollama
    from llm_notebook.providers.openai_models import (
        AsyncOpenAIChat,
        AsyncOpenAIResponses,
        OpenAIChat,
        OpenAIResponses,
    )
    from llm_notebook.providers.openai_tools import OpenAICodeInterpreter, OpenAIFileSearch, OpenAIWebSearch
    from llm_notebook.providers.tls import TLSSettings
    from llm_notebook.registry import (
        get_async_model,
        get_async_models,
        get_default_model,
        get_model,
        get_models,
        get_models_with_aliases,
        remove_alias,
        set_alias,
        set_default_model,
    )
    from llm_notebook.reopening import history, load_conversation, open_journal, pending, resume
    from llm_notebook.responses import AsyncResponse, Response
    from llm_notebook.schemas import schema_dsl
    from llm_notebook.templates import Template
    from llm_notebook.tools import (
        CancelToolCall,
        PauseChain,
        ServerSideTool,
        Tool,
        Toolbox,
        ToolCall,
        ToolOutput,
        ToolResult,
    )

_HOMES = {
    "approvals": ["ApprovalRequest", "Decision", "approved", "require_approval"],
    "attachments": ["Attachment"],
    "chain_responses": ["AsyncChainResponse", "ChainResponse"],
    "conversations": ["AsyncConversation", "Conversation"],
    "embeddings": ["EmbeddingModel", "get_embedding_model", "get_embedding_models"],
    "errors": [
        "ConversationNotSupported",
        "IncompleteResponse",
        "JournalError",
        "ModelError",
        "NeedsKeyException",
        "ProviderError",
        "ToolArgumentError",
        "TransportError",
        "UnknownModelError",
    ],
    "folders": ["user_dir"],
    "fragments": ["Fragment"],
    "keys": ["get_key"],
    "mcp_client.toolbox": ["mcp_toolbox"],
    "models": ["AsyncKeyModel", "AsyncModel", "KeyModel", "Model", "ModelWithAliases"],
    "options": ["Options"],
    "parts": [
        "AttachmentPart",
        "Message",
        "ReasoningPart",
        "StreamEvent",
        "TextPart",
        "ToolCallPart",
        "ToolResultPart",
        "assistant",
        "system",
        "tool_message",
        "user",
    ],
    "pauses": ["load_pause"],
    "plugins": ["get_fragment_loaders", "get_plugins", "get_template_loaders", "get_tools", "hookimpl"],
    "prompts": ["Prompt", "Usage"],
    "providers.anthropic_models": ["AnthropicMessages", "AsyncAnthropicMessages"],
    "providers.gemini_models": ["AsyncGeminiModel", "GeminiModel"],
    "providers.http_embeddings": ["OpenAIEmbedding"],
    "providers.ollama_models": ["AsyncOllama", "Ollama"],
    "providers.openai_models": ["AsyncOpenAIChat", "AsyncOpenAIResponses", "OpenAIChat", "OpenAIResponses"],
    "providers.openai_tools": ["OpenAICodeInterpreter", "OpenAIFileSearch", "OpenAIWebSearch"],
    "providers.tls": ["TLSSettings"],
    "registry": [
        "get_async_model",
        "get_async_models",
        "get_default_model",
        "get_model",
        "get_models",
        "get_models_with_aliases",
        "remove_alias",
        "set_alias",
        "set_default_model",
    ],
    "reopening": ["history", "load_conversation", "open_journal", "pending", "resume"],
    "responses": ["AsyncResponse", "Response"],
    "schemas": ["schema_dsl"],
    "templates": ["Template"],
    "tools": [
        "CancelToolCall",
        "PauseChain",
        "ServerSideTool",
        "Tool",
        "ToolCall",
        "ToolOutput",
        "ToolResult",
        "Toolbox",
    ],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
_SUBMODULES = ("errors", "models", "parts", "plugins", "serialization", "templates", "tools")

__version__ = "0.1.0"
__all__ = [
    "AnthropicMessages",
    "ApprovalRequest",
    "AsyncAnthropicMessages",
    "AsyncChainResponse",
    "AsyncConversation",
    "AsyncGeminiModel",
    "AsyncKeyModel",
    "AsyncModel",
    "AsyncOllama",
    "AsyncOpenAIChat",
    "AsyncOpenAIResponses",
    "AsyncResponse",
    "Attachment",
    "AttachmentPart",
    "CancelToolCall",
    "ChainResponse",
    "Conversation",
    "ConversationNotSupported",
    "Decision",
    "EmbeddingModel",
    "Fragment",
    "GeminiModel",
    "IncompleteResponse",
    "JournalError",
    "KeyModel",
    "Message",
    "Model",
    "ModelError",
    "ModelWithAliases",
    "NeedsKeyException",
    "Ollama",
    "OpenAIChat",
    "OpenAICodeInterpreter",
    "OpenAIEmbedding",
    "OpenAIFileSearch",
    "OpenAIResponses",
    "OpenAIWebSearch",
    "Options",
    "PauseChain",
    "Prompt",
    "ProviderError",
    "ReasoningPart",
    "Response",
    "ServerSideTool",
    "StreamEvent",
    "TLSSettings",
    "Template",
    "TextPart",
    "Tool",
    "ToolArgumentError",
    "ToolCall",
    "ToolCallPart",
    "ToolOutput",
    "ToolResult",
    "ToolResultPart",
    "Toolbox",
    "TransportError",
    "UnknownModelError",
    "Usage",
    "approved",
    "assistant",
    "get_async_model",
    "get_async_models",
    "get_default_model",
    "get_embedding_model",
    "get_embedding_models",
    "get_fragment_loaders",
    "get_key",
    "get_model",
    "get_models",
    "get_models_with_aliases",
    "get_plugins",
    "get_template_loaders",
    "get_tools",
    "history",
    "hookimpl",
    "load_conversation",
    "load_pause",
    "mcp_toolbox",
    "open_journal",
    "pending",
    "remove_alias",
    "require_approval",
    "resume",
    "schema_dsl",
    "set_alias",
    "set_default_model",
    "system",
    "tool_message",
    "user",
    "user_dir",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module, or a public submodule, when it is first used (PEP 562)."""
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    own = [name for name in globals() if name.startswith("__") or name.endswith("_ipython_extension")]
    return sorted([*own, *_HOME_OF, *_SUBMODULES])


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext llm_notebook`."""
    from llm_notebook.notebook.magics import register  # noqa: PLC0415  loads IPython

    register(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext llm_notebook`."""
    from llm_notebook.notebook.magics import unregister  # noqa: PLC0415  loads IPython

    unregister(ipython)
