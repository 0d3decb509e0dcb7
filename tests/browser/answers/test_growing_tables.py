"""A table that grows while its rows stream, in JupyterLab: the first row is on the page before the last one is sent."""

from __future__ import annotations

import json
import threading

from playwright.sync_api import Locator, expect

from tests.browser.asking import ASK, BELOW, Asking
from tests.fakes.openai_server import Reply, UntilSet, sse, text_chunk

PEOPLE = [
    {
        "name": "Ada Lovelace",
        "age": 36,
        "born": "1815-12-10",
        "bio": "wrote the first program for a machine never built",
    },
    {"name": "Grace <b>Hopper</b>", "age": 85, "born": "1906-12-09", "bio": "wrote the first compiler\u202e"},
    *({"name": f"Person {number}", "age": number, "born": "2000-01-31", "bio": ""} for number in range(2, 40)),
]


def _open(asking: Asking, options: str) -> None:
    asking.lab.write(
        f"{asking.name}.ipynb",
        [
            "%load_ext llm_notebook",
            f"%%llm -m scripted --schema-multi 'name, age int, born date, bio' {options}\n40 people.",
            "print(people.dtypes.to_dict() if 'people' in dir() else 'no people')",
        ],
    )
    asking.lab.run_cell(0)
    asking.lab.wait_until_ran(0)


def _rows(asking: Asking) -> Locator:
    return asking.output.locator(".llm-frame tbody th:not(:empty)")


def test_rows_appear_while_they_stream_and_stay_when_the_notebook_is_reopened(asking: Asking) -> None:
    text = json.dumps({"items": PEOPLE})
    first, last = text.index("}, ") + 1, len(text) - 20
    seen, all_seen = threading.Event(), threading.Event()
    asking.server.play(
        Reply(
            [
                sse(text_chunk(text[:first]), done=False),
                UntilSet(seen),
                sse(text_chunk(text[first:last]), done=False),
                UntilSet(all_seen),
                sse(text_chunk(text[last:])),
            ]
        )
    )
    _open(asking, "--out people")
    asking.lab.run_cell(ASK)
    expect(asking.output.get_by_role("row", name="Ada Lovelace")).to_be_visible()
    expect(asking.output).to_contain_text("1 row so far")
    expect(_rows(asking)).to_have_text(["0"])
    seen.set()
    # Of many rows the first and the latest are shown, and the others are counted.
    expect(asking.output).to_contain_text("39 rows so far")
    expect(_rows(asking)).to_have_text([*"01234", "…", *map(str, range(34, 39))])
    # A model's text is text, and what does not show itself is spelled out.
    expect(asking.output.get_by_role("row", name="Grace <b>Hopper</b>")).to_contain_text("compiler\\u{202e}")
    all_seen.set()
    expect(asking.output).to_contain_text("people is a DataFrame of 40 rows \u00d7 4 columns. The first 5:")
    expect(_rows(asking)).to_have_text([*"01234"])

    asking.lab.run_cell(BELOW)
    expect(asking.lab.output(BELOW)).to_contain_text("'age': Int64Dtype(), 'born': dtype('<M8[us]')")
    [output] = asking.saved()
    assert "| 0 | Ada Lovelace | 36 | 1815-12-10 |" in "".join(output["data"]["text/markdown"])
    asking.lab.reopen_without_kernel()
    expect(asking.output).to_contain_text("people is a DataFrame of 40 rows \u00d7 4 columns. The first 5:")
    expect(_rows(asking)).to_have_text([*"01234"])


def test_a_row_that_does_not_fit_is_named_and_leaves_no_variable(asking: Asking) -> None:
    rows = json.dumps({"items": [*PEOPLE[:22], {**PEOPLE[22], "age": "about 60"}]})
    asking.server.play(Reply([sse(text_chunk(rows))]))
    _open(asking, "--out people")
    asking.lab.run_cell(ASK)
    expect(asking.output.get_by_role("alert")).to_contain_text("Row 22 does not fit the schema")
    expect(asking.output.locator(".llm-misfit")).to_have_text("about 60")
    expect(_rows(asking)).to_have_text(["20", "21", "22"])
    asking.lab.run_cell(BELOW)
    expect(asking.lab.output(BELOW)).to_contain_text("no people")
    asking.server.play(Reply([sse(text_chunk(json.dumps({"items": PEOPLE[:3]})))]))
    asking.output.get_by_role("button", name="Start over").click()
    expect(asking.output).to_contain_text("people is a DataFrame of 3 rows \u00d7 4 columns")
    expect(_rows(asking)).to_have_text([*"012"])
