"""Types of options whose values may be given as JSON text, as on a command line."""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

__all__ = ["JSONObject", "OneOrMoreTexts", "WordOrObject"]

W = TypeVar("W")


def _from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _from_json_after(opening: str) -> BeforeValidator:
    """Text that begins like JSON of that kind is read as JSON, all other text stays as it is."""
    return BeforeValidator(lambda value: _from_json(value) if str(value).lstrip()[:1] == opening else value)


JSONObject = Annotated[dict[str, Any], BeforeValidator(_from_json)]
OneOrMoreTexts = Annotated[str | list[str] | None, _from_json_after("[")]
WordOrObject = Annotated[W | dict[str, Any] | None, _from_json_after("{")]
