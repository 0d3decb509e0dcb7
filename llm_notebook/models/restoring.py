"""Makes the response that `to_dict()` wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from llm_notebook.models.carried_options import carried_options
from llm_notebook.models.response_base import BaseResponse
from llm_notebook.parts.messages import Message
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.serialization import ResponseDict

__all__ = ["response_from_dict"]

ResponseT = TypeVar("ResponseT", bound="BaseResponse[Any, Any, Any]")


def response_from_dict(response_class: type[ResponseT], data: ResponseDict, model: Any) -> ResponseT:
    """Return the finished response that `to_dict()` wrote. Options that the model does not take are left out, with a warning."""
    prompt = Prompt(
        None,
        model,
        messages=[Message.from_dict(message) for message in data["prompt"]["messages"]],
        options=carried_options(model, data["prompt"].get("options")),
    )
    response = response_class(prompt, model, stream=False)
    response._id = data.get("id", "")
    messages = [Message.from_dict(message) for message in data["messages"]]
    return response._restored(messages, data.get("usage"), data.get("datetime_utc", ""))
