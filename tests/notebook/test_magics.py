"""`%llm` and `%%llm` from the cell to the answer: prompts, options, `--out`, and ■ at any moment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.scripted import sent


@pytest.mark.parametrize(
    ("cell", "prompt"),
    [
        ("%llm hi", "hi"),
        ("%%llm\nhi", "hi"),
        ("%%llm -m echo\n\n  two\n  lines\n\n", "  two\n  lines"),
        ("%%llm -u Above:\nbelow", "Above:\nbelow"),
        ("%%llm models\nare they fast?", "models\nare they fast?"),
        ('%%llm "in quotes" -u\nbelow', "in quotes\nbelow"),
        ("%%llm\n%llm is a magic\n!ls\n-m is an option?", "%llm is a magic\n!ls\n-m is an option?"),
        ("%%llm\n{{ 1 + 1 }} {x} $x", "2 {x} $x"),
        ("llm hi there", "hi there"),
    ],
)
def test_what_is_typed_is_what_is_asked(terminal: InteractiveShell, cell: str, prompt: str) -> None:
    assert terminal.run_cell(cell).success
    assert [asked.prompt for asked in sent] == [prompt]


@pytest.mark.parametrize(
    "cell", ["%%llm", "%%llm\n", "%%llm -m echo", "\n%%llm -m echo\n   \n", "%llm", "%llm -u", '%llm ""', "%llm --"]
)
def test_an_empty_prompt_says_what_to_do(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    result = terminal.run_cell(cell)
    assert not sent
    where = "Write one in the cell, below %%llm" if "%%" in cell else "write one after %llm"
    captured = capsys.readouterr()
    assert captured.out.casefold() == f"There is no prompt: {where}. `%llm help` shows how.\n".casefold()
    assert captured.err == ""
    assert result.error_in_exec is not None
    # While it is typed, the prompt is still to come.
    assert terminal.input_transformer_manager.check_complete("%%llm -m echo") == ("incomplete", 0)


def test_options_reach_the_model(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell("%llm -s Briefly. -o shout true -o temperature 0.5 hi")
    assert capsys.readouterr().out == "YOU SAID: HI\n"
    assert sent[0].system == "Briefly."
    assert (sent[0].options.shout, sent[0].options.temperature) == (True, 0.5)


def test_r_asks_for_no_reasoning(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm -R hi\n%llm hi")
    assert [asked.hide_reasoning for asked in sent] == [True, False]


def test_a_key_can_be_given_or_named(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell(
        "from llm_notebook.configuration.keys import set_key; set_key('mine', '1234567')\n%llm -m keyed --key mine hi"
    )
    assert capsys.readouterr().out == "A key of 7 characters.\n"
    terminal.run_cell("%llm -m keyed --key 12345 hi")
    told = capsys.readouterr().out
    assert told.startswith("A key of 5 characters.\nThe key in this cell is saved with the notebook.")
    assert "12345" not in told


def test_out_is_the_text_of_the_answer(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm --out answer hi\n%llm -m thinker --out thought hi\n%llm -m empty --out nothing hi")
    names = terminal.user_ns
    assert (names["answer"], names["thought"], names["nothing"]) == ("You said: hi", "Forty-two.", "")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("x = %llm hi", "You said: hi"),
        ("x = y = 1\nif y:\n    x = %llm -u {{ y }}", "You said: 1"),
        ("x = get_ipython().run_line_magic('llm', 'hi').upper()", "YOU SAID: HI"),
        ("x = get_ipython().run_cell_magic('llm', '', 'hi')", "You said: hi"),
        ("def f():\n    y = %llm hi\n    return y\nx = f()", "You said: hi"),
        ("await asyncio.sleep(0)\nx = %llm hi", "You said: hi"),
        ("%time x = %llm hi", "You said: hi"),
        ("x = %llm models", None),
    ],
)
def test_an_answer_can_be_assigned(terminal: InteractiveShell, cell: str, value: str | None) -> None:
    assert terminal.run_cell("import asyncio").success
    assert terminal.run_cell(cell).success
    assert terminal.user_ns["x"] == value


@pytest.mark.parametrize(
    "cell", ["%llm hi", "%%llm\nhi", "for _ in range(1):\n    %llm hi", "%llm hi\n%llm hi", "%time %llm hi"]
)
def test_an_answer_that_is_not_assigned_is_shown_once(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str
) -> None:
    result = terminal.run_cell(cell)
    assert result.success
    assert result.result is None
    assert capsys.readouterr().out.count("You said: hi") == cell.count("llm hi") + cell.count("\nhi")


def test_a_bad_name_for_the_answer_is_refused_before_anything_is_sent(terminal: InteractiveShell) -> None:
    for name in ("2x", "a.b", "for", "a-b", "''"):
        assert not terminal.run_cell(f"%llm --out {name} hi").success
    assert not sent


def test_nothing_is_assigned_when_the_answer_breaks_off(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm --out answer -m breaking hi")
    assert "answer" not in terminal.user_ns


def test_no_stream_gives_the_answer_in_one_piece(kernel: Kernel) -> None:
    assert kernel.run("%llm --no-stream hi").frames == ["You said: hi"]


def test_usage_stands_under_the_finished_answer(kernel: Kernel) -> None:
    shown = kernel.run("%llm -u hi").markdown[0]
    assert shown.startswith("You said: hi\n\n*echo · 1,234 in · 5 out · ")
    assert shown.endswith(" s*")


def _first_word(cell: Cell) -> bool:
    return any("word" in frame for frame in cell.frames)


def _waiting(cell: Cell) -> bool:
    return any("Waiting" in frame for frame in cell.frames)


@pytest.mark.parametrize(("model", "moment"), [("silent", _waiting), ("steady", _first_word)])
def test_stop_keeps_what_arrived_and_the_cells_below_do_not_run(
    kernel: Kernel, model: str, moment: Callable[[Cell], bool]
) -> None:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and moment(cell):
            pressed.append(True)
            kernel.interrupt()

    with kernel.queueing():
        asked = kernel.send(f"%llm -u -m {model} --out part hi", "1")
        below = kernel.send("ran = True", "2")
    stopped, queued = kernel.collect(asked, below, watch=watch)
    assert stopped.traceback == ""
    assert stopped.status == "error"
    assert queued.status == "aborted"
    shown = stopped.markdown[0]
    assert "■ Stopped by you after" in shown
    assert shown.rsplit("\n\n", 1)[1].startswith(f"*{model} · ")
    assert " in ·" not in shown
    part = kernel.value("part")
    if model == "silent":
        assert part == ""
        assert "No part of an answer arrived." in shown
    else:
        assert shown.startswith(part.strip())
        assert "The answer is incomplete;" in shown
    assert kernel.run("%llm hi", "3").markdown == ["You said: hi"]


def test_stop_works_in_a_cell_with_await(kernel: Kernel) -> None:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and _first_word(cell):
            pressed.append(True)
            kernel.interrupt()

    asked = kernel.send("import asyncio\nawait asyncio.sleep(0)\n%llm -m steady hi\nran = True", "1")
    [stopped] = kernel.collect(asked, watch=watch)
    assert (stopped.status, stopped.traceback) == ("error", "")
    assert "■ Stopped by you after" in stopped.markdown[0]
    # Afterwards ■ does in such a cell what it did before.
    handler = "import signal\nawait asyncio.sleep(0)\nbefore = signal.getsignal(2)\n%llm hi\nprint(before == signal.getsignal(2))"
    assert kernel.run(handler, "2").stdout == "True\n"


_EMBEDDING = """
import time
class Embedding(llm.EmbeddingModel):
    model_id = "embedding"
    def embed_batch(self, items):
        print("begun", flush=True)
        time.sleep(120)
Embedding().embed("hi")
"""


_AWAITED = """
class Awaited(llm.AsyncModel):
    model_id = "awaited"
    async def execute(self, prompt, stream, response, conversation):
        print("begun", flush=True)
        await asyncio.sleep(120)
        yield "At last."
await Awaited().prompt("hi").text()
"""
_TOOL = """
import time
def look(path: str) -> str:
    print("begun", flush=True)
    time.sleep(120)
llm.get_model("asker").chain("Look at /a", tools=[look]).text()
"""


@pytest.mark.parametrize(
    "line",
    [
        "model.prompt('hi').text()",
        "model.chain('hi').text()",
        "for chunk in model.prompt('hi'):\n    pass",
        "llm.map_rows(['hi'], '{{ text }}', model=model, progress=False)",
        _EMBEDDING,
        _AWAITED,
        _TOOL,
    ],
)
def test_stop_works_in_python_code_beside_an_await(kernel: Kernel, line: str) -> None:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and "begun" in cell.stdout:
            pressed.append(True)
            kernel.interrupt()

    # The model itself says that it has begun to answer, and answers for a minute.
    prepared = "import asyncio, llm_notebook as llm\nmodel = llm.get_model('announcing')\nawait asyncio.sleep(0)\n"
    [stopped] = kernel.collect(kernel.send(prepared + line, "1"), watch=watch)
    assert stopped.status == "error"
    # What awaits is cancelled.
    assert ("CancelledError" if line is _AWAITED else "KeyboardInterrupt") in stopped.traceback
    # ■ then does what it did before, and the kernel is usable.
    handler = "import signal\nawait asyncio.sleep(0)\nbefore = signal.getsignal(2)\nllm.get_model('echo').prompt('hi').text()\nprint(before == signal.getsignal(2))"
    assert kernel.run(handler, "2").stdout == "True\n"


def test_a_stopped_answer_can_be_continued(kernel: Kernel) -> None:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and _first_word(cell):
            pressed.append(True)
            kernel.interrupt()

    kernel.collect(kernel.send("%llm -m steady --out part hi", "1"), watch=watch)
    kernel.run("%llm -c -m echo go on", "2")
    part = kernel.value("part")
    assert kernel.value("texts(sent[-1])") == ["user: hi", f"assistant: {part}", "user: go on"]


def test_stop_pressed_again_and_again_is_still_one_stop(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = terminal.run_cell("%llm -m stopped-thrice --out answer hi\nran = True")
    said = capsys.readouterr().out
    assert said.startswith("Some of it.\n■ Stopped by you after")
    assert said.count("\n") == 2
    assert terminal.user_ns["answer"] == "Some of it."
    assert type(result.error_in_exec).__name__ == "CellHalted"
    assert "ran" not in terminal.user_ns
    assert terminal.run_cell("%llm hi").success


def test_stop_while_the_turn_is_put_away_finishes_it_and_halts(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    result = terminal.run_cell("%llm -m stopped-at-the-end --out answer hi\nran = True")
    assert capsys.readouterr().out == "All of it.\n"
    assert terminal.user_ns["answer"] == "All of it."
    assert type(result.error_in_exec).__name__ == "CellHalted"
    assert "ran" not in terminal.user_ns


def test_stop_while_an_expression_is_computed(kernel: Kernel) -> None:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and "computing" in cell.stdout:
            pressed.append(True)
            kernel.interrupt()

    code = "import time\ndef compute():\n    print('computing')\n    time.sleep(60)\n%llm {{ compute() }}"
    cell = kernel.collect(kernel.send(code), watch=watch)[0]
    assert cell.traceback == "Stopped by you while {{ compute() }} was computed. Nothing was sent."
    assert kernel.value("sent") == []


@pytest.mark.model
@pytest.mark.usefixtures("weights")
def test_the_local_model_answers_and_is_continued(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell(
        "%llm -m smollm2 -o temperature 0 -o max_tokens 12 --out first -u Name a sea bird.", store_history=True
    )
    said = capsys.readouterr().out
    first = terminal.user_ns["first"]
    assert first
    assert said.startswith(first)
    assert "smollm2 · " in said
    terminal.run_cell("%llm -c -o max_tokens 4 --out second Another one.", store_history=True)
    assert terminal.user_ns["second"]


@pytest.mark.parametrize("option", ["--ta", "--approve web_search"])
def test_what_nobody_can_be_asked_about_is_refused(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    terminal.run_cell("import llm_notebook as llm\ndef look(path: str) -> str:\n    return path")
    for tools in ('-T "llm.OpenAIWebSearch()"', '-T look -T "llm.OpenAIWebSearch()"'):
        result = terminal.run_cell(f"%llm -m asker {option} {tools} Look at /a")
        assert str(result.error_in_exec) == (
            f"{option}: web_search runs at the provider, where nobody can be asked. Leave out one of the two."
            " Nothing was sent."
        )
    assert sent == []
