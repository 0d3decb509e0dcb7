"""Strange answers: whatever a server sends, the decoder of every wire format returns items or raises one clear error."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_notebook.providers.anthropic.answers import MessagesDecoder
from llm_notebook.providers.gemini.answers import GenerateContentDecoder
from llm_notebook.providers.http.answers.decoding import StreamDecoder
from llm_notebook.providers.ollama.answers import OllamaDecoder
from llm_notebook.providers.openai.chat_answers import ChatDecoder
from llm_notebook.providers.openai.responses_answers import ResponsesDecoder
from tests.fakes import anthropic_answers, gemini_answers
from tests.fakes.openai_server import delta_chunk, sse, usage_chunk
from tests.fakes.responses import (
    call_item,
    finished,
    item_events,
    message_item,
    reasoning_item,
    started,
    stream_of,
    text_events,
)
from tests.providers.outcomes import outcome

SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
CALL = call_item("call_a", "f", '{"x": 1}')
RESPONSES = [
    started(),
    *item_events(0, reasoning_item("Hm.")),
    *item_events(1, SEARCH),
    *text_events(2, "a", "b"),
    *item_events(3, CALL),
    finished(reasoning_item("Hm."), SEARCH, message_item("ab"), CALL),
]
CHAT = [
    delta_chunk({"role": "assistant", "content": "a", "reasoning_details": [{"type": "t", "index": 0, "text": "x"}]}),
    delta_chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "signature": "s"}]}),
    delta_chunk({"tool_calls": [{"index": 0, "id": "call_a", "function": {"name": "f", "arguments": "{}"}}]}),
    delta_chunk({}, "tool_calls"),
    usage_chunk(1, 2, prompt_tokens_details={"cached_tokens": 1}),
]
MESSAGES = [
    anthropic_answers.start(),
    *anthropic_answers.THOUGHT,
    *anthropic_answers.WITHHELD,
    *(event for one in anthropic_answers.SEARCHED for event in one),
    *anthropic_answers.call_block(4, "toolu_01", "f", '{"x":', "1}"),
    *anthropic_answers.end("tool_use", usage={"output_tokens_details": {"thinking_tokens": 4}}),
]
GEMINI = [
    gemini_answers.chunk({"text": "Hm", "thought": True}),
    gemini_answers.chunk({"text": "a"}, {"text": "b", "thoughtSignature": "s"}),
    gemini_answers.chunk({"executableCode": {"language": "PYTHON", "code": "1"}}),
    gemini_answers.chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
    gemini_answers.chunk({"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}, "thoughtSignature": "s"}),
    gemini_answers.chunk(reason="STOP", usage=gemini_answers.THOUGHTS, groundingMetadata=gemini_answers.GROUNDED),
]
OLLAMA: list[dict[str, Any]] = [
    {"model": "m", "message": {"role": "assistant", "content": "a", "thinking": "Hm"}, "done": False},
    {"model": "m", "message": {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}]}},
    {"model": "m", "message": {"content": ""}, "done": True, "eval_count": 3, "prompt_eval_count": 4},
]


def lines(*items: Any) -> bytes:
    return "".join(f"{json.dumps(item)}\n" for item in items).encode()


WIRES: dict[str, tuple[Callable[..., StreamDecoder], list[Any], Callable[..., bytes]]] = {
    "messages": (partial(MessagesDecoder, model_name="claude-1"), MESSAGES, anthropic_answers.events),
    "gemini": (GenerateContentDecoder, GEMINI, gemini_answers.sse),
    "responses": (ResponsesDecoder, RESPONSES, stream_of),
    "chat": (ChatDecoder, CHAT, sse),
    "ollama": (OllamaDecoder, OLLAMA, lines),
}
strange_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=5), values, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Yield the path to every value inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))][bool(not path) :]


@st.composite
def spoilt(draw: st.DrawFn, events: list[Any]) -> list[Any]:
    """Generate the events with one value in them replaced or left out."""
    changed: Any = copy.deepcopy(events)
    *way, last = draw(st.sampled_from([place for place in places(events) if len(place) > 1]))
    target = changed
    for key in way:
        target = target[key]
    if draw(st.booleans()):
        target[last] = draw(strange_values)
    elif isinstance(target, dict):
        del target[last]
    return list(changed)


@pytest.mark.parametrize("wire", WIRES)
@given(data=st.data())
@settings(max_examples=300)
def test_one_value_that_is_not_what_it_should_be(wire: str, data: st.DataObject) -> None:
    decoder, events, written = WIRES[wire]
    found = outcome(decoder("m"), written(*data.draw(spoilt(events))))
    assert found["error"] is None or "\n" not in found["error"][1]


@pytest.mark.parametrize("wire", WIRES)
@given(data=st.data())
@settings(max_examples=150)
def test_one_value_of_a_whole_answer_that_is_not_what_it_should_be(wire: str, data: st.DataObject) -> None:
    decoder, events, written = WIRES[wire]
    whole = outcome(decoder("m"), written(*events))["json"]
    [body] = data.draw(spoilt([whole]))
    outcome(decoder("m", stream=False), json.dumps(body).encode())


@pytest.mark.parametrize("wire", WIRES)
@given(st.lists(st.binary(max_size=40), max_size=5), st.booleans())
def test_bytes_that_mean_nothing(wire: str, pieces: list[bytes], stream: bool) -> None:
    outcome(WIRES[wire][0]("m", stream=stream), *pieces)
