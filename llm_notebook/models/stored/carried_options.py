"""Carries options from one model to the model that continues: options that it does not accept are left out, with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainModel

__all__ = ["carried_options"]


def carried_options(model: ChainModel, given: Mapping[str, Any] | None) -> object:
    """Return an instance of a model's options with the given ones that it accepts. A warning names the others."""
    from pydantic import ValidationError  # pydantic is slow to import

    kept = dict(given or {})
    left_out: list[str] = []
    while True:
        try:
            options = model.Options(**kept)
        except ValidationError as error:
            if not kept:
                raise
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} & set(kept)
            # A check of several options together names none of them.
            for name in wrong or set(kept):
                left_out.append(name)
                del kept[name]
        else:
            break
    if left_out:
        names = ", ".join(sorted(left_out))
        warnings.warn(f"{model.model_id} does not take these options, so they are left out: {names}.", stacklevel=4)
    return options
