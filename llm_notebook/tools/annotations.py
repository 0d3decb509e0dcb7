"""Annotations as pydantic reads them, and the descriptions that people write into them.

`Annotated[int, "in metres"]` says in Python what a field is, and pydantic ignores it. Before Python 3.12 pydantic does not read
`typing.TypedDict` either.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

__all__ = ["as_pydantic_reads", "describe_fields"]


def as_pydantic_reads(annotation: object) -> Any:
    """Return an annotation in which texts in `Annotated` are descriptions, and every TypedDict is one that pydantic can read."""
    return _read(annotation, ())


def describe_fields(schema: dict[str, Any], sources: Iterable[object]) -> None:
    """Put the texts of `Annotated[…, "text"]` in the fields of classes into a JSON Schema, as descriptions.

    Args:
        schema: the schema, which is changed.
        sources: the classes or annotations that it was made from. If one of them is a class, its schema may be the whole schema.
    """
    sources = list(sources)
    classes: dict[str, list[type]] = {}
    for cls in dict.fromkeys(cls for source in sources for cls in _classes_in(source, set())):
        classes.setdefault(cls.__name__, []).append(cls)
    for name, found in classes.items():
        definition = schema.get("$defs", {}).get(name)
        # Two classes with the same name get different names in the schema.
        if isinstance(definition, dict) and len(found) == 1:
            _describe(definition, found[0])
    if len(sources) == 1 and isinstance(sources[0], type) and "properties" in schema:
        _describe(schema, sources[0])


def _read(annotation: object, inside: tuple[object, ...]) -> object:
    if typing.is_typeddict(annotation):
        is_unknown = sys.version_info < (3, 12) and type(annotation).__module__ == "typing"
        return _known_typed_dict(annotation, inside) if is_unknown else annotation
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return Annotated[(_read(arguments[0], inside), *map(_as_field, arguments[1:]))]
    if origin is None or origin is typing.Literal:
        return annotation
    changed = tuple(_read(argument, inside) for argument in arguments)
    if all(new is old for new, old in zip(changed, arguments, strict=True)):
        return annotation
    # `types.UnionType`, the type of `int | str`, cannot be subscripted.
    generic: Any = typing.Union if origin is types.UnionType else origin
    return generic[changed]


def _known_typed_dict(annotation: Any, inside: tuple[object, ...]) -> object:
    """Return the `typing_extensions.TypedDict` with the fields of a `typing.TypedDict`."""
    import typing_extensions  # comes with pydantic

    if annotation in inside:
        # A recursive class of this kind cannot be rebuilt.
        return dict[str, Any]
    hints = typing.get_type_hints(annotation, include_extras=True)
    required = dict.fromkeys(annotation.__required_keys__, typing_extensions.Required)
    fields = {
        key: hint
        if typing.get_origin(hint) in (typing.Required, typing.NotRequired)
        else required.get(key, typing_extensions.NotRequired)[_read(hint, (*inside, annotation))]
        for key, hint in hints.items()
    }
    make: Any = typing_extensions.TypedDict
    known = make(annotation.__name__, fields)
    known.__doc__ = annotation.__doc__
    return known


def _as_field(metadata: object) -> object:
    from pydantic import Field  # pydantic is slow to import

    return Field(description=metadata) if isinstance(metadata, str) else metadata


def _classes_in(annotation: object, seen: set[int]) -> Iterator[type]:
    """Yield the classes with fields that an annotation leads to."""
    if id(annotation) in seen:
        return
    seen.add(id(annotation))
    for argument in typing.get_args(annotation):
        yield from _classes_in(argument, seen)
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        is_ours = dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation) or _has_fields(annotation)
        if is_ours:
            yield annotation
            for hint in _hints(annotation).values():
                yield from _classes_in(hint, seen)


def _describe(schema: dict[str, Any], cls: type) -> None:
    names = {name: getattr(field, "alias", None) or name for name, field in getattr(cls, "model_fields", {}).items()}
    for name, hint in _hints(cls).items():
        texts = [text for text in getattr(hint, "__metadata__", ()) if isinstance(text, str)]
        described = schema.get("properties", {}).get(names.get(name, name))
        if texts and isinstance(described, dict):
            described.setdefault("description", texts[0])


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:
        # A name may be known to type checkers only. The field then has no description.
        return {}


def _has_fields(cls: type) -> bool:
    return isinstance(getattr(cls, "model_fields", None), dict)
