"""`prompt()` and `chain()`: defined once, for models and for conversations, sync and async."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from llm_notebook.configuration.keys import Secret
from llm_notebook.parts.messages import Message
from llm_notebook.turns.chain import Hook
from llm_notebook.turns.pauses import ChainPlan, Surroundings
from llm_notebook.turns.prompt import Prompt, merged_options

if TYPE_CHECKING:
    from pydantic import BaseModel

    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.tools.calls import ToolResult

__all__ = ["Promptable"]

ResponseT_co = TypeVar("ResponseT_co", covariant=True)
ChainT_co = TypeVar("ChainT_co", covariant=True)


class Promptable(Generic[ResponseT_co, ChainT_co]):
    """Something that takes prompts."""

    def _surroundings(self) -> Surroundings:
        raise NotImplementedError

    def prompt(
        self,
        prompt: str | None = None,
        *,
        fragments: Sequence[str] | None = None,
        attachments: Sequence[Attachment] | None = None,
        system: str | None = None,
        system_fragments: Sequence[str] | None = None,
        messages: Sequence[Message] | None = None,
        stream: bool = True,
        schema: dict[str, Any] | type[BaseModel] | str | None = None,
        tools: Sequence[Any] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        options: Mapping[str, Any] | None = None,
        hide_reasoning: bool = False,
        key: str | None = None,
        **option_keywords: Any,
    ) -> ResponseT_co:
        """A response to one prompt. Nothing is sent until it is read.

        In a conversation the prompt is sent with the turns before it, and the response joins the conversation when it is
        complete. The history is settled when the response is first read.

        Args:
            prompt: the text.
            fragments: texts put before the prompt, joined with newlines.
            attachments: images, sounds or files.
            system: the system prompt.
            system_fragments: texts put before the system prompt, joined with blank lines.
            messages: the history, authoritative; everything given beside it is appended as the new turn.
            stream: let the answer arrive piece by piece, where the model can.
            schema: what the answer must fit: JSON Schema (a dict), a pydantic class, or fields such as `name, age int`.
            tools: functions, Tools and Toolboxes that the model may call; `chain()` runs them.
            tool_results: results of the calls that the history ends with.
            options: the model's options; they can be given as keywords too.
            hide_reasoning: ask for no readable reasoning.
            key: an API key, or the name of a stored one.

        Raises:
            ValueError: the model lacks something that is asked of it. Nothing was sent.
            TypeError: an option is given twice.
            pydantic.ValidationError: an option is unknown or has a wrong value.
        """
        # A traceback that shows local variables must not show the key.
        key = key and Secret(key)
        given = {
            "fragments": fragments,
            "attachments": attachments,
            "system": system,
            "system_fragments": system_fragments,
            "messages": messages,
            "schema": schema,
            "tools": tools,
            "tool_results": tool_results,
            "hide_reasoning": hide_reasoning,
        }
        around = self._surroundings()
        made = _made_prompt(around, prompt, merged_options(options, option_keywords), given)
        response: ResponseT_co = around.model.response_to(
            made, stream=stream, conversation=around.conversation, key=key, log=around.log()
        )
        return response

    def chain(
        self,
        prompt: str | None = None,
        *,
        fragments: Sequence[str] | None = None,
        attachments: Sequence[Attachment] | None = None,
        system: str | None = None,
        system_fragments: Sequence[str] | None = None,
        messages: Sequence[Message] | None = None,
        stream: bool = True,
        schema: dict[str, Any] | type[BaseModel] | str | None = None,
        tools: Sequence[Any] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        before_call: Hook = None,
        after_call: Hook = None,
        chain_limit: int | None = None,
        parallel_tools: int | None = None,
        options: Mapping[str, Any] | None = None,
        hide_reasoning: bool = False,
        key: str | None = None,
        **option_keywords: Any,
    ) -> ChainT_co:
        """A chain: ask, run the tools that the model asks for, and go on until it asks for none. Nothing happens until it is read.

        A history given as `messages=` that ends in tool calls without results is resumed: those calls are run first.

        Args:
            before_call: called with (tool or None, call) before each call; may change the call's arguments, or raise
                CancelToolCall. What it leaves in them is frozen: that, and nothing later, is approved and run.
            after_call: called with (tool, call, result).
            chain_limit: most responses; 0 means no limit. None means 10, or the conversation's own limit.
            parallel_tools: run so many tool calls of one response at once, in threads; coroutine tools of an async chain run
                together anyway.

        The other arguments are those of `prompt()`.

        Raises:
            ValueError, TypeError, pydantic.ValidationError: as `prompt()`.
        """
        key = key and Secret(key)
        given = {
            "fragments": fragments,
            "attachments": attachments,
            "system": system,
            "system_fragments": system_fragments,
            "messages": messages,
            "schema": schema,
            "tools": tools,
            "tool_results": tool_results,
            "hide_reasoning": hide_reasoning,
        }
        around = self._surroundings()
        made = _made_prompt(around, prompt, merged_options(options, option_keywords), given)
        plan = ChainPlan(
            around,
            before_call=before_call or around.before_call,
            after_call=after_call or around.after_call,
            chain_limit=around.chain_limit if chain_limit is None else chain_limit,
            parallel_tools=parallel_tools,
            stream=stream,
            key=key,
        )
        chain: ChainT_co = plan.chain_from(made)
        return chain


def _made_prompt(
    around: Surroundings, prompt: str | None, option_values: dict[str, Any], given: dict[str, Any]
) -> Prompt:
    model = around.model
    given["tools"] = given["tools"] if given["tools"] is not None else around.tools
    made = Prompt(prompt, model, options=model.Options(**option_values), history=around.history, **given)
    model.check(made)
    return made
