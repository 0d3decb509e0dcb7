"""A waiting call survives its kernel: a later one shows it, takes the decision, continues, and runs it exactly once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, click_of, click_on, is_idle, shown_of

LOAD = "%load_ext llm_notebook\n%load_ext tests.notebook.scripted"
DEFINE = '''
import llm_notebook as llm

@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    with open("ran.txt", "a") as file:
        print(path, file=file)
    return "erased " + path
'''
ASK = "%llm -m asker -T erase Erase /a"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def fresh(folder: Path) -> Iterator[Kernel]:
    """A kernel for one test, in which the tool is defined."""
    with running_kernel(folder) as kernel:
        assert kernel.run(DEFINE).status == "ok"
        yield kernel


def again(kernel: Kernel, *cells: str) -> None:
    """Restart the kernel and run these cells."""
    kernel.restart()
    for cell in (LOAD, *cells):
        ran = kernel.run(cell)
        assert ran.status == "ok", ran.traceback


def runs(folder: Path) -> list[str]:
    file = folder / "ran.txt"
    return file.read_text().split() if file.exists() else []


def ask(kernel: Kernel, code: str = ASK, cell_id: str = "cell-1") -> Cell:
    cell = kernel.run(code, cell_id)
    assert cell.traceback == ""
    assert state(cell) == "paused"
    return cell


def state(cell: Cell) -> str:
    return str(cell.outputs[-1][MIME_TYPE]["state"])


def name(cell: Cell) -> str:
    """Return the part of the call's id that the record says to type."""
    found = re.search(r"%llm approve (\w+)", cell.outputs[-1]["text/plain"])
    assert found is not None
    return found[1]


def act(kernel: Kernel, action: dict[str, Any]) -> Cell:
    """Click in JupyterLab: run what our extension executes."""
    return kernel.run(f"%load_ext llm_notebook\n%llm act {json.dumps(action)}", "cell-1")


def told_click(kernel: Kernel, cell: Cell) -> dict[str, Any]:
    """Return a click on a card that was drawn from what this kernel tells of the question in a cell."""
    kernel.run("%load_ext llm_notebook")
    asked = kernel.tell("llm_notebook", {"type": "resync", "id": cell.outputs[-1][MIME_TYPE]["id"]})
    kernel.hear(lambda message: is_idle(message, asked))
    return click_on(kernel.comm_messages("llm_notebook")[-1]["content"]["data"]["document"])


def test_what_waits_is_listed_and_approved_in_a_later_kernel(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh)
    again(fresh, DEFINE)
    listed = fresh.run("%llm pending").outputs[0]["text/plain"]
    assert name(waiting) in listed
    assert "erase" in listed
    assert "/a" in listed
    approved = fresh.run(f"%llm approve {name(waiting)}")
    assert approved.traceback == ""
    assert "All done: erased /a." in approved.markdown[0]
    assert runs(folder) == ["/a"]
    assert "Nothing waits" in fresh.run("%llm pending").outputs[0]["text/plain"]
    assert "Nothing called" in fresh.run("%llm approve 0123456789").traceback


def test_a_long_value_is_shown_in_full_before_a_command_approves_it(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh, f"%llm -m asker -T erase Erase /{'a' * 4_000}+;{'z' * 1_000}")
    assert "+;" not in waiting.outputs[-1]["text/plain"]
    shown = fresh.run(f"%llm approve {name(waiting)}")
    assert shown.traceback == ""
    assert "+;" in shown.outputs[0]["text/plain"]
    assert "Nothing was run: the record shows a part of these arguments only." in shown.outputs[0]["text/plain"]
    assert runs(folder) == []
    assert fresh.run(f"%llm approve {name(waiting)}").traceback == ""
    assert [len(path) for path in runs(folder)] == [5_003]


def test_a_click_in_a_later_kernel_continues_the_turn(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh)
    again(fresh, DEFINE)
    click = told_click(fresh, waiting)
    clicked = act(fresh, click)
    assert clicked.traceback == ""
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]
    assert told["type"] == "record"
    assert told["document"]["id"] == waiting.outputs[-1][MIME_TYPE]["id"]
    assert told["document"]["state"] == "done"
    assert "All done: erased /a." in told["bundle"]["text/markdown"]
    assert runs(folder) == ["/a"]
    late = act(fresh, click)
    assert late.traceback == ""
    assert runs(folder) == ["/a"]


def test_a_tool_that_was_changed_is_asked_about_again(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh)
    again(fresh, DEFINE.replace("erased", "wiped"))
    anew = fresh.run(f"%llm approve {name(waiting)}")
    assert state(anew) == "paused"
    assert "Since then its code changed." in anew.outputs[-1]["text/plain"]
    assert runs(folder) == []
    approved = fresh.run(f"%llm approve {name(anew)}")
    assert "All done: wiped /a." in approved.markdown[-1]


def test_running_a_paused_cell_again_shows_the_question_and_asks_nobody(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh)
    assert fresh.value("len(sent)") == 1
    shown = ask(fresh)
    assert fresh.value("len(sent)") == 1
    assert shown.outputs[-1][MIME_TYPE]["id"] == waiting.outputs[-1][MIME_TYPE]["id"]
    again(fresh, DEFINE)
    shown = ask(fresh)
    assert fresh.value("len(sent)") == 0
    assert name(shown) == name(waiting)
    assert act(fresh, click_of(shown)).traceback == ""
    assert runs(folder) == ["/a"]
    # Once its call is decided, the cell is an ordinary one again.
    assert ask(fresh).outputs[-1][MIME_TYPE]["id"] != waiting.outputs[-1][MIME_TYPE]["id"]


@pytest.mark.parametrize("code", [ASK + " and /b", ASK.replace("-m", "--new -m")])
def test_another_text_or_new_asks_the_model(fresh: Kernel, code: str) -> None:
    ask(fresh)
    ask(fresh, code)
    assert fresh.value("len(sent)") == 2


def test_a_denial_carries_its_reason(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh)
    again(fresh)
    denied = fresh.run(f"%llm deny {name(waiting)} not  on a   Monday")
    assert "Denied by the user: not  on a   Monday" in fresh.value(
        "texts(sent[-1]) and sent[-1].messages[-1].parts[0].output"
    )
    assert state(denied) == "done"
    assert runs(folder) == []


def test_python_code_finds_the_tools_that_the_notebook_defines(fresh: Kernel, folder: Path) -> None:
    ask(fresh)
    again(fresh)
    missing = fresh.run("import llm_notebook as llm\nllm.pending()[0].approve().text()")
    assert "The tool erase that was asked about is not here" in missing.traceback
    assert runs(folder) == []
    assert fresh.run(DEFINE).status == "ok"
    approved = fresh.run("print(llm.pending()[0].approve().text())")
    assert "All done: erased /a." in approved.stdout
    assert runs(folder) == ["/a"]
    assert "Nothing waits" in pending(fresh)


def pending(kernel: Kernel) -> str:
    return str(kernel.run("%llm pending").outputs[0]["text/plain"])


@pytest.mark.parametrize("is_later", [False, True])
def test_a_question_can_be_forgotten_without_asking_the_model(fresh: Kernel, folder: Path, is_later: bool) -> None:
    waiting = ask(fresh)
    if is_later:
        again(fresh, DEFINE)
    asked = fresh.value("len(sent)")
    forgotten = fresh.run(f"%llm forget {name(waiting)}")
    assert forgotten.outputs[-1]["text/plain"] == "The question about erase is dropped. The model was not asked."
    assert "Nothing waits" in pending(fresh)
    assert (runs(folder), fresh.value("len(sent)")) == ([], asked)
    late = fresh.run(f"%llm approve {name(waiting)}")
    assert "decided already" in late.traceback
    assert runs(folder) == []
    assert ask(fresh).outputs[-1][MIME_TYPE]["id"] != waiting.outputs[-1][MIME_TYPE]["id"]


@pytest.mark.parametrize(("command", "ended"), [("deny", "denied"), ("forget", "abandoned")])
def test_a_question_whose_model_is_gone_can_be_ended(fresh: Kernel, folder: Path, command: str, ended: str) -> None:
    waiting = ask(fresh)
    fresh.restart()
    assert fresh.run("%load_ext llm_notebook").status == "ok"
    assert fresh.run(DEFINE).status == "ok"
    approved = fresh.run(f"%llm approve {name(waiting)}")
    assert "does not know the model asker" in approved.traceback
    assert name(waiting) in pending(fresh)
    done = fresh.run(f"%llm {command} {name(waiting)}")
    assert done.traceback == ""
    assert "Nothing waits" in pending(fresh)
    journal = "__import__('llm_notebook').history()[0].calls[0]"
    assert fresh.value(f"{journal}.state") == ended
    assert runs(folder) == []


@pytest.mark.parametrize(
    ("verdict", "more", "ended"), [("denied", {}, "denied"), ("abandoned", {"drop": True}, "abandoned")]
)
def test_a_card_whose_model_is_gone_says_so_and_can_be_ended(
    fresh: Kernel, verdict: str, more: dict[str, Any], ended: str
) -> None:
    waiting = ask(fresh)
    fresh.restart()
    assert fresh.run("%load_ext llm_notebook").status == "ok"
    assert fresh.run(DEFINE).status == "ok"
    click = told_click(fresh, waiting)
    act(fresh, click)
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    assert "does not know the model asker" in told["blocks"][-1]["request"]["blocked"]
    assert act(fresh, {**click, "verdict": verdict, **more}).traceback == ""
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    assert (told["state"], told["blocks"][-1]["status"]) == ("interrupted", ended)
    assert told["blocks"][-1]["decision"].get("dropped", False) == bool(more)
    assert "Nothing waits" in pending(fresh)
    shown = act(fresh, {"type": "continue", "transcript": told["id"]})
    assert "Stopped by you" not in str(shown.outputs)


def test_a_kernel_that_died_while_the_tool_ran_leaves_a_question(fresh: Kernel, folder: Path) -> None:
    deadly = DEFINE.replace(
        "    return", '    import os, signal\n    if path == "/a": os.kill(os.getpid(), signal.SIGKILL)\n    return'
    )
    assert fresh.run(deadly).status == "ok"
    waiting = ask(fresh)
    fresh.send(f"%llm approve {name(waiting)}")
    fresh.wait_until_dead()
    again(fresh, deadly)
    assert runs(folder) == ["/a"]
    assert "did it run?" in fresh.run("%llm pending").outputs[0]["text/plain"]
    shown = ask(fresh)
    assert "not known" in shown.outputs[-1]["text/plain"]
    assert fresh.value("len(sent)") == 0
    document = shown.outputs[-1][MIME_TYPE]
    [block] = [block for block in document["blocks"] if block["kind"] == "call"]
    assert block["status"] == "unknown"
    answer = {
        "type": "decide",
        "transcript": document["id"],
        "request": block["request"]["id"],
        "digest": block["request"]["digest"],
        "shown": shown_of(document),
        "verdict": "answered",
        "text": "it is gone",
    }
    assert act(fresh, answer).traceback == ""
    assert runs(folder) == ["/a"]
    assert (
        "All done: it is gone." in fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["bundle"]["text/markdown"]
    )


def test_always_allow_holds_until_it_is_revoked(fresh: Kernel, folder: Path) -> None:
    waiting = ask(fresh, "%llm -m asker -T erase Erase /a /b")
    assert act(fresh, {**click_of(waiting), "grant": "session"}).traceback == ""
    assert runs(folder) == ["/a", "/b"]
    document = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    granted = [block["decision"].get("grant") for block in document["blocks"] if block["kind"] == "call"]
    assert granted[1]["scope"] == "session"
    listed = fresh.run("%llm grants").outputs[0]["text/plain"]
    assert "erase" in listed
    assert act(fresh, {"type": "revoke", "transcript": document["id"], "grant": granted[1]["id"]}).traceback == ""
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    [_, allowed] = [block for block in told["blocks"] if block["kind"] == "call"]
    assert allowed["decision"]["grant"]["revoked"]
    assert "Nothing is always allowed" in fresh.run("%llm grants").outputs[0]["text/plain"]
    ask(fresh, "%llm -m asker -T erase Erase /c", "cell-2")
    assert runs(folder) == ["/a", "/b"]


def test_a_conversation_continues_in_a_later_kernel(fresh: Kernel) -> None:
    shown = fresh.run("%llm My name is Ana", "cell-1").outputs[0][MIME_TYPE]["id"]
    listed = fresh.run("%llm history").outputs[0]["text/plain"]
    assert "My name is Ana" in listed
    assert "You said: My name is Ana" in listed
    again(fresh)
    turn = re.search(r"^(\w+) .*My name is Ana", listed, re.MULTILINE)
    assert turn is not None
    # A page knows the answer by the id of its transcript.
    for name in (turn[1], shown):
        fresh.run(f"%llm --cid {name} What is my name?")
        assert fresh.value("texts(sent[-1])") == [
            "user: My name is Ana",
            "assistant: You said: My name is Ana",
            "user: What is my name?",
        ]
    found = fresh.run("%llm history -q name").outputs[0]["text/plain"]
    assert "↳ What is my name?" in found
    assert "no conversation or turn 0123456789" in fresh.run("%llm --cid 0123456789 hi").traceback


def test_the_history_says_of_an_answer_whose_kernel_died_that_it_did(fresh: Kernel) -> None:
    request = fresh.send("%llm -m steady A story", "cell-1")
    fresh.hear(lambda message: "word" in str(message["content"]) and message["parent_header"]["msg_id"] == request)
    again(fresh)
    listed = fresh.run("%llm history").outputs[0]["text/plain"]
    assert "its kernel stopped" in listed
    found = re.search(r"^(\w+) .*A story", listed, re.MULTILINE)
    assert found is not None
    shown = fresh.run(f"%llm history {found[1]}").outputs[0]["text/plain"]
    assert "its kernel stopped" in shown


def test_n_keeps_nothing(fresh: Kernel) -> None:
    fresh.run("%llm -n a secret")
    assert "holds nothing yet" in fresh.run("%llm history").outputs[0]["text/plain"]
    waiting = ask(fresh, "%llm -n -m asker -T erase Erase /a")
    again(fresh, DEFINE)
    assert "Nothing called" in fresh.run(f"%llm approve {name(waiting)}").traceback


def test_without_a_journal_everything_works_and_the_cell_says_so(folder: Path) -> None:
    journal = folder / "journal.db"
    journal.mkdir()
    with running_kernel(folder, {"LLM_NOTEBOOK_JOURNAL": str(journal)}) as kernel:
        assert kernel.run(DEFINE).status == "ok"
        cell = kernel.run("%llm hi")
        assert cell.traceback == ""
        assert cell.markdown[0].startswith("You said: hi")
        assert "Not saved: " in cell.markdown[0]
        assert str(journal) in cell.outputs[0]["text/plain"]
        waiting = ask(kernel)
        assert act(kernel, click_of(waiting)).traceback == ""
        assert runs(folder) == ["/a"]


def test_on_pause_continue_lets_the_cells_below_run_even_after_a_reload(fresh: Kernel, folder: Path) -> None:
    assert fresh.run("%reload_ext llm_notebook").status == "ok"
    assert fresh.value("[type(c).__name__ for c in get_ipython().configurables].count('LLMMagics')") == 1
    with fresh.queueing():
        requests = fresh.send(ASK, "cell-1"), fresh.send("print('below ran')", "cell-2")
    first, below = fresh.collect(*requests)
    assert state(first) == "paused"
    assert below.status == "aborted"

    set_to = fresh.run('%config LLMMagics.on_pause = "continue"')
    assert set_to.status == "ok", set_to.traceback
    second, below = fresh.collect(fresh.send(ASK + " /b", "cell-3"), fresh.send("print('below ran')", "cell-2"))
    assert state(second) == "paused"
    assert "did not run" not in second.outputs[-1]["text/plain"]
    assert below.stdout == "below ran\n"
    assert runs(folder) == []


UNMARKED = DEFINE.replace("@llm.require_approval\n", "")


PREPARES = "class Box(llm.Toolbox):\n    def prepare(self): self.add_tool(erase)\nbox = Box()"


@pytest.mark.parametrize(
    ("definition", "options", "verdict"),
    [
        (UNMARKED, "-T erase --ta", "approve"),
        (UNMARKED, "-T erase --ta", "deny"),
        (UNMARKED, "-T erase --ta", "click"),
        (UNMARKED, "-T erase --ta", "run the cell"),
        (UNMARKED, "-T erase --approve erase", "deny"),
        (UNMARKED + "guarded = llm.require_approval(erase)", "-T guarded", "approve"),
        (UNMARKED + PREPARES, "-T box --ta", "approve"),
        (UNMARKED + PREPARES, "-T box --approve erase", "deny"),
    ],
)
def test_what_a_cell_asks_about_is_asked_about_in_a_later_kernel(
    fresh: Kernel, folder: Path, definition: str, options: str, verdict: str
) -> None:
    assert fresh.run(definition).status == "ok"
    code = f"%llm -m asker {options} Erase /a /b"
    waiting = ask(fresh, code)
    again(fresh, definition)
    if verdict == "click":
        assert act(fresh, told_click(fresh, waiting)).traceback == ""
    elif verdict == "run the cell":
        shown = ask(fresh, code)
        assert fresh.value("len(sent)") == 0
        assert act(fresh, click_of(shown)).traceback == ""
    else:
        fresh.run(f"%llm {verdict} {name(waiting)}")
    assert runs(folder) == ([] if verdict == "deny" else ["/a"])
    assert "/b" in fresh.run("%llm pending").outputs[0]["text/plain"]


FILES = """
import llm_notebook as llm

class Files(llm.Toolbox):
    def __init__(self, root):
        self.root = root

    @llm.require_approval
    def erase(self, path: str) -> str:
        with open("ran.txt", "a") as file:
            print(self.root + path, file=file)
        return "erased"
"""
TEST, PROD = 'a = Files("/test")\n', 'b = Files("/PROD")\n'


@pytest.mark.parametrize("objects", [TEST + PROD, PROD + TEST])
def test_of_two_objects_of_a_class_the_one_that_was_asked_about_is_found_again(
    fresh: Kernel, folder: Path, objects: str
) -> None:
    assert fresh.run(FILES + TEST + PROD).status == "ok"
    waiting = ask(fresh, "%llm -m asker -T a Files_erase /a")
    again(fresh, FILES + objects)
    assert fresh.run(f"%llm approve {name(waiting)}").traceback == ""
    assert runs(folder) == ["/test/a"]


def test_a_question_whose_tool_changes_is_drawn_again_and_names_what_changed(fresh: Kernel, folder: Path) -> None:
    assert fresh.run(FILES + TEST).status == "ok"
    waiting = ask(fresh, "%llm -m asker -T a Erase /a")
    [before] = [block for block in waiting.outputs[-1][MIME_TYPE]["blocks"] if block["kind"] == "call"]
    assert fresh.run('a.root = "/PROD"').status == "ok"
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    [block] = [block for block in told["blocks"] if block["kind"] == "call"]
    assert 'root: "/test" → "/PROD"' in block["request"]["changed"]
    assert block["request"]["digest"] != before["request"]["digest"]
    # A click on the card as it was before does nothing.
    assert act(fresh, click_of(waiting)).traceback == ""
    assert runs(folder) == []
    # Whoever types a command may not have looked at the card again, so the first one shows what has changed.
    first = fresh.run(f"%llm approve {name(waiting)}")
    assert 'root: "/test" → "/PROD"' in first.outputs[-1]["text/plain"]
    assert runs(folder) == []
    assert "erased" in fresh.run(f"%llm approve {name(waiting)}").markdown[-1]
    assert runs(folder) == ["/PROD/a"]


def test_after_a_restart_an_object_that_holds_something_else_is_asked_about_anew(fresh: Kernel, folder: Path) -> None:
    assert fresh.run(FILES + TEST).status == "ok"
    waiting = ask(fresh, "%llm -m asker -T a Erase /a")
    again(fresh, FILES + PROD)
    anew = fresh.run(f"%llm approve {name(waiting)}")
    assert state(anew) == "paused"
    assert 'root: "/test" → "/PROD"' in anew.outputs[-1]["text/plain"]
    assert runs(folder) == []
    assert "erased" in fresh.run(f"%llm approve {name(anew)}").markdown[-1]
    assert runs(folder) == ["/PROD/a"]


STORE = """
import threading
import llm_notebook as llm

class Store(llm.Toolbox):
    def __init__(self, connection):
        self.connection = connection

    @llm.require_approval
    def erase(self, path: str) -> str:
        with open("ran.txt", "a") as file:
            print(self._name + path, file=file)
        return "erased"

def store(name, **more):
    made = Store(threading.Lock())
    made._name = name
    vars(made).update(more)
    return made

"""
ALIKE = {name: f"{name} = store({name!r})\n" for name in ("test", "prod")}
UNLIKE = {name: f"{name} = store({name!r}, root='/{name}')\n" for name in ("test", "prod")}


@pytest.mark.parametrize(
    ("made", "later"),
    [
        (ALIKE, ["prod", "test"]),
        (ALIKE, ["test", "prod"]),
        (UNLIKE, ["test", "prod"]),
    ],
)
def test_a_tool_that_holds_what_has_no_description_is_asked_about_anew_after_a_restart(
    fresh: Kernel, folder: Path, made: dict[str, str], later: list[str]
) -> None:
    assert fresh.run(STORE + "".join(made.values())).status == "ok"
    waiting = ask(fresh, "%llm -m asker -T test Erase /a")
    again(fresh, STORE + "".join(made[one] for one in later))
    anew = fresh.run(f"%llm approve {name(waiting)}")
    assert state(anew) == "paused"
    assert "the object that it belongs to changed" in anew.outputs[-1]["text/plain"]
    assert runs(folder) == []
    # It is about the same object as far as that can be known: the one with the same attributes, or in the same variable.
    assert "erased" in fresh.run(f"%llm approve {name(anew)}").markdown[-1]
    assert runs(folder) == ["test/a"]
