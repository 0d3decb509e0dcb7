"""Options that models of every wire format take, and the kinds of values that options of several wire formats have."""

from __future__ import annotations

import json
import warnings
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from llm_notebook.models.options import Options

__all__ = [
    "SENDING_OPTIONS",
    "HTTPOptions",
    "JSONObject",
    "OneOrMoreTexts",
    "json_if_object",
    "with_one_answer",
]

SENDING_OPTIONS = frozenset({"timeout", "total_timeout", "max_retries"})


# On the command line of a magic every option is text, so structured options may be given as JSON text.
def _from_json(value: object) -> object:
    """Return text parsed as JSON, and any other value unchanged."""
    return json.loads(value) if isinstance(value, str) else value


def json_if_object(value: object) -> object:
    """Return text that begins like a JSON object parsed as one, and any other value unchanged."""
    return json.loads(value) if isinstance(value, str) and value[:1] == "{" else value


def _json_if_list(value: object) -> object:
    """Return text that begins like a JSON list parsed as one, and any other value unchanged."""
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else value


JSONObject = Annotated[dict[str, Any], BeforeValidator(_from_json)]
OneOrMoreTexts = Annotated[str | list[str] | None, BeforeValidator(_json_if_list)]


def with_one_answer(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return request fields without one that asks for several answers, which nobody would read; a warning says so.

    Args:
        fields: the fields.
        names: the names under which an API takes the number of answers.
    """
    asked = [name for name in names if fields.get(name) not in (None, 1)]
    if not asked:
        return fields
    warnings.warn(
        f"{asked[0]}={fields[asked[0]]} is not sent: a prompt has one answer. For several, ask several times.",
        stacklevel=2,
    )
    return {name: value for name, value in fields.items() if name not in asked}


class HTTPOptions(Options):
    """Options of models behind HTTP. These are not sent; they say how the request is sent."""

    timeout: float | None = Field(None, gt=0, description="Seconds without a byte after which it is given up.")
    total_timeout: float | None = Field(None, gt=0, description="Seconds after which the whole answer must be there.")
    max_retries: int | None = Field(None, ge=0, description="How often an unanswered request is sent again.")

    def given(self, *left_out: str) -> dict[str, Any]:
        """Return the options that were given and are sent to the server, except those in `left_out`."""
        return self.model_dump(exclude_none=True, exclude={*SENDING_OPTIONS, "extra_body", *left_out})
