"""What an answer takes of the page: prose has a column, and what is wider takes the window. Its code can become a cell."""

from __future__ import annotations

from playwright.sync_api import expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, text_reply

COLUMNS = [f"column {number}" for number in range(30)]
TABLE = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n| {' | '.join('value' for _ in COLUMNS)} |"
SAID = f"A few words.\n\n---\n\n{TABLE}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```bash\necho hi\n```\n\n```sh\n%%bash\nls\n```\n"

# Where the first letter in an element begins.
LETTER = """element => {
  const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(text, 1);
  return range.getBoundingClientRect().left;
}"""
LEFT = "element => element.getBoundingClientRect().left"
RIGHT = "element => element.getBoundingClientRect().right"


def test_wide_tables_take_the_window_and_rules_begin_where_the_text_does(
    lab_page: LabPage, scripted: OpenAIServer
) -> None:
    reported: list[str] = []
    lab_page.page.on("console", lambda message: reported.append(message.text))
    lab_page.page.set_viewport_size({"width": 1800, "height": 900})
    lab_page.write("layout.ipynb", ["%load_ext llm_notebook", "%llm -m scripted Show me", "1"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    scripted.play(text_reply(SAID))
    lab_page.run_cell(1)
    lab_page.wait_until_ran(1)
    answer = lab_page.answer(1)
    wide, narrow = answer.locator(".llm-scroll").nth(0), answer.locator(".llm-scroll").nth(1)
    expect(narrow).to_be_visible()
    lab_page.screenshot("layout-wide")

    window = lab_page.output(1).evaluate(RIGHT)
    assert wide.evaluate(RIGHT) > window - 40
    assert wide.evaluate("element => element.scrollWidth > element.clientWidth")
    text = answer.locator("p").first.evaluate(LETTER)
    begins = [
        answer.locator("hr").evaluate(LEFT),
        *(narrow.locator(cell).first.evaluate(edge) for cell in ("th", "td") for edge in (LEFT, LETTER)),
        wide.locator("th").first.evaluate(LEFT),
    ]
    assert [abs(left - text) < 1 for left in begins] == [True] * len(begins)

    for block, source in [(0, "%%bash\necho hi"), (1, "%%bash\nls")]:
        answer.locator(".llm-block").nth(block).get_by_role("button", name="Insert below").click()
        lab_page.page.wait_for_function(
            "source => window.jupyterapp.shell.currentWidget.content.widgets[2].model.sharedModel.getSource() === source",
            arg=source,
        )
    assert [text for text in reported if "[anywidget]" in text] == []
