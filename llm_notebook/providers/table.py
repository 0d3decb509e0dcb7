"""The table of providers: where each one is, which wire format it speaks and which key it needs, and how its models are built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.models.model import ModelWithAliases
from llm_notebook.providers.anthropic.models import AnthropicMessages, AsyncAnthropicMessages
from llm_notebook.providers.catalog.catalog import CatalogModel, catalog
from llm_notebook.providers.catalog.unlisted import with_assumptions
from llm_notebook.providers.gemini.models import AsyncGeminiModel, GeminiModel
from llm_notebook.providers.ollama.models import AsyncOllama, Ollama
from llm_notebook.providers.openai.models import AsyncOpenAIChat, AsyncOpenAIResponses, OpenAIChat, OpenAIResponses

if TYPE_CHECKING:
    from llm_notebook.providers.http.models import AsyncHTTPModel, SyncHTTPModel

__all__ = ["PROVIDERS", "WIRES", "Provider", "build_entry", "catalog_entries", "split_prefix"]

WIRES: Mapping[str, tuple[type[SyncHTTPModel], type[AsyncHTTPModel]]] = MappingProxyType(
    {
        "chat": (OpenAIChat, AsyncOpenAIChat),
        "responses": (OpenAIResponses, AsyncOpenAIResponses),
        "messages": (AnthropicMessages, AsyncAnthropicMessages),
        "gemini": (GeminiModel, AsyncGeminiModel),
        "ollama": (Ollama, AsyncOllama),
    }
)
"""The sync and the async model class of every wire format."""

# Most providers list all their models without saying which ones chat, so this has to be guessed from the names.
_NOT_CHAT = re.compile(
    r"embed|tts|whisper|dall-e|moderation|realtime|transcri|audio|speech|sora|image|video|rerank|guard|ocr|babbage|davinci"
    r"|gpt-3\.5-turbo-instruct|computer-use|deep-research|gpt-live|voxtral-mini-(?:realtime|transcribe)|orpheus|playai",
    re.IGNORECASE,
)
# Google says which models generate content; these do, but they cannot hold a conversation of text and pictures.
_NOT_CHAT_GOOGLE = re.compile(
    r"embed|tts|imagen|veo|lyria|aqa|live|native-audio|robotics|computer-use|deep-research", re.IGNORECASE
)
# OpenRouter says what models read and write, and its names contain the makers' names.
_SAYS_ITSELF = re.compile(r"(?!)")


@dataclass(slots=True, frozen=True)
class Provider:
    """A provider, whose models are named with its name as a prefix: `groq/llama-3.3-70b-versatile`.

    Attributes:
        name: the prefix of its models' ids, and the name of its stored key.
        title: its name as people write it.
        wire: the wire format that its models speak, unless the catalogue says otherwise.
        base_url: its address; None means the model class's own.
        key_env_var: the environment variable that may hold its key; empty if it needs no key.
        dialect: the name of the Chat Completions dialect that it speaks.
        bare_ids: whether its models' ids have no prefix, though they are found with the prefix too.
        list_path: the path under its address where it lists its models.
        list_needs_key: whether it refuses that list to requests without a key.
        not_chat: matches names in that list of models that take no prompts, such as embedding models.
    """

    name: str
    title: str
    wire: str = "chat"
    base_url: str | None = None
    key_env_var: str = ""
    dialect: str | None = None
    bare_ids: bool = False
    list_path: str = "models"
    list_needs_key: bool = True
    not_chat: re.Pattern[str] = field(default=_NOT_CHAT)

    def model_id(self, name: str) -> str:
        """Return the id under which `get_model()` knows the provider's model with this name."""
        return name if self.bare_ids else f"{self.name}/{name}"


def _compatible(name: str, title: str, base_url: str, **more: Any) -> Provider:
    return Provider(name, title, base_url=base_url, key_env_var=f"{name.upper()}_API_KEY", dialect=name, **more)


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Provider("openai", "OpenAI", "responses", key_env_var="OPENAI_API_KEY", bare_ids=True),
            Provider(
                "anthropic",
                "Anthropic",
                "messages",
                key_env_var="ANTHROPIC_API_KEY",
                list_path="models?limit=1000",
            ),
            Provider(
                "gemini",
                "Google Gemini",
                "gemini",
                key_env_var="GEMINI_API_KEY",
                list_path="models?pageSize=1000",
                not_chat=_NOT_CHAT_GOOGLE,
            ),
            _compatible("mistral", "Mistral", "https://api.mistral.ai/v1"),
            _compatible("groq", "Groq", "https://api.groq.com/openai/v1"),
            _compatible("deepseek", "DeepSeek", "https://api.deepseek.com"),
            _compatible(
                "openrouter",
                "OpenRouter",
                "https://openrouter.ai/api/v1",
                list_needs_key=False,
                not_chat=_SAYS_ITSELF,
            ),
            _compatible("xai", "xAI", "https://api.x.ai/v1"),
            _compatible("together", "Together", "https://api.together.xyz/v1"),
            Provider("ollama", "Ollama", "ollama", list_path="api/tags", list_needs_key=False),
        )
    }
)


def split_prefix(name: str) -> tuple[Provider, str] | None:
    """Return the provider whose prefix an id has, and the provider's name for the model; None if it has no such prefix."""
    prefix, _, rest = name.partition("/")
    provider = PROVIDERS.get(prefix)
    return (provider, rest) if provider is not None and rest.strip() else None


def catalog_entries(providers: Iterable[str] = tuple(PROVIDERS)) -> Iterator[ModelWithAliases]:
    """Yield the models that the catalogues of these providers list."""
    for name in providers:
        for known in catalog(name).models.values():
            yield build_entry(PROVIDERS[name], known)


def build_entry(provider: Provider, known: CatalogModel, *, model_id: str | None = None) -> ModelWithAliases:
    """Build a provider's model in both flavours.

    Args:
        provider: the provider.
        known: what is known about the model.
        model_id: the model's id; None means the usual one, made of the provider and the name.
    """
    known = with_assumptions(provider.name, known)
    sync_class, async_class = WIRES[known.wire or provider.wire]
    arguments = {"base_url": provider.base_url} | sync_class.arguments_for(known)
    if provider.key_env_var:
        arguments |= {"needs_key": provider.name, "key_env_var": provider.key_env_var}
    if provider.dialect is not None:
        arguments["dialect"] = provider.dialect
    model_id = model_id or provider.model_id(known.name)
    model, async_model = sync_class(model_id, **arguments), async_class(model_id, **arguments)
    model.provider = async_model.provider = provider.name
    return ModelWithAliases(model, async_model, known.aliases)
