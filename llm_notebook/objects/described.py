"""An object as a model gets it, and the bounds within which it is described."""

from __future__ import annotations

from dataclasses import dataclass

from llm_notebook.parts.attachments import Attachment

__all__ = ["MOST_BYTES", "Bounds", "Described"]

MOST_BYTES = 20_000
"""How many bytes of UTF-8 the text of one object has at most, unless the user says otherwise."""


@dataclass(slots=True, frozen=True)
class Bounds:
    """How an object is described.

    Attributes:
        most_bytes: the most bytes of UTF-8 that its text may have, with the note of what was left out.
        as_picture: a picture is wanted, so that an array that could be one is taken for one.
        name: what the user calls the object, such as `df.head(3)`; empty if nothing is known.
    """

    most_bytes: int = MOST_BYTES
    as_picture: bool = False
    name: str = ""


@dataclass(slots=True, frozen=True)
class Described:
    """An object as a model gets it.

    Attributes:
        kind: what it is, such as `pandas DataFrame`, with its shape.
        text: what the model reads; empty if there are only pictures.
        attachments: its pictures and other files, as values.
        left_out: what the model does not get, each in a few words such as `1,154 of 1,204 rows`.
        name: what the user calls the object.
    """

    kind: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()
    name: str = ""
