"""Reads what a user gives besides the text of a prompt: fragments and attachments, which may be Python objects of any kind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from llm_notebook.objects.described import Described
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.given import as_attachment
from llm_notebook.parts.sent import Sent
from llm_notebook.templates.fragments import Fragment

__all__ = ["GivenObjects"]

_CHARACTERS_PER_TOKEN = 4
_LONGEST_NAME = 200


@dataclass(slots=True)
class GivenObjects:
    """Fragments and attachments in the form that a prompt uses.

    Attributes:
        fragments: texts before the prompt.
        system_fragments: texts before the system prompt.
        attachments: pictures and other files.
        sent: a description of each, for the reader.
    """

    fragments: list[str] = field(default_factory=list)
    system_fragments: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    @staticmethod
    def of(fragments: object, system_fragments: object, attachments: object) -> GivenObjects:
        """Convert what a user gives. Each argument is None, one thing, or a list.

        Args:
            fragments, system_fragments: texts, paths, or objects.
            attachments: Attachments, paths, addresses, bytes, or objects.

        Raises:
            TypeError: something given as an attachment cannot be one.
            ValueError: a picture is given for the system prompt.
            OSError: a file cannot be read.
        """
        made = GivenObjects()
        for item in _listed(fragments):
            made._add_fragment(item)
        for item in _listed(system_fragments):
            made._add_system_fragment(item)
        for item in _listed(attachments):
            made._add_attachment(item)
        return made

    def _add_fragment(self, item: object) -> None:
        if isinstance(item, str):
            self.fragments.append(item)
            self._note(_described_text(item))
        else:
            self._add(_described(item))

    def _add_system_fragment(self, item: object) -> None:
        found = _described_text(item) if isinstance(item, str) else _described(item)
        if found.attachments:
            name = found.name or found.kind
            raise ValueError(f"{name} is not text, and only text can go into the system prompt: attach it instead.")
        self.system_fragments.append(item if isinstance(item, str) else Fragment(found.text, found.name))
        self._note(found, in_system=True)

    def _add_attachment(self, item: object) -> None:
        is_object = not isinstance(item, Attachment | str | bytes | bytearray | memoryview | os.PathLike)
        found = _described(item, as_picture=True) if is_object else None
        if found is not None and (found.attachments or isinstance(item, Described) or _is_of_library(item)):
            self._add(found)
            return
        attachment = as_attachment(item, by_user=True)
        self.attachments.append(attachment)
        kind = attachment.known_type() or "file"
        size = "" if attachment.content is None else f", {len(attachment.content):,} bytes"
        self._note(Described(f"{kind}{size}", "", (attachment,), name=attachment.path or attachment.url or ""))

    def _add(self, found: Described) -> None:
        if found.text:
            self.fragments.append(Fragment(found.text, found.name))
        self.attachments += found.attachments
        self._note(found)

    def _note(self, found: Described, *, in_system: bool = False) -> None:
        if found.is_told:
            return
        tokens = -(-len(found.text) // _CHARACTERS_PER_TOKEN)
        name = found.name if len(found.name) <= _LONGEST_NAME else f"{found.name[:_LONGEST_NAME]}…"
        kinds = [attachment.known_type() or "" for attachment in found.attachments]
        pictures = sum(kind.startswith("image/") for kind in kinds)
        self.sent.append(
            Sent(name, found.kind, tokens, pictures, len(kinds) - pictures, found.left_out, in_system=in_system)
        )


def _listed(given: object) -> list[object]:
    """Return what is given as a list. A text, a frame and the like count as one thing, although they are iterable."""
    if given is None:
        return []
    is_alone = isinstance(given, str | bytes | bytearray | memoryview | os.PathLike | Attachment | Described)
    if is_alone or (not isinstance(given, list | tuple) and _is_of_library(given)) or not isinstance(given, Iterable):
        return [given]
    return list(cast("Iterable[object]", given))


def _is_of_library(item: object) -> bool:
    from llm_notebook.objects.table import library_kind  # for a prompt without objects, too much to load

    return bool(library_kind(item))


def _described(item: object, *, as_picture: bool = False) -> Described:
    from llm_notebook.objects.table import describe  # as above

    if isinstance(item, os.PathLike):
        path = Path(item).expanduser()
        return replace(describe(path.read_bytes()), name=os.fspath(path))
    found = describe(item, as_picture=as_picture)
    return replace(found, attachments=tuple(attachment.settled() for attachment in found.attachments))


def _described_text(text: str) -> Described:
    """Return a text that is sent as it is."""
    return Described(f"text, {len(text):,} characters", text, name=getattr(text, "source", ""))
