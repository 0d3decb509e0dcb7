"""A run over rows in JupyterLab: the bar while it goes on, ■, the button that goes on, and what is left when the notebook is reopened."""

from __future__ import annotations

import json
import threading

from playwright.sync_api import expect

from tests.browser.asking import Asking
from tests.fakes.openai_server import Reply, Request, UntilSet
from tests.rows.conftest import answer_of

_MAKE = """\
%load_ext llm_notebook
import pandas as pd
import llm_notebook as llm
df = pd.DataFrame({"text": [f"w{n}" for n in range(40)]}, index=[f"r{n}" for n in range(40)])"""
_EACH = "%%llm -m scripted --each df --schema 'label, score int' --out labelled --concurrency 4\nSay {{ text }}"
_BELOW = "print(len(labelled), int(labelled['label'].notna().sum()), list(labelled.index[:2]))"


class _Labels:
    """Plays a model that labels each row by its last word, refuses `w7`, and holds what comes after a number of answers."""

    def __init__(self, asking: Asking, free: int) -> None:
        self.free = free
        self.asked: list[str] = []
        self.go_on = threading.Event()
        asking.server.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        text = request.json()["messages"][-1]["content"]
        self.asked.append(text)
        word = text.rpartition(" ")[2]
        answer = answer_of("no JSON" if word == "w7" else json.dumps({"label": word, "score": len(text)}))
        if len(self.asked) <= self.free or self.go_on.is_set():
            return answer
        return Reply([UntilSet(self.go_on), *answer.pieces], content_type=answer.content_type)


def _open(asking: Asking, *cells: str) -> None:
    asking.lab.write(f"{asking.name}.ipynb", [_MAKE, *cells])
    asking.lab.run_cell(0)
    asking.lab.wait_until_ran(0)


def test_a_run_is_stopped_goes_on_by_a_click_and_is_there_when_the_notebook_is_reopened(asking: Asking) -> None:
    labels = _Labels(asking, 20)
    _open(asking, _EACH, _BELOW)
    asking.lab.run_cell(1)
    output = asking.lab.output(1)
    bar = output.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", "20 of 40 rows, 50 per cent")
    expect(output).to_contain_text("1 failed")
    asking.stop()
    expect(output).to_contain_text("Stopped by you at 20 of 40 rows. All of them are kept.")
    expect(output).to_contain_text("Or run the cell again: it asks only the 20 rows that are left.")
    labels.go_on.set()
    output.get_by_role("button", name="Go on").click()
    expect(output).to_contain_text("40 rows, 1 of them without an answer")
    expect(output).to_contain_text("20 answered before")
    expect(output.get_by_role("button", name="Go on")).to_have_count(0)
    expect(output).to_contain_text(
        "labelled is a DataFrame of 40 rows \u00d7 6 columns, in the order and with the index of df."
    )
    failed = output.get_by_role("row", name="answer did not fit")
    expect(failed).to_contain_text("r7")
    expect(failed).to_contain_text("--retry failed")
    # What was under way when it was stopped was sent twice, and nothing else.
    assert len(set(labels.asked)) == 40
    assert len(labels.asked) <= 44
    asking.lab.run_cell(2)
    expect(asking.lab.output(2)).to_contain_text("40 39 ['r0', 'r1']")
    asking.lab.save()
    asking.lab.open(asking.lab.name)
    expect(asking.lab.output(1)).to_contain_text("40 rows, 1 of them without an answer")
    expect(asking.lab.output(1).get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    asking.lab.run_cell(0)
    asking.lab.run_cell(1)
    expect(asking.lab.output(1)).to_contain_text("Nothing was sent; --no-resume asks again.")


def test_a_cell_of_python_draws_the_same_bar(asking: Asking) -> None:
    labels = _Labels(asking, 10)
    source = 'found = llm.map_rows(df, "Say {{ text }}", schema="label, score int", model="scripted", concurrency=2)\nlen(found)'
    _open(asking, source)
    asking.lab.run_cell(1)
    output = asking.lab.output(1)
    expect(output.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "10")
    labels.go_on.set()
    expect(output).to_contain_text("40 rows, 1 of them without an answer")
    expect(output).to_contain_text("A DataFrame of 40 rows \u00d7 6 columns. The first 5:")
    expect(output).to_contain_text('retry="failed"')
    expect(output.locator(".jp-OutputArea-output").last).to_contain_text("40")
