"""The magics in an IPython that runs in a pseudo-terminal, as a person uses it."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from scripts.jupyter_home import jupyter_environment
from tests.fakes.openai_server import (
    OpenAIServer,
    Reply,
    UntilClosed,
    UntilSet,
    call_reply,
    delta_chunk,
    sse,
    text_chunk,
    text_reply,
)

PATIENCE = 60


SIMPLE = ("--no-banner", "--simple-prompt", "--colors=NoColor")
CONSOLE = ("--simple-prompt",)


class Terminal:
    """An interactive IPython in a pseudo-terminal.

    Args:
        home: its home folder.
        program: `IPython`, or `jupyter_console`, which asks a kernel in another process.
        columns: how wide the terminal is.
        echo: whether it shows what is typed. Without that, nothing that is edited in place is seen either.
        options: the options of IPython.
        environment: further environment variables.
    """

    def __init__(
        self,
        home: Path,
        *,
        program: str = "IPython",
        columns: int = 200,
        echo: bool = False,
        options: tuple[str, ...] = SIMPLE,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        given = environment or {}
        environment = jupyter_environment(home)
        root = str(Path(__file__).parents[3])
        environment |= {"TERM": "dumb", "PYTHONPATH": os.pathsep.join([root, environment.get("PYTHONPATH", "")])}
        environment["LLM_NOTEBOOK_DATA"] = os.environ["LLM_NOTEBOOK_DATA"]
        for name in ("EDITOR", "VISUAL", "NO_COLOR"):
            environment.pop(name, None)
        environment |= given
        self.process: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable,
            ["-m", program, "--no-confirm-exit", *options],
            env=environment,
            timeout=PATIENCE,
            echo=echo,
            dimensions=(40, columns),
        )
        self.prompt()
        self.say("%load_ext llm_notebook")
        self.prompt()

    def say(self, line: str) -> None:
        """Type a line and Enter."""
        self.process.sendline(line)

    def until(self, text: str) -> str:
        """Wait for a text. Return what was written up to its end."""
        self.process.expect_exact(text)
        return self._read()

    def prompt(self) -> str:
        """Wait for the next input prompt. Return what was written before it."""
        # Between the characters there may be colours.
        self.process.expect(rb"In (\x1b\[[0-9;]*m)?\[(\x1b\[[0-9;]*m)?\d+(\x1b\[[0-9;]*m)?\]: ")
        return self._read()

    def _read(self) -> str:
        before = self.process.before or b""
        after = self.process.after if isinstance(self.process.after, bytes) else b""
        return (before + after).decode()


@pytest.fixture
def open_terminal(isolated: Path, openai_server: OpenAIServer) -> Iterator[Callable[..., Terminal]]:
    """Return a function that opens an IPython with the model `scripted`, which plays what the test gives `openai_server`."""
    home = isolated / "terminal"
    models = home / "llm" / "extra-openai-models.yaml"
    models.parent.mkdir(parents=True)
    model = {"model_id": "scripted", "api_base": openai_server.base_url}
    model |= {"supports_tools": True, "supports_schema": True}
    models.write_text(yaml.safe_dump([model]), encoding="utf-8")
    opened: list[Terminal] = []

    def open_one(**how: Any) -> Terminal:
        opened.append(Terminal(home, **how))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.process.close(force=True)


@pytest.fixture
def ipython(open_terminal: Callable[..., Terminal]) -> Terminal:
    """An IPython with the model `scripted`."""
    return open_terminal()


def test_text_appears_while_it_streams_and_silence_is_told(ipython: Terminal, openai_server: OpenAIServer) -> None:
    ipython.say("from llm_notebook.notebook.display import silence; silence._PATIENCE = 1.0")
    ipython.prompt()
    # Each is sent only after the terminal has shown what stands before it.
    words = ["Waiting for scripted. Nothing has arrived for 1 s.", "A pelican ", "flew over ", "the sea."]
    silent = "Nothing has arrived for 1 s."
    seen = [threading.Event() for _ in words]
    pieces = [step for word, event in zip(words[1:], seen[1:], strict=True) for step in (_chunk(word), UntilSet(event))]
    openai_server.play(Reply([sse(delta_chunk({"role": "assistant"}), done=False), UntilSet(seen[0]), *pieces, sse()]))
    ipython.say("%llm -m scripted A story")
    for word, event in zip(words, seen, strict=True):
        ipython.until(word)
        if word == "flew over ":
            ipython.until(silent)
        event.set()
    ipython.prompt()


def test_ctrl_c_keeps_the_partial_answer(ipython: Terminal, openai_server: OpenAIServer) -> None:
    closed = threading.Event()
    openai_server.play(Reply([_chunk("A pelican once flew"), UntilClosed(closed)]), text_reply("All is well."))
    ipython.say("%llm -m scripted --out story A story")
    ipython.until("once flew")
    ipython.process.sendintr()
    said = ipython.prompt()
    assert "Stopped" in said
    assert "Traceback" not in said
    assert closed.wait(60), "the connection to the model was left open"
    ipython.say("print(repr(story))")
    assert "'A pelican once flew'" in ipython.prompt()
    ipython.say("%llm -m scripted Go on")
    assert "All is well." in ipython.prompt()


def test_a_frame_goes_in_rows_grow_and_an_error_is_explained(ipython: Terminal, openai_server: OpenAIServer) -> None:
    seen = threading.Event()
    rows = [_chunk('{"items": [{"name": "Ada", "age": 36}, '), UntilSet(seen), _chunk('{"name": "Grace", "age": 85}]}')]
    fixed = "`df` has only `town`.\n\n```python\ndf['town']\n```"
    openai_server.play(text_reply("Two towns."), Reply([*rows, sse()]), text_reply(fixed))
    ipython.say("import pandas as pd; df = pd.DataFrame({'town': ['Oslo', 'Rome']})")
    ipython.prompt()
    ipython.say("%llm -m scripted -f df What is in it?")
    assert re.search(r"sent: df; about \d+ tokens\s+Two towns\.", ipython.prompt())
    ipython.say("%llm -m scripted --schema-multi 'name, age int' --out people Who?")
    # The second row is sent only when the first is shown.
    ipython.until("Ada")
    seen.set()
    said = ipython.prompt()
    assert re.search(r"1\s+Grace\s+85\s+people is a DataFrame of 2 rows \u00d7 2 columns\.", said)
    ipython.say("df['city']")
    ipython.prompt()
    ipython.say("%llm error fix -m scripted")
    said = ipython.prompt()
    assert re.search(r"In\[\d+\]: 1 line; line 1 failed: df\['city'\]", said)
    assert re.search(r"Proposed cell, against In\[\d+\]; not run:\s+- df\['city'\]\s+\+ df\['town'\]", said)


def test_control_characters_never_reach_the_terminal(ipython: Terminal, openai_server: OpenAIServer) -> None:
    hostile = (
        "before \x1b]0;owned\x07 \x1b[2J\x1b[31mred \x9b5n \x08\x08 \r overwritten \u202eesrever \x1b"
        + "]52;c;eA==\x07 after"
    )
    openai_server.play(text_reply("safe ", hostile[:20], hostile[20:]))
    ipython.say("%llm -m scripted Anything")
    said = ipython.prompt()
    assert "before" in said
    assert "after" in said
    answer = said[said.index("safe") : said.index("after")]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", answer), json.dumps(answer)


_TALKATIVE = """
import sys
def look(path: str) -> str:
    print("files:", path); print("\\x1b]0;owned\\x07", file=sys.stderr)
    print(("x" * 79 + "\\n") * 1_000)
    return input("Which one? ")
"""


def test_what_a_tool_prints_is_marked_and_there_before_it_asks(ipython: Terminal, openai_server: OpenAIServer) -> None:
    openai_server.play(call_reply("look", '{"path": "/tmp"}'), text_reply("Then this one."))
    ipython.say(f"exec({_TALKATIVE!r})")
    ipython.prompt()
    ipython.say("%llm -m scripted -T look Look around")
    before = ipython.until("Which one? ")
    assert re.search(r"▎ look prints:\s+▎     files: /tmp\s+▎     \\u\{1b\}\]0;owned\\u\{7\}", before)
    assert before.count("▎     xxx") < 400
    assert "▎     … More of what it prints is not shown here." in before
    ipython.say("the first")
    after = ipython.prompt()
    assert "the first" in after
    assert "files:" not in after
    assert "Then this one." in after


def test_clearing_what_was_not_printed_writes_nothing(ipython: Terminal, openai_server: OpenAIServer) -> None:
    clears = (
        "def look(path: str) -> str:\n    from IPython.display import clear_output\n    clear_output()\n    return path"
    )
    openai_server.play(call_reply("look", '{"path": "/tmp"}'), text_reply("Then this one."))
    ipython.say(f"exec({clears!r})")
    ipython.prompt()
    ipython.say("%llm -m scripted -T look Look around")
    said = ipython.prompt()
    assert "Then this one." in said
    assert "prints" not in said


def test_a_terminal_whose_encoding_lacks_letters_shows_them_spelled_out(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer
) -> None:
    ipython = open_terminal(environment={"PYTHONIOENCODING": "ascii"})
    openai_server.play(text_reply("Greek pi is ", "π; after it", " comes the rest."))
    ipython.say("%llm -m scripted --out answer Pi")
    said = ipython.prompt()
    assert r"Greek pi is \u03c0; after it comes the rest." in said
    assert "Traceback" not in said
    ipython.say("print(ascii(answer), __import__('sys').stdout.errors)")
    assert r"'Greek pi is \u03c0; after it comes the rest.' strict" in ipython.prompt()
    ipython.say("%llm history")
    assert r"\u03c0; after it" in ipython.prompt()


def test_a_terminal_says_what_was_not_saved(
    open_terminal: Callable[..., Terminal], openai_server: OpenAIServer
) -> None:
    ipython = open_terminal(environment={"LLM_NOTEBOOK_JOURNAL": "/proc/nowhere/journal.db"})
    openai_server.play(text_reply("Hello."))
    ipython.say("%llm -m scripted Hi")
    assert "Not saved: The journal /proc/nowhere/journal.db cannot be created" in ipython.prompt()


def test_a_model_cannot_write_the_mark_of_a_question(ipython: Terminal, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("\n▎ erase · waiting for your approval\n▎", " y"))
    ipython.say("%llm -m scripted Hi")
    said = ipython.prompt()
    assert r"\u{258e} erase" in said
    assert "▎" not in said


def test_reasoning_has_a_title_where_there_are_no_colours(ipython: Terminal, openai_server: OpenAIServer) -> None:
    thought = sse(delta_chunk({"reasoning_content": "Hmm."}), done=False)
    openai_server.play(Reply([thought, _chunk("Fine."), sse()]))
    ipython.say("%llm -m scripted Hi")
    said = ipython.prompt()
    assert "Thought:\r\nHmm.\r\n\r\nFine." in said
    assert "\x1b[2m" not in said


@pytest.mark.model
def test_the_local_model_answers(ipython: Terminal, weights: Path) -> None:
    ipython.say("%llm -m smollm2 -o max_tokens 20 What is a pelican?")
    said = ipython.prompt()
    assert len(said.split()) > 5
    assert "Traceback" not in said


def test_a_mistake_is_one_sentence(ipython: Terminal) -> None:
    ipython.say("%llm -m smolm2 Hello")
    said = ipython.prompt()
    assert "smollm2" in said
    assert "Traceback" not in said


def _chunk(text: str) -> bytes:
    return sse(text_chunk(text), done=False)
