"""The transcript in a front end that has widgets but not our extension, with every ipykernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llm_notebook.notebook.frontend.bus import package_version
from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of, is_idle, printed_in

VIEW = "application/vnd.jupyter.widget-view+json"
LIVE_MODELS = "len(__import__('ipywidgets').widgets.widget._instances)"
# The hidden widget and its layout.
HIDDEN = 2


@pytest.fixture
def widgets(versioned_kernel: Kernel, tmp_path: Path) -> Kernel:
    """A kernel whose front end has loaded the hidden widget, which says that it can show ours."""
    script = tmp_path / "widget.js"
    script.write_text("export default {};")
    script.with_name("formulas.js").write_text("sets formulas")
    code = f"""
import pathlib
import llm_notebook.notebook.frontend.frontend as frontend, llm_notebook.notebook.frontend.widget as widget
widget.widget_script = frontend.widget_script = lambda: pathlib.Path({str(script)!r})
%reload_ext llm_notebook
ran.clear()
get_ipython().magics_manager.registry['LLMMagics'].watched.front.look_for_widgets()
"""
    opened = versioned_kernel.run(code)
    assert opened.status == "ok", opened.traceback
    assert versioned_kernel.value(LIVE_MODELS) == HIDDEN
    hello = {"method": "custom", "content": {"type": "hello", "by": "widget", "version": package_version()}}
    said = versioned_kernel.tell_comm(_models(versioned_kernel)[-1], hello)
    versioned_kernel.hear(lambda message: is_idle(message, said))
    return versioned_kernel


def _models(kernel: Kernel) -> list[str]:
    """Return the ids of the widgets with our scripts, in the order in which they were opened."""
    opened = [message["content"] for message in kernel.heard if message["msg_type"] == "comm_open"]
    return [content["comm_id"] for content in opened if _is_ours(content)]


def _is_ours(opened: dict[str, Any]) -> bool:
    return "_esm" in opened["data"].get("state", {})


def _updates(cell: Cell, model: str) -> list[dict[str, Any]]:
    """Return the updates of a widget's state that a page is sent, in order."""
    data = [content["data"] for content in cell.of("comm_msg") if content["comm_id"] == model]
    return [update["state"] for update in data if update.get("method") == "update"]


def _click(kernel: Kernel, cell: Cell, **more: Any) -> str:
    model = cell.outputs[-1][VIEW]["model_id"]
    return kernel.tell_comm(model, {"method": "custom", "content": click_of(cell, **more)})


@pytest.mark.parametrize(
    ("before", "text", "times"),
    [
        ("", "$x$", 1),
        ("", r"\[x\]", 1),
        ("", "\\", 1),
        ("", "no formula", 0),
        ("$x$", "$y$", 0),
    ],
)
def test_the_module_for_formulas_is_sent_once_and_before_the_first_of_them(
    widgets: Kernel, before: str, text: str, times: int
) -> None:
    delta = {"type": "delta", "ops": [{"op": "append", "block": 0, "text": text}]}
    code = f"""
shown = widget.TranscriptWidget(get_ipython(), lambda: {{"blocks": [{{"text": {before!r}}}]}}, print)
send = shown.sender()
for seq in (1, 2):
    send({{**{delta!r}, "seq": seq}})
print(bool(shown.get_state()["formulas"]))
shown.close()
"""
    cell = widgets.run(code)
    assert cell.stdout == f"{bool(before) or bool(times)}\n"
    updates = _updates(cell, _models(widgets)[-1])
    assert [next(iter(update)) for update in updates] == ["formulas"] * times + ["d1", "d2"]


def test_the_hidden_widget_stays_so_that_no_widget_is_the_last(widgets: Kernel) -> None:
    assert widgets.value(LIVE_MODELS) == HIDDEN
    assert widgets.value("get_ipython().magics_manager.registry['LLMMagics'].turns.front.version") == package_version()


def test_a_widget_is_tried_before_anything_is_asked_where_no_extension_answers(versioned_kernel: Kernel) -> None:
    before = len(_models(versioned_kernel))
    assert versioned_kernel.run("%reload_ext llm_notebook").status == "ok"
    if len(_models(versioned_kernel)) == before:
        versioned_kernel.hear(lambda message: message["msg_type"] == "comm_open" and _is_ours(message["content"]))
    assert versioned_kernel.value("get_ipython().magics_manager.registry['LLMMagics']._asking") is None


def test_a_turn_streams_into_its_widget_and_leaves_no_other_behind(widgets: Kernel) -> None:
    cell = widgets.run("%llm -m patter hi")
    shown = [content["data"] for content in cell.of("display_data", "update_display_data")]
    model = shown[0][VIEW]["model_id"]
    updates = _updates(cell, model)
    assert len(updates) > 3
    assert all(len(update) == 1 for update in updates)
    numbers = [int(name[1:]) for update in updates for name in update if name != "document"]
    assert numbers == sorted(set(numbers))
    assert VIEW not in shown[-1]
    assert shown[-1][MIME_TYPE]["state"] == "done"
    assert "word4999" in shown[-1]["text/markdown"]
    assert len(shown) < 12
    assert widgets.value(LIVE_MODELS) == HIDDEN
    assert model in [content["comm_id"] for content in cell.of("comm_close")]


def test_a_click_in_the_widget_runs_the_rest_in_the_cell_that_asked(widgets: Kernel) -> None:
    request = widgets.send("ask('/a', '/b')")
    asked = widgets.collect(request)[0]
    assert asked.traceback == ""
    for path in ("/a", "/b"):
        clicked = _click(widgets, cell_of(widgets, request))
        widgets.hear(lambda message, clicked=clicked: is_idle(message, clicked))
        widgets.run("pass")
        assert widgets.value("ran")[-1] == path
    cell = cell_of(widgets, request)
    assert (printed_in(cell), cell.stdout) == ("erasing /a\nerasing /b\n", "")
    (output,) = cell.outputs
    assert "All done." in output["text/markdown"]
    assert VIEW not in output
    assert widgets.value(LIVE_MODELS) == HIDDEN


def test_a_widget_that_waits_shows_what_it_waits_for_after_a_reload(widgets: Kernel) -> None:
    asked = widgets.run("ask('/a')")
    model = asked.outputs[0][VIEW]["model_id"]
    assert _updates(asked, model)[-1]["document"]["state"] == "paused"
    said = widgets.tell_comm(model, {"method": "request_state"})
    widgets.hear(lambda message: is_idle(message, said))
    states = [
        message["content"]["data"]["state"]
        for message in widgets.heard
        if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == model
    ]
    assert states[-1]["document"]["state"] == "paused"


def test_a_view_is_told_what_waits_when_it_asks(widgets: Kernel) -> None:
    asked = widgets.run("ask('/a')")
    model = asked.outputs[0][VIEW]["model_id"]
    widgets.tell_comm(
        model, {"method": "custom", "content": {"type": "resync", "id": asked.outputs[0][MIME_TYPE]["id"]}}
    )
    told = widgets.hear(
        lambda message: message["msg_type"] == "comm_msg" and message["content"]["data"].get("method") == "custom"
    )
    assert told["content"]["data"]["content"]["type"] == "state"
    assert told["content"]["data"]["content"]["document"]["state"] == "paused"


def test_what_waits_is_handed_over_to_an_extension_that_comes_later(widgets: Kernel) -> None:
    request = widgets.send("ask('/a')")
    asked = widgets.collect(request)[0]
    assert VIEW in asked.outputs[0]
    hello = widgets.tell("llm_notebook", {"type": "hello", "by": "extension", "version": package_version()})
    upgraded = widgets.hear(lambda message: message["msg_type"] == "update_display_data")
    widgets.hear(lambda message: is_idle(message, hello))
    assert VIEW not in upgraded["content"]["data"]
    assert upgraded["content"]["data"][MIME_TYPE]["state"] == "paused"
    assert widgets.value(LIVE_MODELS) == HIDDEN


def test_without_built_scripts_there_is_no_widget(kernel: Kernel) -> None:
    kernel.run(
        "import llm_notebook.notebook.frontend.frontend as frontend\n"
        "built, frontend.widget_script = frontend.widget_script, lambda: None"
    )
    cell = kernel.run("%reload_ext llm_notebook\n%llm -m slow hi")
    assert [message for message in cell.messages if message["content"].get("target_name") == "jupyter.widget"] == []
    assert cell.markdown == ["At last."]
    kernel.run("frontend.widget_script = built")
