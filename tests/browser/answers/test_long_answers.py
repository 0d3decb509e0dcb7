"""An answer that is so long that its notebook keeps it once: it grows on the page, survives a reload, and is whole when reopened."""

from __future__ import annotations

import threading
from typing import Any

import nbformat
from playwright.sync_api import expect

from llm_notebook.transcript.document import MIME_TYPE
from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, delta_chunk, sse, text_chunk

_BEGINNING, _MIDDLE, _END = "This is the *beginning*.", "That was the first half.", "This is the **end**."
_SENTENCE = "The price of an order fell in August, and so did the others. 🐦 "
_HALF = "\n\n".join(_SENTENCE * 40 for _ in range(120))
_SHOWN = ["This is the beginning.", _MIDDLE, "This is the end."]


def _play(scripted: OpenAIServer, go_on: threading.Event) -> None:
    first, second = f"{_BEGINNING}\n\n{_HALF}\n\n{_MIDDLE}", f"\n\n{_HALF}\n\n{_END}"
    pieces = [sse(text_chunk(first[at : at + 5_000]), done=False) for at in range(0, len(first), 5_000)]
    rest = [sse(text_chunk(second[at : at + 5_000]), done=False) for at in range(0, len(second), 5_000)]
    scripted.play(Reply([*pieces, UntilSet(go_on), *rest, sse(delta_chunk({}, "stop"))]))


def _expect_whole(lab_page: LabPage) -> None:
    for text in _SHOWN:
        expect(lab_page.answer(1)).to_contain_text(text, timeout=30_000)
    # It is drawn as Markdown, although it is saved as plain text.
    expect(lab_page.answer(1).locator("strong")).to_have_text("end")


def _saved(lab_page: LabPage) -> dict[str, Any]:
    lab_page.save()
    [output] = nbformat.read(lab_page.file, as_version=4).cells[1].outputs
    data: dict[str, Any] = output["data"]
    return data


def _expect_kept_once(lab_page: LabPage) -> None:
    data = _saved(lab_page)
    assert set(data) == {MIME_TYPE, "text/plain"}
    assert [block["text"] for block in data[MIME_TYPE]["blocks"]] == [""]
    assert data["text/plain"].startswith(_BEGINNING)
    assert data["text/plain"].endswith(_END)


def test_it_grows_and_is_whole_when_it_is_reopened_without_a_kernel(lab_page: LabPage, scripted: OpenAIServer) -> None:
    go_on = threading.Event()
    _play(scripted, go_on)
    lab_page.write("long.ipynb", ["%load_ext llm_notebook", "%%llm -m scripted\nWrite much"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_cell(1)
    expect(lab_page.answer(1)).to_contain_text(_MIDDLE, timeout=30_000)
    go_on.set()
    lab_page.wait_until_ran(1)
    _expect_whole(lab_page)
    _expect_kept_once(lab_page)
    lab_page.reopen_without_kernel()
    _expect_whole(lab_page)
    lab_page.screenshot("long-reopened")


def test_a_page_that_is_loaded_during_the_answer_keeps_all_of_it(lab_page: LabPage, scripted: OpenAIServer) -> None:
    go_on = threading.Event()
    _play(scripted, go_on)
    lab_page.write("reloaded.ipynb", ["%load_ext llm_notebook", "%%llm -m scripted\nWrite much"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_cell(1)
    expect(lab_page.answer(1)).to_contain_text(_MIDDLE, timeout=30_000)
    lab_page.save()
    lab_page.open(lab_page.name, idle=False)
    expect(lab_page.answer(1)).to_contain_text(_SHOWN[0])
    go_on.set()
    _expect_whole(lab_page)
    # The page shows the end before it asks for the record that is to be saved.
    lab_page.wait_until_kept(1, _END)
    _expect_kept_once(lab_page)
