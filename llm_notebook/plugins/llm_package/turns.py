"""Converts a prompt to the forms that plugins of the `llm` package read.

The plugins are of two generations. Newer ones read `prompt.messages`, which has the whole history. Older ones read the text and the tool
results of the prompt, and the history from the responses of its conversation, turn by turn. A bridged model gets both, made from the same
messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import llm
from llm import parts as their_parts

from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart
from llm_notebook.plugins.llm_package.tools import their_tools
from llm_notebook.plugins.llm_package.values import is_by_user, their_attachment, their_messages
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.plugins.llm_package.models import TheirAsyncModel, TheirModel

__all__ = ["their_request"]


@dataclass(slots=True)
class _Turn:
    """One turn of the history.

    Attributes:
        asked: the messages of the user and of tools.
        answered: the messages of the model.
    """

    asked: list[Message] = field(default_factory=list)
    answered: list[Message] = field(default_factory=list)

    def parts(self, role: str) -> list[Part]:
        """Return the parts of the messages with this role that were asked."""
        return [part for message in self.asked if message.role == role for part in message.parts]


def their_request(
    model: TheirModel | TheirAsyncModel,
    prompt: Prompt,
    *,
    in_conversation: bool,
    response_class: type[llm.Response] | type[llm.AsyncResponse],
) -> tuple[llm.Prompt, llm.Conversation | llm.AsyncConversation | None]:
    """Return the prompt and the conversation that a bridged model is given.

    Args:
        model: the model of the `llm` package.
        prompt: the prompt to convert.
        in_conversation: whether the prompt belongs to a conversation, even if there are no turns before it.
        response_class: `llm.Response`, or `llm.AsyncResponse` for an async model.

    Returns:
        The prompt, and a conversation if there is a history or `in_conversation` is true, otherwise None.
    """
    sent = prompt.messages
    system = "\n\n".join(
        part.text
        for message in sent
        if message.role == "system"
        for part in message.parts
        if isinstance(part, TextPart)
    )
    chain: list[their_parts.Message] = list(their_messages(message for message in sent if message.role == "system"))
    *past, current = _turns(sent)
    responses = []
    for turn in past:
        chain += their_messages(turn.asked)
        earlier = _their_prompt(model, turn, chain, system)
        chain += their_messages(turn.answered)
        responses.append(_their_past(model, turn, earlier, response_class))
    final = _their_prompt(
        model,
        current,
        list(their_messages(sent)),
        system,
        schema=prompt.schema,
        options=prompt.options,
        tools=their_tools(prompt.tools),
        hide_reasoning=prompt.hide_reasoning,
    )
    if not responses and not in_conversation:
        return final, None
    conversation = model.conversation()
    conversation.responses.extend(responses)
    return final, conversation


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    """Return the messages, except those of the system, as turns. The last turn waits for its answer, and may ask nothing."""
    turns = [_Turn()]
    for message in messages:
        if message.role == "assistant":
            turns[-1].answered.append(message)
        elif message.role != "system":
            if turns[-1].answered:
                turns.append(_Turn())
            turns[-1].asked.append(message)
    return [*turns, _Turn()] if turns[-1].answered else turns


def _their_prompt(
    model: TheirModel | TheirAsyncModel, turn: _Turn, chain: list[their_parts.Message], system: str, **more: Any
) -> llm.Prompt:
    """Return the prompt of one turn. `chain` has the messages up to and including this turn."""
    said = turn.parts("user")
    results = [part for part in turn.parts("tool") if isinstance(part, ToolResultPart)]
    given = [
        their_attachment(part.attachment, by_user=is_by_user(part, "user"))
        for part in said
        if isinstance(part, AttachmentPart) and part.attachment is not None
    ]
    given += [their_attachment(attachment, by_user=False) for part in results for attachment in part.attachments]
    return llm.Prompt(
        "\n\n".join(part.text for part in said if isinstance(part, TextPart)),
        model,
        attachments=given,
        system=system or None,
        tool_results=[_their_result(part) for part in results],
        messages=chain,
        **more,
    )


def _their_result(part: ToolResultPart) -> llm.ToolResult:
    return llm.ToolResult(
        name=part.name,
        output=part.output,
        attachments=[their_attachment(attachment, by_user=False) for attachment in part.attachments],
        tool_call_id=part.tool_call_id,
        exception=None if part.exception is None else Exception(part.exception),
    )


def _their_past(
    model: TheirModel | TheirAsyncModel,
    turn: _Turn,
    asked: llm.Prompt,
    response_class: type[llm.Response] | type[llm.AsyncResponse],
) -> llm.Response | llm.AsyncResponse:
    """Return a finished response that represents an earlier turn."""
    kept = {
        "model": model.model_id,
        "prompt": {"messages": []},
        "messages": [message.to_dict() for message in turn.answered],
    }
    # The types of the two `from_dict()` do not say that the model may be a KeyModel or an AsyncKeyModel.
    from_dict = cast("Callable[..., llm.Response | llm.AsyncResponse]", response_class.from_dict)
    response = from_dict(kept, model=model)
    response.prompt = asked
    response.attachments = asked.attachments
    return response
