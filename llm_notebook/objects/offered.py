"""What plugins say of the objects of their libraries. The room of the plugins, above this one, answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from llm_notebook.configuration.process import process
from llm_notebook.parts.attachments import Attachment

__all__ = ["ObjectDescriber", "ObjectDescribers", "class_name", "offered_describer"]

ObjectDescriber = Callable[[object, int], "str | Attachment | list[str | Attachment]"]
"""Takes an object and the most bytes that its text should have. Returns a text, a picture or another file, or a list of these."""


class ObjectDescribers(Protocol):
    """Knows what plugins say of objects."""

    def object_describers(self) -> Mapping[str, ObjectDescriber]:
        """Return what describes objects, by the names of their classes, such as `geopandas.GeoDataFrame`."""


def class_name(kind: type) -> str:
    """Return the name of a class in the table: its library and its own, whatever modules are between them."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def offered_describer(names: list[str]) -> ObjectDescriber | None:
    """Return what describes the first of these classes that a plugin describes; None if none does.

    Args:
        names: the names of an object's classes, nearest first.
    """
    offered = cast("ObjectDescribers", process.answer("objects")).object_describers()
    return next((offered[name] for name in names if name in offered), None)
