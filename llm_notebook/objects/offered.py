"""How plugins describe the objects of their libraries. The room of the plugins, which is above this one, supplies the describers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, cast

from llm_notebook.configuration.process import process
from llm_notebook.parts.attachments import Attachment

__all__ = ["ObjectDescriber", "ObjectDescribers", "class_name", "offered_describer"]

ObjectDescriber = Callable[[object, int], "str | Attachment | list[str | Attachment]"]
"""Takes an object and the most bytes that its text should have. Returns a text, a picture or another file, or a list of these."""


class ObjectDescribers(Protocol):
    """Supplies the functions by which plugins describe objects."""

    def object_describers(self) -> Mapping[str, ObjectDescriber]:
        """Return the describers by the name of the class that they describe, such as `geopandas.GeoDataFrame`."""


def class_name(kind: type) -> str:
    """Return the name of a class in the table: its library and its own name, without the modules between them."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def offered_describer(names: list[str]) -> ObjectDescriber | None:
    """Return the describer of the first of these classes that has one from a plugin; None if there is none.

    Args:
        names: the names of an object's classes, nearest first.
    """
    offered = cast("ObjectDescribers", process.answer("objects")).object_describers()
    return next((offered[name] for name in names if name in offered), None)
