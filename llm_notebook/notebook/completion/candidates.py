"""The candidates for each kind of value: models, options of models, variables, files, templates, turns of the journal, and so on.

All of this runs with each press of Tab. So nothing here asks a server, loads a plugin or imports heavy modules that are not loaded yet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.choices import read_aliases
from llm_notebook.configuration.folders import user_dir
from llm_notebook.configuration.keys import list_keys
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.notebook.commands.forms import FORMS, HIDDEN
from llm_notebook.notebook.completion.places import Place
from llm_notebook.notebook.completion.variables import fitting_variables
from llm_notebook.notebook.line.options import option_actions
from llm_notebook.plugins.loaded import loaded_plugins

if TYPE_CHECKING:
    from llm_notebook.journal.protocol import Journal

__all__ = ["Candidate", "candidates_of"]

_MOST_FILES = 300
_MOST_TURNS = 30
_LONGEST_TEMPLATE = 100_000
_COMMON_TYPES = ("image/png", "image/jpeg", "image/webp", "application/pdf", "audio/mpeg", "audio/wav", "text/plain")


@dataclass(slots=True, frozen=True)
class Candidate:
    """Something that can be typed.

    Attributes:
        text: the text to type.
        kind: what it is, in a word or two, which front ends show beside it.
    """

    text: str
    kind: str = ""


def candidates_of(place: Place, variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield everything that can be typed at a place, best first, regardless of what has been typed already."""
    yield from (Candidate(word, "subcommand") for word in place.words)
    for kind in place.kinds:
        source = _SOURCES.get(kind)
        if source is not None:
            yield from source(place, variables)
        elif "|" in kind:
            yield from (Candidate(word, "value") for word in kind.split("|") if word)


Source = Callable[[Place, Mapping[str, Any]], Iterable[Candidate]]


def _options(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the options in their long spelling, unless only one dash was typed, and without flags that are given already."""
    actions = option_actions()
    for name, action in actions.items():
        longest = max(action.option_strings, key=len)
        if name == longest or place.text == "-" or not place.text:
            yield Candidate(name, "option")


def _models(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    from llm_notebook.notebook.completion.models import model_names  # loads the providers

    return (Candidate(name, kind) for name, kind in model_names())


def _option_names(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    from llm_notebook.notebook.completion.models import option_names  # likewise

    given = set(place.given.get("option", ())[::2])
    return (Candidate(name, "option of the model") for name in option_names(_model(place)) if name not in given)


def _option_values(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    from llm_notebook.notebook.completion.models import option_values  # likewise

    names = place.given.get("option", ())
    return (Candidate(value, "value") for value in option_values(_model(place), names[-1] if names else ""))


def _model(place: Place) -> str | None:
    return next(iter(reversed(place.given.get("model", ()))), None)


def _variables_as(kind: str, *others: str) -> Source:
    def source(place: Place, variables: Mapping[str, Any]) -> Iterator[Candidate]:
        found = (Candidate(name, "variable") for name in fitting_variables(variables, kind))
        return chain(found, *(_SOURCES[other](place, variables) for other in others))

    return source


def _files(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the files and folders in the folder that has been typed."""
    head, slash, _ = place.text.rpartition("/")
    folder = Path(os.path.expanduser(head + slash) if slash else ".")
    try:
        found = sorted(islice(os.scandir(folder), 10 * _MOST_FILES), key=lambda entry: entry.name)
        for entry in found[:_MOST_FILES]:
            if not entry.name.startswith(".") or place.text.rpartition("/")[2].startswith("."):
                yield Candidate(f"{head}{slash}{entry.name}{'/' if entry.is_dir() else ''}", "file")
    except OSError:
        return


def _loaded_prefixes(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the prefixes of fragment loaders, if plugins are loaded already."""
    plugins, is_bridged = loaded_plugins()
    return (
        Candidate(f"{prefix}:", "loader") for prefix in (plugins.fragment_loaders() if plugins and is_bridged else ())
    )


def _plugin_tools(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    plugins, is_bridged = loaded_plugins()
    return (Candidate(name, "tool of a plugin") for name in (plugins.tools() if plugins and is_bridged else ()))


def _templates(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    folder = user_dir(create=False) / "templates"
    return (Candidate(path.stem, "template") for path in sorted(folder.glob("*.yaml"))[:_MOST_FILES])


def _parameters(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the variables of the templates that are named on the line."""
    for name in place.given.get("template", ()):
        path = user_dir(create=False) / "templates" / f"{name}.yaml"
        try:
            text = path.read_text(encoding="utf-8")[:_LONGEST_TEMPLATE]
        except (OSError, ValueError):
            continue
        for found in dict.fromkeys(re.findall(r"(?<!\$)\$\{?([a-zA-Z_]\w*)", text)):
            if found != "input":
                yield Candidate(found, "parameter")


def _turns(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    journal = _journal()
    turns = journal.history(limit=_MOST_TURNS, rows=False) if journal is not None else []
    return (_id(turn.begun.turn_id, "turn") for turn in turns)


def _calls(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    journal = _journal()
    calls = journal.waiting() if journal is not None else []
    return (_id(call.call_id, call.tool_name) for call in reversed(calls))


def _runs(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    journal = _journal()
    runs = journal.runs(limit=_MOST_TURNS) if journal is not None else []
    return (_id(run.begun.rows_id.lower(), "run") for run in runs)


def _grants(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    journal = _journal()
    return (_id(grant.grant_id, grant.tool_name) for grant in (journal.grants() if journal else ()))


def _id(whole: str, kind: str) -> Candidate:
    from llm_notebook.transcript.words import short_id  # loads what transcripts are made of

    return Candidate(short_id(whole), kind)


def _journal() -> Journal | None:
    return process.of(CurrentJournal).journal


def _failed_cells(_place: Place, variables: Mapping[str, Any]) -> Iterator[Candidate]:
    inputs = variables.get("In")
    last = len(inputs) - 1 if isinstance(inputs, list) else 0
    return (Candidate(f"In[{number}]", "cell") for number in range(last, max(0, last - 10), -1))


def _expressions(place: Place, variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield variables, and after a dot the attributes of one."""
    head, dot, _ = place.text.rpartition(".")
    if not dot:
        yield from (Candidate(name, "variable") for name in fitting_variables(variables, "fragment"))
    elif head in variables:
        names = {*dir(type(variables[head])), *map(str, getattr(variables[head], "__dict__", {}))}
        yield from (Candidate(f"{head}.{name}", "attribute") for name in sorted(names) if not name.startswith("_"))


def _providers(place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield the providers; where a key is expected, only those that take one."""
    from llm_notebook.providers.table import PROVIDERS  # loads the wires

    takes_key = "new-key" in place.kinds
    return (Candidate(name, "provider") for name in PROVIDERS if PROVIDERS[name].key_env_var or not takes_key)


def _local_models(_place: Place, _variables: Mapping[str, Any]) -> Iterator[Candidate]:
    from llm_notebook.providers.local.installed import installed_models  # likewise

    return (Candidate(name, "local model") for name in ["smollm2", *(model.name for model in installed_models())])


def _words_of(kind: str, words: Callable[[], Iterable[str]]) -> Source:
    return lambda _place, _variables: (Candidate(word, kind) for word in words())


_SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "option": _options,
        "model": _models,
        "model-option": _option_names,
        "model-option-value": _option_values,
        "tool": _variables_as("tool", "plugin-tool"),
        "plugin-tool": _plugin_tools,
        "attachment": _variables_as("attachment", "file"),
        "fragment": _variables_as("fragment", "loader", "file"),
        "loader": _loaded_prefixes,
        "rows": _variables_as("rows"),
        "failed": _words_of("value", lambda: ["failed"]),
        "schema": _variables_as("schema", "file"),
        "new-variable": _variables_as("new-variable"),
        "file": _files,
        "template": _templates,
        "parameter": _parameters,
        "turn": _turns,
        "call": _calls,
        "run": _runs,
        "grant": _grants,
        "failed-cell": _failed_cells,
        "expression": _expressions,
        "mime": _words_of("type", lambda: _COMMON_TYPES),
        "key": _words_of("stored key", list_keys),
        "new-key": _providers,
        "provider": _providers,
        "own-alias": _words_of("alias", read_aliases),
        "local-model": _local_models,
        "topic": _words_of("manual", lambda: [*sorted(FORMS.keys() - HIDDEN), *option_actions()]),
        "number": _words_of("number", lambda: ["0", "1", "3", "5", "10", "20"]),
    }
)
