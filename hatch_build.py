"""Builds the front end into wheels and source archives. An editable installation leaves that to `make` and needs no Node."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scripts import front_end, node

_SHARED = f"share/jupyter/labextensions/{front_end.NAME}"


class FrontEnd(BuildHookInterface[Any]):
    """The build hook that pyproject.toml names `custom`."""

    def dependencies(self) -> list[str]:
        """Return the packages that a build needs beside hatchling; none if the front end is built already."""
        if front_end.is_built():
            return []
        return [front_end.BUILDER] if node.has_node() else [front_end.BUILDER, node.PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end and add its files to the archive."""
        if version == "editable":
            return
        if not (front_end.is_built() or front_end.build()):
            raise RuntimeError(front_end.NOT_BUILT)
        build_data["artifacts"] += ["/llm_notebook/static/"]
        if self.target_name == "wheel":
            build_data["shared_data"] |= {
                "llm_notebook/labextension": _SHARED,
                "labextension/install.json": f"{_SHARED}/install.json",
            }
        else:
            build_data["artifacts"] += ["/llm_notebook/labextension/"]
