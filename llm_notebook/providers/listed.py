"""Reads from the providers' own lists whether a model chats, and what it can do. No I/O.

Each provider says it in its own way. If a provider says nothing, a model is assumed to chat and to do everything:

- Mistral has `capabilities`, such as `completion_chat`, `function_calling` and `vision`;
- OpenRouter has `architecture` with `input_modalities` and `output_modalities`, and `supported_parameters`;
- xAI has `input_modalities` and `output_modalities`;
- Groq has `active`;
- Google has `supportedGenerationMethods`, and `thinking`;
- Together has a `type`.
"""

from __future__ import annotations

from typing import Any

from llm_notebook.providers.http.answers.loose_json import dict_of

__all__ = ["abilities", "chats"]

_KINDS_THAT_CHAT = ("chat", "language", "model", "code", "base", "fine-tuned")
_GENERATES = "generateContent"
# Our names for abilities, and the names that providers give them.
_MODALITIES = {"image": "images", "audio": "audio", "video": "video"}
_PARAMETERS = {"tools": "tools", "structured_outputs": "schema", "reasoning": "reasoning"}
_CAPABILITIES = {"function_calling": "tools", "vision": "images", "audio": "audio", "reasoning": "reasoning"}


def chats(item: dict[str, Any]) -> bool:
    """Return whether a listed model answers prompts with text, as far as its provider says."""
    if item.get("active") is False:
        return False
    capabilities = dict_of(item.get("capabilities"))
    if isinstance(capabilities.get("completion_chat"), bool):
        return bool(capabilities["completion_chat"])
    methods = item.get("supportedGenerationMethods")
    if isinstance(methods, list) and _GENERATES not in methods:
        return False
    answers = _modalities(item, "output_modalities")
    if answers and "text" not in answers:
        return False
    return item.get("type", "chat") in _KINDS_THAT_CHAT


def abilities(item: dict[str, Any]) -> list[str] | None:
    """Return what a listed model can do, in the words of the catalogues; None if its provider does not say."""
    read, parameters = _modalities(item, "input_modalities"), item.get("supported_parameters")
    if isinstance(parameters, list):
        return [
            *(ours for theirs, ours in _PARAMETERS.items() if theirs in parameters),
            *(ours for theirs, ours in _MODALITIES.items() if theirs in read),
        ]
    capabilities = dict_of(item.get("capabilities"))
    if isinstance(capabilities.get("completion_chat"), bool):
        # Every Mistral model that chats supports schemas.
        return ["schema", *(ours for theirs, ours in _CAPABILITIES.items() if capabilities.get(theirs) is True)]
    return None


def _modalities(item: dict[str, Any], name: str) -> list[Any]:
    architecture = dict_of(item.get("architecture"))
    given = architecture.get(name) or item.get(name)
    if isinstance(given, list):
        return given
    # An older form, such as `text+image->text`.
    read, arrow, written = str(architecture.get("modality") or "").partition("->")
    return (read if name.startswith("input") else written).split("+") if arrow else []
