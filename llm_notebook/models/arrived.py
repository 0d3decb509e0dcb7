"""The part of a response that has arrived: what readers can ask without waiting, and how the model reports it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm_notebook.parts.finishes import Finish, FinishReason
from llm_notebook.parts.identifiers import new_tool_call_id
from llm_notebook.parts.json_values import as_json
from llm_notebook.parts.messages import Message, Usage
from llm_notebook.tools.checking.written import writable_arguments

if TYPE_CHECKING:
    from llm_notebook.tools.calls import ToolCall
    from llm_notebook.turns.turn import Turn

__all__ = ["Arrived"]


class Arrived:
    """Base class of responses. Nothing in it sends or waits for anything."""

    _turn: Turn

    @property
    def partial(self) -> list[Message]:
        """The messages that have arrived; nothing is sent or waited for. Tool calls that may be cut short are left out."""
        return self._turn.state.messages()

    @property
    def interrupted(self) -> bool:
        """True if reading was stopped before the end of the response."""
        return self._turn.state.status == "interrupted"

    @property
    def resolved_model(self) -> str | None:
        """The exact model that answered, if the provider says so."""
        return self._turn.state.resolved_model

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the model stopped, in the same words for every provider; None before it stops, or if the provider does not say so.

        `stop`: the answer is complete; `length`: the answer reached a limit of tokens; `tool_calls`: it waits for the results of tools;
        `content_filter`: it declined, or a filter stopped it; `pause`: the provider continues when it is sent its own answer, which chains do
        automatically; `error`: something failed.
        """
        ending = self._turn.state.ending
        return ending.reason if ending is not None else None

    @property
    def provider_finish_reason(self) -> str | None:
        """The provider's own word for `finish_reason`, such as `end_turn` or `MAX_TOKENS`; None if it gave none."""
        ending = self._turn.state.ending
        return ending.said if ending is not None else None

    @property
    def response_json(self) -> dict[str, Any] | None:
        """The provider's raw JSON that has arrived; models set it."""
        return self._turn.state.response_json

    @response_json.setter
    def response_json(self, value: dict[str, Any] | None) -> None:
        self._turn.state.response_json = value

    def add_tool_call(self, tool_call: ToolCall) -> None:
        """Register a tool call that is not streamed as events; a call without an id gets one. Models call this."""
        call_id = tool_call.tool_call_id or new_tool_call_id()
        arguments = writable_arguments(tool_call.arguments)
        self._turn.state.extra_calls += (replace(tool_call, arguments=arguments, tool_call_id=call_id),)

    def set_usage(
        self,
        *,
        input: int | None = None,
        output: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Set how many tokens the response used. Models call this."""
        self._turn.state.usage = Usage(input, output, details)

    def set_resolved_model(self, model_id: str) -> None:
        """Set the exact model that the provider says it used. Models call this."""
        self._turn.state.resolved_model = model_id

    def set_finish_reason(self, reason: FinishReason, said: str | None = None) -> None:
        """Set why the model stopped, and the provider's own word for it. Models call this."""
        self._turn.state.stated_finish = Finish(reason, said)

    @property
    def input_tokens(self) -> int | None:
        """The tokens of everything that was sent; None until the provider has reported them."""
        return self._turn.state.usage.input

    @input_tokens.setter
    def input_tokens(self, value: int | None) -> None:
        self._turn.state.usage = replace(self._turn.state.usage, input=value)

    @property
    def output_tokens(self) -> int | None:
        """The tokens of everything that was received; None until the provider has reported them."""
        return self._turn.state.usage.output

    @output_tokens.setter
    def output_tokens(self, value: int | None) -> None:
        self._turn.state.usage = replace(self._turn.state.usage, output=value)

    @property
    def token_details(self) -> dict[str, Any] | None:
        """The provider's own finer counts, if it reports any."""
        return self._turn.state.usage.details

    @token_details.setter
    def token_details(self, value: dict[str, Any] | None) -> None:
        self._turn.state.usage = replace(self._turn.state.usage, details=value)

    def token_usage(self) -> str:
        """Return the known counts in one line, such as `1,024 input, 36 output, {"cached": 512}`."""
        usage = self._turn.state.usage
        counts = [(usage.input, "input"), (usage.output, "output")]
        shown = [f"{count:,} {name}" for count, name in counts if count is not None]
        return ", ".join([*shown, *([json.dumps(as_json(usage.details))] if usage.details else [])])
