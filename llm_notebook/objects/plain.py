"""Values of no particular library: text, bytes, JSON, objects that Jupyter knows how to show, and everything else by its `repr()`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from contextlib import suppress

from llm_notebook.objects.bounded import bounded_json, size_of
from llm_notebook.objects.described import Bounds, Described
from llm_notebook.objects.html_text import html_text
from llm_notebook.objects.json_forms import json_form, to_json_value
from llm_notebook.objects.secrets import is_code_file
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.json_values import safe_repr

__all__ = ["describe_bytes", "describe_json", "describe_repr", "describe_shown", "describe_text"]

_SHOWN_BYTES = 64
_PICTURES = (("_repr_png_", "image/png"), ("_repr_jpeg_", "image/jpeg"))


def describe_text(text: str, bounds: Bounds, *, kind: str = "text") -> Described:
    """Describe a text to a model: by the text itself."""
    whole = str.__str__(text)
    kept, left_out = bounds.fitted(whole, is_code=is_code_file(bounds.name))
    return Described(f"{kind}, {len(whole):,} characters", kept, left_out=left_out, name=bounds.name)


def describe_bytes(given: bytes | bytearray | memoryview, bounds: Bounds) -> Described:
    """Describe bytes to a model: as a file if their type is known, as text if they are text, otherwise by their beginning."""
    content = bytes(given)
    found = Attachment(content=content).known_type()
    # A file of a text type reads best as text.
    if found is not None and not found.startswith("text/") and not found.endswith(("json", "xml")):
        kind = f"{found}, {len(content):,} bytes"
        return Described(kind, "", (Attachment(found, content=content),), name=bounds.name)
    with suppress(UnicodeDecodeError):
        return describe_text(content.decode(), bounds)
    kind = f"bytes, {len(content):,} of them"
    title = f"{bounds.name}: {kind}" if bounds.name else kind
    shown = content[:_SHOWN_BYTES].hex(" ")
    left = len(content) - _SHOWN_BYTES
    left_out = (f"{left:,} of {len(content):,} bytes",) if left > 0 else ()
    text = f"{title}, of no known type; they begin with {shown}{f' ({left_out[0]} left out)' if left_out else ''}"
    text, further = bounds.fitted(text)
    return Described(kind, text, left_out=(*left_out, *further), name=bounds.name)


def describe_json(value: object, bounds: Bounds, inside: Callable[[object], str] = safe_repr) -> Described:
    """Describe a value that has a JSON form to a model.

    Args:
        value: the value.
        bounds: the limits of its text.
        inside: makes a text of a part of it that has no JSON form.

    Raises:
        TypeError: it has none.
        Exception: what pydantic raises for values that it cannot write.
    """
    form = json_form(value, inside)
    if bounds.scrubber is not None:
        form = bounds.scrubber.scrub_json(form)
    kind = _json_kind(value)
    if isinstance(form, str):
        text, left_out = bounds.fitted(form)
        return Described(kind, text, left_out=left_out, name=bounds.name)
    title = f"{bounds.name}: {kind}\n" if bounds.name else ""
    text, left_out = bounded_json(form, bounds.most_bytes - size_of(title), to_json_value)
    text, further = bounds.fitted(f"{title}{text}")
    return Described(kind, text, left_out=(*left_out, *further), name=bounds.name)


def _json_kind(value: object) -> str:
    name = type(value).__name__
    if isinstance(value, Mapping):
        return f"{name}, {len(value):,} {'key' if len(value) == 1 else 'keys'}"
    with suppress(Exception):
        if isinstance(value, list | tuple | set | frozenset):
            return f"{name}, {len(value):,} {'item' if len(value) == 1 else 'items'}"
    return name


def describe_shown(value: object, bounds: Bounds) -> Described | None:
    """Describe an object that knows how to show itself in Jupyter, by its Markdown, its picture, or its HTML as text; None if it does not."""
    kind = type(value).__name__
    order = ("picture", "markdown", "html") if bounds.as_picture else ("markdown", "picture", "html")
    for form in order:
        found = _form(value, form)
        if isinstance(found, Attachment):
            return Described(f"{kind}, as a picture", "", (found,), name=bounds.name)
        if found:
            text, left_out = bounds.fitted(found, is_code=False)
            return Described(
                f"{kind}, as {'text' if form == 'html' else 'Markdown'}", text, left_out=left_out, name=bounds.name
            )
    return None


def _form(value: object, form: str) -> str | Attachment | None:
    if form == "picture":
        for name, mime in _PICTURES:
            picture = _picture(_shown_by(value, name))
            if picture is not None:
                return Attachment(mime, content=picture)
        return None
    shown = _shown_by(value, f"_repr_{form}_")
    if not isinstance(shown, str):
        return None
    return html_text(shown) if form == "html" else shown


def _shown_by(value: object, name: str) -> object:
    """Return the result of a method of Jupyter's display protocol, without its metadata; None if there is no such method or it fails."""
    # The class is asked, since objects that pretend to have every attribute, such as mocks, do not define these there.
    if not callable(getattr(type(value), name, None)):
        return None
    try:
        shown = getattr(value, name)()
    except Exception:
        return None
    return shown[0] if isinstance(shown, tuple) and shown else shown


def _picture(shown: object) -> bytes | None:
    if isinstance(shown, str):
        with suppress(ValueError, binascii.Error):
            return base64.b64decode(shown, validate=False) or None
        return None
    return bytes(shown) if isinstance(shown, bytes | bytearray) and shown else None


def describe_repr(value: object, bounds: Bounds) -> Described:
    """Describe any other object to a model: by its `repr()`."""
    kind = type(value).__name__
    text, left_out = bounds.fitted(safe_repr(value), is_code=False, are_values=True)
    return Described(kind, text, left_out=left_out, name=bounds.name)
