"""The magics in `jupyter console`, in a pseudo-terminal: a kernel in another process, and a front end that only appends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.openai_server import (
    Cut,
    OpenAIServer,
    Reply,
    Request,
    UntilClosed,
    UntilSet,
    call_reply,
    sse,
    text_chunk,
    text_reply,
)
from tests.notebook.display.test_keyboard import TOOL
from tests.notebook.display.test_terminal import CONSOLE, PATIENCE, Terminal, open_terminal

__all__ = ["open_terminal"]


@pytest.fixture
def prompting(open_terminal: Callable[..., Terminal]) -> Terminal:
    """A `jupyter console` with the model `scripted`."""
    return open_terminal(program="jupyter_console", options=())


@pytest.fixture(params=[CONSOLE, ()], ids=["simple", "usual"])
def console(open_terminal: Callable[..., Terminal], request: pytest.FixtureRequest) -> Terminal:
    """A `jupyter console`. With a simple prompt it never asks whether an input is complete, so the kernel does not know that it is a console."""
    return open_terminal(program="jupyter_console", options=request.param)


def test_answers_values_and_lists_are_shown_once(console: Terminal, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("Is π ", "a number?\n\n", "**Yes.** \x1b]0;owned\x07"), text_reply("Oslo"))
    console.say("%llm -m scripted -u Is it?")
    said = console.prompt()
    assert said.count("Is π a number?") == 1
    assert r"**Yes.** \u{1b}]0;owned\u{7}" in said
    assert said.count("scripted · ") == 1
    console.say("city = %llm -m scripted Which city?")
    assert console.prompt().count("Oslo") == 1
    console.say("print(repr(city))")
    assert "'Oslo'" in console.prompt()
    console.say("%llm history")
    said = console.prompt()
    assert "Is it?" in said
    assert "Which city?" in said


def test_a_mistake_is_a_few_friendly_lines(console: Terminal, openai_server: OpenAIServer) -> None:
    for line, first in [
        ("%llm -m scripte hi", "■ No model is called “scripte”. Nothing was sent."),
        ("%llm hi?", "■ Which model should answer? None is chosen yet, so nothing was sent."),
        ("%llm", "■ There is no prompt. Write one after %llm."),
        ("%llm -m scripted {{ nothing_here }}", "■ "),
        ("answer = %llm -m scripte hi", "■ No model is called “scripte”."),
    ]:
        console.say(line)
        said = console.prompt()
        assert said.count(first) == 1, line
        assert "Traceback" not in said, line
        assert "Object `" not in said, line
    assert openai_server.requests == []
    openai_server.play(text_reply("Back."))
    console.say("%llm -m scripted hi")
    assert "Back." in console.prompt()


def test_a_question_is_decided_by_commands_and_by_keyboard(
    console: Terminal, openai_server: OpenAIServer, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "tools_of_console.py").write_text(TOOL.format(ran=str(ran)))
    console.say(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from tools_of_console import erase")
    console.prompt()
    openai_server.play(call_reply("erase", '{"path": "/a"}'), text_reply("Gone is a."))
    console.say("%llm -m scripted -T erase Erase it")
    said = console.prompt()
    assert said.count("▎ erase · waiting for your approval, nothing has run") == 1
    assert '▎     {"path": "/a"}' in said
    assert not ran.exists()
    command = said.split("▎ %llm approve ")[1].split()[0]
    console.say(f"%llm approve {command}")
    assert "Gone is a." in console.prompt()

    openai_server.play(call_reply("erase", '{"path": "/b"}'), text_reply("Gone is b."))
    console.say("%llm -m scripted -T erase --wait Erase it")
    console.until("erase? y yes, n no, e edit, r reason, s say, a always, q later, ? explains: ")
    console.say("y")
    assert "Gone is b." in console.prompt()
    assert ran.read_text().split() == ["/a", "/b"]


def test_words_appear_as_they_arrive(prompting: Terminal, openai_server: OpenAIServer) -> None:
    seen = [threading.Event(), threading.Event()]
    pieces = [[sse(text_chunk(f"word{number} "), done=False), UntilSet(event)] for number, event in enumerate(seen)]
    openai_server.play(Reply([step for steps in pieces for step in steps] + [sse(text_chunk("at last"))]))
    prompting.say("%llm -m scripted A story")
    for number, event in enumerate(seen):
        prompting.until(f"word{number}")
        event.set()
    said = prompting.prompt()
    assert "at last" in said
    assert "word0" not in said


def test_an_answer_that_breaks_off_says_so_once(console: Terminal, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([sse(text_chunk("A pelican once flew"), done=False), Cut()]))
    console.say("%llm -m scripted A story")
    said = console.prompt()
    assert said.count("A pelican once flew") == said.count("■ The answer broke off.") == said.count("■") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("has_words", [True, False])
def test_ctrl_c_stops_the_turn_and_not_the_kernel(
    prompting: Terminal, openai_server: OpenAIServer, has_words: bool
) -> None:
    closed, asked = threading.Event(), threading.Event()

    def answer(_: Request) -> Reply:
        asked.set()
        words = [sse(text_chunk("A pelican once flew"), done=False)] if has_words else []
        return Reply([*words, UntilClosed(closed)])

    openai_server.answer = answer
    prompting.say("kept = 'still here'")
    prompting.prompt()
    prompting.say("%llm -m scripted A story")
    assert asked.wait(PATIENCE)
    if has_words:
        prompting.until("once flew")
    prompting.process.sendintr()
    said = prompting.prompt()
    assert "Stopped" in said
    assert "Traceback" not in said
    assert closed.wait(PATIENCE), "the connection to the model was left open"
    openai_server.play(text_reply("All is well."))
    prompting.say("%llm -m scripted Go on, {{ kept }}")
    assert "All is well." in prompting.prompt()
    assert openai_server.requests[-1].json()["messages"][-1]["content"] == "Go on, still here"
