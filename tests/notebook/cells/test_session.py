"""What `-c` continues: the tree of turns, in which a cell keeps its place when it is run again."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.notebook.kernels import Kernel
from tests.notebook.scripted import sent, texts


def _users(lines: list[str]) -> list[str]:
    return [line.removeprefix("user: ") for line in lines if line.startswith("user: ")]


class Notebook:
    """Runs cells with ids, as JupyterLab does. `ask` returns the user messages that the model was sent."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def ask(self, cell_id: str, code: str) -> list[str]:
        cell = self.kernel.run(code, cell_id)
        assert cell.status == "ok", cell.traceback
        return _users(self.kernel.value("texts(sent[-1])"))


@pytest.fixture
def notebook(kernel: Kernel) -> Notebook:
    return Notebook(kernel)


def test_only_c_continues(notebook: Notebook) -> None:
    assert notebook.ask("1", "%llm one") == ["one"]
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]
    assert notebook.ask("3", "%llm three") == ["three"]
    assert notebook.ask("4", "%llm -c four") == ["three", "four"]
    assert notebook.ask("5", "%llm -c --new five") == ["five"]


def test_a_cell_that_is_run_again_does_not_see_its_first_answer(notebook: Notebook) -> None:
    notebook.ask("1", "%llm one")
    notebook.ask("2", "%llm -c two")
    assert notebook.ask("2", "%llm -c two, better") == ["one", "two, better"]
    assert notebook.ask("3", "%llm -c three") == ["one", "two, better", "three"]
    assert notebook.ask("1", "%llm one, better") == ["one, better"]
    assert notebook.ask("2", "%llm -c two") == ["one, better", "two"]
    assert notebook.ask("3", "%llm -c three") == ["one, better", "two", "three"]


def test_a_first_cell_with_c_stays_the_first(notebook: Notebook) -> None:
    assert notebook.ask("1", "%llm -c one") == ["one"]
    assert notebook.ask("1", "%llm -c one") == ["one"]
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]
    assert notebook.ask("1", "%llm -c one") == ["one"]
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]


def test_a_cell_that_is_given_c_takes_up_what_was_said_elsewhere(notebook: Notebook) -> None:
    notebook.ask("1", "%llm scratch")
    notebook.ask("2", "%llm one")
    assert notebook.ask("1", "%llm -c scratch") == ["one", "scratch"]


def test_a_cell_that_is_given_c_never_sees_itself(notebook: Notebook) -> None:
    notebook.ask("1", "%llm one")
    notebook.ask("2", "%llm two")
    notebook.ask("3", "%llm -c three")
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]
    assert notebook.ask("2", "%llm two") == ["two"]


def test_prompts_of_one_cell_are_told_apart_by_their_order(notebook: Notebook) -> None:
    code = "%llm one\n%llm -c two\nfor word in ['three', 'four']:\n    %llm -c {{ word }}"
    assert notebook.ask("1", code) == ["one", "two", "three", "four"]
    assert notebook.ask("1", code) == ["one", "two", "three", "four"]
    assert notebook.ask("2", "%llm -c five") == ["one", "two", "three", "four", "five"]


def test_the_model_stays_unless_another_is_named(notebook: Notebook) -> None:
    notebook.ask("1", "%llm -m other one")
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]
    assert notebook.kernel.value("sent[-1].model.model_id") == "other"
    assert notebook.ask("3", "%llm -c -m echo three") == ["one", "two", "three"]
    assert notebook.kernel.value("sent[-1].model.model_id") == "echo"
    assert notebook.ask("4", "%llm four") == ["four"]
    assert notebook.kernel.value("sent[-1].model.model_id") == "echo"


def test_a_failed_turn_leaves_the_conversation_where_it_was(notebook: Notebook) -> None:
    notebook.ask("1", "%llm one")
    for line in ("-c -m breaking two", "-c -m buggy two", "-c -m refusing two", "-c -o shut 1 two", "-c {{ nothing }}"):
        assert notebook.kernel.run(f"%llm {line}", "2").status == "error"
    assert notebook.ask("3", "%llm -c three") == ["one", "three"]
    assert notebook.ask("2", "%llm -c two") == ["one", "two"]


def test_without_cell_ids_the_text_names_the_cell(kernel: Kernel) -> None:
    kernel.run("%llm one")
    for _ in range(2):
        kernel.run("%llm -c two")
        assert _users(kernel.value("texts(sent[-1])")) == ["one", "two"]


def test_where_nobody_can_type_nothing_is_run_again(kernel: Kernel) -> None:
    for expected in (["more"], ["more", "more"], ["more", "more", "more"]):
        kernel.run("%llm -c more", allow_stdin=False)
        assert _users(kernel.value("texts(sent[-1])")) == expected


def test_every_click_of_a_button_is_a_turn_of_its_own(kernel: Kernel) -> None:
    code = "from comm import create_comm\nasker = create_comm(target_name='t')\n"
    code += "asker.on_msg(lambda message: get_ipython().run_line_magic('llm', '-c more'))\nprint(asker.comm_id)"
    comm_id = kernel.run(code).stdout.strip()
    for expected in (["more"], ["more", "more"]):
        click = kernel.client.session.msg("comm_msg", {"comm_id": comm_id, "data": {}})
        kernel.client.shell_channel.send(click)
        assert _users(kernel.value("texts(sent[-1])")) == expected


def test_the_same_words_typed_twice_in_a_terminal_are_two_turns(terminal: InteractiveShell) -> None:
    for _ in range(3):
        terminal.run_cell("%llm -c more", store_history=True)
    assert _users(texts(sent[-1])) == ["more", "more", "more"]


def test_the_system_prompt_goes_along(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm -s Briefly. one", store_history=True)
    terminal.run_cell("%llm -c two", store_history=True)
    assert texts(sent[-1]) == ["system: Briefly.", "user: one", "assistant: You said: one", "user: two"]
