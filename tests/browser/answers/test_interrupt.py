"""The stop button of the toolbar while an answer streams."""

from __future__ import annotations

import threading

from playwright.sync_api import expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, Reply, UntilClosed, sse, text_chunk, text_reply

STOP = "[data-command='notebook:interrupt-kernel']"


def test_stop_keeps_the_partial_answer_and_the_kernel(lab_page: LabPage, scripted: OpenAIServer) -> None:
    closed = threading.Event()
    begun = sse(text_chunk("A pelican once "), text_chunk("flew as far as"), done=False)
    scripted.play(Reply([begun, UntilClosed(closed)]), text_reply("All is ", "well."))
    lab_page.write("stopped.ipynb", ["%load_ext llm_notebook", "%%llm -m scripted\nA story", "%llm -m scripted Go on"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)

    lab_page.run_cell(1)
    expect(lab_page.output(1)).to_contain_text("flew as far as")
    lab_page.page.locator(STOP).click()
    lab_page.wait_until_ran(1)

    assert closed.wait(60), "the connection to the model was left open"
    expect(lab_page.output(1)).to_contain_text("A pelican once flew as far as")
    expect(lab_page.output(1)).to_contain_text("Stopped")
    expect(lab_page.output(1)).not_to_contain_text("KeyboardInterrupt")
    lab_page.screenshot("interrupted")

    lab_page.run_cell(2)
    lab_page.wait_until_ran(2)
    expect(lab_page.output(2)).to_contain_text("All is well.")


def test_stop_ends_the_local_model(lab_page: LabPage) -> None:
    ask = "%%llm -m smollm2 -o max_tokens 4000 -o temperature 0 -o repeat_penalty 1\nWhat is the capital of France?"
    lab_page.write("stopped-local.ipynb", ["%load_ext llm_notebook", ask, "%llm -m smollm2 What is 2+2?"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)

    lab_page.watch_growth()
    lab_page.run_cell(1)
    lab_page.page.wait_for_function("() => (window.__growth[1] ?? []).length >= 3")
    lab_page.page.locator(STOP).click()
    lab_page.wait_until_ran(1)
    expect(lab_page.output(1)).to_contain_text("Stopped")

    lab_page.run_cell(2)
    lab_page.wait_until_ran(2)
    assert lab_page.output(2).inner_text().strip()
