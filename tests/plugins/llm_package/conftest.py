"""A fresh bridge for each test, with the installed plugins of the `llm` package and the one written for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

import pytest
from llm import plugins as their_plugins

from llm_notebook.configuration.process import process
from llm_notebook.plugins.llm_package.collection import Bridge
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.own import Plugins
from tests.plugins.llm_package import plugin


@pytest.fixture(autouse=True)
def bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """Open a fresh bridge, with the plugin for these tests registered."""
    fresh = Bridge()
    monkeypatch.setitem(process.made, open_bridge, fresh)
    monkeypatch.setitem(process.made, Plugins, Plugins())
    their_plugins.pm.register(plugin, "scripted_for_tests")
    plugin.SENT.clear()
    plugin.SCRIPT.clear()
    plugin.ENDED.clear()
    yield fresh
    their_plugins.pm.unregister(plugin)


def pytest_report_header() -> str:
    """Return the versions of `llm` and of its plugins that these tests run with."""
    names = ["llm", *sorted({entry.dist.name for entry in metadata.entry_points(group="llm") if entry.dist})]
    return "bridge: " + ", ".join(f"{name} {metadata.version(name)}" for name in names)
