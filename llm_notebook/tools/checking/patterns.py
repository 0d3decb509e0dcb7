"""Matches regular expressions of unknown origin, in time that is linear in the length of the text."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

__all__ = ["matches"]


def matches(pattern: object, text: str) -> bool:
    """Return whether a pattern occurs in a text. A pattern that the engine does not support, such as a look-ahead, counts as found."""
    from pydantic_core import ValidationError  # pydantic is slow to import

    validator = _compiled(pattern) if isinstance(pattern, str) else None
    if validator is None:
        return True
    try:
        validator.validate_python(text)
    except ValidationError:
        return False
    return True


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator | None:
    from pydantic_core import SchemaError, SchemaValidator, core_schema  # pydantic is slow to import

    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None
