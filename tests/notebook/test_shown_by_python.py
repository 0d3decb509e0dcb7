"""What Python shows at the end of a cell: responses, chains and pauses. Looking at them sends nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, click_of

ASK = """
import llm_notebook as llm
@llm.require_approval
def wipe(path: str) -> str:
    "Wipe a disk."
    wiped.append(path)
    return "wiped " + path
wiped = []
reply = llm.get_model("asker").chain("Erase /a", tools=[wipe])
reply.text()
never = 1
"""

RETURN = f"""{ASK.replace("reply.text()", "", 1)}
def asked():
    try:
        return reply.text()
    except llm.PauseChain as pause:
        return pause
asked()
""".replace("never = 1", "")


def _result(cell: Cell) -> dict[str, Any]:
    (result,) = cell.of("execute_result")
    data: dict[str, Any] = result["data"]
    return data


def test_an_unread_response_shows_what_it_would_send_and_sends_nothing(kernel: Kernel) -> None:
    kernel.run("import llm_notebook as llm; model = llm.get_model('echo')")
    before = kernel.value("len(sent)")
    kernel.run("awaited = llm.get_async_model('gpt-4o-mini')")
    for make, name, read in (
        ("model.prompt", "echo", ".text()"),
        ("model.chain", "echo", ".text()"),
        ("model.conversation().prompt", "echo", ".text()"),
        ("awaited.prompt", "gpt-4o-mini", "await response.text()"),
        ("awaited.chain", "gpt-4o-mini", "await response.text()"),
    ):
        shown = _result(kernel.run(f"{make}('Why?', system='Be *brief*')"))
        document = shown[MIME_TYPE]
        assert (document["state"], document["model"]) == ("unsent", name)
        assert document["unsent"]["asks"] == [
            {"name": "system", "text": "Be *brief*"},
            {"name": "prompt", "text": "Why?"},
        ]
        assert read in document["unsent"]["reads"][0]
        assert shown["text/plain"].startswith(f"Not sent yet to {name}.")
    assert kernel.value("len(sent)") == before


def test_a_read_response_shows_its_transcript(kernel: Kernel) -> None:
    for make in ("prompt", "chain"):
        shown = _result(kernel.run(f"reply = llm.get_model('echo').{make}('Why?'); reply.text(); reply"))
        document = shown[MIME_TYPE]
        assert document["state"] == "done"
        assert "Why?" in document["blocks"][0]["text"]
    for model, make, title in (
        ("breaking", "prompt", "The answer broke off"),
        ("breaking", "chain", "The answer broke off"),
        ("keyed", "prompt", "No answer came"),
        ("refusing", "chain", "No answer came"),
    ):
        failed = f"reply = llm.get_model({model!r}).{make}('x')\ntry: reply.text()\nexcept Exception: pass\nreply"
        document = _result(kernel.run(failed))[MIME_TYPE]
        assert (document["state"], document["error"]["title"]) == ("failed", title)


@pytest.mark.parametrize(("asking", "status"), [(ASK, "error"), (RETURN, "ok")])
def test_a_pause_that_ends_a_cell_shows_its_card_and_a_click_runs_it(live: Kernel, asking: str, status: str) -> None:
    asked = live.run(asking, "cell-1")
    assert (asked.status, asked.of("error")) == (status, [])
    (output,) = asked.outputs
    assert output[MIME_TYPE]["state"] == "paused"
    assert "llm.pending()[0].approve()" in str(output[MIME_TYPE]["remarks"])
    click = click_of(asked)
    acted = live.run(
        f"get_ipython().magics_manager.registry['LLMMagics'].actions.act({__import__('json').dumps(click)!r})", "cell-1"
    )
    assert acted.status == "ok", acted.traceback
    assert live.value("wiped") == ["/a"]
    assert live.value("'never' in globals()") is False


def test_a_pause_that_is_displayed_where_nobody_can_click_is_written(kernel: Kernel) -> None:
    shown = _result(kernel.run(RETURN, "cell-1", allow_stdin=False))
    assert "wipe waits for approval" in shown["text/plain"]
    assert kernel.value("wiped") == []


def test_where_nobody_can_click_the_pause_is_an_error(kernel: Kernel) -> None:
    asked = kernel.run(ASK, "cell-1", allow_stdin=False)
    assert "PauseChain: wipe waits for approval" in asked.traceback
    assert kernel.value("wiped") == []
