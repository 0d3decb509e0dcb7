"""What Python shows at the end of a cell: a prompt that was not sent, an answer, and a pause whose card has live buttons."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.asking import Asking
from tests.fakes.openai_server import call_reply, text_reply

_PAUSED = """\
chain = llm.get_model("scripted").chain("Tidy up.", tools=[delete_files])
print(chain.text())
print("never")"""


def test_a_prompt_an_answer_and_a_question_are_shown_by_python(asking: Asking) -> None:
    lab = asking.lab
    lab.write(
        f"{asking.name}.ipynb",
        [
            asking.tool(),
            "response = llm.get_model('scripted').prompt('Why?', system='Be *brief*.')\nresponse",
            "response.text()\nresponse",
            _PAUSED,
        ],
    )
    for cell in (0, 1):
        lab.run_cell(cell)
        lab.wait_until_ran(cell)
    unsent, read, paused = (lab.output(cell) for cell in (1, 2, 3))
    expect(unsent).to_contain_text("Not sent yet to scripted.")
    expect(unsent).to_contain_text("Be *brief*.")
    expect(unsent).to_contain_text(".text()")
    assert asking.server.requests == []

    asking.server.play(text_reply("It is **so**."))
    lab.run_cell(2)
    expect(read.locator(".llm-answer strong")).to_have_text("so")
    expect(read.locator(".llm-foot")).to_contain_text("scripted")
    expect(read.get_by_role("button", name="Copy answer")).to_be_visible()

    asking.server.play(call_reply("delete_files", '{"path": "/tmp/old"}'), text_reply("All tidy."))
    lab.run_cell(3)
    expect(paused.locator(".llm-ask")).to_be_visible()
    expect(paused).to_contain_text("llm.pending()[0].approve().text()")
    for theme in ("Dark", "Light"):
        lab.theme(theme)
        paused.scroll_into_view_if_needed()
        lab.screenshot(f"shown-by-python-{theme.lower()}")
    approve = paused.get_by_role("button", name="Approve", exact=True)
    approve.scroll_into_view_if_needed()
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    approve.click()
    expect(paused.locator(".llm-answer")).to_have_text("All tidy.")
    expect(paused).not_to_contain_text("never")
    lab.wait_until_idle()
    assert asking.ran == ["/tmp/old"]
