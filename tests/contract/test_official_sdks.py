"""The providers' own libraries and this package read the same answer from the same bytes of the same server."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from google import genai

import llm_notebook as llm
from tests.fakes import anthropic_answers, gemini_answers
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply

Seen = dict[str, Any]


def whole_or_streamed(transcript: Any) -> Reply:
    return Reply([transcript]) if isinstance(transcript, bytes) else Reply.of_json(transcript)


def ours(face: Face, model: Any, *, stream: bool) -> Seen:
    response = model.prompt("Hi", stream=stream)
    text = face.text(response)
    parts = [part for message in face.do(response.messages()) for part in message.parts]
    calls = [part for part in parts if isinstance(part, llm.ToolCallPart)]
    usage = face.do(response.usage())
    return {
        "text": text,
        "reasoning": "".join(part.text for part in parts if isinstance(part, llm.ReasoningPart)),
        "calls": [(call.name, call.arguments) for call in calls],
        "usage": (usage.input, usage.output),
        "model": response.resolved_model,
    }


def of_anthropic(client: anthropic.Anthropic, *, stream: bool) -> Seen:
    asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    if stream:
        with client.messages.stream(**asked) as streamed:
            message = streamed.get_final_message()
    else:
        message = client.messages.create(**asked)
    usage = message.usage
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return {
        "text": "".join(block.text for block in message.content if block.type == "text"),
        "reasoning": "".join(block.thinking for block in message.content if block.type == "thinking"),
        "calls": [
            (block.name, block.input) for block in message.content if block.type in ("tool_use", "server_tool_use")
        ],
        "usage": (usage.input_tokens + cached, usage.output_tokens),
        "model": message.model,
    }


def of_google(client: genai.Client, *, stream: bool) -> Seen:
    asked: Any = {"model": "m", "contents": "Hi"}
    chunks = [*client.models.generate_content_stream(**asked)] if stream else [client.models.generate_content(**asked)]
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or []
        for part in (candidate.content.parts if candidate.content else None) or []
    ]
    usages = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata is not None]

    def last(name: str) -> int:
        counted = [getattr(usage, name) for usage in usages if getattr(usage, name) is not None]
        return counted[-1] if counted else 0

    return {
        "text": "".join(part.text or "" for part in parts if not part.thought),
        "reasoning": "".join(part.text or "" for part in parts if part.thought),
        "calls": [
            (part.function_call.name, part.function_call.args or {}) for part in parts if part.function_call is not None
        ],
        "usage": (
            last("prompt_token_count") + last("tool_use_prompt_token_count"),
            last("candidates_token_count") + last("thoughts_token_count"),
        ),
        "model": chunks[-1].model_version,
    }


MESSAGES = {name: one for name, one in anthropic_answers.TRANSCRIPTS.items() if "error" not in name}


@pytest.mark.parametrize("name", [*MESSAGES, "whole"])
def test_messages(face: Face, openai_server: OpenAIServer, name: str) -> None:
    transcript = MESSAGES.get(name, anthropic_answers.WHOLE)
    openai_server.play(whole_or_streamed(transcript), whole_or_streamed(transcript))
    stream = name != "whole"
    root = openai_server.base_url.removesuffix("/v1")
    theirs = of_anthropic(anthropic.Anthropic(base_url=root, api_key="k", max_retries=0), stream=stream)
    model = face.of("AnthropicMessages", openai_server.base_url, "m", key="k", max_output=9)
    assert ours(face, model, stream=stream) == theirs
    official, own = openai_server.requests
    assert own.path == official.path
    # The API takes a key in either header. We send the older one, since servers that imitate the API often know only that.
    assert f"Bearer {own.headers['x-api-key']}" == official.headers["authorization"]
    blocks = [{"type": "text", "text": "Hi"}]
    assert own.json() == official.json() | {"messages": [{"role": "user", "content": blocks}]}


# Google's library does not count the provider's own tools among the function calls, but here they are calls too.
GENERATED = {
    name: one
    for name, one in gemini_answers.TRANSCRIPTS.items()
    if "error" not in name and name not in ("code", "searched")
}


@pytest.mark.parametrize("name", [*GENERATED, "whole"])
def test_generate_content(face: Face, openai_server: OpenAIServer, name: str) -> None:
    transcript = GENERATED.get(name, gemini_answers.WHOLE)
    openai_server.play(whole_or_streamed(transcript), whole_or_streamed(transcript))
    stream = name != "whole"
    root, _, version = openai_server.base_url.rpartition("/")
    options = genai.types.HttpOptions(base_url=root, api_version=version)
    theirs = of_google(genai.Client(api_key="k", http_options=options), stream=stream)
    model = face.of("GeminiModel", openai_server.base_url, "m", key="k")
    seen = ours(face, model, stream=stream)
    assert seen | {"usage": tuple(count or 0 for count in seen["usage"])} == theirs
    official, own = openai_server.requests
    assert own.path == official.path
    assert own.headers["x-goog-api-key"] == official.headers["x-goog-api-key"]
    assert own.json()["contents"] == official.json()["contents"]
