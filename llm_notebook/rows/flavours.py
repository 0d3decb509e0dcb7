"""Chooses the flavour of the model that a run asks: the async one if there is one."""

from __future__ import annotations

from llm_notebook.errors import UnknownModelError
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.providers.registry import get_async_model, get_model
from llm_notebook.providers.table import WIRES
from llm_notebook.rows.errors import RowsError

__all__ = ["AnyModel", "asked_model"]

AnyModel = Model | KeyModel | AsyncModel | AsyncKeyModel


def asked_model(model: AnyModel | str | None, *, has_tools: bool) -> AnyModel:
    """Return the model that a run asks, in its async flavour if it has one: many requests at once then need no threads, and ■ ends them all.

    Args:
        model: a model or its name; None for the default model.
        has_tools: whether the rows have tools. If so, a model that is given as an object keeps its flavour, since a tool may block the
            thread that it runs in.

    Raises:
        UnknownModelError: no model has that name.
        RowsError: it is neither a model nor a name.
    """
    if model is None or isinstance(model, str):
        try:
            return get_async_model(model)
        except UnknownModelError:
            return get_model(model)
    if not isinstance(model, AnyModel):
        raise RowsError(f"model is a model or its name, not {model!r}. Nothing was sent.")
    for sync, other in WIRES.values():
        # A class that the user has written may do something else.
        if type(model) is sync and not has_tools:
            twin = other.__new__(other)
            vars(twin).update(vars(model))
            return twin
    return model
