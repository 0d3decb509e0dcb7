"""Writes the options of our own models and their values to the file from which Tab offers them: `python -m scripts.list_options`.

The classes of the options are pydantic's, and Tab must not wait for pydantic to be loaded.
"""

from __future__ import annotations

import importlib
import inspect
import json

from llm_notebook.configuration.process import process
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.notebook.completion.models import OPTIONS_FILE, options_of
from llm_notebook.providers.registry import Registry
from llm_notebook.providers.table import WIRES

__all__ = ["options_table"]


def options_table() -> dict[str, dict[str, list[str]]]:
    """Return the options of every class that is loaded late, each with its possible values, by `module:class`."""
    models = [model for entry in process.of(Registry)._builtin for model in (entry.model, entry.async_model) if model]
    kinds = {*map(type, models), *(kind for flavours in WIRES.values() for kind in flavours)}
    found = (inspect.getattr_static(kind, "Options") for kind in kinds)
    homes = {home for lazy in found if isinstance(lazy, LazyOptions) for home in lazy.homes()}
    return {
        f"{module}:{name}": options_of(getattr(importlib.import_module(module), name)) for module, name in sorted(homes)
    }


if __name__ == "__main__":
    OPTIONS_FILE.write_text(f"{json.dumps(options_table(), indent=1)}\n", encoding="utf-8")
