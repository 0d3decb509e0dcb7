"""Options of the models of every wire format, and types of values that options of several wire formats use."""

from __future__ import annotations

import json
import warnings
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from llm_notebook.models.options import Options
from llm_notebook.providers.http.encoding import with_further

__all__ = [
    "SENDING_OPTIONS",
    "HTTPOptions",
    "JSONObject",
    "OneOrMoreTexts",
    "json_if_object",
]

SENDING_OPTIONS = frozenset({"timeout", "total_timeout", "max_retries"})
# The names of the number of answers in the APIs, and of the object that contains it in Google's API.
_NUMBERS_OF_ANSWERS = ("n", "best_of", "candidateCount", "candidate_count")
_HOLDERS = ("generationConfig", "generation_config")


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


class HTTPOptions(Options):
    """Options of models behind HTTP. These are not sent; they say how the request is sent."""

    timeout: float | None = Field(None, gt=0, description="Seconds without a byte after which it is given up.")
    total_timeout: float | None = Field(None, gt=0, description="Seconds after which the whole answer must be there.")
    max_retries: int | None = Field(None, ge=0, description="How often an unanswered request is sent again.")

    @model_validator(mode="before")
    @classmethod
    def _refuse_several_answers(cls, given: Any) -> object:
        """Refuse to ask for several answers, of which nobody would read more than one."""
        for name in _asking_for_several(given) if isinstance(given, dict) else ():
            raise ValueError(f"{name}={given[name]} asks for several answers, and a prompt has one: ask several times.")
        return given

    def with_extra_body(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return request fields together with those of `extra_body`, except one that asks for several answers; a warning says so."""
        further = getattr(self, "extra_body", None)
        together = with_further(fields, further) if further else fields
        for name in _HOLDERS:
            if isinstance(together.get(name), dict):
                together[name] = _without_several(together[name])
        return _without_several(together)

    def given(self, *left_out: str) -> dict[str, Any]:
        """Return the options that were given and are sent to the server, except those in `left_out`."""
        return self.model_dump(exclude_none=True, exclude={*SENDING_OPTIONS, "extra_body", *left_out})


def _asking_for_several(fields: dict[str, Any]) -> list[str]:
    """Return the names of the fields that ask for several answers."""
    return [name for name in _NUMBERS_OF_ANSWERS if fields.get(name) not in (None, 1, "1")]


def _without_several(fields: dict[str, Any]) -> dict[str, Any]:
    asked = _asking_for_several(fields)
    if not asked:
        return fields
    warnings.warn(
        f"{asked[0]}={fields[asked[0]]} is not sent: a prompt has one answer. For several, ask several times.",
        stacklevel=2,
    )
    return {name: value for name, value in fields.items() if name not in asked}
