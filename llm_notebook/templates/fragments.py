"""Fragments: texts that are placed before a prompt and know where they came from, and the loaders that fetch them."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from llm_notebook.errors import FragmentNotFound, ModelError
from llm_notebook.parts.attachments import Attachment

__all__ = ["Fragment", "FragmentLoader", "resolve_fragments", "split_reference", "unknown_prefix"]

_REFERENCE = re.compile(r"([A-Za-z0-9_-]+):(.*)", re.DOTALL)


class Fragment(str):
    """A text for `fragments=` or `system_fragments=`: an ordinary `str` that also knows its source.

    Args:
        content: the text.
        source: where the text came from, such as a path, a URL or `prefix:argument`.
    """

    __slots__ = ("source",)

    source: str

    def __new__(cls, content: str, source: str = "") -> Fragment:
        fragment = super().__new__(cls, content)
        fragment.source = source
        return fragment

    def __reduce__(self) -> tuple[type[Fragment], tuple[str, str]]:
        """Return the parts that copies and pickles are made from; by default they would lose the source."""
        return type(self), (str(self), self.source)

    def id(self) -> str:
        """Return the SHA-256 of the text, without the source, as 64 hexadecimal digits."""
        return hashlib.sha256(self.encode()).hexdigest()


Loaded = str | Attachment
FragmentLoader = Callable[[str], Loaded | Sequence[Loaded]]
"""Takes what follows `prefix:` and returns a Fragment, a string, an Attachment, or a list of these."""


def resolve_fragments(
    items: Iterable[str | Attachment],
    loaders: Mapping[str, FragmentLoader],
    *,
    otherwise: Callable[[str], Loaded | Sequence[Loaded] | None] | None = None,
    allow_attachments: bool = True,
) -> list[Fragment | Attachment]:
    """Load the fragments that references such as `github:owner/repo` stand for, and return them in order.

    Args:
        items: references. Items that are already a Fragment or an Attachment are returned as they are.
        loaders: the loaders by prefix.
        otherwise: called with a reference that has no prefix, or whose prefix has no loader. It returns None for "not found".
        allow_attachments: False where only text is allowed, as in a system prompt.

    Raises:
        FragmentNotFound: no loader has the prefix, or the loader failed. The message names the reference and, for an unknown
            prefix, the known ones.
    """
    resolved: list[Fragment | Attachment] = []
    for item in items:
        if isinstance(item, Fragment | Attachment):
            found: list[Fragment | Attachment] = [item]
        else:
            found = _load(item, loaders, otherwise)
        if not allow_attachments and any(isinstance(part, Attachment) for part in found):
            raise FragmentNotFound(f"{_shown(item)} is an attachment, and only text can go here.")
        resolved += found
    return resolved


def split_reference(reference: str) -> tuple[str, str] | None:
    """Return the two halves of `prefix:argument`, or None if there is no prefix (letters, digits, `_` and `-`)."""
    match = _REFERENCE.fullmatch(reference)
    return (match[1], match[2]) if match else None


def unknown_prefix(reference: str, what: str, known: Iterable[str]) -> str:
    """Return the sentence that says that no loader has the prefix of a reference.

    Args:
        reference: the reference as the user wrote it.
        what: the kind of thing that is loaded, such as "fragment".
        known: the known prefixes.
    """
    prefix, prefixes = reference.partition(":")[0], sorted(known)
    if not prefixes:
        return f"No {what} loader is called {prefix!r}: no installed plugin loads {what}s."
    close = difflib.get_close_matches(prefix, prefixes, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"No {what} loader is called {prefix!r}.{hint} There is {', '.join(prefixes)}."


def _load(
    reference: str,
    loaders: Mapping[str, FragmentLoader],
    otherwise: Callable[[str], Loaded | Sequence[Loaded] | None] | None,
) -> list[Fragment | Attachment]:
    halves = split_reference(reference)
    if halves is not None and halves[0] in loaders:
        return _run_loader(loaders[halves[0]], halves[1], reference)
    found = otherwise(reference) if otherwise is not None else None
    if found is not None:
        return _as_list(found, reference)
    if halves is not None:
        raise FragmentNotFound(unknown_prefix(reference, "fragment", loaders))
    known = ", ".join(f"{prefix}:…" for prefix in sorted(loaders)) or "no loader is installed"
    raise FragmentNotFound(f"There is no fragment {_shown(reference)}: write prefix:argument ({known}).")


def _run_loader(loader: FragmentLoader, argument: str, reference: str) -> list[Fragment | Attachment]:
    try:
        return _as_list(loader(argument), reference)
    except FragmentNotFound:
        raise
    except ModelError as error:
        raise FragmentNotFound(f"{_shown(reference)} could not be loaded: {error}") from error
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise FragmentNotFound(f"{_shown(reference)} could not be loaded ({said}).") from error


def _as_list(found: object, reference: str) -> list[Fragment | Attachment]:
    parts: list[Fragment | Attachment] = []
    for part in found if isinstance(found, list | tuple) else [found]:
        if isinstance(part, Attachment):
            parts.append(part)
        elif isinstance(part, str):
            parts.append(Fragment(part, getattr(part, "source", "") or reference))
        else:
            raise FragmentNotFound(
                f"The loader of {_shown(reference)} gave {type(part).__name__}, not text: its plugin has to be mended."
            )
    return parts


def _shown(item: object) -> str:
    shown = repr(item)
    return shown if len(shown) <= 100 else shown[:100] + "…"
