"""Expected failures are one sentence, unexpected ones keep their traceback, and no traceback shows a key."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellHalted, nearest
from llm_notebook.providers.registry import set_default_model
from tests.notebook.kernels import Kernel
from tests.notebook.scripted import install_echo, sent

KEY = "sk-very-secret"
CONTROL = "\x1b]52;c;cm0gLXJmIH4=\x07\x1b[1A\x1b[2K"


def test_control_characters_in_an_error_are_spelled_out(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell(f"import llm_notebook as llm\nraise llm.ModelError({CONTROL!r})")
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert r"\u{1b}]52;c" in told


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "There is no prompt: write one after %llm. `%llm help` shows how."),
        ("-m ehco hi", "No model is called 'ehco'. Did you mean echo? `%llm models` lists them all. Nothing was sent."),
        ("-o shut true hi", "echo has no option 'shut'. Did you mean shout? Nothing was sent."),
        ("-m flood -o shout true hi", "flood has no option 'shout'. It takes no options. Nothing was sent."),
        (
            "-o temperature hot hi",
            "Option temperature: input should be a valid number, unable to parse string as a number, not 'hot'. Nothing was sent.",
        ),
        ("-m refusing hi", "ModelError: The quota is used up: wait until tomorrow."),
        (
            "default ehco",
            "No model is called 'ehco'. Did you mean echo? `%llm models` lists them all. The default is unchanged.",
        ),
        ("keys remove nothing", "No key is stored under 'nothing'."),
    ],
)
def test_an_expected_failure_is_one_sentence(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, sentence: str
) -> None:
    result = terminal.run_cell(f"%llm {line}")
    assert capsys.readouterr().out == sentence + "\n"
    assert result.error_in_exec is not None


def test_old_versions_of_trio_do_not_warn_of_our_handler(terminal: InteractiveShell) -> None:
    said = "IPython detected, but you already have a custom exception handler installed. I'll skip installing Trio's."

    def heard() -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.warn(said, RuntimeWarning, stacklevel=1)
            warnings.warn("something else", RuntimeWarning, stacklevel=1)
        return [str(warning.message) for warning in caught]

    with warnings.catch_warnings(action="always"):
        terminal.run_cell("%reload_ext llm_notebook")
        assert heard() == ["something else"]
        terminal.run_cell("%unload_ext llm_notebook")
        assert heard() == [said, "something else"]


@pytest.mark.parametrize(
    "source", ["%llm -m keyed hi", "%llm -m keyed --each items {{ text }}"], ids=["prompt", "rows"]
)
def test_a_missing_key_says_how_to_give_one(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    terminal.user_ns["items"] = [{"text": "a"}]
    terminal.run_cell(source)
    title, *ways = capsys.readouterr().out.splitlines()
    assert (
        title == "No key for keyed. keyed needs one, and none is stored, or set as SCRIPTED_API_KEY. Nothing was sent."
    )
    assert [way.split("  ")[1] for way in ways] == ["%llm keys set scripted", "%llm local install"]
    assert sent == []


@pytest.mark.parametrize("is_installed", [False, True], ids=["nothing installed", "a model installed"])
@pytest.mark.parametrize("source", ["%llm hi", "%llm --each items {{ text }}"], ids=["prompt", "rows"])
def test_the_first_use_is_a_few_friendly_lines_and_asks_no_model(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path, source: str, is_installed: bool
) -> None:
    set_default_model(None)
    if is_installed:
        install_echo(tmp_path)
    terminal.user_ns["items"] = [{"text": "a"}]
    terminal.run_cell(source)
    title, *ways = capsys.readouterr().out.splitlines()
    says = "echo is installed here, but no model is the default" if is_installed else "None is chosen yet"
    assert title == f"Which model should answer? {says}, so nothing was sent. One of these is enough:"
    local = ["%llm -m echo …", "%llm default echo"] if is_installed else ["%llm local install"]
    assert [way.split("  ")[1] for way in ways] == [*local, "%llm keys set openai", "%llm -m ollama/MODEL …"]
    assert sent == []


def test_a_history_that_a_model_cannot_take_is_refused(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%llm one")
    capsys.readouterr()
    terminal.run_cell("%llm -m single -c two")
    assert capsys.readouterr().out.count("\n") == 1


def test_a_bug_in_a_model_keeps_its_traceback(kernel: Kernel) -> None:
    cell = kernel.run("%llm -m buggy hi")
    assert "ZeroDivisionError" in cell.traceback
    assert "scripted.py" in cell.traceback
    assert cell.markdown[0].startswith("So far\n\n■ The answer broke off after")
    assert cell.markdown[0].endswith("The answer is incomplete; 2 words are kept.")


def test_what_arrived_before_the_failure_stays_above_it(kernel: Kernel) -> None:
    cell = kernel.run("%llm -m breaking hi")
    assert cell.markdown == [
        "Half an ans\n\n■ **The answer broke off** The connection closed before the answer's end. "
        "The answer is incomplete; 3 words are kept."
    ]
    assert (cell.status, cell.traceback) == ("error", "The connection closed before the answer's end.")


def test_an_error_at_once_is_the_only_output(kernel: Kernel) -> None:
    for line in ("-m refusing hi", "-m nobody hi", "{{ x.y }}"):
        cell = kernel.run(f"%llm {line}")
        assert cell.traceback.count("\n") == 0
        assert (cell.status, len(cell.outputs), cell.of("error")) == ("error", 1, [])


@pytest.mark.parametrize("mode", ["Verbose", "Context", "Plain", "Minimal"])
def test_no_kind_of_traceback_shows_a_stored_key(kernel: Kernel, mode: str) -> None:
    request = kernel.send("%llm keys set hidden")
    kernel.client.get_stdin_msg(timeout=60)
    kernel.client.input(KEY)
    kernel.collect(request)
    kernel.run(f"%xmode {mode}")
    try:
        bug = kernel.run("%llm -m keyed --key hidden bug")
        told = kernel.run("%llm -m keyed --key hidden -o shut 1 bug")
    finally:
        kernel.run("%xmode Context\n%llm keys remove hidden")
    assert "a bug with a key at hand" in bug.traceback
    assert told.traceback.count("\n") == 0
    assert KEY not in repr(bug.messages) + repr(told.messages)


HANDLER = """
def handle(self, etype, value, tb, tb_offset=None):
    print("handled", etype.__name__)
    return []
"""


def test_the_users_own_exception_handler_keeps_working(kernel: Kernel) -> None:
    kernel.run(f"{HANDLER}\n%unload_ext llm_notebook\nget_ipython().set_custom_exc((ValueError,), handle)")
    try:
        for order in ("%load_ext llm_notebook", "%reload_ext llm_notebook", "%unload_ext llm_notebook"):
            kernel.run(order)
            assert kernel.run("raise ValueError").stdout == "handled ValueError\n"
            assert "ZeroDivisionError" in kernel.run("1/0").traceback
        kernel.run("%load_ext llm_notebook")
        halted = kernel.run("from llm_notebook.notebook.errors import CellHalted\nraise CellHalted('Stopped by you.')")
        assert (halted.status, halted.stdout, halted.traceback) == ("error", "", "")
    finally:
        kernel.run("get_ipython().set_custom_exc((), None)\n%load_ext llm_notebook")


def test_a_handler_set_later_is_not_taken_away_by_unloading(terminal: InteractiveShell) -> None:
    seen: list[str] = []

    def handle(shell: object, etype: type, value: object, tb: object, tb_offset: object = None) -> list[str]:
        seen.append(etype.__name__)
        return []

    terminal.set_custom_exc((ValueError,), handle)
    terminal.run_cell("%unload_ext llm_notebook")
    terminal.run_cell("raise ValueError")
    assert seen == ["ValueError"]


def test_a_halt_shows_nothing(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.user_ns["CellHalted"] = CellHalted
    result = terminal.run_cell("raise CellHalted('Stopped by you.')")
    assert isinstance(result.error_in_exec, CellHalted)
    assert capsys.readouterr().out == ""


def test_the_nearest_name_is_proposed_only_where_it_is_near() -> None:
    assert nearest("usgae", ["usage", "model"]) == " Did you mean usage?"
    assert nearest("zebra", ["usage", "model"]) == ""
