"""What the tests with several ipykernel versions share: a tool that waits for approval, and clicks on its questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_notebook.transcript.calls.displayed import digest_of_document
from tests.notebook.kernels import Cell, Kernel

__all__ = [
    "MIME_TYPE",
    "SETUP",
    "Told",
    "cell_of",
    "click_of",
    "click_on",
    "is_idle",
    "is_record",
    "printed_in",
    "shown_of",
]

MIME_TYPE = "application/vnd.llm-notebook.transcript+json"

SETUP = """
import time
import llm_notebook as llm
from llm_notebook.transcript.view import TranscriptView
from tests.fakes.faces import Face, asks

ran = []

@llm.require_approval
def erase(path: str) -> str:
    ran.append(path)
    print("erasing", path)
    if path == "/asks":
        return input("Sure? ")
    if path == "/slow":
        time.sleep(60)
    return "gone"

def ask(*paths):
    rounds = [asks(llm.ToolCall("erase", {"path": path}, path)) for path in paths]
    model = Face().rounds(*rounds, "All done.")
    turns = get_ipython().magics_manager.registry["LLMMagics"].turns
    turns.show(model.chain("Hi", tools=[erase]), TranscriptView("face"))
"""

Told = list[dict[str, Any]]


def is_idle(message: dict[str, Any], request: str) -> bool:
    """Return whether a message says that the kernel has finished this request."""
    return bool(
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == request
    )


def is_record(message: dict[str, Any]) -> bool:
    """Return whether a message tells our extension that a turn is over or paused."""
    return bool(message["msg_type"] == "comm_msg" and message["content"]["data"].get("type") == "record")


def cell_of(kernel: Kernel, request: str) -> Cell:
    """Return the cell of this request, with every message so far that is addressed to it."""
    return Cell(messages=[message for message in kernel.heard if message["parent_header"].get("msg_id") == request])


def printed_in(cell: Cell) -> str:
    """Return what the tools of a cell's answer have printed, as the record of their calls has it."""
    blocks = next(bundle[MIME_TYPE]["blocks"] for bundle in cell.outputs if MIME_TYPE in bundle)
    return "".join(block["printed"]["text"] for block in blocks if "printed" in block)


def click_of(cell: Cell, verdict: str = "approved", **more: Any) -> dict[str, Any]:
    """Return the message of a click on the newest question of a cell."""
    return click_on(cell.outputs[-1][MIME_TYPE], verdict, **more)


def click_on(document: dict[str, Any], verdict: str = "approved", **more: Any) -> dict[str, Any]:
    """Return the message of a click on the newest question of a document."""
    assert document["state"] == "paused"
    click = {"type": "decide", "transcript": document["id"], "verdict": verdict, **more}
    requests = [block.get("request") for block in document["blocks"] if block.get("status") == "waiting"]
    asked = requests[0] if requests else {"id": "", "digest": ""}
    return {**click, "request": asked["id"], "digest": asked["digest"], "shown": shown_of(document)}


def shown_of(document: dict[str, Any], whole: Mapping[str, str] | None = None) -> str:
    """Return the digest that a page makes of the newest question that it shows; empty if there is none."""
    for block in document["blocks"]:
        if block.get("request") and block["status"] in ("waiting", "unknown"):
            return digest_of_document(document["id"], document["model"], block, whole or {})
    return ""
