"""Plugins: the hooks that they implement, and which of them are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.plugins.loading import PluginWarning as PluginWarning
    from llm_notebook.plugins.own import get_fragment_loaders as get_fragment_loaders
    from llm_notebook.plugins.own import get_plugins as get_plugins
    from llm_notebook.plugins.own import get_template_loaders as get_template_loaders
    from llm_notebook.plugins.own import get_tools as get_tools
    from llm_notebook.plugins.own import hookimpl as hookimpl
