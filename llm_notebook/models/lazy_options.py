"""Loads a model's options class when a prompt first needs it: pydantic takes longer to import than everything else here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.models.options import Options

__all__ = ["LazyOptions"]


class LazyOptions:
    """A descriptor that loads a model's options class when the class is needed.

    Args:
        module: the module that defines the options.
        plain: the class's name.
        special: the name of another class of the module, for models with a true attribute of that name:
            `reasoning="ReasoningOptions"`.
    """

    def __init__(self, module: str, plain: str, **special: str) -> None:
        self._module = module
        self._plain = plain
        self._special = special

    def __get__(self, instance: object | None, owner: type) -> type[Options]:
        module, name = self.home(owner if instance is None else instance)
        options: type[Options] = getattr(importlib.import_module(module), name)
        return options

    def home(self, asked: object) -> tuple[str, str]:
        """Return (the module, the name) of the options class of a model or a class of models. Nothing is loaded."""
        names = [name for attribute, name in self._special.items() if getattr(asked, attribute, False)]
        return self._module, names[0] if names else self._plain

    def homes(self) -> list[tuple[str, str]]:
        """Return (the module, the name) of each options class that a model may have."""
        return [(self._module, name) for name in (self._plain, *self._special.values())]
