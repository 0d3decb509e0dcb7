"""What a reader clears away while it is written comes back, and is saved."""

from __future__ import annotations

import threading

from playwright.sync_api import expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, delta_chunk, sse, text_chunk


def test_an_answer_that_is_cleared_while_it_streams_comes_back(lab_page: LabPage, scripted: OpenAIServer) -> None:
    go_on = threading.Event()
    begun = sse(text_chunk("The first "), done=False)
    ended = sse(text_chunk("and the last words."), delta_chunk({}, "stop"))
    scripted.play(Reply([begun, UntilSet(go_on), ended]))
    lab_page.write("cleared.ipynb", ["%load_ext llm_notebook", "%llm -m scripted Tell me."])
    lab_page.run_all()
    output = lab_page.output(1)
    expect(output.locator(".llm-answer")).to_contain_text("The first")
    lab_page.cell(1).locator(".cm-content").click()
    lab_page.page.keyboard.press("Escape")
    lab_page.command("notebook:clear-cell-output")
    go_on.set()
    expect(output.locator(".llm-answer")).to_have_text("The first and the last words.")
    lab_page.wait_until_ran(1)
    lab_page.save()
    assert "and the last words." in lab_page.file.read_text(encoding="utf-8")
