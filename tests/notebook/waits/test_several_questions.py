"""Several questions of one answer in a notebook: each has its card, the turn goes on after the last, and a restart loses none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_notebook.transcript.calls.displayed import digest_of_document
from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, is_idle

LOAD = "%load_ext llm_notebook\n%load_ext tests.notebook.scripted"
DEFINE = '''
import llm_notebook as llm

@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    with open("ran.txt", "a") as file:
        print(path, file=file)
    return "erased " + path

@llm.require_approval(destructive=True)
def wipe(path: str) -> str:
    with open("ran.txt", "a") as file:
        print("wiped", path, file=file)
    return "wiped " + path

def look(path: str) -> str:
    with open("ran.txt", "a") as file:
        print("saw", path, file=file)
    return "saw " + path
'''


class Notebook:
    """A notebook in a kernel whose tools leave a trace, and a reader who clicks."""

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        self.kernel = kernel
        self.folder = folder

    def define(self, said: str = "erased") -> None:
        ran = self.kernel.run(DEFINE.replace("erased", said), "cell-0")
        assert ran.status == "ok", ran.traceback

    def ask(self, prompt: str = "erase=/a look=/1 erase=/b erase=/c") -> Cell:
        cell = self.kernel.run(f"%llm -m hasty -T erase -T wipe -T look {prompt}", "cell-1")
        assert cell.traceback == ""
        assert cell.outputs[-1][MIME_TYPE]["state"] == "paused"
        return cell

    def restart(self) -> None:
        self.kernel.restart()
        ran = self.kernel.run(LOAD)
        assert ran.status == "ok", ran.traceback

    def told(self, cell: Cell) -> dict[str, Any]:
        """Return what the kernel says of the transcript that a cell shows."""
        asked = self.kernel.tell("llm_notebook", {"type": "resync", "id": cell.outputs[-1][MIME_TYPE]["id"]})
        self.kernel.hear(lambda message: is_idle(message, asked))
        document: dict[str, Any] = self.kernel.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
        return document

    def click(self, document: dict[str, Any], number: int, verdict: str = "approved", **more: Any) -> Cell:
        """Click on one of the open questions of a document, counted from 0."""
        action = {"type": "decide", "transcript": document["id"], "verdict": verdict}
        return self.act({**action, **decided(document, waiting(document)[number]), **more})

    def click_all(self, document: dict[str, Any], verdict: str = "approved", **more: Any) -> Cell:
        """Click on the button that decides about all of them."""
        calls = [decided(document, block) for block in waiting(document)]
        action = {"type": "decideAll", "transcript": document["id"], "verdict": verdict, "calls": calls}
        return self.act({**action, **more})

    def act(self, action: dict[str, Any]) -> Cell:
        acted = self.kernel.run(f"%llm act {json.dumps(action)}", "cell-1")
        assert acted.traceback == ""
        return acted

    @property
    def ran(self) -> list[str]:
        file = self.folder / "ran.txt"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def pending(self) -> int:
        return int(self.kernel.value("len(llm.pending())"))


def waiting(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in document["blocks"] if block.get("status") in ("waiting", "unknown")]


def statuses(document: dict[str, Any]) -> list[str]:
    return [block["status"] for block in document["blocks"] if block["kind"] == "call"]


def decided(document: dict[str, Any], block: dict[str, Any]) -> dict[str, str]:
    """Return what a card says about its question when it is decided."""
    shown = digest_of_document(document["id"], document["model"], block, {})
    return {"request": block["request"]["id"], "digest": block["request"]["digest"], "shown": shown}


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with running_kernel(tmp_path) as kernel:
        opened = Notebook(kernel, tmp_path)
        opened.define()
        yield opened


def test_each_card_is_decided_by_itself_and_the_turn_goes_on_after_the_last(notebook: Notebook) -> None:
    asked = notebook.ask()
    assert statuses(asked.outputs[-1][MIME_TYPE]) == ["waiting", "queued", "waiting", "waiting"]
    text = asked.outputs[-1]["text/plain"]
    assert "waiting for your approval, nothing has run, 2 of 3" in text
    notebook.click(notebook.told(asked), 1)
    notebook.click(notebook.told(asked), 1, "denied", text="Keep it.")
    document = notebook.told(asked)
    assert statuses(document) == ["waiting", "queued", "approved", "denied"]
    assert document["state"] == "paused"
    assert notebook.ran == []
    last = notebook.click(document, 0)
    assert statuses(notebook.told(asked)) == ["finished", "finished", "finished", "denied"]
    assert notebook.ran == ["/a", "saw /1", "/b"]
    assert "All done: erased /a, saw /1, erased /b, Denied by the user: Keep it.." in last.outputs[-1]["text/markdown"]


def test_a_decided_row_is_part_of_the_record_at_once(notebook: Notebook) -> None:
    asked = notebook.ask()
    acted = notebook.click(notebook.told(asked), 0)
    document = acted.outputs[-1][MIME_TYPE]
    # The time that a human takes is not the turn's.
    assert document["seconds"] == asked.outputs[-1][MIME_TYPE]["seconds"]
    assert statuses(document) == ["approved", "queued", "waiting", "waiting"]
    assert document["blocks"][0]["decision"]["verdict"] == "approved"
    assert document["blocks"][0]["request"]["params"][0]["text"] == "/a"
    assert "approved, runs when all 3 are decided" in acted.outputs[-1]["text/plain"]
    # A click on what was decided, as from another tab, changes nothing.
    notebook.click(asked.outputs[-1][MIME_TYPE], 0, "denied")
    assert statuses(notebook.told(asked)) == ["approved", "queued", "waiting", "waiting"]


def test_clicks_that_arrive_as_messages_do_the_same(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a look=/1 erase=/b")
    document = notebook.told(asked)
    for block, verdict in zip(waiting(document), ("approved", "denied"), strict=True):
        assert notebook.ran == []
        action = {"type": "decide", "transcript": document["id"], "verdict": verdict, **decided(document, block)}
        told = notebook.kernel.tell("llm_notebook", action)
        notebook.kernel.hear(lambda message, told=told: is_idle(message, told))
        notebook.kernel.run("pass")
    assert notebook.ran == ["/a", "saw /1"]
    assert statuses(notebook.told(asked)) == ["finished", "finished", "denied"]


def test_all_are_approved_with_one_digest_for_each(notebook: Notebook) -> None:
    document = notebook.told(notebook.ask())
    notebook.click_all(document)
    assert notebook.ran == ["/a", "saw /1", "/b", "/c"]
    # The same once more, as of a double click, runs nothing.
    notebook.click_all(document)
    assert notebook.ran == ["/a", "saw /1", "/b", "/c"]


# A page may be told of a card before the next question is known, as on a slow machine: each condition reads what pages are told.
LOOKED_AT = """
import llm_notebook as llm
turns = get_ipython().magics_manager.registry["LLMMagics"].turns.turns
told = []

def look(path):
    told.append([block["status"] for turn in turns.values() for block in turn.feed.document()["blocks"]])
    return True

@llm.require_approval(when=look)
def erase(path: str) -> str:
    return "erased " + path
"""


def test_a_card_that_was_told_before_the_others_can_be_decided(notebook: Notebook) -> None:
    assert notebook.kernel.run(LOOKED_AT, "cell-0").status == "ok"
    asked = notebook.ask("erase=/a erase=/b")
    assert notebook.kernel.value("told")[1][0] == "waiting"
    document = notebook.told(asked)
    assert [block["request"]["grants"] for block in waiting(document)] == [["cell", "session"]] * 2
    notebook.click(document, 0)
    assert statuses(notebook.told(asked)) == ["approved", "waiting"]


def test_a_decision_without_effect_says_why_on_what_is_still_asked(notebook: Notebook) -> None:
    def refusals() -> list[str]:
        return [block["request"].get("refused", "") for block in waiting(notebook.told(asked))]

    asked = notebook.ask("erase=/a erase=/b erase=/c")
    first = notebook.told(asked)
    notebook.click(first, 0)
    assert refusals() == ["", ""]
    # Another tab has sent a decision about all of them, before it knew.
    notebook.click_all(first)
    said = "Nothing was decided: what waits is not what this page showed. Read it as it is now, then decide."
    assert refusals() == [said, said]
    # And a card that showed something else.
    notebook.click(first, 1, "denied")
    assert refusals() == [said]
    notebook.click(first, 2, shown="0" * 64)
    notebook.click(first, 0)
    assert refusals() == [said]
    notebook.click(notebook.told(asked), 0)
    assert statuses(notebook.told(asked)) == ["finished", "denied", "finished"]
    assert notebook.ran == ["/a", "/c"]


def test_what_does_not_show_every_question_decides_about_none(notebook: Notebook) -> None:
    asked = notebook.ask()
    document = notebook.told(asked)
    calls = [decided(document, block) for block in waiting(document)]
    forged = json.loads(json.dumps(document).replace('"/b"', '"/tmp"'))
    for wrong in (
        calls[:2],
        [*calls, calls[0]],
        [calls[0], calls[1], calls[1]],
        [calls[0], calls[1], {**calls[2], "digest": calls[1]["digest"]}],
        [calls[0], calls[1], {**calls[2], "shown": calls[1]["shown"]}],
        [calls[0], decided(forged, waiting(forged)[1]), calls[2]],
        [calls[0], calls[1], {name: calls[2][name] for name in ("request", "digest")}],
        [{name: call[name] for name in ("request", "digest")} for call in calls],
        [calls[0], calls[1], None],
        [],
        None,
    ):
        for verdict in ("approved", "denied"):
            notebook.click_all(document, verdict, calls=wrong)
    for verdict in ("answered", "abandoned", "", None):
        notebook.click_all(document, verdict)  # type: ignore[arg-type]
    assert statuses(notebook.told(asked)) == ["waiting", "queued", "waiting", "waiting"]
    notebook.click(document, 2, "denied")
    # A card that is gone belongs to no decision about all.
    notebook.click_all(document)
    assert statuses(notebook.told(asked)) == ["waiting", "queued", "waiting", "denied"]
    assert notebook.ran == []


def test_what_is_destructive_is_not_approved_with_the_others_but_can_be_denied(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a wipe=/b")
    document = notebook.told(asked)
    notebook.click_all(document)
    assert statuses(notebook.told(asked)) == ["waiting", "waiting"]
    notebook.click_all(document, "denied", text="Not on Mondays.")
    assert statuses(notebook.told(asked)) == ["denied", "denied"]
    assert (
        notebook.kernel.value("[part.output for part in sent[-1].messages[-1].parts]")
        == ["Denied by the user: Not on Mondays."] * 2
    )
    assert notebook.ran == []


def test_a_tool_that_changes_while_its_questions_wait_is_approved_by_none_of_the_old_cards(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a erase=/b")
    notebook.restart()
    notebook.define("rubbed out")
    notebook.click_all(notebook.told(asked))
    changed = notebook.told(asked)
    assert notebook.ran == []
    assert all(block["request"].get("changed") for block in waiting(changed))
    # What has changed is approved one by one.
    notebook.click_all(changed)
    assert notebook.ran == []
    notebook.click(changed, 0)
    notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["/a", "/b"]


def test_a_restart_keeps_what_was_decided_and_what_was_not(notebook: Notebook) -> None:
    asked = notebook.ask()
    notebook.click(notebook.told(asked), 2, "denied", text="no")
    notebook.click(notebook.told(asked), 0)
    notebook.restart()
    notebook.define()
    assert notebook.pending == 3
    again = notebook.ask()
    # The cell shows the same questions again, and the model is not asked.
    assert again.outputs[-1][MIME_TYPE]["id"] == asked.outputs[-1][MIME_TYPE]["id"]
    assert notebook.kernel.value("len(sent)") == 0
    assert statuses(notebook.told(again)) == ["approved", "queued", "waiting", "denied"]
    notebook.restart()
    notebook.define()
    notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["/a", "saw /1", "/b"]
    assert notebook.pending == 0


def test_a_kernel_that_ends_after_the_last_decision_leaves_a_turn_that_continues(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a erase=/b")
    assert notebook.kernel.run("for pause in llm.pending(): pause.approve()").status == "ok"
    notebook.restart()
    notebook.define()
    document = notebook.told(asked)
    assert statuses(document) == ["approved", "approved"]
    notebook.act({"type": "continue", "transcript": document["id"]})
    assert notebook.ran == ["/a", "/b"]


def test_the_commands_decide_one_by_one_and_run_what_comes_before_the_next(notebook: Notebook) -> None:
    notebook.ask("erase=/a erase=/b look=/1")
    first, second = notebook.kernel.value("[pause.request.id for pause in llm.pending()]")
    shown = notebook.kernel.run(f"%llm deny {second} later", "cell-2")
    assert statuses(shown.outputs[-1][MIME_TYPE]) == ["waiting", "denied", "queued"]
    assert notebook.ran == []
    done = notebook.kernel.run(f"%llm approve {first}", "cell-3")
    assert "All done: erased /a, Denied by the user: later, saw /1." in done.outputs[-1]["text/markdown"]
    assert notebook.ran == ["/a", "saw /1"]


def test_a_dropped_question_leaves_the_others(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a erase=/b")
    first, _ = notebook.kernel.value("[pause.request.id for pause in llm.pending()]")
    assert notebook.kernel.run(f"%llm forget {first}", "cell-2").traceback == ""
    assert statuses(notebook.told(asked)) == ["abandoned", "waiting"]
    notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["/b"]


def test_dropping_the_last_question_runs_what_was_approved(notebook: Notebook) -> None:
    for number, how in enumerate(["button", "command", "command after a restart"], start=1):
        asked = notebook.ask("erase=/a erase=/b erase=/c")
        notebook.click(notebook.told(asked), 0)
        notebook.click(notebook.told(asked), 0)
        assert notebook.ran == ["/a", "/b"] * (number - 1)
        if how == "button":
            notebook.click(notebook.told(asked), 0, "abandoned", drop=True)
        else:
            [last] = notebook.kernel.value(
                "[one.request.id for one in llm.pending() if one.paused.call(one.request).state == 'waiting']"
            )
            if "restart" in how:
                notebook.restart()
                notebook.define()
            assert notebook.kernel.run(f"%llm forget {last}", "cell-2").traceback == ""
        assert notebook.ran == ["/a", "/b"] * number
        document = notebook.told(asked)
        assert statuses(document) == ["finished", "finished", "abandoned"]
        assert document["state"] == "done"
        assert notebook.pending == 0


def test_always_allow_on_one_card_decides_about_the_others_of_its_tool(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a wipe=/b erase=/c")
    notebook.click(notebook.told(asked), 0, grant="session")
    document = notebook.told(asked)
    assert statuses(document) == ["approved", "waiting", "approved"]
    assert document["blocks"][2]["decision"]["grant"]["scope"] == "session"
    notebook.click(document, 0, "denied")
    assert notebook.ran == ["/a", "/c"]


def test_all_are_not_approved_where_a_tool_is_missing(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a erase=/b")
    notebook.restart()
    assert notebook.kernel.run("import llm_notebook as llm").status == "ok"
    notebook.click_all(notebook.told(asked))
    document = notebook.told(asked)
    assert statuses(document) == ["waiting", "waiting"]
    assert all("erase" in block["request"]["blocked"] for block in waiting(document))
    notebook.define()
    notebook.click_all(notebook.told(asked))
    assert notebook.ran == ["/a", "/b"]


SLEEP = """
@llm.require_approval
def sleep(path: str) -> str:
    import time
    print("be" + "gun", flush=True)
    time.sleep(60)
"""


def interrupted(notebook: Notebook, code: str) -> None:
    """Run a cell, and press ■ once the tool sleeps."""
    request = notebook.kernel.send(code, "cell-1")
    notebook.kernel.hear(lambda message: "begun" in json.dumps(message["content"], default=str))
    notebook.kernel.interrupt()
    notebook.kernel.collect(request)


def test_a_stop_in_the_first_of_several_leaves_the_others_decided(notebook: Notebook) -> None:
    assert notebook.kernel.run(SLEEP).status == "ok"
    asked = notebook.kernel.run("%llm -m hasty -T sleep -T erase sleep=/1 erase=/b", "cell-1")
    document = notebook.told(asked)
    calls = [decided(document, block) for block in waiting(document)]
    action = {"type": "decideAll", "transcript": document["id"], "verdict": "approved", "calls": calls}
    interrupted(notebook, f"%llm act {json.dumps(action)}")
    document = notebook.told(asked)
    assert statuses(document) == ["unknown", "approved"]
    assert notebook.ran == []
    notebook.click(document, 0, "answered", text="It slept.")
    assert notebook.ran == ["/b"]


def test_what_may_have_run_already_is_not_decided_with_the_others(notebook: Notebook) -> None:
    assert notebook.kernel.run(SLEEP).status == "ok"
    asked = notebook.kernel.run("%llm -m hasty -T sleep -T erase sleep=/1 erase=/b", "cell-1")
    interrupted(notebook, f"%llm approve {waiting(notebook.told(asked))[0]['request']['id']}")
    document = notebook.told(asked)
    assert statuses(document) == ["unknown", "waiting"]
    for verdict in ("denied", "approved"):
        notebook.click_all(document, verdict)
    assert statuses(notebook.told(asked)) == ["unknown", "waiting"]
