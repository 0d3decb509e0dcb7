"""Models on servers of one's own, listed in `extra-openai-models.yaml`, the file that the `llm` command reads too."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from llm_notebook.files import ConfigurationWarning
from llm_notebook.models import ModelWithAliases
from llm_notebook.providers.http_models import AsyncOpenAIChat, OpenAIChat

__all__ = ["ENDPOINTS_FILE", "endpoint_models"]

ENDPOINTS_FILE = "extra-openai-models.yaml"
_FLAGS = ("vision", "audio", "reasoning")


def endpoint_models(folder: Path) -> list[ModelWithAliases]:
    """The models of the file in `folder`; none if there is no file.

    Each entry takes `model_id`, and optionally `model_name`, `api_base`, `api_key_name`, `headers`, `aliases`, `can_stream`,
    `supports_schema`, `supports_tools`, `vision`, `audio`, `reasoning`. What cannot be used costs a warning.
    """
    path = folder / ENDPOINTS_FILE
    if not path.is_file():
        return []
    models = []
    for position, entry in enumerate(_entries(path), start=1):
        try:
            models.append(_model(entry))
        except (TypeError, ValueError) as error:
            _warn(f"Entry {position} of {path} is left out: {error}")
    return models


def _entries(path: Path) -> list[Any]:
    import yaml  # noqa: PLC0415  only where the file exists

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        _warn(f"{path} cannot be read and is left out: {' '.join(str(error).split())}")
        return []
    if entries is None:
        return []
    if not isinstance(entries, list):
        _warn(f"{path} is left out: it must hold a list of models, each beginning with `- model_id:`.")
        return []
    return entries


def _model(entry: Any) -> ModelWithAliases:
    if not isinstance(entry, dict) or not isinstance(entry.get("model_id"), str):
        raise TypeError("it needs a model_id.")
    if entry.get("completion") or entry.get("responses"):
        raise ValueError(f"{entry['model_id']} does not speak Chat Completions.")
    for name in ("api_base", "model_name", "api_key_name"):
        if not isinstance(entry.get(name), str | None):
            raise TypeError(f"the {name} of {entry['model_id']} must be text.")
    headers = entry.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise TypeError(f"the headers of {entry['model_id']} must be names with texts.")
    arguments: dict[str, Any] = {
        "base_url": entry.get("api_base"),
        "model_name": entry.get("model_name"),
        "headers": headers,
        "needs_key": entry.get("api_key_name"),
        "can_stream": entry.get("can_stream") is not False,
        "supports_schema": entry.get("supports_schema") is True,
        "supports_tools": entry.get("supports_tools") is True,
    }
    arguments |= {flag: entry.get(flag) is True for flag in _FLAGS}
    aliases = entry.get("aliases") or []
    if not isinstance(aliases, list):
        raise TypeError(f"the aliases of {entry['model_id']} must be a list.")
    model_id = entry["model_id"]
    return ModelWithAliases(
        OpenAIChat(model_id, **arguments), AsyncOpenAIChat(model_id, **arguments), [str(alias) for alias in aliases]
    )


def _warn(message: str) -> None:
    warnings.warn(message, ConfigurationWarning, stacklevel=2)
