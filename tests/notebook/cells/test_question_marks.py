"""Loading and unloading the magics, prompts that IPython would take for questions about a name, and magics below comments."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook.scripted import sent


def _what_we_touch(shell: InteractiveShell) -> tuple[Any, ...]:
    magics = shell.magics_manager.magics
    return (
        set(magics["line"]),
        set(magics["cell"]),
        set(shell.magics_manager.registry),
        list(shell.input_transformer_manager.token_transformers),
        list(shell.input_transformer_manager.line_transforms),
        list(shell.input_transformer_manager.cleanup_transforms),
        shell.custom_exceptions,
        vars(shell).get("showtraceback"),
        shell.CustomTB,
        set(shell.display_formatter.ipython_display_formatter.type_printers),
    )


def test_unloading_leaves_ipython_as_it_was(terminal: InteractiveShell) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    before = _what_we_touch(terminal)
    for cell in ("%load_ext llm_notebook", "%load_ext llm_notebook", "%reload_ext llm_notebook"):
        terminal.run_cell(cell)
        assert "llm" in terminal.magics_manager.magics["line"]
    terminal.run_cell("%unload_ext llm_notebook")
    assert _what_we_touch(terminal) == before


def test_questions_in_the_cell_that_loads_the_extension_go_to_the_model(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    sent.clear()
    terminal.run_cell(
        "what = 5\n%load_ext llm_notebook\n%llm What is the capital of Peru?\n%llm -m echo Is {{ what }} a number??\n"
        "for _ in range(2):\n    %llm who?\n%llm What is 2+2?\nwhat?",
        # IPython keeps the text of a cell that a person runs.
        store_history=True,
    )
    asked = ["What is the capital of Peru?", "Is 5 a number??", "who?", "who?", "What is 2+2?"]
    assert [prompt.prompt for prompt in sent] == asked
    out = capsys.readouterr().out
    assert "not found" not in out
    # What is looked up in earnest is looked up.
    assert "int" in out[out.rindex("You said") :]
    terminal.run_cell("what?")
    assert "int" in capsys.readouterr().out
    assert [prompt.prompt for prompt in sent] == asked
    assert "run_line_magic" not in vars(terminal)


def test_lines_of_any_length_and_ending_may_stand_in_the_cell_that_loads_the_extension(
    terminal: InteractiveShell,
) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    sent.clear()
    # Each long line would take hours if its time grew with the third power of its length.
    long = [f"{' ' * 20_000}# wide", f"# {'%' * 20_000}"]
    cell = "\r\n".join(["%load_ext llm_notebook", long[0], "%llm who?", "answer = %llm when?", long[1]])
    assert terminal.run_cell(cell, store_history=True).success
    assert [prompt.prompt.split() for prompt in sent] == [["who?"], ["when?"]]
    assert str(terminal.user_ns["answer"]) == "You said: when?"


def test_a_question_whose_answer_is_assigned_goes_to_the_model(terminal: InteractiveShell) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    sent.clear()
    terminal.run_cell("%load_ext llm_notebook\nfirst = %llm What is 2+2?", store_history=True)
    terminal.run_cell("for _ in range(1):\n    second = %llm -m echo \\\n   why?\nthird=%llm who??")
    names = terminal.user_ns
    assert names["first"] == "You said: What is 2+2?"
    assert names["second"] == "You said: why?"
    assert names["third"] == "You said: who??"
    assert len(sent) == 3


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("%time %llm -m echo Is it slow?", "Is it slow?"),
        ("kept['it'] = %time %llm -m echo Is it slow?", "Is it slow?"),
        ("kept['it'] = %llm -m echo What's it?", "What's it?"),
        ("kept['it']: str = %llm -m echo What is it?", "What is it?"),
        ("%llm -m echo \\\n  What is it?", "What is it?"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_question_goes_to_the_model_wherever_it_stands_in_a_line(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, prompt: str, is_first: bool
) -> None:
    terminal.run_cell("kept = {}")
    if is_first:
        terminal.run_cell("%unload_ext llm_notebook")
        line = f"%load_ext llm_notebook\n{line}"
    assert terminal.run_cell(line, store_history=True).success
    assert [asked.prompt for asked in sent] == [prompt]
    assert "not found" not in capsys.readouterr().out
    assert terminal.user_ns["kept"] == ({"it": f"You said: {prompt}"} if "kept" in line else {})


def test_the_magic_of_a_cell_below_the_line_that_loads_it_gets_a_sentence(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    result = terminal.run_cell("%load_ext llm_notebook\n%%llm -m echo\nWhat is it?", store_history=True)
    assert not result.success
    out = capsys.readouterr().out
    assert "%%llm must be the first line of its cell" in out
    assert "not found" not in out
    assert "Traceback" not in out
    assert not sent


def test_another_magic_of_the_name_comes_back(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell("%unload_ext llm_notebook")
    terminal.register_magic_function(lambda line: print("another", line), "line", "llm")  # noqa: T201
    terminal.run_cell("%load_ext llm_notebook\n%llm hi\n%unload_ext llm_notebook\n%llm hi")
    assert capsys.readouterr().out == "You said: hi\nanother hi\n"


def test_loading_twice_by_hand_is_loading_once(terminal: InteractiveShell) -> None:
    import llm_notebook

    before = len(terminal.input_transformer_manager.token_transformers), terminal.custom_exceptions

    llm_notebook.load_ipython_extension(terminal)
    assert (len(terminal.input_transformer_manager.token_transformers), terminal.custom_exceptions) == before


def test_a_question_about_the_magic_is_the_manual(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%llm?")
    manual = capsys.readouterr().out
    for part in (
        "%%llm -m smollm2\n",
        "answer = %llm What is 2+2?",
        "-m, --model ID",
        "{{ expression }}",
        "`%llm models` lists them.",
    ):
        assert part in manual
    assert not sent


def test_other_questions_go_to_ipython_as_before(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%time?")
    assert "Time execution" in capsys.readouterr().out
    terminal.run_cell("x = '%llm what?'\nprint(x)")
    assert capsys.readouterr().out == "%llm what?\n"
    assert not sent


def test_a_question_may_be_continued_on_the_next_line(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm -m echo \\\n   What is 2+2?")
    assert [prompt.prompt for prompt in sent] == ["What is 2+2?"]


@pytest.mark.parametrize(
    "above",
    ["# a comment\n", "\n# a comment\n\n", "  # indented\n  ", "x = 1\n", "%load_ext llm_notebook\n", "!true\n"],
)
def test_what_stands_above_the_magic_of_a_cell_gets_a_sentence(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], above: str
) -> None:
    result = terminal.run_cell(f"{above}%%llm -m echo\nWhat's up?")
    assert not result.success
    assert "%%llm must be the first line of its cell" in capsys.readouterr().out
    assert not sent


def test_text_that_looks_like_the_magic_is_text(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell('x = """\n%%llm hi\n"""\nprint(x.strip())')
    assert capsys.readouterr().out == "%%llm hi\n"
    terminal.run_cell("%%time\n%%llm\nhi")
    assert [prompt.prompt for prompt in sent] == ["hi"]
    assert terminal.input_transformer_manager.check_complete("# a comment\n%%llm\nWhat")[0] != ""
