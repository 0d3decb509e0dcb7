"""The options that models of every wire format take: how long to wait for this one prompt, and how often to try."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from llm_notebook.models.options import Options

__all__ = ["SENDING_OPTIONS", "HTTPOptions", "JSONObject", "OneOrMoreTexts", "json_if_object"]

SENDING_OPTIONS = frozenset({"timeout", "max_retries"})


def _from_json(value: Any) -> Any:
    """Text is read as JSON, so that structured options can be given on a command line."""
    return json.loads(value) if isinstance(value, str) else value


def json_if_object(value: Any) -> Any:
    """Text that begins like a JSON object is read as one; every other value stays what it is."""
    return json.loads(value) if isinstance(value, str) and value[:1] == "{" else value


def _json_if_list(value: Any) -> Any:
    """Text that begins like a JSON list is read as one; every other value stays what it is."""
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else value


JSONObject = Annotated[dict[str, Any], BeforeValidator(_from_json)]
OneOrMoreTexts = Annotated[str | list[str] | None, BeforeValidator(_json_if_list)]


class HTTPOptions(Options):
    """Options of models behind HTTP. They are not sent: they say how the request is."""

    timeout: float | None = Field(None, gt=0, description="Seconds without a byte after which it is given up.")
    max_retries: int | None = Field(None, ge=0, description="How often an unanswered request is sent again.")

    def given(self, *left_out: str) -> dict[str, Any]:
        """The options that were given and are sent, without those `left_out`."""
        return self.model_dump(exclude_none=True, exclude={*SENDING_OPTIONS, "extra_body", *left_out})
