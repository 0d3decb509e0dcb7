"""Knows which plugins are loaded already, for code that must answer at once without loading any, such as Tab. Other plugins cost nothing here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process

if TYPE_CHECKING:
    from llm_notebook.plugins.own import Plugins

__all__ = ["loaded_plugins"]

_OWN = "llm_notebook.plugins.own"


def loaded_plugins() -> tuple[Plugins | None, bool]:
    """Return (the plugins, whether those of the `llm` package are loaded too), without loading any. None if none are loaded."""
    if _OWN not in sys.modules:
        return None, False
    from llm_notebook.plugins.llm_package.opening import open_bridge  # loaded with the plugins
    from llm_notebook.plugins.own import Plugins  # loads pluggy, and is loaded here

    plugins = process.made.get(Plugins)
    return (plugins if isinstance(plugins, Plugins) else None), open_bridge in process.made
