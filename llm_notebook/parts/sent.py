"""What was sent with a prompt, in words for the reader: one line for each object, file or text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from llm_notebook.parts.checked import checked

__all__ = ["Sent", "SentGroup"]

SentGroup = Literal["context", "error", "sent", "removed"]
"""The groups in which the reader sees it: cells of the notebook, the context of an exception, what the user gave, or what was removed."""


@dataclass(slots=True, frozen=True)
class Sent:
    """Something that went with a prompt, was left out, or was removed.

    Attributes:
        name: what the user calls it, such as `df.head(3)` or a path; empty if nothing is known.
        kind: what it is, such as `pandas DataFrame`, with its shape; empty if nothing was sent.
        tokens: about how many tokens its text has; 0 if there is none.
        pictures, files: how many pictures and other files it is.
        left_out: the parts that the model did not get, in a few words each.
        in_system: whether it went with the system prompt.
        group: the group to which it belongs.
    """

    name: str
    kind: str
    tokens: int = 0
    pictures: int = 0
    files: int = 0
    left_out: tuple[str, ...] = ()
    in_system: bool = False
    group: SentGroup = "sent"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "tokens": self.tokens,
            "pictures": self.pictures,
            "files": self.files,
            "left_out": list(self.left_out),
            "in_system": self.in_system,
            "group": self.group,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Sent:
        """Return what `to_dict()` wrote.

        Raises:
            ValueError: the dict is not one that `to_dict()` writes.
        """
        given = checked(data, "what was sent", {"name": str, "kind": str}, {"left_out": (list, tuple)})
        known = {name: given[name] for name in Sent.__dataclass_fields__ if name in given}
        return Sent(**{**known, "left_out": tuple(given.get("left_out") or ())})
