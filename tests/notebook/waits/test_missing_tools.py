"""After a restart a card says at once which cell to run, before anybody decides, and forgets it by itself when that cell has run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import cell_of, is_idle
from tests.notebook.waits.test_several_questions import DEFINE, Notebook, statuses, waiting

# Variables that must be left alone while tools are looked for.
LOUD = """
heard = []

class Loud:
    def __call__(self): heard.append("called")
    def __repr__(self): heard.append("repr"); return "loud"
    def __eq__(self, other): heard.append("compared"); return True
    def __bool__(self): heard.append("asked"); return True
    def __iter__(self): heard.append("read"); return iter(())
    __hash__ = None

wipe_later = loud = Loud()
louds = [loud, Loud()]
"""
ERASE_ALONE = DEFINE.partition("@llm.require_approval(destructive")[0]


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with running_kernel(tmp_path) as kernel:
        opened = Notebook(kernel, tmp_path)
        opened.define()
        yield opened


def problems(document: dict[str, Any]) -> list[str]:
    """Return what each open question of a document says about why it cannot be approved."""
    return [block["request"].get("blocked", "") for block in waiting(document)]


def states(cell: Cell) -> list[dict[str, Any]]:
    """Return the documents that the kernel told in the name of a cell."""
    told = [content["data"] for content in cell.of("comm_msg")]
    return [data["document"] for data in told if data.get("type") == "state"]


def test_each_card_names_its_cell_at_once_and_can_be_denied_meanwhile(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a wipe=/b erase=/c")
    notebook.restart()
    assert notebook.kernel.run(LOUD).status == "ok"
    names = [f"Run the cell that defines {name} ([2] when this was asked), then decide." for name in ("erase", "wipe")]
    told = notebook.told(asked)
    assert problems(told) == [*names, names[0]]
    assert problems(notebook.told(asked)) == problems(told)
    assert notebook.kernel.value("heard") == []

    notebook.click(told, 0)
    notebook.click_all(told)
    assert (notebook.ran, statuses(notebook.told(asked))) == ([], ["waiting"] * 3)
    notebook.click(told, 1, "denied")
    assert problems(notebook.told(asked)) == [names[0]] * 2

    healed = notebook.kernel.run(f"get_ipython().run_cell({ERASE_ALONE!r})\nloud", "cell-0")
    assert [problems(document) for document in states(healed)] == [["", ""]]
    assert states(notebook.kernel.run("0", "cell-0")) == []
    notebook.click_all(told := notebook.told(asked))
    assert waiting(told) != []
    assert (notebook.ran, statuses(notebook.told(asked))) == (["/a", "/c"], ["finished", "denied", "finished"])


def test_a_call_in_the_queue_is_not_lost_where_its_tool_is_missing(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a look=/1")
    notebook.restart()
    assert notebook.kernel.run(ERASE_ALONE).status == "ok"
    [problem] = problems(told := notebook.told(asked))
    assert problem == "Run the cell that defines look ([2] when this was asked), then decide."
    notebook.click(told, 0)
    assert (notebook.ran, statuses(notebook.told(asked))) == ([], ["waiting", "queued"])
    notebook.define()
    told = notebook.told(asked)
    assert problems(told) == [""]
    notebook.click(told, 0)
    assert notebook.ran == ["/a", "saw /1"]


def test_what_names_no_card_names_the_cell_too(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a")
    notebook.restart()
    sentence = "Run the cell that defines erase ([2] when this was asked), then decide."
    listed = notebook.kernel.run("%llm pending").outputs[0]["text/plain"]
    name = listed.split()[0]
    assert sentence in notebook.kernel.run(f"%llm pending {name}").outputs[0]["text/plain"]
    assert sentence in notebook.kernel.run(f"%llm resume {name}").outputs[-1]["text/plain"]
    assert problems(notebook.told(asked)) == [sentence]
    notebook.define()
    assert sentence not in notebook.kernel.run(f"%llm pending {name}").outputs[0]["text/plain"]
    assert sentence not in notebook.kernel.run(f"%llm resume {name}").outputs[-1]["text/plain"]
    assert notebook.kernel.run(f"%llm approve {name}").traceback == ""
    assert notebook.ran == ["/a"]


def test_running_the_paused_cell_again_names_the_cell(notebook: Notebook) -> None:
    code = "%llm -m hasty --functions 'def dig(path): return path' --ta -T look look=/1"
    asked = notebook.kernel.run(code, "cell-1")
    notebook.restart()
    refused = notebook.kernel.run(code, "cell-1")
    assert "no function, Tool or Toolbox of that name is defined here" in refused.traceback
    assert problems(notebook.told(asked)) == ["Run the cell that defines look ([2] when this was asked), then decide."]
    notebook.define()
    again = notebook.kernel.run(code, "cell-1")
    assert "Run the cell" not in again.outputs[-1]["text/plain"]
    assert problems(notebook.told(asked)) == [""]
    notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["saw /1"]


def test_a_tool_that_is_another_one_after_the_restart_is_asked_about_anew_at_once(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a erase=/b")
    notebook.restart()
    notebook.define("wiped")
    changes = [block["request"].get("changed") for block in waiting(notebook.told(asked))]
    assert changes == ["This was asked before. Since then its code changed."] * 2
    for _ in range(2):
        notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["/a", "/b"]


def test_a_decision_that_does_not_count_says_why_and_holds_nothing_back(notebook: Notebook) -> None:
    careful = "from typing import Annotated\nimport pydantic\n\ndef check(path):\n    assert path.startswith('/'), 'a path'\n    return path\n"
    define = DEFINE.replace("erase(path: str)", "erase(path: Annotated[str, pydantic.AfterValidator(check)])")
    assert notebook.kernel.run(careful + define, "cell-0").status == "ok"
    asked = notebook.ask("erase=/a")
    notebook.click(notebook.told(asked), 0, arguments={"path": '"elsewhere"'})
    [block] = waiting(notebook.told(asked))
    assert "path" in block["request"]["refused"]
    assert "blocked" not in block["request"]
    notebook.click(notebook.told(asked), 0, arguments={"path": '"/elsewhere"'})
    assert notebook.ran == ["/elsewhere"]


@pytest.mark.parametrize("is_later", [False, True], ids=["in the kernel that asked", "after a restart"])
def test_what_was_decided_elsewhere_is_shown_when_the_cell_is_over(notebook: Notebook, is_later: bool) -> None:
    asked = notebook.ask("erase=/a wipe=/b")
    if is_later:
        notebook.restart()
        notebook.define()
        assert statuses(notebook.told(asked)) == ["waiting", "waiting"]
    deny = (
        "import llm_notebook as llm\nwaiting = llm.pending()[0]\n_ = waiting.deny('No.', request=waiting.requests[{}])"
    )
    told = states(notebook.kernel.run(deny.format(0), "cell-2"))[-1]
    assert statuses(told) == ["denied", "waiting"]
    last = states(notebook.kernel.run(deny.format(-1), "cell-2"))[-1]
    assert (waiting(last), last["state"]) == ([], "interrupted")
    assert notebook.ran == []


def test_another_notebook_of_the_kernel_may_bring_the_tool(notebook: Notebook) -> None:
    asked = notebook.ask("erase=/a")
    notebook.restart()
    assert problems(notebook.told(asked)) != [""]
    healed = notebook.kernel.run(DEFINE, "cell-9", notebook="elsewhere.ipynb")
    # Every page that shows transcripts of the kernel is told.
    assert [problems(document) for document in states(healed)] == [[""]]
    notebook.click(notebook.told(asked), 0)
    assert notebook.ran == ["/a"]


def test_the_users_variables_are_looked_at_between_cells(live: Kernel) -> None:
    asked = live.collect(live.send("ask('/a')", "cell-1"))[0]
    transcript = next(iter(asked.outputs[-1].values()))["id"]
    # The magics forget what they have asked, as a kernel does that is started again.
    assert live.run('%reload_ext llm_notebook\nkept = {"it": erase}\ndel erase').status == "ok"
    code = "import asyncio\nget_ipython().run_cell('pass')\nprint('begins')\nawait asyncio.sleep(0.5)\nprint('ends')"
    other = live.send(code)
    live.hear(lambda message: message["msg_type"] == "stream" and "begins" in message["content"]["text"])
    live.tell("llm_notebook", {"type": "resync", "id": transcript})
    live.hear(lambda message: "Run the cell that defines erase" in str(message["content"].get("data")))
    if not any(is_idle(message, other) for message in live.heard):
        # What the cell prints at its end may come behind what is told then.
        live.hear(lambda message: is_idle(message, other))
    assert cell_of(live, other).stdout == "begins\nends\n"
    healed = live.run('erase = kept["it"]')
    [told] = states(healed)
    assert "Run the cell" not in problems(told)[0]
    assert live.value("ran") == []
    again = live.tell("llm_notebook", {"type": "resync", "id": transcript})
    live.hear(lambda message: is_idle(message, again))
