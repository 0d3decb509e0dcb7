"""A click resumes a waiting chain in its cell, and looks the same to the user with every ipykernel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of, is_idle, is_record, printed_in
from tests.transcript.documents import apply, unpacked


def _pause(kernel: Kernel, path: str) -> tuple[str, Cell]:
    """Run a cell that waits for approval. Return (the id of its request, the cell)."""
    request = kernel.send(f"ask({path!r})", "cell-1")
    return request, kernel.collect(request)[0]


def test_a_pause_leaves_only_its_record_and_stops_the_queue(live: Kernel) -> None:
    with live.queueing():
        requests = live.send("ask('/a')"), live.send("ran.append('below')")
    asked, below = live.collect(*requests)
    assert asked.traceback == ""
    assert len(asked.outputs) == 1
    assert below.status == "aborted"
    assert live.value("ran") == []


def test_a_click_by_comm_runs_the_rest_in_the_cell_that_asked(live: Kernel) -> None:
    request, asked = _pause(live, "/a")
    other = live.run("pass")
    live.tell("llm_notebook", click_of(asked))
    live.hear(is_record)
    assert live.value("ran") == ["/a"]
    cell = cell_of(live, request)
    assert printed_in(cell) == "erasing /a\n"
    assert len(cell.of("display_data")) == 1
    assert "All done." in cell.outputs[0]["text/markdown"]
    assert other.stdout == ""


def test_a_double_click_is_one_run(live: Kernel) -> None:
    _, asked = _pause(live, "/a")
    for _ in range(3):
        last = live.tell("llm_notebook", click_of(asked))
    live.hear(lambda message: is_idle(message, last))
    assert live.value("ran") == ["/a"]


@pytest.mark.parametrize("passes", ["time.sleep(0.5)", "await __import__('asyncio').sleep(0.5)"], ids=["sync", "async"])
def test_a_click_while_a_cell_runs_waits_for_its_turn(live: Kernel, passes: str) -> None:
    request, asked = _pause(live, "/a")
    other = live.send(f"print('begins')\n{passes}\nprint('ends', ran)")
    live.hear(lambda message: message["msg_type"] == "stream" and "begins" in message["content"]["text"])
    live.tell("llm_notebook", click_of(asked))
    live.hear(is_record)
    assert live.value("ran") == ["/a"]
    assert cell_of(live, other).stdout == "begins\nends []\n"
    assert printed_in(cell_of(live, request)) == "erasing /a\n"


def test_stop_ends_a_tool_that_a_click_started(live: Kernel) -> None:
    request, asked = _pause(live, "/slow")
    live.tell("llm_notebook", click_of(asked))
    live.hear(lambda message: "erasing" in str(message["content"].get("data", {}).get("ops")))
    live.interrupt()
    live.hear(is_record)
    cell = cell_of(live, request)
    assert "■ Stopped by you" in cell.outputs[0]["text/markdown"]
    assert cell.traceback == ""
    assert live.run("print('alive')").stdout == "alive\n"


def test_a_tool_that_a_click_started_can_ask_on_stdin(live: Kernel) -> None:
    request, asked = _pause(live, "/asks")
    live.tell("llm_notebook", click_of(asked))
    question = live.answer_question("yes")
    assert question["content"]["prompt"] == "Sure? "
    assert question["parent_header"]["msg_id"] == request
    live.hear(is_record)
    assert "All done." in cell_of(live, request).outputs[0]["text/markdown"]


def test_live_messages_name_the_cell(live: Kernel) -> None:
    request = live.send("%llm -m patter hi")
    live.collect(request)
    told = live.comm_messages("llm_notebook")
    assert len(told) > 3
    assert {message["parent_header"]["msg_id"] for message in told} == {request}
    assert told[-1]["content"]["data"]["document"]["state"] == "done"


def test_figures_that_a_resumed_tool_leaves_are_shown_in_its_cell(live: Kernel) -> None:
    # matplotlib's inline backend shows figures in this way.
    figures = "flush = lambda: ran and ran[-1] == '/a' and print(ran.pop(), 'as a figure')"
    live.run(f"{figures}\nget_ipython().events.register('post_execute', flush)")
    request, asked = _pause(live, "/a")
    clicked = live.tell("llm_notebook", click_of(asked))
    live.hear(lambda message: is_idle(message, clicked))
    live.run("get_ipython().events.unregister('post_execute', flush)")
    cell = cell_of(live, request)
    assert (printed_in(cell), cell.stdout) == ("erasing /a\n", "/a as a figure\n")


def _follow(told: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document of a page that has followed every message."""
    document: dict[str, Any] = {}
    for data in told:
        if data["type"] in ("state", "record"):
            document = data["document"]
        elif data["type"] == "delta" and data["seq"] > document["seq"]:
            document = apply(document, data)
    return document


def test_a_page_that_follows_the_deltas_has_what_is_saved(live: Kernel) -> None:
    cell = live.run("%llm -m patter hi")
    messages = live.comm_messages("llm_notebook")
    told = [unpacked(message["content"]["data"], message["buffers"]) for message in messages]
    kinds = [data["type"] for data in told]
    assert kinds[-1] == "record"
    first = next(
        content["data"][MIME_TYPE]
        for content in cell.of("display_data")
        if content["data"][MIME_TYPE]["id"] == told[-1]["document"]["id"]
    )
    followed = _follow([{"type": "state", "document": first}, *told[:-1]])
    saved = told[-1]["document"]
    assert saved == cell.outputs[0][MIME_TYPE]
    arrived = followed["blocks"][0]["text"]
    assert saved["blocks"][0]["text"].startswith(arrived)
    assert len(arrived) > 1000


def test_a_stream_costs_few_messages_and_few_bytes(live: Kernel) -> None:
    cell = live.run("%llm -m patter hi")
    text = cell.outputs[0][MIME_TYPE]["blocks"][0]["text"]
    messages = cell.of("comm_msg", "display_data", "update_display_data")
    assert sum(len(json.dumps(message)) for message in messages) <= 20 * len(text)
    assert len(messages) <= 20 * cell.seconds + 4
