"""The llama.cpp server starts, answers, and stops."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.peers.llama_server import LlamaServer

pytestmark = pytest.mark.model


def _chat(server: LlamaServer, key: str | None = None, **fields: Any) -> dict[str, Any]:
    headers = {"content-type": "application/json"} | ({} if key is None else {"authorization": f"Bearer {key}"})
    body = {"messages": [{"role": "user", "content": "Name a bird."}], "max_tokens": 40, **fields}
    request = urllib.request.Request(f"{server.base_url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as reply:
        answer: dict[str, Any] = json.loads(reply.read())
        return answer


def test_the_plain_server_answers_under_its_alias(llama_server):
    answer = _chat(llama_server, max_tokens=5, temperature=0)
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["model"] == "smollm2"


def test_the_reasoning_server_reasons(reasoning_server):
    message = _chat(reasoning_server)["choices"][0]["message"]
    assert message["reasoning_content"]


def test_the_tool_server_calls_the_tool(tool_server):
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather in a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
    biased = {"tool_choice": "required", "logit_bias": {"107": 9, "39428": 9}, "temperature": 0}
    (call,) = _chat(tool_server, tools=[tool], max_tokens=100, **biased)["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert isinstance(json.loads(call["function"]["arguments"]), dict)


def test_a_server_with_a_key_asks_for_it_and_ends_with_its_block(weights):
    with LlamaServer(weights, api_key="secret", context_tokens=512) as server:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _chat(server)
        assert _chat(server, "secret", max_tokens=2)["choices"]
    with pytest.raises(urllib.error.URLError):
        _chat(server, "secret")


def test_a_server_that_is_not_waited_for_says_that_it_loads(weights):
    with LlamaServer(weights, wait=False, context_tokens=512) as server:
        server.wait_until_ready()
        assert _chat(server, max_tokens=2)["choices"]


def test_a_server_that_cannot_start_says_why(tmp_path):
    pytest.importorskip("xllamacpp")
    with pytest.raises(RuntimeError, match="did not start"):
        LlamaServer(tmp_path / "missing.gguf").__enter__()
