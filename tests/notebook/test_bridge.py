"""A model of the `llm` package in a cell: it answers a magic, and its tool calls wait for approval there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.notebook.kernels import Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of, is_record, printed_in

PROMPT = json.dumps({"tool_calls": [{"name": "erase", "arguments": {"path": "/a"}}], "prompt": "erase it"})
ASK = f"""
turns = get_ipython().magics_manager.registry["LLMMagics"].turns
model = llm.get_model("echo-needs-key")
turns.show(model.chain({PROMPT!r}, tools=[erase], key="k"), TranscriptView(model.model_id))
"""


def test_a_bridged_model_answers_in_a_cell(kernel: Kernel) -> None:
    cell = kernel.run("%%llm -m markov -o length 3 -o delay 0\nthe cat")
    assert cell.status == "ok", cell.traceback
    assert kernel.run("%%llm -m echo-needs-key\nHi").traceback.startswith("echo-needs-key needs a key")
    assert "echo-needs-key" in kernel.run("%llm models -q echo").markdown[0]


def test_tools_of_its_plugins_and_of_an_mcp_server_are_named_in_a_cell(kernel: Kernel) -> None:
    command = [sys.executable, str(Path(__file__).parents[1] / "plugins" / "mcp" / "server.py"), "stdio"]
    assert kernel.run(f"import llm_notebook as llm\nserver = llm.mcp_toolbox({command!r})").status == "ok"
    calls = [
        {"name": "simple_eval", "arguments": {"expression": "6 * 7"}},
        {"name": "add", "arguments": {"a": 20, "b": 3}},
    ]
    cell = kernel.run(
        f"%%llm -m echo-needs-key --key k -T simple_eval -T server --raw\n{json.dumps({'tool_calls': calls})}"
    )
    assert cell.traceback == ""
    assert kernel.run("server.close()").traceback == ""
    assert '"output": "42"' in cell.markdown[-1]
    assert '"output": "23"' in cell.markdown[-1]


def test_a_pause_of_a_bridged_model_is_decided_with_a_click(live: Kernel) -> None:
    request = live.send(ASK, "cell-1")
    asked = live.collect(request)[0]
    assert asked.outputs[0][MIME_TYPE]["state"] == "paused"
    assert live.value("ran") == []
    live.tell("llm_notebook", click_of(asked))
    live.hear(is_record)
    assert live.value("ran") == ["/a"]
    cell = cell_of(live, request)
    assert (printed_in(cell), cell.stdout) == ("erasing /a\n", "")
    assert cell.outputs[0][MIME_TYPE]["state"] == "done"
    assert '"output": "gone"' in cell.outputs[0]["text/markdown"]
