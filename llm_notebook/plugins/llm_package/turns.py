"""One prompt as plugins of `llm` read it: as messages, and as earlier plugins do, turn by turn from a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llm
from llm import parts as their_parts

from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart
from llm_notebook.plugins.llm_package.tools import their_tools
from llm_notebook.plugins.llm_package.values import their_attachment, their_messages
from llm_notebook.turns.prompt import Prompt

__all__ = ["their_request"]


@dataclass(slots=True)
class _Turn:
    """What was asked, and what was answered to it."""

    asked: list[Message] = field(default_factory=list)
    answered: list[Message] = field(default_factory=list)

    def parts(self, role: str) -> list[Part]:
        """What was asked in messages of this role."""
        return [part for message in self.asked if message.role == role for part in message.parts]


def their_request(model: Any, prompt: Prompt, *, in_conversation: bool, response_class: Any) -> tuple[Any, Any]:
    """The prompt and, where there is a history or a conversation, the conversation that a bridged model is given.

    Args:
        model: the model, one of `llm`.
        prompt: what it is asked.
        in_conversation: the prompt is one of a conversation, even if there are no turns before it.
        response_class: `llm.Response`, or `llm.AsyncResponse` for an async model.
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
    """The messages but the system's as turns. The last is the one that waits for its answer; it may ask nothing new."""
    turns = [_Turn()]
    for message in messages:
        if message.role == "assistant":
            turns[-1].answered.append(message)
        elif message.role != "system":
            if turns[-1].answered:
                turns.append(_Turn())
            turns[-1].asked.append(message)
    return [*turns, _Turn()] if turns[-1].answered else turns


def _their_prompt(model: Any, turn: _Turn, chain: list[their_parts.Message], system: str, **more: Any) -> llm.Prompt:
    said = turn.parts("user")
    results = [part for part in turn.parts("tool") if isinstance(part, ToolResultPart)]
    given = [part.attachment for part in said if isinstance(part, AttachmentPart) and part.attachment is not None]
    given += [attachment for part in results for attachment in part.attachments]
    return llm.Prompt(
        "\n\n".join(part.text for part in said if isinstance(part, TextPart)),
        model,
        attachments=[their_attachment(attachment) for attachment in given],
        system=system or None,
        tool_results=[_their_result(part) for part in results],
        messages=chain,
        **more,
    )


def _their_result(part: ToolResultPart) -> llm.ToolResult:
    return llm.ToolResult(
        name=part.name,
        output=part.output,
        attachments=[their_attachment(attachment) for attachment in part.attachments],
        tool_call_id=part.tool_call_id,
        exception=None if part.exception is None else Exception(part.exception),
    )


def _their_past(model: Any, turn: _Turn, asked: llm.Prompt, response_class: Any) -> Any:
    """A finished response that stands for an earlier turn."""
    said: Any = {
        "model": model.model_id,
        "prompt": {"messages": []},
        "messages": [message.to_dict() for message in turn.answered],
    }
    response = response_class.from_dict(said, model=model)
    response.prompt = asked
    response.attachments = asked.attachments
    return response
