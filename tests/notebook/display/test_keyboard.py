"""Approvals by keyboard: in a terminal IPython, and with `--wait` in a notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import OpenAIServer, call_reply, calls_reply, text_reply
from tests.notebook.display.test_terminal import Terminal, ipython
from tests.notebook.kernels import Kernel

__all__ = ["ipython"]

TOOL = '''
import llm_notebook as llm

@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    with open({ran!r}, "a") as file:
        print(path, file=file)
    return "erased " + path

def tidy(path: str) -> str:
    """Let a helper tidy up."""
    return llm.get_model("scripted").chain("Erase " + path, tools=[erase]).text()
'''


class Asking:
    """A terminal with a tool that needs approval.

    Args:
        terminal: an IPython with the model `scripted`.
        server: plays the model.
        folder: where the tool's module and its traces are.
    """

    def __init__(self, terminal: Terminal, server: OpenAIServer, folder: Path) -> None:
        self.terminal = terminal
        self.server = server
        self._ran = folder / "ran"
        (folder / "tools_of_terminal.py").write_text(TOOL.format(ran=str(self._ran)))
        terminal.say(f"import sys; sys.path.insert(0, {str(folder)!r}); from tools_of_terminal import erase, tidy")
        terminal.prompt()

    @property
    def ran(self) -> list[str]:
        return self._ran.read_text().split() if self._ran.exists() else []

    def ask(self, *paths: str) -> str:
        """Have the model ask for calls, one after the other. Return what is written up to the question."""
        calls = [call_reply("erase", json.dumps({"path": path}), f"call_{path[1:]}") for path in paths]
        self.server.play(*calls, text_reply("All done."))
        self.terminal.say("%llm -m scripted -T erase Tidy up")
        return self.question()

    def ask_at_once(self, *paths: str) -> str:
        """Have the model ask for calls in one answer. Return what is written up to the first question."""
        calls = [("erase", json.dumps({"path": path}), f"call_{path[1:]}") for path in paths]
        self.server.play(calls_reply(calls), text_reply("All done."))
        self.terminal.say("%llm -m scripted -T erase Tidy up")
        return self.question()

    def results(self) -> list[Any]:
        """Return the tool results in the latest request to the model."""
        messages = self.server.requests[-1].json()["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]

    def question(self) -> str:
        return self.terminal.until("q later: ")

    def type(self, *lines: str) -> str:
        """Type lines. Return what is written up to the next input prompt."""
        for line in lines:
            self.terminal.say(line)
        return self.terminal.prompt()

    def latest_result(self) -> Any:
        """Return the latest tool result that the model was sent."""
        return [
            message["content"] for message in self.server.requests[-1].json()["messages"] if message["role"] == "tool"
        ][-1]


@pytest.fixture
def asking(ipython: Terminal, openai_server: OpenAIServer, tmp_path: Path) -> Asking:
    return Asking(ipython, openai_server, tmp_path)


def test_each_key_decides_what_it_says(asking: Asking) -> None:
    shown = asking.ask("/a")
    assert "waiting for your approval, nothing has run" in shown
    assert '{"path": "/a"}' in shown
    assert "All done." in asking.type("y")
    assert asking.latest_result() == "erased /a"

    asking.ask("/b")
    asking.type("n")
    assert asking.latest_result() == "Denied by the user"

    asking.ask("/c")
    asking.terminal.say("r")
    asking.terminal.until("Why not? ")
    asking.type("It is mine")
    assert asking.latest_result() == "Denied by the user: It is mine"

    asking.ask("/d")
    asking.terminal.say("s")
    asking.terminal.until("The answer: ")
    asking.type("was not there")
    assert asking.latest_result() == "was not there"
    assert asking.ran == ["/a"]


def test_edited_arguments_are_checked_before_they_run(asking: Asking) -> None:
    asking.ask("/a")
    for wrong, why in (("{", "not valid JSON"), ("[1]", "are an object"), ('{"file": "/b"}', "file: unknown")):
        asking.terminal.say("e")
        asking.terminal.until("as JSON: ")
        asking.terminal.say(wrong)
        shown = asking.question()
        assert why in shown
        assert "Nothing was decided." in shown
        assert "Traceback" not in shown
    asking.terminal.say("e")
    asking.terminal.until("as JSON: ")
    asking.type('{"path": "/b"}')
    assert asking.ran == ["/b"]
    assert "The user changed the arguments" in asking.latest_result()


def test_always_ends_the_questions_of_this_session(asking: Asking) -> None:
    asking.ask("/a", "/b")
    assert "All done." in asking.type("a")
    assert asking.ran == ["/a", "/b"]
    asking.terminal.say("%llm grants")
    assert "this session" in asking.terminal.prompt()


def test_a_question_left_open_is_decided_later(asking: Asking) -> None:
    asking.ask("/a")
    left = asking.type("what?", "q")
    assert "Traceback" not in left
    assert asking.ran == []
    asking.terminal.say("%llm pending")
    listed = asking.terminal.prompt()
    assert "erase" in listed
    name = next(line.split()[0] for line in listed.splitlines() if " erase " in line)
    asking.terminal.say(f"%llm approve {name}")
    assert "All done." in asking.terminal.prompt()
    assert asking.ran == ["/a"]


def test_several_questions_are_shown_and_then_asked_one_after_the_other(asking: Asking) -> None:
    shown = asking.ask_at_once("/a", "/b", "/c")
    for path in ("/a", "/b", "/c"):
        assert shown.count(f'{{"path": "{path}"}}') == 1
    assert "waiting for your approval, nothing has run, 3 of 3" in shown
    assert "1 of 3 erase? y run it" in shown
    asking.terminal.say("y")
    assert "2 of 3 erase?" in asking.question()
    assert asking.ran == []
    asking.terminal.say("n")
    assert "3 of 3 erase?" in asking.question()
    assert "All done." in asking.type("y")
    assert asking.results() == ["erased /a", "Denied by the user", "erased /c"]
    assert asking.ran == ["/a", "/c"]


def test_always_covers_the_questions_after_it(asking: Asking) -> None:
    asking.ask_at_once("/a", "/b", "/c")
    asking.terminal.say("n")
    asking.question()
    assert "All done." in asking.type("a")
    assert asking.ran == ["/b", "/c"]


def test_what_was_decided_before_the_rest_is_left_open_is_kept(asking: Asking) -> None:
    asking.ask_at_once("/a", "/b")
    asking.terminal.say("n")
    asking.question()
    asking.type("q")
    asking.terminal.say("%llm pending")
    name = next(line.split()[0] for line in asking.terminal.prompt().splitlines() if "/b" in line)
    asking.terminal.say(f"%llm approve {name}")
    assert "All done." in asking.terminal.prompt()
    assert asking.results() == ["Denied by the user", "erased /b"]


def test_a_question_inside_a_tool_is_shown_and_decided(asking: Asking) -> None:
    outer, inner = (call_reply(name, json.dumps({"path": "/a"}), f"call_{name}") for name in ("tidy", "erase"))
    asking.server.play(outer, inner, text_reply("Erased it."), text_reply("All done."))
    asking.terminal.say("%llm -m scripted -T tidy Tidy up")
    shown = asking.question()
    assert shown.index("▎ tidy · begun, waits for a question that it asked") < shown.index("▎ erase · waiting")
    after = asking.type("y")
    assert "▎ tidy · ran" in after
    assert "All done." in after
    assert asking.ran == ["/a"]
    assert asking.latest_result() == "Erased it."
    assert len(asking.server.requests) == 4


def test_the_limit_of_a_chain_is_told_with_the_command_that_continues(asking: Asking) -> None:
    calls = [call_reply("erase", json.dumps({"path": path}), f"call_{path[1:]}") for path in ("/a", "/b")]
    asking.server.play(*calls, text_reply("All done."))
    asking.terminal.say("%llm -m scripted -T erase --cl 1 Tidy up")
    shown = asking.terminal.prompt()
    assert "Traceback" not in shown
    assert "Paused after 1 answer in a row" in shown
    command = next(part for part in shown.split("`") if part.startswith("%llm resume"))
    asking.terminal.say(command)
    asking.question()
    assert "Paused after 1 answer in a row" in asking.type("y")
    assert asking.ran == ["/a"]


def test_wait_asks_in_the_cell_of_a_notebook(kernel: Kernel) -> None:
    assert kernel.run(TOOL.format(ran="ran-wait.txt")).status == "ok"
    request = kernel.send("%llm -m asker --wait -T erase Erase /a")
    question = kernel.answer_question("y")
    assert "erase? y run it" in question["content"]["prompt"]
    [cell] = kernel.collect(request)
    assert cell.traceback == ""
    assert "All done: erased /a." in cell.markdown[-1]
    assert kernel.value("open('ran-wait.txt').read()") == "/a\n"
