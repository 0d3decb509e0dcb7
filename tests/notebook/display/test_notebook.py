"""How an answer is shown: in a real kernel as one output that is updated, in a terminal as text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.scripted import ANSI, ODD_ID, SCRIPT_TAG

PAINTERS = "[thread.name for thread in __import__('threading').enumerate() if 'painter' in thread.name]"


def _press_stop_once(kernel: Kernel, code: str, *, when: Any) -> Cell:
    pressed: list[bool] = []

    def watch(cell: Cell) -> None:
        if not pressed and when(cell):
            pressed.append(True)
            kernel.interrupt()

    return kernel.collect(kernel.send(code), watch=watch)[0]


@pytest.mark.parametrize("model", ["flood", "patter"])
def test_a_stream_costs_few_messages_and_bytes_in_proportion_to_its_text(kernel: Kernel, model: str) -> None:
    cell = kernel.run(f"%llm -m {model} hi", "cell-1")
    assert cell.frames[-1].endswith("word4999")
    assert len(cell.frames) <= 20 * cell.seconds + 3
    assert sum(map(len, cell.frames)) <= 80 * len(cell.frames[-1])
    assert len(cell.of("display_data")) == 1


def test_the_answer_grows_while_it_streams(kernel: Kernel) -> None:
    frames = kernel.run("%llm -m patter hi").frames
    grown = [frame for frame in frames if frame.startswith("word0 ")]
    assert len(grown) >= 3
    assert grown == sorted(grown, key=len)


def test_waiting_is_shown_until_there_is_something_to_see(kernel: Kernel) -> None:
    assert kernel.run("%llm -m slow hi").frames == ["*Waiting for slow*", "*Waiting for slow, 1 s*", "At last."]
    hidden = kernel.run("%llm -m thinker -R slowly").frames
    assert hidden == ["*thinker is thinking*", "*thinker is thinking, 1 s*", "Forty-two."]


def test_a_stream_that_falls_silent_says_so_until_it_goes_on(kernel: Kernel, tmp_path: Path) -> None:
    go = tmp_path / "go"

    def watch(cell: Cell) -> None:
        if any("Nothing has arrived for 1 s." in frame for frame in cell.frames):
            go.touch()

    kernel.run(
        "from llm_notebook.notebook.display import silence; patience, silence._PATIENCE = silence._PATIENCE, 1.0"
    )
    try:
        cell = kernel.collect(kernel.send(f"%llm -m faltering {go}", "cell-1"), watch=watch)[0]
    finally:
        kernel.run("silence._PATIENCE = patience")
    assert any(frame.startswith("So far\n\n*Nothing has arrived") for frame in cell.frames)
    assert cell.frames[-1] == "So far so good."


def test_a_wait_is_counted_down(kernel: Kernel) -> None:
    frames = kernel.run("%llm -m retrying patiently").frames
    counted = [int(re.search(r"Trying again in (\d+) s", frame)[1]) for frame in frames if "Trying again" in frame]  # type: ignore[index]
    assert counted[0] >= 4
    assert counted[-1] < counted[0]
    assert counted == sorted(counted, reverse=True)
    assert frames[-1] == "Finally."


def test_reasoning_is_open_while_it_comes_and_folded_afterwards(kernel: Kernel) -> None:
    frames = kernel.run("%llm -m thinker slowly").frames
    assert frames[0].startswith("<details open><summary>Thinking</summary>")
    assert frames[-1].startswith("<details><summary>Thought for")
    assert frames[-1].endswith("</details>\n\nForty-two.")


def test_no_painter_outlives_its_turn(kernel: Kernel) -> None:
    kernel.run("%llm -m slow hi")
    assert kernel.value(PAINTERS) == []
    kernel.run("%llm -m buggy hi")
    assert kernel.value(PAINTERS) == []
    cell = _press_stop_once(kernel, "%llm -m steady hi", when=lambda cell: "word" in "".join(cell.frames[-1:]))
    assert "■ Stopped by you" in cell.frames[-1]
    assert kernel.value(PAINTERS) == []


def test_what_a_cell_prints_and_what_it_asks_keep_their_order(kernel: Kernel) -> None:
    cell = kernel.run("print('a')\n%llm one\nprint('b')\n%llm two\nprint('c')", "cell-1")
    assert cell.markdown == ["You said: one", "You said: two"]
    # On a slow machine, an answer is waited for in its output first.
    answers = iter(cell.markdown)
    shown = cell.of("stream", "display_data")
    seen = [content["text"].strip() if "text" in content else next(answers) for content in shown]
    assert seen == ["a", "You said: one", "b", "You said: two", "c"]


def test_the_end_is_in_the_cell_that_asked(kernel: Kernel) -> None:
    first, second = kernel.send("%llm -m slow hi"), kernel.send("print('next')")
    asked, after = kernel.collect(first, second)
    assert asked.markdown == ["At last."]
    assert after.frames == []
    assert after.stdout == "next\n"


def test_a_captured_answer_is_captured(kernel: Kernel) -> None:
    cell = kernel.run("%%capture kept\n%llm -m slow hi")
    assert cell.frames == []
    assert kernel.run("kept.show()").markdown == ["At last."]


def test_an_output_widget_of_the_users_gets_the_answer(kernel: Kernel) -> None:
    pytest.importorskip("ipywidgets")
    cell = kernel.run("import ipywidgets\nbox = ipywidgets.Output()\nwith box:\n    %llm -m slow hi")
    assert cell.markdown == ["At last."]
    states = [
        content["data"]["state"]["msg_id"]
        for content in cell.of("comm_msg")
        if "msg_id" in content["data"].get("state", {})
    ]
    answered = next(message for message in cell.messages if message["msg_type"] == "display_data")
    assert states[0] == answered["parent_header"]["msg_id"]
    assert states[-1] == ""
    kinds = [message["msg_type"] for message in cell.messages]
    # The widget ignores updates, so it is given the whole answer once.
    assert "update_display_data" not in kinds
    assert kinds.count("display_data") == 1
    closed = max(position for position, kind in enumerate(kinds) if kind == "comm_msg")
    assert kinds.index("display_data") < closed


def test_an_output_widget_of_the_users_gets_the_question_without_a_traceback(kernel: Kernel) -> None:
    kernel.run(
        "import ipywidgets, llm_notebook as llm\nlook = llm.require_approval(llm.Tool.function(lambda path: 1, name='look'))"
    )
    cell = kernel.run("with ipywidgets.Output():\n    %llm -m asker -T look Look at /a", "cell-1")
    assert "waiting for your approval" in cell.markdown[0]
    assert cell.of("error") == []
    # The widget still shows what others raise.
    assert [content["ename"] for content in kernel.run("with ipywidgets.Output():\n    1 / 0").of("error")] == [
        "ZeroDivisionError"
    ]


def test_a_console_which_ignores_updates_gets_the_whole_answer(kernel: Kernel) -> None:
    shown = [content["data"].get("text/plain") for content in kernel.run("%llm -m thinker slowly").of("display_data")]
    assert shown[-1] == "Thought:\nHmm, let me see.\n\nForty-two."
    assert len(list(filter(None, shown))) == 1
    # A notebook says which cell it runs, and its output is updated.
    in_cell = kernel.run("%llm -m thinker slowly", "cell-1")
    assert len(in_cell.of("display_data")) == 1
    assert "Forty-two." in in_cell.of("update_display_data")[-1]["data"]["text/plain"]


def _type(kernel: Kernel, line: str) -> Cell:
    """Type a line at the prompt of a console, which first asks whether it is complete."""
    kernel.client.is_complete(line)
    return kernel.run(line)


def test_a_console_with_a_prompt_gets_an_answer_as_text(kernel: Kernel) -> None:
    cell = _type(kernel, "%llm -m thinker slowly")
    assert cell.stdout.rstrip() == "Thought:\nHmm, let me see.\n\nForty-two."
    assert cell.of("display_data", "update_display_data") == []
    # Another front end of the same kernel may be a notebook.
    assert kernel.run("%llm -m thinker slowly", "cell-1").markdown != []
    failed = _type(kernel, "%llm -m ehco hi")
    assert failed.stdout.startswith("■ No model is called “ehco”. Nothing was sent.")
    assert failed.reply["status"] == "error"
    assert "Traceback" not in repr(failed.messages)


def test_a_question_of_a_console_is_shown_again_where_that_is_asked_for(kernel: Kernel) -> None:
    kernel.run(
        "import llm_notebook as llm\n@llm.require_approval\ndef look(path: str) -> str:\n    return 'seen ' + path"
    )
    asked = _type(kernel, "%llm -m asker -T look Look at /a")
    assert "▎ look · waiting for your approval, nothing has run" in asked.stdout
    assert _type(kernel, "%llm resume").stdout == asked.stdout
    in_cell = kernel.run("%llm resume", "cell-1")
    assert "waiting for your approval" in in_cell.markdown[0]
    assert (
        "seen /a"
        in kernel.run(f"%llm approve {asked.stdout.split('%llm approve ')[1].split()[0]}", "cell-2").markdown[0]
    )


def test_a_console_with_a_prompt_gets_a_run_over_rows_when_it_is_over(kernel: Kernel) -> None:
    kernel.run("rows = [{'text': 'one'}, {'text': 'two'}]")
    cell = _type(kernel, "%llm -m echo --each rows Say {{ text }}")
    shown = [content["data"].get("text/plain") for content in cell.of("display_data")]
    assert len(list(filter(None, shown))) == 1
    assert shown[-1].startswith("2 rows  100 %")
    assert cell.stdout == ""


def test_a_console_beside_a_page_with_our_extension_gets_the_whole_answer(live: Kernel) -> None:
    cell = _type(live, "%llm -m thinker slowly")
    shown = [content["data"].get("text/plain") for content in cell.of("display_data")]
    assert shown[-1] == "Thought:\nHmm, let me see.\n\nForty-two."
    assert len(list(filter(None, shown))) == 1


def test_a_console_is_asked_in_words_that_can_be_followed_there(kernel: Kernel) -> None:
    kernel.close_comm(kernel.comm("llm_notebook"))
    kernel.run(
        "import llm_notebook as llm\n@llm.require_approval\ndef look(path: str) -> str:\n    return 'seen ' + path"
    )
    asking = "%llm -m asker -T look Look at /a"
    in_console = kernel.run(asking).of("display_data")[-1]["data"]["text/plain"]
    assert in_console.startswith("▎ look · waiting for your approval, nothing has run\n")
    assert "▎ %llm approve " in in_console
    assert "For buttons" not in in_console
    # A page can have buttons.
    assert "For buttons here, run `pip install" in kernel.run(asking, "cell-1").markdown[0]
    mistake = kernel.run("%llm -m ehco hi").of("display_data")[-1]["data"]["text/plain"]
    assert mistake.startswith("■ No model is called “ehco”. Nothing was sent.")


def test_a_hostile_answer_does_nothing_in_the_page(kernel: Kernel) -> None:
    bundle = kernel.run("%llm -m hostile hi").outputs[0]
    assert SCRIPT_TAG not in bundle["text/markdown"]
    assert "![" not in bundle["text/markdown"]
    assert not set(ANSI) & set("\x1b\x07\x9b\r") & set(bundle["text/plain"] + bundle["text/markdown"])


def test_a_hostile_model_id_does_nothing_in_the_page(kernel: Kernel) -> None:
    kernel.run(f"odd = {ODD_ID!r}")
    cell = kernel.run(f"%llm -u -m '{ODD_ID}' hi")
    assert cell.status == "ok", cell.traceback
    assert "<img" not in cell.markdown[0]
    assert ODD_ID in cell.outputs[0]["text/plain"]


def test_a_terminal_obeys_no_control_character_of_a_model(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%llm -m hostile hi")
    said = capsys.readouterr().out
    assert said.startswith(r"before\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{d}after")
    assert not set(said) & set("\x1b\x07\x9b\r")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hi", "You said: hi\n"),
        ("-u hi", "You said: hi\necho · 1,234 in · 5 out · "),
        ("-m thinker hi", "Thought:\nHmm, let me see.\n\nForty-two.\n"),
        ("-m thinker -R hi", "Forty-two.\n"),
        ("-m empty hi", "empty gave an empty answer.\n"),
        ("-m cut-short long", "Once upon a\n■ The answer stopped at the token limit. `-o max_tokens N` allows more.\n"),
        ("-m cut-short hi", "Once upon a\n"),
        ("-m breaking hi", "Half an ans\n■ The answer broke off after "),
        (f"-m '{ODD_ID}' -u hi", f"Fine.\n{ODD_ID} · "),
    ],
)
def test_a_terminal_reads_like_text(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    terminal.run_cell(f"%llm {line}")
    out = capsys.readouterr().out
    assert out.startswith(said)
    assert out.endswith("\n")
    assert "\n\n\n" not in out


def test_a_retry_is_shown_in_a_terminal_too(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell("%llm -m retrying hi")
    assert capsys.readouterr().out == "The server is busy. Trying again in 4 s. Try 2 of 3.\nFinally.\n"
