"""Code as users write it, with the types that it must have. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import llm_notebook as llm


def prompts() -> None:
    model = llm.get_model()
    response = model.prompt("Hi", system="S", temperature=0.5)
    assert_type(response, llm.Response)
    assert_type(response.text(), str)
    assert_type(str(response), str)
    for chunk in response:
        assert_type(chunk, str)
    for event in response.stream_events():
        assert_type(event, llm.StreamEvent)
    assert_type(response.usage(), llm.Usage)
    assert_type(response.usage().input, int | None)
    assert_type(response.messages(), list[llm.Message])
    assert_type(response.tool_calls(), list[llm.ToolCall])
    assert_type(response.json(), dict[str, Any] | None)
    assert_type(response.duration_ms(), int)
    assert_type(response.datetime_utc(), str)
    assert_type(response.resolved_model, str | None)
    assert_type(response.partial, list[llm.Message])
    assert_type(response.prompt.messages, list[llm.Message])
    response.on_done(lambda done: str(done.usage()))


async def async_prompts() -> None:
    model = llm.get_async_model("gpt-4o")
    response = model.prompt("Hi")
    assert_type(response, llm.AsyncResponse)
    assert_type(await response.text(), str)
    assert_type(await response, llm.AsyncResponse)
    async for chunk in response:
        assert_type(chunk, str)
    async for event in response.astream_events():
        assert_type(event, llm.StreamEvent)
    assert_type(await response.usage(), llm.Usage)
    assert_type(await response.tool_calls(), list[llm.ToolCall])
    await response.on_done(print)


async def conversations() -> None:
    conversation = llm.get_model().conversation()
    assert_type(conversation, llm.Conversation)
    assert_type(conversation.prompt("Hi"), llm.Response)
    assert_type(conversation.responses, list[llm.Response])
    assert_type(conversation.model, llm.Model | llm.KeyModel)
    assert_type(conversation.prompt("Hi").model, llm.Model | llm.KeyModel)
    assert_type(conversation.prompt("Hi").conversation, llm.Conversation | None)
    assert_type(llm.load_conversation("01J"), llm.Conversation)
    async_conversation = llm.get_async_model().conversation()
    assert_type(async_conversation, llm.AsyncConversation)
    assert_type(async_conversation.model, llm.AsyncModel | llm.AsyncKeyModel)
    assert_type(llm.load_conversation("01J", model=llm.get_async_model()), llm.AsyncConversation)
    assert_type(async_conversation.prompt("Hi"), llm.AsyncResponse)
    assert_type(await async_conversation.prompt("Hi").text(), str)


def upper(text: str) -> str:
    """Convert text to uppercase."""
    return text.upper()


@llm.require_approval(destructive=True)
def delete_files(path: str) -> int:
    """Delete files."""
    return len(path)


def tools_and_chains() -> None:
    assert_type(delete_files("/a"), int)
    model = llm.get_model()
    response = model.prompt("Hi", tools=[upper])
    assert_type(response.execute_tool_calls(), list[llm.ToolResult])
    assert_type(response.execute_tool_call(llm.ToolCall("upper", {})), llm.ToolResult)
    assert_type(response.execute_tool_calls(tool_calls_list=[llm.ToolCall("upper", {})]), list[llm.ToolResult])
    assert_type(response.reply("And?"), llm.Response)
    assert_type(response.text_or_raise(), str)
    assert_type(response.tool_calls_or_raise(), list[llm.ToolCall])
    assert_type(response.input_tokens, int | None)
    assert_type(response.token_details, dict[str, Any] | None)
    assert_type(response.token_usage(), str)
    assert_type(response.to_dict(), llm.serialization.ResponseDict)
    assert_type(llm.Response.from_dict(response.to_dict()), llm.Response)
    assert_type(llm.Response.fake(model, "Hi", response="Yo"), llm.Response)

    def before(tool: llm.Tool | None, call: llm.ToolCall) -> None:
        raise llm.CancelToolCall("no")

    chain = model.chain("Hi", tools=[upper, delete_files], before_call=before, chain_limit=0, parallel_tools=4)
    assert_type(chain, llm.ChainResponse)
    assert_type(model.conversation(tools=[upper]).chain("Hi"), llm.ChainResponse)
    assert_type(chain.messages(), list[llm.Message])
    for each in chain.responses():
        assert_type(each, llm.Response)
    for event in chain.stream_events():
        assert_type(event, llm.StreamEvent)
    try:
        assert_type(chain.text(), str)
    except llm.PauseChain as pause:
        assert_type(pause.tool_call, llm.ToolCall | None)
        assert_type(pause.tool_results, list[llm.ToolResult])
        assert_type(pause.messages, list[llm.Message])
        assert_type(pause.request, llm.ApprovalRequest)
        assert_type(pause.request.arguments, dict[str, Any])
        assert_type(pause.requests, list[llm.ApprovalRequest])
        decide(pause)
        assert_type(llm.load_pause(pause.to_dict(), tools=[upper]), llm.PauseChain)
        assert_type(llm.resume(pause.request.id, tools=[delete_files]), llm.ChainResponse)
    for waiting in llm.pending():
        assert_type(waiting.request.tool_name, str)
        assert_type(waiting.approve({"path": "/b"}).text(), str)


def decide(pause: llm.PauseChain) -> None:
    assert_type(pause.approve(), llm.ChainResponse)
    assert_type(pause.deny("no").text(), str)
    assert_type(pause.answer({"deleted": 3}), llm.ChainResponse)
    for request in pause.requests:
        assert_type(pause.approve(request=request), llm.ChainResponse)
    assert_type(pause.resume(tools=[upper]), llm.ChainResponse)


async def async_tools_and_chains() -> None:
    model = llm.get_async_model()
    response = model.prompt("Hi", tools=[upper])
    assert_type(await response.execute_tool_calls(), list[llm.ToolResult])
    assert_type(await response.reply("And?"), llm.AsyncResponse)
    assert_type(response.text_or_raise(), str)
    assert_type(await response.to_sync_response(), llm.Response)
    assert_type(model.conversation().to_sync_conversation(), llm.Conversation)
    chain = model.chain("Hi", tools=[upper])
    assert_type(chain, llm.AsyncChainResponse)
    assert_type(await chain, llm.AsyncChainResponse)
    assert_type(await chain.text(), str)
    assert_type(await chain.messages(), list[llm.Message])
    async for each in chain.responses():
        assert_type(each, llm.AsyncResponse)
    async for event in chain.astream_events():
        assert_type(event, llm.StreamEvent)
    assert_type(model.conversation().chain("Hi"), llm.AsyncChainResponse)
    assert_type(llm.resume("01J", model=model), llm.AsyncChainResponse)
    assert_type(await llm.load_pause({}, model=model).approve().text(), str)


def values() -> None:
    assert_type(llm.user("Hi", llm.Attachment(url="https://a/b.png"), [llm.TextPart("x")]), llm.Message)
    assert_type(llm.parts.TextPart("x"), llm.TextPart)
    assert_type(llm.user("x").to_dict(), llm.serialization.MessageDict)
    assert_type(llm.get_default_model(), str)
    assert_type(llm.get_default_model(default=None), str | None)
    assert_type(llm.get_models_with_aliases(), list[llm.ModelWithAliases])
    assert_type(llm.get_model_aliases(), dict[str, llm.Model | llm.KeyModel])
    assert_type(llm.get_async_model_aliases(), dict[str, llm.AsyncModel | llm.AsyncKeyModel])
    assert_type(llm.get_embedding_model_aliases(), dict[str, llm.EmbeddingModel])
    assert_type(llm.get_embedding_models_with_aliases(), list[llm.EmbeddingModelWithAliases])
    assert_type(llm.get_default_embedding_model(), str | None)
    assert_type(llm.decode(llm.encode([0.5])), tuple[float, ...])
    assert_type(llm.cosine_similarity([1.0], [0.5]), float)
    conversation = llm.Conversation(llm.get_model(), name="Birds", loaded_messages=[llm.user("Hi")])
    assert_type(conversation.id, str)
    assert_type(conversation.loaded_messages, list[llm.Message] | None)
    try:
        llm.OpenAIChat("m", base_url="http://localhost:8080/v1", vision=True).prompt("Hi").text()
    except llm.IncompleteResponse as error:
        assert_type(error.partial, list[llm.Message])
        assert_type(error.partial_text, str)
    except llm.ProviderError as error:
        assert_type(error.status, int | None)


class Frame:
    columns = ("text",)


def rows_of_tables(frame: Frame) -> None:
    rows = [{"text": "a"}, {"text": "b"}]
    assert_type(llm.map_rows(rows, "Classify: {{ text }}", schema="label"), list[dict[str, Any]])
    assert_type(llm.map_rows(["a", "b"], "{{ text }}", limit_cost=1.5), list[dict[str, Any]])
    assert_type(llm.map_rows(iter(rows), "{{ text }}", concurrency=4), Iterator[dict[str, Any]])
    assert_type(llm.map_rows(frame, "{{ text }}", model="gpt-5-mini", sample=20), Frame)


async def rows_of_tables_async(frame: Frame) -> None:
    assert_type(await llm.amap_rows(["a"], "{{ text }}"), list[dict[str, Any]])
    assert_type(await llm.amap_rows(iter(["a"]), "{{ text }}"), AsyncIterator[dict[str, Any]])
    assert_type(await llm.amap_rows(frame, "{{ text }}"), Frame)


class Markov(llm.Model):
    model_id = "markov"
    can_stream = True

    class Options(llm.Options):
        length: int | None = None

    def execute(
        self, prompt: llm.Prompt, stream: bool, response: llm.Response, conversation: llm.Conversation | None
    ) -> Iterator[str]:
        yield prompt.prompt
        response.set_usage(input=1, output=1)


class AsyncMarkov(llm.AsyncModel):
    model_id = "markov"

    async def execute(
        self, prompt: llm.Prompt, stream: bool, response: llm.AsyncResponse, conversation: llm.AsyncConversation | None
    ) -> AsyncIterator[str | llm.StreamEvent]:
        yield llm.StreamEvent("reasoning", "Hm")
        yield prompt.prompt


def own_models() -> None:
    assert_type(Markov().prompt("Hi"), llm.Response)
    assert_type(AsyncMarkov().prompt("Hi", length=3), llm.AsyncResponse)
