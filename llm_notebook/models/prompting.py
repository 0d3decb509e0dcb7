"""`prompt()` and `chain()`: defined once, for models and for conversations, sync and async."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, cast

from llm_notebook.configuration.keys import KeySource, hidden

if TYPE_CHECKING:
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
    from llm_notebook.parts.messages import Message
    from llm_notebook.tools.calls import ToolResult
    from llm_notebook.tools.collecting import ToolLike
    from llm_notebook.turns.plan import AfterCall, BeforeCall
    from llm_notebook.turns.prompt import Prompt

    AnyModel: TypeAlias = "Model | KeyModel | AsyncModel | AsyncKeyModel"

__all__ = ["Promptable"]

ResponseT_co = TypeVar("ResponseT_co", covariant=True)
ChainT_co = TypeVar("ChainT_co", covariant=True)


class Promptable(Generic[ResponseT_co, ChainT_co]):
    """Something that takes prompts: a model, or a conversation with one."""

    _is_conversation: ClassVar[bool] = False

    def _asked(self) -> tuple[AnyModel, Conversation | AsyncConversation | None]:
        """Return the model, and the conversation to which its prompts belong; None for a bare model."""
        this = cast("Any", self)
        return (this.model, this) if self._is_conversation else (this, None)

    def prompt(
        self,
        prompt: str | None = None,
        *,
        fragments: Sequence[object] | None = None,
        attachments: Sequence[object] | None = None,
        system: str | None = None,
        system_fragments: Sequence[object] | None = None,
        messages: Sequence[Message | Mapping[str, Any]] | None = None,
        stream: bool = True,
        schema: dict[str, Any] | type[object] | str | None = None,
        tools: Sequence[ToolLike] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        options: Mapping[str, Any] | None = None,
        hide_reasoning: bool = False,
        key: KeySource | None = None,
        **option_keywords: Any,
    ) -> ResponseT_co:
        """Return the lazy response to one prompt. Nothing is sent until it is read.

        In a conversation the prompt is sent with the turns before it, and the response joins the conversation when it is
        complete. The history is settled when the response is first read.

        Args:
            prompt: the text.
            fragments: what precedes the prompt, joined with newlines: texts, files as `Path`, and frames, functions and other objects, in the
                words of `describe()`.
            attachments: images, sounds or files: Attachments, or their paths, addresses or bytes; figures and images of Python's
                libraries. Files are read when this is called.
            system: the system prompt.
            system_fragments: as `fragments`, put before the system prompt, joined with blank lines.
            messages: the whole history; everything else that is given is appended as the new turn. Messages may be dicts with a role, as in
                OpenAI's Chat Completions.
            stream: whether the answer arrives piece by piece, if the model can do that.
            schema: what the answer must fit: JSON Schema (a dict); a pydantic class, dataclass, TypedDict, Enum or another type; or fields
                such as `name, age int`.
            tools: functions, Tools and Toolboxes that the model may call; `chain()` runs them.
            tool_results: results of the calls at the end of the history.
            options: the model's options; they can be given as keywords too.
            hide_reasoning: ask for no readable reasoning.
            key: an API key, the name of a stored one, or a function that returns a key for each request.

        Raises:
            ValueError: the model lacks something that is asked of it. Nothing was sent.
            TypeError: an option is given twice, or something is no attachment or no message.
            OSError: a file that is attached cannot be read.
            pydantic.ValidationError: an option is unknown or has a wrong value.
        """
        from llm_notebook.turns.plan import ChainPlan, open_log  # loads what chains need

        # A traceback that shows local variables must not show the key.
        key = None if key is None else hidden(key)
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
        model, conversation = self._asked()
        made = _checked_prompt(model, conversation, prompt, (options, option_keywords), given)
        hooks = (None, None) if conversation is None else (conversation.before_call, conversation.after_call)
        plan = ChainPlan(model, conversation, *hooks, stream=stream, key=key)
        return cast("ResponseT_co", model._respond(made, plan, open_log(conversation)))

    def chain(
        self,
        prompt: str | None = None,
        *,
        fragments: Sequence[object] | None = None,
        attachments: Sequence[object] | None = None,
        system: str | None = None,
        system_fragments: Sequence[object] | None = None,
        messages: Sequence[Message | Mapping[str, Any]] | None = None,
        stream: bool = True,
        schema: dict[str, Any] | type[object] | str | None = None,
        tools: Sequence[ToolLike] | None = None,
        tool_results: Sequence[ToolResult] | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        chain_limit: int | None = None,
        parallel_tools: int | None = None,
        options: Mapping[str, Any] | None = None,
        hide_reasoning: bool = False,
        key: KeySource | None = None,
        **option_keywords: Any,
    ) -> ChainT_co:
        """Return a lazy chain: ask, run the tools that the model asks for, and repeat until it asks for none.

        Nothing happens until it is read.

        A history given as `messages=` that ends in tool calls without results is resumed: those calls are run first. Without tools it is sent
        unchanged.

        Args:
            before_call: called with (tool or None, call) before each call; may change the call's arguments, or raise
                CancelToolCall. The arguments are frozen when it returns: exactly those are approved and run.
            after_call: called with (tool, call, result).
            chain_limit: how many responses there may be; 0 means no limit. None means 10, or the conversation's own limit.
            parallel_tools: how many tool calls of one response run at once, in threads; coroutine tools of an async chain run
                together anyway.

        The other arguments are those of `prompt()`.

        Raises:
            ValueError, TypeError, pydantic.ValidationError: as `prompt()`.
        """
        from llm_notebook.turns.plan import ChainPlan, open_log  # loads what chains need

        key = None if key is None else hidden(key)
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
        model, conversation = self._asked()
        made = _checked_prompt(model, conversation, prompt, (options, option_keywords), given)
        limit: int | None = 10
        if conversation is not None:
            before_call, after_call = before_call or conversation.before_call, after_call or conversation.after_call
            limit = conversation.chain_limit
        limit = limit if chain_limit is None else chain_limit
        plan = ChainPlan(model, conversation, before_call, after_call, limit, parallel_tools, stream, key)
        return cast("ChainT_co", model._chain(made, plan, open_log(conversation)))


def _checked_prompt(
    model: AnyModel,
    conversation: Conversation | AsyncConversation | None,
    prompt: str | None,
    options: tuple[Mapping[str, Any] | None, Mapping[str, Any]],
    given: dict[str, Any],
) -> Prompt:
    """Return the prompt with the conversation's additions, after checking that the model can answer it."""
    from llm_notebook.turns.prompt import Prompt  # loads what chains need

    if conversation is not None:
        given["history"], given["calls"] = conversation.history, conversation
        # The user may later change the history that is given here.
        given["encoded"] = conversation._encoded if given["messages"] is None else None
        given["tools"] = (conversation.tools or None) if given["tools"] is None else given["tools"]
    named = _merged_options(*options)
    made = Prompt(prompt, model, options=model.Options(**named), **given)
    model._check(made)
    return made


def _merged_options(options: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options=` and keyword options as one dict.

    Raises:
        TypeError: an option is given both ways.
    """
    doubled = sorted(set(options or ()) & set(keywords))
    if doubled:
        raise TypeError(f"Option {doubled[0]!r} is given both in options= and as a keyword.")
    return {**(options or {}), **keywords}
