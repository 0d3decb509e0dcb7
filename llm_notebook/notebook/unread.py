"""A model that does not read what is attached: it is said before anything is sent, with models that do."""

from __future__ import annotations

from llm_notebook.errors import UnreadAttachment
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.problems import lacks_key
from llm_notebook.providers.registry import get_models_with_aliases

__all__ = ["unread_error"]

_MOST_NAMED = 3


def unread_error(error: UnreadAttachment) -> CellError:
    """Return the error of a cell whose model does not read what is attached. It names models that do, those with a key first."""
    models = [entry.model or entry.async_model for entry in get_models_with_aliases()]
    reading = [model for model in models if model is not None and error.type in model.attachment_types]
    usable = [model.model_id for model in reading if not lacks_key(model)]
    if usable:
        hint = f" These do: {', '.join(usable[:_MOST_NAMED])}; `-m {usable[0]}` asks one."
    elif reading:
        named = ", ".join(model.model_id for model in reading[:_MOST_NAMED])
        hint = f" These do, once their key is stored: {named}."
    else:
        hint = " No model that is known here does."
    return CellError(f"{error.model_id} does not read {error.type}.{hint} Nothing was sent.")
