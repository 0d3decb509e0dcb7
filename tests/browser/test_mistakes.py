"""A mistake is explained in one sentence, without a traceback."""

from __future__ import annotations

import pytest

from scripts.lab_page import LabPage


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("%%llm -m smolm2\nHello", ["smolm2", "smollm2"]),
        ("%%llm -m gpt-4o-mini\nHello", ["key", "%llm keys set openai", "smollm2"]),
        ("%%llm --sytem x\nHello", ["--sytem", "--system"]),
        ("%%llm -m smollm2\nHello {{ nobody }}", ["nobody"]),
    ],
    ids=["unknown model", "no key", "wrong option", "unknown variable"],
)
def test_one_clear_sentence(lab_page: LabPage, source: str, says: list[str]) -> None:
    lab_page.write("mistake.ipynb", ["%load_ext llm_notebook", source])
    lab_page.run_all()
    lab_page.wait_until_ran(1)
    shown = lab_page.output(1).inner_text()
    assert all(word in shown for word in says), shown
    assert "Traceback" not in shown
    assert "File " not in shown
    assert shown.count("\n") <= 2
