"""Explains to a reader what went wrong with a prompt: what happened, on which side, and one thing to do.

Only expected failures are explained: those that a cell, a model or a server has put into a sentence. Any other exception is a mistake in
somebody's code, and keeps its traceback.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llm_notebook.configuration.choices import read_default, read_own_default
from llm_notebook.configuration.keys import get_key
from llm_notebook.configuration.process import process
from llm_notebook.errors import (
    AnswerMisfit,
    IncompleteResponse,
    ModelError,
    NeedsKeyException,
    ProviderError,
    TransportError,
    UnknownModelError,
    UnreadAttachment,
)
from llm_notebook.notebook.errors import CellError
from llm_notebook.providers.local.installed import installed_models
from llm_notebook.providers.registry import Registry, get_default_model
from llm_notebook.providers.table import PROVIDERS
from llm_notebook.transcript.endings import Problem, Way
from llm_notebook.transcript.rendering import plain_problem

if TYPE_CHECKING:
    from llm_notebook.models.key_holder import KeyHolder

__all__ = [
    "EXPECTED",
    "in_words",
    "keyless_error",
    "lacks_key",
    "local_ways",
    "misfit_ways",
    "problem_of",
    "unread_error",
]

EXPECTED = (CellError, ModelError, UnknownModelError)
"""The errors that are explained."""

# The first of several sentences. A full stop within a name or a number does not end a sentence.
_FIRST = re.compile(r"(.+?)[.:](?=\s)\s+(?=\S)(.*)", re.DOTALL)
_LONGEST_TITLE = 90
_MOST_MODELS = 3
_TITLES = {
    400: "The server does not accept this request",
    402: "The account has no credit",
    404: "The server does not know this",
    408: "The server waited too long",
    413: "The prompt is too long for the server",
    429: "Too many requests",
}
_KEY_FILE = "kept in your key file, readable only by you; never in the notebook"


def problem_of(
    error: Exception, model: KeyHolder | None = None, *, is_default: bool = False, has_begun: bool = False
) -> Problem:
    """Return what a reader is told about an error.

    Args:
        error: one of `EXPECTED`.
        model: the model that was asked; None if none had been asked yet.
        is_default: whether the cell names no model.
        has_begun: whether some of an answer had arrived.
    """
    match error:
        case CellError(problem=Problem() as problem):
            return problem
        case NeedsKeyException() if model is not None and model.needs_key:
            return _first_use(model) if is_default and _is_unchosen(model) else _no_key(model)
        case ProviderError(status=int(status)):
            return _refused(error, status, model)
        case TransportError():
            return Problem("The server cannot be reached", str(error), "network")
        case IncompleteResponse():
            return Problem("The answer broke off" if has_begun or error.partial else "No answer came", str(error))
        case CellError(__cause__=UnknownModelError() as unknown) if unknown.close:
            return _unknown_model(unknown)
        case CellError(__cause__=UnreadAttachment() as unread):
            return _unread(unread)
    return Problem(*_title_and_text(str(error)))


def _is_unchosen(model: KeyHolder) -> bool:
    """Return whether a model is the default only because none was ever chosen."""
    return read_own_default() is None and read_default() is None and model.model_id == get_default_model()


def _first_use(model: KeyHolder) -> Problem:
    names = _local_names()
    if names:
        kept = [Way(f"%llm default {names[0]}", "asks it from now on, wherever no other model is named")]
        said = f"{names[0]} is installed here, but no model is the default, so nothing was sent."
    else:
        kept = []
        said = "None is chosen yet, so nothing was sent."
    ways = [
        *local_ways(),
        *kept,
        _key_way(model),
        Way("%llm -m ollama/MODEL …", "a model of Ollama that runs on this computer"),
    ]
    return Problem("Which model should answer?", f"{said} One of these is enough:", "model", ways)


def _no_key(model: KeyHolder) -> Problem:
    variable = f", or set as {model.key_env_var}" if model.key_env_var else ""
    text = f"{model.model_id} needs one, and none is stored{variable}. Nothing was sent."
    return Problem(f"No key for {_provider(model)}", text, "key", [_key_way(model), *local_ways()])


def _refused(error: Exception, status: int, model: KeyHolder | None) -> Problem:
    if status in (401, 403) and model is not None:
        if not model.needs_key:
            return Problem(f"The server wants a key ({status})", str(error), "key")
        return Problem(f"{_provider(model)} refused the key ({status})", str(error), "key", [_key_way(model)])
    kind = "The server refused the key" if status == 401 else _TITLES.get(status)
    title = kind or ("The server failed" if status >= 500 else "The server refused this")
    return Problem(f"{title} ({status})", str(error), "limit" if status == 429 else "error")


def keyless_error(model: KeyHolder, *, is_default: bool) -> CellError:
    """Return the error of a cell over rows whose model has no key. Its ways are lines to type, but for the key.

    Args:
        model: the model.
        is_default: whether the cell names no model.
    """
    problem = problem_of(NeedsKeyException(), model, is_default=is_default)
    problem.ways = [way if way.key else Way(way.code, way.text) for way in problem.ways]
    return in_words(problem)


def in_words(problem: Problem) -> CellError:
    """Return the error of a cell that says in plain lines, where there is no page, what a transcript explains."""
    error = CellError("\n".join(plain_problem(problem)))
    error.problem = problem
    return error


def unread_error(error: UnreadAttachment) -> CellError:
    """Return the error of a cell whose model cannot read what is attached. It names models that can, those with a key first."""
    usable, others = _reading(error.type)
    if usable:
        hint = f" These do: {', '.join(usable)}; `-m {usable[0]}` asks one."
    elif others:
        hint = f" These do, once their key is stored: {', '.join(others)}."
    else:
        hint = " No model that is known here does."
    return CellError(f"{error.model_id} does not read {error.type}.{hint} Nothing was sent.")


def _unread(error: UnreadAttachment) -> Problem:
    usable, others = _reading(error.type)
    ways = [Way(f"%llm -m {name} …", "sends this cell to it", label=name, model=name) for name in usable]
    ways += [Way(f"%llm -m {name} …", "its key is not stored yet", label=name, model=name) for name in others]
    how = "These models do." if ways else "No model that is known here does."
    return Problem(f"{error.model_id} does not read {error.type}", f"Nothing was sent. {how}", "model", ways)


def _reading(kind: str) -> tuple[list[str], list[str]]:
    """Return a few models that read a type: (those that can be used now; if there are none, those whose key is missing)."""
    models = [entry.model or entry.async_model for entry in process.of(Registry).entries()]
    reading = [model for model in models if model is not None and kind in model.attachment_types]
    usable = [model.model_id for model in reading if not lacks_key(model)]
    others = [] if usable else [model.model_id for model in reading]
    return usable[:_MOST_MODELS], others[:_MOST_MODELS]


def _unknown_model(error: UnknownModelError) -> Problem:
    registry = process.of(Registry)
    ways: dict[str, Way] = {}
    for name in error.close:
        entry = registry.find(name)
        model = None if entry is None else entry.model or entry.async_model
        if entry is None or model is None:
            continue
        effect = f"no key for {_provider(model)} yet" if lacks_key(model) else "sends this cell to it"
        ways.setdefault(entry.model_id, Way(f"%llm -m {name} …", effect, label=name, model=name))
    return Problem(
        f"No model is called “{error.wanted}”",
        "Nothing was sent. These names are like it; `%llm models` lists them all.",
        "model",
        list(ways.values()),
    )


def local_ways() -> list[Way]:
    """Return ways to do without a key: the local models that are installed, or the one that can be installed."""
    names = _local_names()
    if names:
        effect = f"{names[0]}, installed here; sends this cell to it"
        return [Way(f"%llm -m {names[0]} …", effect, "Use the local model", model=names[0])]
    effect = "SmolLM2, free and offline; 93 MB to download"
    return [Way("%llm local install", effect, "Run one on this computer", installs=True)]


def _local_names() -> list[str]:
    """Return the names of the local models that are installed and whose files are there, those that were made for chats first."""
    from llm_notebook.providers.local.smollm2 import SMOLLM2  # rarely needed

    models = [model for model in installed_models() if model.file.path().is_file()]
    names = [model.name for model in sorted(models, key=lambda model: not model.can_chat)]
    return [*names, "smollm2"] if SMOLLM2.path().is_file() else names


def misfit_ways(error: AnswerMisfit) -> list[Way]:
    """Return what the reader can do about an answer that does not fit."""
    kept = [Way("sys.last_value.parsed", "what of it could be read")] if error.parsed else []
    return [Way("--retry-schema 1", "sends the fault back to the model, once, by itself"), *kept]


def _key_way(model: KeyHolder) -> Way:
    name = str(model.needs_key)
    return Way(f"%llm keys set {name}", f"for {_provider(model)}; {_KEY_FILE}", "Enter a key…", key=name)


def lacks_key(model: KeyHolder) -> bool:
    """Return whether a model needs a key and none is stored or set for it."""
    return bool(model.needs_key) and not (model.key or get_key(alias=model.needs_key, env=model.key_env_var))


def _provider(model: KeyHolder) -> str:
    """Return the name of the model's provider, as people write it."""
    known = PROVIDERS.get(model.needs_key or "")
    return known.title if known is not None else model.model_id


def _title_and_text(said: str) -> tuple[str, str]:
    """Return the first sentence of a message, as a title, and the rest."""
    first = _FIRST.fullmatch(said)
    if first is None or len(first[1]) > _LONGEST_TITLE:
        return (said.removesuffix("."), "") if len(said) <= _LONGEST_TITLE else ("This cannot be done", said)
    rest = first[2]
    return first[1], rest[:1].upper() + rest[1:]
