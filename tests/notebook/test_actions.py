"""`%llm act`: with our Lab extension, a click is an execution in the cell that shows the question."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of, is_idle, shown_of


def _act(kernel: Kernel, action: dict[str, Any], cell_id: str = "cell-1") -> Cell:
    """Run what our extension executes at a click."""
    line = json.dumps(action)
    code = f"get_ipython().magics_manager.registry['LLMMagics'].actions.act({line!r})"
    content = {"code": code, "store_history": False, "stop_on_error": False}
    return kernel.run(code, cell_id) if content else Cell()


def _ask(kernel: Kernel, *paths: str) -> tuple[str, Cell]:
    request = kernel.send(f"ask(*{paths!r})", "cell-1")
    return request, kernel.collect(request)[0]


def test_a_click_runs_the_rest_and_shows_it_in_the_cells_own_output(live: Kernel) -> None:
    request, asked = _ask(live, "/a")
    acted = _act(live, click_of(asked))
    assert acted.status == "ok", acted.traceback
    assert acted.stdout == ""
    assert acted.of("display_data") == []
    assert live.value("ran") == ["/a"]
    (output,) = cell_of(live, request).outputs
    (after,) = acted.outputs
    assert output[MIME_TYPE]["id"] == after[MIME_TYPE]["id"]
    assert after[MIME_TYPE]["state"] == "done"
    assert "Printed:\n▎     erasing /a\n" in after["text/plain"]
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


def test_a_click_on_something_else_than_what_is_asked_decides_nothing(live: Kernel) -> None:
    _, asked = _ask(live, "/a")
    [other] = [cell for _, cell in [_ask(live, "/b")]]
    click, another = click_of(asked), click_of(other)
    document = json.dumps(asked.outputs[-1][MIME_TYPE])
    forged = [
        {**click, "transcript": another["transcript"]},
        {**click, "request": another["request"]},
        {**click, "digest": another["digest"]},
        {**click, "shown": another["shown"]},
        {**click, "shown": None},
        {**click, "shown": shown_of(json.loads(document.replace("/a", "/tmp/cache")))},
        {**click, "shown": shown_of(json.loads(document.replace("erase", "read")))},
        {**click, "shown": shown_of(json.loads(document.replace('"destructive": false', '"destructive": true')))},
        {name: value for name, value in click.items() if name != "shown"} | {"digest": "0" * 64},
        {**another, "transcript": click["transcript"]},
        {**click, "arguments": [{"path": "/c"}]},
        {**click, "arguments": {"path": 5}},
        {**click, "arguments": {"path": "not JSON"}},
        {**click, "text": ["yes"]},
        {**click, "grant": "everywhere"},
        {**click, "grant": {"scope": "session"}},
        {**click, "verdict": ["approved"]},
    ]
    for action in forged:
        assert _act(live, action).traceback == ""
        assert live.value("ran") == []
    _act(live, click)
    _act(live, another)
    assert live.value("ran") == ["/a", "/b"]


def test_what_draws_no_card_decides_about_the_request(live: Kernel) -> None:
    _, asked = _ask(live, "/a")
    _act(live, {name: value for name, value in click_of(asked).items() if name != "shown"})
    assert live.value("ran") == ["/a"]


def test_a_long_value_is_approved_by_those_who_opened_it(live: Kernel) -> None:
    path = "/" + "x" * 5000
    _, asked = _ask(live, path)
    document = asked.outputs[-1][MIME_TYPE]
    _act(live, click_of(asked))
    assert live.value("ran") == []
    _act(live, {**click_of(asked), "shown": shown_of(document, {"path": path + "y"})})
    assert live.value("ran") == []
    _act(live, {**click_of(asked), "shown": shown_of(document, {"path": path})})
    assert live.value("ran") == [path]


def test_a_page_of_another_version_decides_nothing(live: Kernel) -> None:
    _, asked = _ask(live, "/a")
    hello = live.tell("llm_notebook", {"type": "hello", "by": "extension", "version": "0.0.1"})
    live.hear(lambda message: is_idle(message, hello))
    refused = _act(live, click_of(asked))
    assert "0.0.1 in this page. Reload the page to decide." in refused.traceback
    clicked = live.tell("llm_notebook", click_of(asked))
    live.hear(lambda message: is_idle(message, clicked))
    live.run("pass")
    assert live.value("ran") == []


@pytest.mark.parametrize("line", ["", "[]", "{}", 9_000 * "[", '{"type": "hello"}', '{"type": "decide"', "approve it"])
def test_what_is_no_action_is_refused_in_a_sentence(kernel: Kernel, line: str) -> None:
    acted = kernel.run(f"get_ipython().magics_manager.registry['LLMMagics'].actions.act({line!r})")
    assert acted.traceback == "This is not an action of a transcript. `%llm pending` lists what waits for you."
