"""Approvals by keyboard: in a terminal IPython, and with `--wait` in a notebook."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import llm_notebook as llm
from llm_notebook.notebook.display.keyboard import ask_by_keyboard
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.origin import Origin
from tests.fakes.faces import Face, asks
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, call_reply, calls_reply, text_reply
from tests.notebook.display.test_terminal import Terminal, ipython, open_terminal
from tests.notebook.kernels import Kernel
from tests.turns.test_journaled_chains import Failing

__all__ = ["ipython", "open_terminal"]

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
        return self.terminal.until("? explains: ")

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


def edit(asking: Asking, keys: str) -> None:
    """Press keys in the line that holds the arguments."""
    asking.terminal.say("e")
    asking.terminal.until('Arguments: {"path": "/a"}')
    asking.terminal.say(keys)


CLEAR = "\x01\x0b"


def test_arguments_are_edited_in_place_and_checked_before_they_run(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer, tmp_path: Path
) -> None:
    asking = Asking(open_terminal(echo=True), openai_server, tmp_path)
    asking.ask("/a")
    for wrong, why in (("{", "not valid JSON"), ("[1]", "are an object"), ('{"path": "/a"}', "as they were")):
        edit(asking, CLEAR + wrong)
        shown = asking.question()
        assert why in shown
        assert "Nothing was decided." in shown
        assert "Traceback" not in shown
    edit(asking, CLEAR + '{"file": "/b"}')
    asking.terminal.until("y/n: ")
    asking.terminal.say("y")
    assert "file: unknown" in asking.question()
    edit(asking, '\x7f\x7f\x7fb"}')
    assert '{"path": "/b"}' in asking.terminal.until("Run it with these arguments? y/n: ")
    asking.terminal.say("n")
    assert "The arguments stay as they were. Nothing was decided." in asking.question()
    edit(asking, '\x7f\x7f\x7fb"}')
    asking.terminal.until("y/n: ")
    asking.type("y")
    assert asking.ran == ["/b"]
    assert "The user changed the arguments" in asking.latest_result()


EDITOR = """
import pathlib, sys
file = pathlib.Path(sys.argv[-1])
text = file.read_text()
pathlib.Path({seen!r}).write_text(text)
file.write_text(text.replace("/a", "/b"))
sys.exit({status})
"""


def test_the_users_editor_edits_the_arguments(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer, tmp_path: Path
) -> None:
    program, seen = tmp_path / "an editor.py", tmp_path / "seen"
    program.write_text(EDITOR.format(seen=str(seen), status=0))
    editor = f'{sys.executable} "{program}"'
    asking = Asking(open_terminal(environment={"EDITOR": editor}), openai_server, tmp_path)
    asking.ask("/a\u202e日本")
    program.write_text(EDITOR.format(seen=str(seen), status=3))
    asking.terminal.say("e")
    assert "ended with the status 3. Nothing was decided." in asking.question()
    program.write_text(EDITOR.format(seen=str(seen), status=0))
    asking.terminal.say("e")
    shown = asking.terminal.until("y/n: ")
    # What hides itself is escaped where it is edited, and drawn where it is shown.
    assert seen.read_text() == '{\n  "path": "/a\\u202e日本"\n}\n'
    assert '{"path": "/b\\u{202e}日本"}' in shown
    asking.type("y")
    assert asking.ran == ["/b\u202e日本"]


def test_an_editor_that_is_not_there_is_a_sentence(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer, tmp_path: Path
) -> None:
    asking = Asking(open_terminal(environment={"VISUAL": "no-such-editor"}), openai_server, tmp_path)
    asking.ask("/a")
    asking.terminal.say("e")
    shown = asking.question()
    assert "The editor no-such-editor cannot be started" in shown
    assert "Traceback" not in shown


def test_a_question_mark_explains_the_keys_and_the_tool(asking: Asking) -> None:
    asking.ask("/a")
    asking.terminal.say("?")
    shown = asking.question()
    assert "  y  runs it once, with exactly these arguments\r\n" in shown
    assert "  a  runs it, and in this session every further call" in shown
    assert "It says of itself: Erase a file.\r\nIt comes from the module tools_of_terminal.\r\n" in shown
    assert "    def erase(path: str) -> str:\r\n" in shown
    assert asking.ran == []


def pause_of(name: str, text: str = "") -> llm.PauseChain:
    """Return the pause of a chain that asks about a call of a tool with this name."""
    model = Face().rounds(asks(llm.ToolCall(name, {"text": text}, "call 1")), "done")
    tool = llm.Tool.function(lambda text: f"ran with {text}", name=name)
    with pytest.raises(llm.PauseChain) as raised:
        model.chain("Hi", tools=[llm.require_approval(tool)]).text()
    return raised.value


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str | type[BaseException]) -> list[str]:
    """Type lines, or press Ctrl-C or Ctrl-D in their place. Return a list that will have the questions."""
    left, questions = list(lines), []

    def type_next(question: str) -> str:
        questions.append(question)
        line = left.pop(0)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", type_next)
    return questions


def a_turn() -> LiveTurn:
    """Return what the keyboard needs of a turn: a view to show decisions in."""
    return cast("LiveTurn", SimpleNamespace(view=TranscriptView("scripted")))


@pytest.mark.parametrize("give_up", [KeyboardInterrupt, EOFError])
@pytest.mark.parametrize("key", ["r", "s", "e"])
def test_giving_up_an_answer_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, give_up: type[BaseException]
) -> None:
    pause = pause_of("erase")
    questions = answer(monkeypatch, key, give_up, "y")
    chain = ask_by_keyboard(a_turn(), pause)
    assert chain is not None
    assert chain.text() == "done"
    assert questions[2] == questions[0]
    assert "Nothing was decided." in capsys.readouterr().out


@pytest.mark.parametrize("key", ["y", "a"])
def test_what_is_too_long_for_the_record_is_shown_before_it_can_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, key: str
) -> None:
    llm.open_journal(tmp_path / "journal.db")
    pause = pause_of("erase", f"{'a' * 4_000}\u202e; rm -rf /{'z' * 1_000}")
    assert pause.paused is not None
    pause.paused.log.origin = Origin(session="s")
    answer(monkeypatch, key, "q")
    assert ask_by_keyboard(a_turn(), pause) is None
    shown = capsys.readouterr().out
    assert "\\u{202e}; rm -rf /" in shown
    assert shown.endswith("Nothing was decided: read all of them first.\n")
    # With ? it is shown, too.
    answer(monkeypatch, "?", key)
    chain = ask_by_keyboard(a_turn(), pause)
    assert "\\u{202e}; rm -rf /" in capsys.readouterr().out
    assert chain is not None
    assert chain.text() == "done"


@pytest.mark.parametrize("give_up", [KeyboardInterrupt, EOFError])
def test_giving_up_the_question_leaves_it_open(monkeypatch: pytest.MonkeyPatch, give_up: type[BaseException]) -> None:
    pause = pause_of("erase")
    answer(monkeypatch, give_up)
    assert ask_by_keyboard(a_turn(), pause) is None
    assert pause.deny().text() == "done"


def test_what_was_typed_before_the_question_is_no_answer(asking: Asking, openai_server: OpenAIServer) -> None:
    typed = threading.Event()
    call = call_reply("erase", '{"path": "/a"}', "call_1")
    openai_server.play(Reply([UntilSet(typed), *call.pieces]), text_reply("All done."))
    asking.terminal.say("%llm -m scripted -T erase Tidy up")
    # IPython has left its own line editor by the time that the model is asked.
    while not openai_server.requests:
        time.sleep(0.01)
    asking.terminal.say("y")
    typed.set()
    asking.question()
    asking.terminal.say("q")
    asking.terminal.prompt()
    assert asking.ran == []


@pytest.mark.parametrize("columns", [79, 80, 81, 40])
@pytest.mark.parametrize("name", ["erase", "e" * 21, "erase_" * 10 + "end"])
def test_the_question_is_one_line_that_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = answer(monkeypatch, "q")
    assert ask_by_keyboard(a_turn(), pause_of(name)) is None
    assert len(shown[0]) <= min(columns, 80) - 2
    assert shown[0].startswith(name[:3])
    assert shown[0].endswith("? explains: ")
    assert ("y yes" in shown[0]) is (name == "erase" and columns >= 79)


def test_in_a_colourful_terminal_it_asks_as_well(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer, tmp_path: Path
) -> None:
    colourful = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "80"}
    asking = Asking(open_terminal(options=(), environment=colourful, columns=80), openai_server, tmp_path)
    question = asking.ask("/日本").rsplit("\n", 1)[1]
    assert question.startswith("erase? y yes, n no")
    assert '{"path": "/日本"}' in asking.type("y")
    assert asking.ran == ["/日本"]


def test_always_ends_the_questions_of_this_session(asking: Asking) -> None:
    asking.ask("/a", "/b")
    assert "All done." in asking.type("a")
    assert asking.ran == ["/a", "/b"]
    asking.terminal.say("%llm grants")
    assert "this session" in asking.terminal.prompt()


def test_where_the_permission_cannot_be_kept_nothing_is_decided(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    journal = llm.open_journal(tmp_path / "journal.db")
    pause = pause_of("erase")
    assert pause.paused is not None
    pause.paused.log.origin = Origin(session="s")
    broken = [True]
    failing = Failing(journal, lambda operation: broken[0] and getattr(operation, "granted", None) is not None)
    pause.paused.log.journal = failing  # type: ignore[assignment]
    answer(monkeypatch, "a", "q")
    assert ask_by_keyboard(a_turn(), pause) is None
    assert "the disk is full. Nothing was decided." in capsys.readouterr().out
    assert [call.state for call in journal.waiting()] == ["waiting"]
    broken.clear()
    broken.append(False)
    answer(monkeypatch, "a")
    chain = ask_by_keyboard(a_turn(), pause)
    assert chain is not None
    assert chain.text() == "done"
    assert [grant.tool_name for grant in journal.grants()] == ["erase"]


def test_dropping_what_was_left_open_runs_what_was_approved(asking: Asking) -> None:
    asking.ask_at_once("/a", "/b", "/c")
    for _ in range(2):
        asking.terminal.say("y")
        asking.question()
    asking.type("q")
    assert asking.ran == []
    asking.terminal.say("%llm pending")
    listed = asking.terminal.prompt().splitlines()
    name = [line.split()[0] for line in listed if line.endswith("  erase")][-1]
    asking.terminal.say(f"%llm forget {name}")
    assert "All done." in asking.terminal.prompt()
    assert asking.ran == ["/a", "/b"]
    assert asking.results()[-1] == "Not run: the user dropped the question"


@pytest.mark.parametrize("verdict", ["approve", "deny"])
def test_a_question_left_open_is_decided_in_a_later_terminal_that_asks_as_often(
    asking: Asking, open_terminal: Callable[..., Terminal], tmp_path: Path, verdict: str
) -> None:
    asking.terminal.say("erase = erase.__wrapped__")
    asking.terminal.prompt()
    calls = [call_reply("erase", json.dumps({"path": path}), f"call_{path[1:]}") for path in ("/a", "/b")]
    asking.server.play(*calls, text_reply("All done."))
    asking.terminal.say("%llm -m scripted --ta -T erase Tidy up")
    asking.question()
    assert "Traceback" not in asking.type("what?", "q")

    later = Asking(open_terminal(), asking.server, tmp_path)
    later.terminal.say("erase = erase.__wrapped__")
    later.terminal.prompt()
    later.terminal.say("%llm pending")
    name = next(line.split()[0] for line in later.terminal.prompt().splitlines() if line.endswith("  erase"))
    later.terminal.say(f"%llm {verdict} {name}")
    # Nobody has marked the tool: --ta is kept with the question.
    later.question()
    runs = ["/a"] if verdict == "approve" else []
    assert later.ran == runs
    assert "All done." in later.type("y")
    assert later.ran == [*runs, "/b"]


def test_several_questions_are_shown_and_then_asked_one_after_the_other(asking: Asking) -> None:
    shown = asking.ask_at_once("/a", "/b", "/c")
    for path in ("/a", "/b", "/c"):
        assert shown.count(f'{{"path": "{path}"}}') == 1
    assert "waiting for your approval, nothing has run, 3 of 3" in shown
    assert "1 of 3 erase? y/n/" in shown
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
    name = re.findall(r"^(\w+)  erase", asking.terminal.prompt(), re.MULTILINE)[-1]
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
    assert question["content"]["prompt"].startswith("erase? y yes, n no, ")
    assert question["content"]["prompt"].endswith("? explains: ")
    [cell] = kernel.collect(request)
    assert cell.traceback == ""
    assert "All done: erased /a." in cell.markdown[-1]
    assert kernel.value("open('ran-wait.txt').read()") == "/a\n"
