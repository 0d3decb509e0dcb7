"""`%llm act`: with our Lab extension, a click is an execution in the cell that shows the question."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of


def _act(kernel: Kernel, action: dict[str, Any], cell_id: str = "cell-1") -> Cell:
    """Run what our extension executes at a click."""
    line = json.dumps(action)
    code = f"get_ipython().magics_manager.registry['LLMMagics'].actions.act({line!r})"
    content = {"code": code, "store_history": False, "stop_on_error": False}
    return kernel.run(code, cell_id) if content else Cell()


def _ask(kernel: Kernel, *paths: str) -> tuple[str, Cell]:
    request = kernel.send(f"ask(*{paths!r})", "cell-1")
    return request, kernel.collect(request)[0]


def test_a_click_runs_the_rest_and_shows_nothing_but_what_the_tool_shows(live: Kernel) -> None:
    request, asked = _ask(live, "/a")
    acted = _act(live, click_of(asked))
    assert acted.status == "ok", acted.traceback
    assert acted.stdout == "erasing /a\n"
    assert acted.of("display_data") == []
    assert live.value("ran") == ["/a"]
    (output,) = cell_of(live, request).outputs
    (after,) = acted.outputs
    assert output[MIME_TYPE]["id"] == after[MIME_TYPE]["id"]
    assert after[MIME_TYPE]["state"] == "done"
    assert live.comm_messages("llm_notebook")[-1]["content"]["data"]["type"] == "record"


def test_a_chain_that_pauses_again_waits_again(live: Kernel) -> None:
    _, asked = _ask(live, "/a", "/b")
    first = _act(live, click_of(asked))
    assert first.traceback == ""
    assert first.outputs[0][MIME_TYPE]["state"] == "paused"
    second = _act(live, click_of(first))
    assert second.outputs[0][MIME_TYPE]["state"] == "done"
    assert live.value("ran") == ["/a", "/b"]


def test_a_click_that_comes_late_changes_nothing_and_is_told_so(live: Kernel) -> None:
    _, asked = _ask(live, "/a")
    _act(live, click_of(asked, "denied"))
    late = _act(live, click_of(asked))
    assert late.status == "ok", late.traceback
    assert late.stdout == ""
    assert late.outputs == []
    told = live.comm_messages("llm_notebook")[-1]["content"]["data"]
    assert told["type"] == "state"
    assert told["document"]["state"] == "done"
    assert live.value("ran") == []


def test_a_button_whose_question_is_gone_says_so(live: Kernel) -> None:
    _, asked = _ask(live, "/a")
    acted = _act(live, {**click_of(asked), "transcript": "another", "request": "another"})
    assert acted.status == "ok", acted.traceback
    assert acted.outputs == []
    assert live.comm_messages("llm_notebook")[-1]["content"]["data"] == {"type": "gone", "id": "another"}
    assert live.value("ran") == []


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"type": "hello"}', '{"type": "decide"', "approve it"])
def test_what_is_no_action_is_refused_in_a_sentence(kernel: Kernel, line: str) -> None:
    acted = kernel.run(f"get_ipython().magics_manager.registry['LLMMagics'].actions.act({line!r})")
    assert acted.traceback == "This is not an action of a transcript. `%llm pending` lists what waits for you."
