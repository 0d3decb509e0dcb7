"""Options: what a model lets its user set, validated before anything is sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Options"]


class Options(BaseModel):
    """Base class of a model's options; subclass it with pydantic fields. An unknown option is a validation error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
