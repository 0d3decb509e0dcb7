"""Restores the response that `to_dict()` wrote."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from llm_notebook.models.response_base import BaseResponse
from llm_notebook.models.stored.carried_options import carried_options
from llm_notebook.parts.checked import checked
from llm_notebook.parts.messages import Message, Usage
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.serialization import ResponseDict

__all__ = ["model_named_in", "response_from_dict"]

ResponseT = TypeVar("ResponseT", bound="BaseResponse[Any, Any, Any]")


def response_from_dict(response_class: type[ResponseT], data: ResponseDict, model: Any) -> ResponseT:
    """Return the finished response that `to_dict()` wrote. Options that the model does not accept are left out, with a warning.

    Raises:
        ValueError: the dict lacks the prompt or the messages, or a value in it is of another type than `to_dict()` writes.
    """
    given = _check_response_dict(data)
    prompt = Prompt(
        None,
        model,
        messages=[Message.from_dict(message) for message in given["prompt"]["messages"]],
        options=carried_options(model, given["prompt"].get("options")),
    )
    response = response_class(prompt, model, stream=False)
    response._id = given.get("id") or ""
    messages = [Message.from_dict(message) for message in given["messages"]]
    usage = {name: value for name, value in (given.get("usage") or {}).items() if name in Usage.__dataclass_fields__}
    return response._restored(messages, usage, given.get("datetime_utc") or "")


def model_named_in(data: object) -> str:
    """Return the id of the model that answered; a ValueError says what is wrong with the dict."""
    return str(checked(data, "a response", {"model": str, "prompt": dict, "messages": (list, tuple)})["model"])


def _check_response_dict(data: object) -> dict[str, Any]:
    """Return the given dict if it has the keys and types that `Response.to_dict()` writes; a ValueError says what is wrong."""
    optional = {"model": str, "id": str, "usage": dict, "datetime_utc": str}
    given = checked(data, "a response", {"prompt": dict, "messages": (list, tuple)}, optional)
    checked(given["prompt"], "a prompt", {"messages": (list, tuple)}, {"options": dict})
    checked(given.get("usage") or {}, "a usage", {}, {"input": int, "output": int, "details": dict})
    try:
        datetime.fromisoformat(given.get("datetime_utc") or "2000-01-01")
    except ValueError:
        raise ValueError("In the dict of a response, 'datetime_utc' is a time as ISO 8601.") from None
    return given
