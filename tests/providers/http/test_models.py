"""Models behind HTTP: where their requests go, and their keys, which no message, repr or traceback shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
    def breaking(self, request):
        raw = request.headers.raw
        raise KIND("stop", len(raw))
    def fails(run):
        import IPython
        try:
            run()
        except BaseException:
            IPython.get_ipython().showtraceback()
            import traceback
            traceback.print_exc()
    with patch("httpx.HTTPTransport.handle_request", breaking), patch("httpx.AsyncHTTPTransport.handle_async_request", breaking):
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
