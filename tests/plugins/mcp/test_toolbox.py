"""`mcp_toolbox()` works with a real MCP server, over stdio in a process of its own and over HTTP on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import ToolResultPart
from llm_notebook.plugins.mcp.toolbox import MCPToolbox, _without_secrets
from tests.fakes.faces import Face, asks
from tests.plugins.mcp.server import PIXEL

SERVER = str(Path(__file__).with_name("server.py"))
COMMAND = [sys.executable, SERVER, "stdio"]
PATIENCE = 30.0


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of the server, running over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, SERVER, "http", str(port)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module", params=["stdio", "http"])
def box(request: pytest.FixtureRequest) -> Iterator[MCPToolbox]:
    """A toolbox for the server, over both transports, whose one connection both faces use."""
    if request.param == "stdio":
        made = llm.mcp_toolbox(COMMAND, env={"SECRET": "s3cret"})
    else:
        made = llm.mcp_toolbox(url=request.getfixturevalue("address"), headers={"X-Secret": "s3cret"})
    with made:
        yield made


def _results(face: Face, box: Any, *calls: tuple[str, dict[str, Any]], **flags: Any) -> list[ToolResultPart]:
    """What tools gave a model that asks for these calls."""
    asked = [llm.ToolCall(name, arguments, str(number)) for number, (name, arguments) in enumerate(calls)]
    model = face.rounds(asks(*asked), "done", **flags)
    assert face.text(model.chain("Hi", tools=[box])) == "done"
    return [part for part in model.requests[-1].messages[-1].parts if isinstance(part, ToolResultPart)]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_its_tools_run_and_their_names_fit_every_provider(face: Face, box: MCPToolbox) -> None:
    results = _results(
        face, box, ("add", {"a": 1, "b": "2"}), ("look_up", {"word": "x"}), ("weather", {"place": "Rome"})
    )
    assert [result.output.replace("\n", "").replace(" ", "") for result in results] == [
        "3",
        "X",
        '{"place":"Rome","degrees":21.5}',
    ]
    tools = {tool.name: tool for tool in box.tools()}
    assert tools["look_up"].description == "A name that providers refuse."
    assert tools["add"].input_schema["required"] == ["a", "b"]
    assert "close" not in " ".join(tools)


def test_images_arrive_as_attachments(face: Face, box: MCPToolbox) -> None:
    (result,) = _results(face, box, ("picture", {}), attachment_types={"image/png"})
    assert result.output == "One pixel"
    assert result.attachments == [Attachment(type="image/png", content=PIXEL)]


def test_failures_are_results_that_the_model_reads(face: Face, box: MCPToolbox) -> None:
    failed, wrong = _results(face, box, ("fail", {"why": "no such bird"}), ("add", {"a": "x"}))
    assert failed.output == "Error: Error executing tool fail: no such bird"
    assert failed.exception == "ModelError: Error executing tool fail: no such bird"
    assert "b" in wrong.output
    assert "a: expected" in wrong.output


def test_each_call_can_be_approved(face: Face, box: MCPToolbox, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    model = face.rounds(asks(llm.ToolCall("erase", {"path": str(path)}, "1")), "done")
    face.do(box.prepare_async()) if face.is_async else asyncio.run(box.prepare_async())
    erase = next(tool for tool in box.tools() if tool.name == "erase")
    with pytest.raises(llm.PauseChain) as caught:
        face.text(model.chain("Hi", tools=[llm.require_approval(erase)]))
    assert path.exists()
    assert caught.value.request.arguments == {"path": str(path)}
    assert face.text(caught.value.approve()) == "done"
    assert not path.exists()


def test_secrets_reach_the_server_and_no_record(face: Face, box: MCPToolbox) -> None:
    over_http = box.configuration["url"] is not None
    call = ("header", {"name": "X-Secret"}) if over_http else ("environment", {"name": "SECRET"})
    (result,) = _results(face, box, call)
    assert result.output == "s3cret"
    assert "s3cret" not in repr(box.configuration) + repr(box) + repr(vars(box))
    assert box.configuration["headers" if over_http else "env"] == ["X-Secret" if over_http else "SECRET"]


def test_a_whole_toolbox_can_be_approved_and_consent_is_to_its_command(face: Face) -> None:
    def boxed(**given: Any) -> MCPToolbox:
        return llm.require_approval(llm.mcp_toolbox(COMMAND, **given))

    def asked(box: MCPToolbox) -> tuple[Any, llm.PauseChain]:
        model = face.rounds(asks(llm.ToolCall("add", {"a": 1, "b": 2}, "1")), "done")
        with pytest.raises(llm.PauseChain) as caught:
            face.text(model.chain("Hi", tools=[box]))
        return model, caught.value

    with boxed() as first, boxed(env={"MODE": "other"}) as other, boxed() as again:
        _, pause = asked(first)
        pause.approve()
        with pytest.raises(llm.PauseChain):
            face.text(pause.resume(tools=[other]))
        model, pause = asked(first)
        loaded = llm.load_pause(pause.to_dict(), model=model, tools=[again])
        loaded.approve()
        assert face.text(loaded.resume(tools=[again])) == "done"
    assert model.requests[-1].messages[-1].parts[0].output == "3"


def test_a_server_that_dies_is_told_of_and_started_again(face: Face) -> None:
    with llm.mcp_toolbox(COMMAND) as box:
        (crashed,) = _results(face, box, ("crash", {}))
        assert "broke before it answered; whether it did what was asked is not known." in crashed.output
        assert "server: I am done for" in crashed.output
        (result,) = _results(face, box, ("add", {"a": 1, "b": 1}))
        assert result.output == "2"


def test_a_call_that_takes_too_long_is_given_up(face: Face, address: str) -> None:
    with llm.mcp_toolbox(url=address, timeout=2) as box:
        slow, after = _results(face, box, ("wait", {"seconds": 60}), ("add", {"a": 1, "b": 1}))
    assert "did not answer within 2 seconds: give mcp_toolbox() a larger timeout=." in slow.output
    assert after.output == "2"


def test_a_call_that_is_stopped_leaves_the_connection_usable(face: Face, box: MCPToolbox) -> None:
    model = face.rounds(asks(llm.ToolCall("wait", {"seconds": 60}, "1")), "done")
    chain = model.chain("Hi", tools=[box])
    if face.is_async:
        with pytest.raises(TimeoutError):
            face.do(asyncio.wait_for(chain.text(), 1))
    else:
        threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            face.text(chain)
    (result,) = _results(face, box, ("add", {"a": 1, "b": 1}))
    assert result.output == "2"


@pytest.mark.parametrize("how", ["close", "with", "forgotten"])
def test_the_server_ends_with_its_toolbox(how: str) -> None:
    box: MCPToolbox | None = llm.mcp_toolbox(COMMAND)
    assert box is not None
    (result,) = _results(Face(), box, ("process", {}))
    process = int(result.output)
    assert _is_alive(process)
    if how == "close":
        box.close()
    elif how == "with":
        with box:
            pass
    del box

    def has_ended() -> bool:
        # The thread of the connection may hold the last call for a moment longer.
        gc.collect()
        return not _is_alive(process)

    _wait_for(has_ended)


def test_the_server_ends_with_the_interpreter() -> None:
    script = f"""
import llm_notebook as llm
from tests.fakes.faces import Face
from tests.plugins.mcp.test_toolbox import _results
box = llm.mcp_toolbox({COMMAND!r})
print(_results(Face(), box, ("process", {{}}))[0].output)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not _is_alive(int(done.stdout))


def test_two_servers_can_have_tools_of_the_same_name(face: Face) -> None:
    with llm.mcp_toolbox(COMMAND, name="one") as one, llm.mcp_toolbox(COMMAND, name="two") as two:
        model = face.rounds(
            asks(llm.ToolCall("one_add", {"a": 1, "b": 1}, "1"), llm.ToolCall("two_add", {"a": 2, "b": 2}, "2")), "done"
        )
        assert face.text(model.chain("Hi", tools=[one, two])) == "done"
    assert [part.output for part in model.requests[-1].messages[-1].parts] == ["2", "4"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"command": "no-such-program-anywhere --x"},
            "no-such-program-anywhere --x could not be started ([Errno 2] No such file",
        ),
        ({"command": [sys.executable, "-c", "import sys; sys.exit('I need a key')"]}, "It last said: 'I need a key'."),
        (
            {"command": [sys.executable, "-c", "import time; time.sleep(60)"], "timeout": 0.5},
            "no answer within 0.5 seconds",
        ),
        ({"url": "http://127.0.0.1:9/mcp"}, "The MCP server http://127.0.0.1:9/mcp could not be reached"),
    ],
)
def test_a_server_that_cannot_be_had_is_one_sentence(face: Face, given: dict[str, Any], said: str) -> None:
    model = face.rounds("done")
    with pytest.raises(llm.ModelError) as caught:
        face.text(model.chain("Hi", tools=[llm.mcp_toolbox(**given)]))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either a command"),
        ({"command": "x", "url": "http://x"}, "either a command"),
        ({"command": "x", "headers": {"a": "b"}}, "in env="),
        ({"url": "http://x", "env": {"a": "b"}}, "give headers="),
        ({"url": "http://x", "cwd": "/"}, "give headers="),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        llm.mcp_toolbox(**given)


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(llm.ModelError, match=r"pip install 'jupyter-llm-notebook\[mcp\]'"):
        llm.mcp_toolbox("x")


def test_with_too_old_a_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_notebook.plugins.mcp.connection", None)
    with pytest.raises(llm.ModelError, match=r"needs a newer package mcp .*: pip install -U"):
        llm.mcp_toolbox("x")


def test_an_address_is_recorded_without_its_secrets() -> None:
    assert _without_secrets("https://me:pw@example.com:1/mcp?key=s3cret&a=") == "https://example.com:1/mcp?key&a"
    assert _without_secrets(None) is None


def test_nothing_of_mcp_is_imported_before_a_toolbox_is_made() -> None:
    script = "import sys, llm_notebook as llm; llm.mcp_toolbox; print('mcp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
