"""The buttons of a stopped answer, and several cards at once: each button works, and works once."""

from __future__ import annotations

import threading

from playwright.sync_api import Locator, expect

from tests.browser.asking import ASK, Asking
from tests.fakes.openai_server import Reply, UntilClosed, calls_reply, sse, text_chunk, text_reply


def _ask_and_stop(asking: Asking, text: str) -> None:
    """Run the prompt, and press ■ while the answer streams."""
    closed = threading.Event()
    asking.server.play(Reply([sse(text_chunk(text), done=False), UntilClosed(closed)]))
    asking.lab.run_cell(ASK)
    _stop(asking, text)


def _stop(asking: Asking, text: str) -> None:
    expect(asking.output).to_contain_text(text)
    asking.stop()
    expect(asking.output).to_contain_text("Stopped by you")


def _button(asking: Asking, name: str) -> Locator:
    return asking.output.get_by_role("button", name=name)


def test_continue_resumes_where_it_stopped_once_and_again_when_it_is_stopped_again(asking: Asking) -> None:
    asking.open()
    # It stops inside a word.
    _ask_and_stop(asking, "Once upon a ti")
    closed = threading.Event()
    asking.server.play(Reply([sse(text_chunk("me there was a pelican"), done=False), UntilClosed(closed)]))
    _button(asking, "Continue").dblclick()
    _stop(asking, "Once upon a time there was a pelican")
    assert len(asking.server.requests) == 2
    said = [message["content"] for message in asking.server.requests[1].json()["messages"]]
    assert said[:2] == ["Tidy up.", "Once upon a ti"]

    asking.server.play(text_reply(" that flew away."))
    _button(asking, "Continue").click()
    expect(asking.output).to_contain_text("Once upon a time there was a pelican that flew away.")
    expect(_button(asking, "Continue")).to_have_count(0)
    assert len(asking.server.requests) == 3
    [output] = asking.saved()
    assert "that flew away." in "".join(output["data"]["text/markdown"])


def test_start_over_asks_anew_once(asking: Asking) -> None:
    asking.open()
    _ask_and_stop(asking, "Once upon a time")
    asking.server.play(text_reply("Long ", "ago."))
    _button(asking, "Start over").dblclick()
    expect(asking.output).to_contain_text("Long ago.")
    expect(asking.output).not_to_contain_text("Once upon a time")
    expect(_button(asking, "Start over")).to_have_count(0)
    assert len(asking.server.requests) == 2
    assert [message["role"] for message in asking.server.requests[1].json()["messages"]] == ["user"]


def test_a_later_kernel_continues_and_says_how_to_start_over(asking: Asking) -> None:
    asking.open()
    _ask_and_stop(asking, "Once upon a time")
    asking.lab.restart_kernel()
    asking.ask_kernel()
    _button(asking, "Start over").click()
    expect(asking.output).to_contain_text("To start over, run the cell again")
    assert len(asking.server.requests) == 1
    asking.server.play(text_reply(" there was a pelican."))
    _button(asking, "Continue").click()
    expect(asking.output).to_contain_text("there was a pelican.")
    expect(_button(asking, "Continue")).to_have_count(0)
    assert len(asking.server.requests) == 2
    told = [message["content"] for message in asking.server.requests[1].json()["messages"]]
    assert "Once upon a time" in told


_TYPED = """\
%load_ext llm_notebook
import llm_notebook as llm
from typing import Literal

@llm.require_approval
def book(seats: int, row: Literal["front", "back"] = "front") -> str:
    \"\"\"Book seats.\"\"\"
    return f"{seats!r} in {row!r}"
"""


def test_a_value_that_does_not_fit_is_named_and_cannot_be_approved(asking: Asking) -> None:
    asking.lab.write(f"{asking.name}.ipynb", [_TYPED, "%%llm -m scripted -T book\nTidy up.", "print('below ran')"])
    asking.lab.run_cell(0)
    asking.lab.wait_until_ran(0)
    asking.server.play(calls_reply([("book", '{"seats": 2}', "call_1")]), text_reply("All tidy."))
    asking.lab.run_cell(ASK)
    asking.wait_for_card()
    asking.button("Edit…").click()
    field = asking.card.get_by_role("textbox").first
    field.fill("two")
    expect(asking.card).to_contain_text("One value does not fit: seats.")
    expect(asking.card).to_contain_text("Must be a number.")
    expect(asking.button("Approve edited")).to_have_attribute("aria-disabled", "true")
    asking.button("Approve edited").click(force=True)
    expect(asking.card).to_be_visible()
    field.fill("3")
    expect(asking.button("Approve edited")).not_to_have_attribute("aria-disabled", "true")
    asking.button("Approve edited").click()
    asking.expect_answer()
    assert "3 in 'front'" in asking.results()[0]
