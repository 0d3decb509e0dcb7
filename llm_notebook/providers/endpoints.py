"""Models on the user's own servers, as `extra-openai-models.yaml` lists them; the `llm` command reads the same file."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.providers.catalog.names import closest_names
from llm_notebook.providers.http.wire import TLSSettings
from llm_notebook.providers.openai.azure import AzureEndpoint
from llm_notebook.providers.openai.dialects import DIALECTS
from llm_notebook.providers.table import WIRES

__all__ = ["ENDPOINTS_FILE", "endpoint_models"]

ENDPOINTS_FILE = "extra-openai-models.yaml"
_FLAGS = ("vision", "audio", "reasoning", "supports_schema", "supports_tools")
_TEXTS = ("base_url", "api_base", "model_name", "api_key_name", "wire", "dialect")
_TLS_TEXTS = ("ca_file", "cert_file", "key_file")


def endpoint_models(folder: Path) -> list[ModelWithAliases]:
    """Read the models from the file in `folder`. There are none if there is no file.

    Each entry takes `model_id`, and optionally `model_name`, `base_url` (or `api_base`), `wire` (chat, responses, messages, ollama …;
    chat is the default), `dialect`, `api_key_name`, `headers` (`${NAME}` in a value stands for the stored key with that name),
    `timeout` and `total_timeout` (seconds), `max_retries`, `azure` (`resource`, `deployment`, `api_version`), `tls` (`verify: false`,
    `ca_file`, `cert_file`, `key_file`), `aliases`, `can_stream`, `supports_schema`, `supports_tools`, `vision`, `audio` and `reasoning`. A file
    or an entry that cannot be used is left out, with a warning.
    """
    path = folder / ENDPOINTS_FILE
    if not path.is_file():
        return []
    models = []
    for position, entry in enumerate(_read_entries(path), start=1):
        try:
            models.append(_build_model(entry))
        except (TypeError, ValueError) as error:
            _warn(f"Entry {position} of {path} is left out: {error}")
    return models


def _read_entries(path: Path) -> list[Any]:
    import yaml  # only users with such a file need it

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        _warn(f"{path} cannot be read and is left out: {error}")
        return []
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        _warn(f"{path} is no valid YAML and is left out{_where(error)}. Correct it there.")
        return []
    if entries is None:
        return []
    if not isinstance(entries, list):
        _warn(f"{path} is left out: it must hold a list of models, each beginning with `- model_id:`.")
        return []
    return entries


def _where(error: Exception) -> str:
    """Return the position of an error in a YAML file, as the end of a sentence. It quotes nothing from the file, whose headers may hold secrets."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return "" if mark is None else f": the fault is at line {mark.line + 1}, column {mark.column + 1}, or just before"


def _build_model(entry: object) -> ModelWithAliases:
    """Build the model that an entry describes.

    Raises:
        TypeError, ValueError: the entry cannot be used; the message says why.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("model_id"), str):
        raise TypeError("it needs a model_id.")
    model_id = entry["model_id"]
    if entry.get("completion"):
        raise ValueError(f"{model_id} completes texts, and only models that one can talk to are used here.")
    for name in _TEXTS:
        if not isinstance(entry.get(name), str | None):
            raise TypeError(f"the {name} of {model_id} must be text.")
    aliases = entry.get("aliases") or []
    if not isinstance(aliases, list):
        raise TypeError(f"the aliases of {model_id} must be a list.")
    arguments: dict[str, Any] = {
        "base_url": entry.get("base_url") or entry.get("api_base"),
        "model_name": entry.get("model_name"),
        "headers": _headers(entry, model_id),
        "needs_key": entry.get("api_key_name"),
        "tls": _tls(entry, model_id),
        **_azure(entry, model_id),
        "can_stream": entry.get("can_stream") is not False,
        **_numbers(entry, model_id),
        **{flag: entry.get(flag) is True for flag in _FLAGS},
    }
    wire = entry.get("wire") or ("responses" if entry.get("responses") else "chat")
    _check_known("wire", wire, WIRES, model_id)
    if entry.get("dialect"):
        _check_known("dialect", entry["dialect"], DIALECTS, model_id)
        arguments["dialect"] = entry["dialect"]
    if "azure" in arguments and wire not in ("chat", "responses"):
        raise ValueError(f"the wire of {model_id} must be chat or responses, as it is at Azure.")
    sync_class, async_class = WIRES[wire]
    return ModelWithAliases(
        sync_class(model_id, **arguments), async_class(model_id, **arguments), [str(alias) for alias in aliases]
    )


def _headers(entry: dict[str, Any], model_id: str) -> dict[str, str]:
    headers = entry.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise TypeError(f"the headers of {model_id} must be names with texts.")
    return headers


def _numbers(entry: dict[str, Any], model_id: str) -> dict[str, float]:
    """Return `timeout`, `total_timeout` and `max_retries` if they are given."""
    numbers: dict[str, float] = {}
    for name, kind, least in (
        ("timeout", int | float, 0.001),
        ("total_timeout", int | float, 0.001),
        ("max_retries", int, 0),
    ):
        value = entry.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or isinstance(value, bool) or value < least:
            raise TypeError(f"the {name} of {model_id} must be a number of {'seconds' if least else 'tries'}.")
        numbers[name] = value
    return numbers


def _azure(entry: dict[str, Any], model_id: str) -> dict[str, AzureEndpoint]:
    """Return `azure` if it is given."""
    given = entry.get("azure")
    if given is None:
        return {}
    if not isinstance(given, dict) or not given.keys() <= {"resource", "deployment", "api_version"}:
        raise TypeError(f"the azure of {model_id} takes resource, deployment and api_version.")
    # YAML reads an unquoted date as a date.
    texts = {name: str(value) if isinstance(value, date) else value for name, value in given.items()}
    if not all(isinstance(value, str) for value in texts.values()) or not {"resource", "deployment"} <= texts.keys():
        raise TypeError(f"the azure of {model_id} needs resource and deployment, as texts.")
    return {"azure": AzureEndpoint(**texts)}


def _tls(entry: dict[str, Any], model_id: str) -> TLSSettings | None:
    given = entry.get("tls")
    if given is None:
        return None
    known = {"verify", *_TLS_TEXTS}
    if not isinstance(given, dict) or not given.keys() <= known:
        raise TypeError(f"the tls of {model_id} takes verify, ca_file, cert_file and key_file.")
    if not isinstance(given.get("verify", True), bool):
        raise TypeError(f"the tls of {model_id} needs verify: true or false; certificates to trust go into ca_file.")
    if not all(isinstance(given.get(name), str | None) for name in _TLS_TEXTS):
        raise TypeError(f"the files in the tls of {model_id} must be paths.")
    return TLSSettings(**given)


def _check_known(what: str, name: str, known: Collection[str], model_id: str) -> None:
    if name not in known:
        listed = ", ".join(filter(None, known))
        hint = closest_names(name, known)
        raise ValueError(f"the {what} {name!r} of {model_id} is none of {listed}.{hint}")


def _warn(message: str) -> None:
    warnings.warn(message, ConfigurationWarning, stacklevel=2)
