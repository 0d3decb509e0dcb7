"""The description of an object for a model, and the bounds within which it is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from llm_notebook.objects.bounded import cut_text
from llm_notebook.parts.attachments import Attachment

if TYPE_CHECKING:
    from llm_notebook.objects.secrets import Scrubber

__all__ = ["MOST_BYTES", "Bounds", "Described"]

MOST_BYTES = 20_000
"""The most bytes of UTF-8 that the text of one object may have, unless the user says otherwise."""
# How far past each cut secrets are looked for, so that one that is cut in two is still found whole.
_MARGIN = 5_000


@dataclass(slots=True, frozen=True)
class Bounds:
    """How an object is described.

    Attributes:
        most_bytes: the most bytes of UTF-8 that its text may have, with the note of what was left out.
        as_picture: a picture is wanted, so an array that could be one is treated as one.
        name: what the user calls the object, such as `df.head(3)`; empty if nothing is known.
        scrubber: takes secrets out of all text; None to leave them in.
    """

    most_bytes: int = MOST_BYTES
    as_picture: bool = False
    name: str = ""
    scrubber: Scrubber | None = None

    def fitted(
        self, text: str, *, end_share: float = 0.0, is_code: bool = True, are_values: bool = False
    ) -> tuple[str, tuple[str, ...]]:
        """Return (the text without secrets and within the bounds, what was left out). See `cut_text()` and `Scrubber.scrub()`."""
        if self.scrubber is not None:
            room = self.most_bytes + _MARGIN
            # The middle of a very long text is not sent, so it need not be scrubbed.
            between = text[room:-room]
            parts = (text,) if len(between) < room else (text[:room], between, text[-room:])
            scrub = partial(self.scrubber.scrub, is_code=is_code, are_values=are_values)
            text = "".join(part if part is between else scrub(part) for part in parts)
        return cut_text(text, self.most_bytes, end_share=end_share)


@dataclass(slots=True, frozen=True)
class Described:
    """The description of an object for a model.

    Attributes:
        kind: what it is, such as `pandas DataFrame`, with its shape.
        text: what the model reads; empty if there are only pictures.
        attachments: its pictures and other files, as values.
        left_out: what the model does not get, each item in a few words such as `1,154 of 1,204 rows`.
        name: what the user calls the object.
        is_told: the reader is told about it elsewhere.
    """

    kind: str
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()
    name: str = ""
    is_told: bool = False
