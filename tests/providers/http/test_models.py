"""Models behind HTTP: where their requests go, and their keys, which no message, repr or traceback shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.keys import Secret
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, refusal, sse, text_reply

ROOT = Path(llm.__file__).parents[1]
KEY = "sk-proj-very-secret-0123456789"
pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


@pytest.mark.parametrize(
    "reply",
    [
        refusal(401, f"Incorrect API key provided: {KEY}."),
        Reply([sse({"error": {"message": f"Bad key {KEY}"}})]),
        Reply([f"data: {KEY}\n\n".encode()]),
        Reply([f"no JSON {KEY}".encode()], content_type="application/json"),
        Reply([f"Bearer {KEY}".encode()], 400, content_type="text/plain"),
    ],
    ids=["status", "stream", "no chunk", "no JSON", "plain"],
)
def test_a_key_that_the_server_repeats_is_not_shown(face: Face, openai_server: OpenAIServer, reply: Reply) -> None:
    openai_server.play(reply)
    error = face.error_of(face.openai(openai_server.base_url, key=KEY))
    assert KEY not in str(error)
    assert KEY not in repr(error)
    assert "…" in str(error)


def test_the_environment_may_name_a_gateway_before_openai(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OpenAIServer()
    monkeypatch.setenv("OPENAI_BASE_URL", f"{openai_server.base_url}/")
    openai_server.play(text_reply("from the gateway"))
    other.play(text_reply("from its own server"))
    assert face.text(face.openai(None, key=KEY).prompt("Hi")) == "from the gateway"
    assert face.text(face.openai(other.base_url, key=KEY).prompt("Hi")) == "from its own server"
    assert [request.path for request in openai_server.requests] == ["/v1/chat/completions"]
    other.stop()


def test_a_gateway_that_is_not_an_address_is_an_error_and_nothing_is_sent(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "gateway.example")
    error = face.error_of(face.openai(None, key=KEY))
    assert "OPENAI_BASE_URL must be an address such as https://" in str(error)
    assert "nothing was sent" in str(error)


@pytest.mark.parametrize("value", ["sk-\nsecret-part", "sk-ésecret-part", "sk-\x7fsecret-part"])
def test_a_key_that_cannot_be_sent_is_not_shown(face: Face, openai_server: OpenAIServer, value: str) -> None:
    for arguments in ({"key": value}, {"headers": {"x-key": value}}):
        error = face.error_of(face.openai(openai_server.base_url, **arguments))
        assert "cannot be sent; nothing was sent" in str(error)
        assert "secret-part" not in str(error)
    assert openai_server.requests == []


SCRIPT = """
import asyncio, os, sys
from unittest.mock import patch
from IPython.core.interactiveshell import InteractiveShell
import llm_notebook as llm
from llm_notebook.configuration.keys import get_key, set_key
set_key("openai", sys.stdin.readline().strip())
shell = InteractiveShell.instance()
shell.run_line_magic("xmode", sys.argv[2])
shell.run_line_magic("colors", "NoColor")
for cell in open(sys.argv[1]).read().split("# ---"):
    shell.run_cell(cell)
print("END")
"""

CELLS = """
import asyncio, httpx, llm_notebook as llm
from llm_notebook.configuration.keys import get_key
server = {base_url!r}
model = llm.OpenAIChat("m", base_url=server, needs_key="openai")
amodel = llm.AsyncOpenAIChat("m", base_url=server, needs_key="openai")
# ---
model.prompt("Hi").text()
# ---
model.prompt("Hi", nonsense=1)
# ---
model.prompt("Hi", key=get_key("openai"), nonsense=1)
# ---
model.prompt("Hi", key=get_key("openai"), temperature=1, options=dict(temperature=1))
# ---
from unittest.mock import patch
for KIND in (KeyboardInterrupt, asyncio.CancelledError, httpx.LocalProtocolError, OSError):
    def breaking(method, target, headers):
        raw = headers
        raise KIND("stop")
    def fails(run):
        import IPython
        try:
            run()
        except BaseException:
            IPython.get_ipython().showtraceback()
            import traceback
            traceback.print_exc()
    with patch("llm_notebook.providers.http.sockets.requests._head", breaking):
        for response in (model.prompt("Hi"), model.prompt("Hi", key=get_key("openai"))):
            fails(response.text)
            fails(response.text)
        for response in (amodel.prompt("Hi"), amodel.prompt("Hi", key=get_key("openai"))):
            fails(lambda: asyncio.run(response.text()))
# ---
response = model.prompt("Hi")
response.on_done(lambda done: 1 / 0)
response.text()
# ---
model, amodel, response, vars(model), vars(response), vars(response.prompt)
"""


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
def test_no_traceback_shows_the_key(mode: str, openai_server: OpenAIServer, tmp_path: Path) -> None:
    openai_server.play(refusal(401, f"Incorrect API key provided: {KEY}"), text_reply("ok"))
    (tmp_path / "cells.py").write_text(CELLS.replace("{base_url!r}", repr(openai_server.base_url)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "cells.py"), mode],
        cwd=ROOT,
        input=KEY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.stdout.endswith("END\n"), output
    assert KEY not in output
    for expected in ("ProviderError", "ValidationError", "TypeError", "KeyboardInterrupt", "ZeroDivisionError"):
        assert expected in output
    assert len(openai_server.requests) == 2
    assert openai_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_reprs_do_not_show_the_key(openai_server: OpenAIServer) -> None:
    model = llm.OpenAIChat("m", base_url=openai_server.base_url, key=KEY, headers={"x-key": KEY})
    response = model.prompt("Hi", key=KEY)
    request, _, _ = model._exchange(response.prompt, True, KEY)
    shown = [model, vars(model), response, vars(response), request, json.loads(request.body)]
    assert KEY not in repr(shown)
    assert isinstance(model.get_key(), Secret)


@pytest.mark.parametrize(
    ("class_name", "address", "path"),
    [
        ("OpenAIChat", "/openai/deployments/foo?api-version=2024-10-21", "/openai/deployments/foo/chat/completions?api-version=2024-10-21"),
        ("OpenAIChat", "/v1/?a=1&b=2", "/v1/chat/completions?a=1&b=2"),
        ("OpenAIResponses", "/openai/v1?api-version=preview", "/openai/v1/responses?api-version=preview"),
        ("AnthropicMessages", "/v1?team=blue", "/v1/messages?team=blue"),
        ("GeminiModel", "/v1beta?team=blue", "/v1beta/models/m:streamGenerateContent?team=blue&alt=sse"),
        ("Ollama", "?team=blue", "/api/chat?team=blue"),
    ],
)  # fmt: skip
def test_the_query_of_an_address_stays_behind_the_path(
    face: Face, openai_server: OpenAIServer, class_name: str, address: str, path: str
) -> None:
    openai_server.play(refusal(400))
    root = openai_server.base_url.removesuffix("/v1")
    face.error_of(face.of(class_name, f"{root}{address}", "m"))
    assert openai_server.requests[0].path == path


def test_an_address_with_a_fragment_is_none() -> None:
    with pytest.raises(ValueError, match="base_url must be an address"):
        llm.OpenAIChat("m", base_url="http://localhost:8080/v1#here")


@pytest.mark.parametrize(
    ("class_name", "model", "options", "further", "expected"),
    [
        ("Ollama", {}, {"temperature": 0}, {"options": {"mirostat": 1}}, {"options": {"temperature": 0, "mirostat": 1}}),
        ("OpenAIResponses", {"reasoning": True}, {"reasoning_effort": "high"}, {"reasoning": {"summary": "detailed"}}, {"reasoning": {"effort": "high", "summary": "detailed"}}),
        ("OpenAIResponses", {"reasoning": True}, {}, {"include": ["message.output_text.logprobs"]}, {"include": ["message.output_text.logprobs", "reasoning.encrypted_content"]}),
        ("OpenAIResponses", {}, {"verbosity": "low"}, {"text": {"format": {"type": "text"}}}, {"text": {"verbosity": "low", "format": {"type": "text"}}}),
        ("AnthropicMessages", {"thinking": "default"}, {"thinking_effort": "low"}, {"output_config": {"task_budget": 9}}, {"output_config": {"effort": "low", "task_budget": 9}}),
        ("AnthropicMessages", {"thinking": "adaptive"}, {"thinking": True}, {"thinking": {"type": "disabled"}}, {"thinking": {"type": "disabled"}}),
        ("OpenAIChat", {"reasoning": True, "dialect": "openrouter"}, {"reasoning_effort": "high"}, {"reasoning": {"exclude": True}}, {"reasoning": {"effort": "high", "exclude": True}}),
        ("OpenAIChat", {}, {}, {"stream_options": {"include_obfuscation": False}}, {"stream_options": {"include_usage": True, "include_obfuscation": False}}),
        ("GeminiModel", {}, {"temperature": 0}, {"generationConfig": {"speechConfig": {}}}, {"generationConfig": {"temperature": 0.0, "speechConfig": {}}}),
        ("GeminiModel", {}, {"tool_choice": "any"}, {"toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": True}}}, {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "streamFunctionCallArguments": True}}}),
        ("OpenAIChat", {}, {"max_tokens": 5}, {"max_tokens": 9}, {"max_tokens": 9}),
    ],
)  # fmt: skip
def test_extra_body_drops_nothing_that_stands_beside_it(
    face: Face, openai_server: OpenAIServer, class_name: str, model: Any, options: Any, further: Any, expected: Any
) -> None:
    openai_server.play(refusal(400))
    if "reasoning_effort" not in options and class_name == "OpenAIResponses":
        model = {"reasoning": True, **model}
    asked = face.of(class_name, openai_server.base_url, "m", max_retries=0, **model)
    with pytest.raises(llm.ProviderError):
        face.text(asked.prompt("Hi", extra_body=further, **options))
    body = openai_server.requests[0].json()
    for name, value in expected.items():
        found = body[name]
        assert sorted(found) == sorted(value) if isinstance(value, list) else found == value


@pytest.mark.parametrize("class_name", ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel"])
def test_tools_in_extra_body_stand_beside_those_of_the_prompt(
    face: Face, openai_server: OpenAIServer, class_name: str
) -> None:
    def now() -> str:
        return "noon"

    openai_server.play(refusal(400))
    theirs = {"type": "web_search"}
    with pytest.raises(llm.ProviderError):
        model = face.of(class_name, openai_server.base_url, "m", max_retries=0)
        face.text(model.prompt("Hi", tools=[now], extra_body={"tools": [theirs]}))
    tools = openai_server.requests[0].json()["tools"]
    assert len(tools) == 2
    assert theirs in tools


WIRES = ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel", "Ollama"]
SEVERAL = [
    {"n": 2},
    {"best_of": "2"},
    {"candidate_count": 2},
    {"generationConfig": {"candidateCount": 2, "seed": 1}},
    {"generation_config": {"candidate_count": 2}},
]


@pytest.mark.parametrize("class_name", WIRES)
@pytest.mark.parametrize("option", ["n", "best_of", "candidate_count", "candidateCount"])
def test_several_answers_are_refused(face: Face, openai_server: OpenAIServer, class_name: str, option: str) -> None:
    model = face.of(class_name, openai_server.base_url, "m", max_retries=0)
    with pytest.raises(
        ValueError, match=f"{option}=2 asks for several answers, and a prompt has one: ask several times"
    ):
        face.text(model.prompt("Hi", options={option: 2}))
    assert openai_server.requests == []


@pytest.mark.parametrize("class_name", WIRES)
@pytest.mark.parametrize("further", SEVERAL, ids=lambda further: next(iter(further)))
def test_several_answers_are_never_asked_for(
    face: Face, openai_server: OpenAIServer, class_name: str, further: Any
) -> None:
    openai_server.play(refusal(400))
    model = face.of(class_name, openai_server.base_url, "m", max_retries=0)
    with pytest.warns(UserWarning, match="=2 is not sent: a prompt has one answer"), pytest.raises(llm.ProviderError):
        face.text(model.prompt("Hi", extra_body=further))
    sent = openai_server.requests[0].body.decode().lower().replace("_", "")
    assert not any(f'"{name}"' in sent for name in ("n", "bestof", "candidatecount"))
    assert ('"seed"' in sent) is ("seed" in str(further))
