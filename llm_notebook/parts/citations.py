"""Citations: the sources that a provider names for a text, such as the web pages that a model has searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from llm_notebook.parts.checked import checked
from llm_notebook.serialization import CitationDict

__all__ = ["Citation"]


@dataclass(slots=True, frozen=True)
class Citation:
    """One source of a text, and which part of the text it supports. What is not known is None.

    Attributes:
        url: the address of the source.
        title: its title, or the name of the document.
        text: a quotation from it.
        start, end: the characters of the text that it supports. Without them it supports the whole text.
    """

    url: str | None = None
    title: str | None = None
    text: str | None = None
    start: int | None = None
    end: int | None = None

    def to_dict(self) -> CitationDict:
        """Return a JSON-safe dict without the fields that are None."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return cast("CitationDict", {name: value for name, value in values.items() if value is not None})

    @staticmethod
    def from_dict(data: CitationDict) -> Citation:
        """Return the citation that `to_dict()` wrote.

        Raises:
            ValueError: a value in the dict is of another type than `to_dict()` writes.
        """
        kinds = {"url": str, "title": str, "text": str, "start": int, "end": int}
        given = checked(data, "a citation", {}, kinds)
        return Citation(*(given.get(name) for name in kinds))
