"""An answer of megabytes: its contents travel about twice, every follower has all of it, and the notebook keeps it once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llm_notebook.notebook.frontend.bus import package_version
from tests.notebook.kernels import Kernel
from tests.notebook.versions import MIME_TYPE, cell_of, is_idle
from tests.transcript.documents import apply, unpacked

SIZE = 5_000_000


def _size(message: dict[str, Any]) -> int:
    written = json.dumps(message["content"], ensure_ascii=False).encode()
    return len(written) + sum(len(buffer) for buffer in message["buffers"])


def _told(kernel: Kernel) -> list[dict[str, Any]]:
    messages = kernel.comm_messages("llm_notebook")
    return [unpacked(message["content"]["data"], message["buffers"]) for message in messages]


def _followed(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the document that a page has which has followed these messages."""
    document: dict[str, Any] = {}
    for message in messages:
        if message["type"] == "state":
            document = message["document"]
        elif message["type"] == "delta" and message["seq"] > document["seq"]:
            document = apply(document, message)
    return document


@pytest.fixture
def quiet(kernel: Kernel) -> Kernel:
    """The kernel, of which nothing was heard but that it opened its comm."""
    kernel.heard[:] = [message for message in kernel.heard if message["msg_type"] == "comm_open"]
    return kernel


@pytest.mark.parametrize("is_announced", [True, False], ids=["with the extension", "with an unknown front end"])
def test_contents_travel_twice_and_all_of_them_arrive(quiet: Kernel, is_announced: bool) -> None:
    if is_announced:
        hello = {"type": "hello", "by": "extension", "version": package_version()}
        told = quiet.tell("llm_notebook", hello)
        quiet.hear(lambda message: is_idle(message, told))
    before = len(quiet.heard)
    cell = quiet.run(f"%llm -m novel {SIZE // 1_000_000}", "cell-1")
    assert sum(_size(message) for message in quiet.heard[before:]) <= 2 * SIZE

    [bundle] = cell.outputs
    assert len(bundle["text/plain"].encode()) == SIZE - 1
    assert len(json.dumps(bundle).encode()) <= 1.1 * SIZE
    [place] = [block["plain"] for block in bundle[MIME_TYPE]["blocks"]]
    text = bundle["text/plain"][place["start"] : place["start"] + place["length"]]

    followed = _followed(_told(quiet))
    assert followed["blocks"][0]["text"].rstrip() == text
    assert followed["state"] == "done"
    settled = {"type": "settled", "id": followed["id"], "seq": followed["seq"]}
    assert settled in _told(quiet)
    assert bundle[MIME_TYPE]["seq"] == followed["seq"]

    # A page that was loaded during the run asks for what its notebook is to keep.
    asked = quiet.tell("llm_notebook", {"type": "resync", "id": followed["id"], "record": True})
    quiet.hear(lambda message: is_idle(message, asked))
    assert _told(quiet)[-1]["bundle"] == bundle
    # Another page has missed something.
    asked = quiet.tell("llm_notebook", {"type": "resync", "id": followed["id"]})
    quiet.hear(lambda message: is_idle(message, asked))
    assert _told(quiet)[-1]["document"] == followed


def test_a_front_end_that_shows_outputs_only_gets_the_whole_answer(quiet: Kernel) -> None:
    close = quiet.client.session.msg("comm_close", {"comm_id": quiet.comm("llm_notebook"), "data": {}})
    quiet.client.shell_channel.send(close)
    quiet.hear(lambda message: is_idle(message, close["header"]["msg_id"]))
    before = len(quiet.heard)
    cell = quiet.run(f"%llm -m novel {SIZE // 1_000_000}", "cell-1")
    assert sum(_size(message) for message in quiet.heard[before:]) <= 2 * SIZE
    assert len(cell.outputs[0]["text/plain"]) == SIZE - 1


@pytest.mark.parametrize("is_announced", [True, False], ids=["with the extension", "with an unknown front end"])
def test_what_comes_at_once_has_its_output_before_the_answer_ends(
    quiet: Kernel, tmp_path: Path, is_announced: bool
) -> None:
    if is_announced:
        told = quiet.tell("llm_notebook", {"type": "hello", "by": "extension", "version": package_version()})
        quiet.hear(lambda message: is_idle(message, told))
    go = tmp_path / "go"
    request = quiet.send(f"%llm -m torrent {go}", "cell-1")
    shown = quiet.hear(lambda message: message["msg_type"] == "display_data")
    assert shown["parent_header"]["msg_id"] == request
    go.touch()
    quiet.hear(lambda message: is_idle(message, request))
    assert cell_of(quiet, request).outputs[-1]["text/plain"].endswith("The end.")
    assert _followed(_told(quiet))["id"] == shown["content"]["data"][MIME_TYPE]["id"]
