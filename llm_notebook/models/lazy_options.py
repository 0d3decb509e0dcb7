"""Loads a model's options class when a prompt first needs it: pydantic takes longer to import than everything else here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.models.options import Options

__all__ = ["LazyOptions"]


class LazyOptions:
    """A descriptor that stands for a model's options class until the class is needed.

    Args:
        module: the module that defines the options.
        plain: the class's name.
        special: the name of another class of the module, for models whose attribute of that name is true:
            `reasoning="ReasoningOptions"`.
    """

    def __init__(self, module: str, plain: str, **special: str) -> None:
        self._module = module
        self._plain = plain
        self._special = special

    def __get__(self, instance: object | None, owner: type) -> type[Options]:
        asked = owner if instance is None else instance
        names = [name for attribute, name in self._special.items() if getattr(asked, attribute, False)]
        options: type[Options] = getattr(importlib.import_module(self._module), names[0] if names else self._plain)
        return options
