"""What the status bar of a page shows of this kernel: the models, what waits, and what the answers have used. A side panel asks for more.

A page asks for it after each cell. It is told what this kernel knows at once: no server is asked and no plugin loaded for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.notebook.commands.lists.places import age, cell_name, notebook_names
from llm_notebook.notebook.commands.models import flavour, in_order_of_use, installed_names, is_missing
from llm_notebook.notebook.commands.pending import read_waiting
from llm_notebook.notebook.commands.usage import cost_of_tokens
from llm_notebook.notebook.running.problems import lacks_key
from llm_notebook.providers.registry import Registry, get_default_model, set_default_model
from llm_notebook.transcript.visible import visible

if TYPE_CHECKING:
    from llm_notebook.models.model import ModelWithAliases
    from llm_notebook.notebook.commands.pending import Waiting
    from llm_notebook.notebook.running.accounting import Spent
    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["tell_page"]

_MOST_MODELS = 30
_MOST_WAITING = 50
_LONGEST = 200


def tell_page(turns: LiveTurns, asked: Mapping[str, Any]) -> None:
    """Answer a side panel, or send the overview to all pages, after the default model was changed if a page asks for that.

    Args:
        turns: the turns of this kernel.
        asked: what a page sent, of any shape: `{"type": "overview"}`, `{"type": "default", "model": ID}`, or a question of
            the panel.
    """
    if asked.get("type") == "panel":
        from llm_notebook.notebook.panel.answering import answer_panel  # only a page with the side panel asks

        answer_panel(turns, asked)
        return
    if asked.get("type") == "default":
        _set_default(str(asked.get("model")))
    turns.tell({"type": "overview", **_models(), **_waiting(turns), **_used(turns.spent)})


def _set_default(model: str) -> None:
    """Make a model the default everywhere, if it is one that could be used."""
    if model in {entry.model_id for entry in _usable(installed_names())}:
        with warnings.catch_warnings():
            # It says that the default holds in notebooks only, which is where it was chosen.
            warnings.simplefilter("ignore", ConfigurationWarning)
            set_default_model(model)


def _usable(installed: set[str]) -> list[ModelWithAliases]:
    return [
        entry
        for entry in process.of(Registry).known_entries()
        if not lacks_key(flavour(entry)) and not is_missing(entry, installed)
    ]


def _models() -> dict[str, Any]:
    default, installed = get_default_model(), installed_names()
    usable = in_order_of_use(_usable(installed), default, installed)
    named = next((entry.model_id for entry in usable if default in (entry.model_id, *entry.aliases)), default)
    models = [{"id": entry.model_id, "local": entry.model_id in installed} for entry in usable[:_MOST_MODELS]]
    return {"default": named, "models": models}


def _waiting(turns: LiveTurns) -> dict[str, Any]:
    try:
        found = read_waiting(turns)
    except JournalError:
        return {"waiting": [], "waits": 0}
    names = notebook_names((one.origin.path for one in found), "")
    return {"waiting": [_question(one, names) for one in found[:_MOST_WAITING]], "waits": len(found)}


def _question(one: Waiting, names: Mapping[str, str]) -> dict[str, Any]:
    request = one.call.request
    return {
        "tool": visible(one.call.tool_name)[:_LONGEST],
        "arguments": visible(one.arguments[:_LONGEST]),
        "place": cell_name(names[one.origin.path], one.origin.number),
        "age": age(one.call.changed_at),
        "destructive": request is not None and request.destructive,
    }


def _used(spent: Spent) -> dict[str, Any]:
    """Return what the answers have used. The cost is empty where nothing is billed or a price is not known."""
    used = spent.by_model()
    costs = [cost_of_tokens(model, usage, None) for model, usage in used]
    billed = [cost for cost in costs if cost is not None]
    dollars = [cost.usd for cost in billed if cost.usd is not None]
    return {
        "sent": sum(usage.input or 0 for _, usage in used),
        "received": sum(usage.output or 0 for _, usage in used),
        "cost": f"${sum(dollars):.2f}" if billed and len(dollars) == len(billed) else "",
    }
