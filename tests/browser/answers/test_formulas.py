"""Formulas beside those of JupyterLab's own Markdown cells: as many, none as code, about as large, light and dark.

Pictures of both are left under test-results/, to be looked at side by side.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Page, expect

from scripts.lab_page import RESULTS, LabPage

_FORMULAS = Path(__file__).resolve().parents[2] / "transcript" / "formulas.json"
_DATA: dict[str, Any] = json.loads(_FORMULAS.read_text(encoding="utf-8"))
_TOPICS = {
    topic: [formula["source"] for formula in formulas]
    for topic, formulas in groupby(_DATA["formulas"], key=lambda formula: formula["topic"])
}
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}

# The width and height of what each formula draws, in JupyterLab's cell and in ours.
_SIZES = """() => {
  const size = nodes => {
    const boxes = nodes.map(node => node.getBoundingClientRect()).filter(box => box.width && box.height);
    const side = (name, pick) => pick(...boxes.map(box => box[name]));
    return [side('right', Math.max) - side('left', Math.min), side('bottom', Math.max) - side('top', Math.min)];
  };
  const all = (selector, drawn) => Array.from(document.querySelectorAll(selector), node => size(drawn(node)));
  return [
    all('.jp-MarkdownCell mjx-container', node => [...node.querySelectorAll('mjx-math')]),
    all('.jp-CodeCell math', node => [...node.querySelectorAll('mi, mo, mn, mtext, mfrac, msqrt, menclose, mtd[style*=border]')])
  ];
}"""


def _document(text: str) -> dict[str, Any]:
    fields = {"notice": None, "error": None, "footer": None, "remarks": [], "began": "", "seconds": 1.0}
    switches = {"hideReasoning": False, "showCalls": False}
    block = {"kind": "text", "text": text}
    return {"version": 1, "id": "x", "seq": 1, "model": "m", "state": "done", "blocks": [block], **fields, **switches}


def _as_lab_writes(source: str) -> str:
    r"""Return a formula with dollar signs: JupyterLab's Markdown cells do not know `\(…\)` and `\[…\]`."""
    inline = re.fullmatch(r"\\\((.*)\\\)", source, re.DOTALL)
    display = re.fullmatch(r"\\\[(.*)\\\]", source, re.DOTALL)
    return f"${inline[1]}$" if inline else f"$${display[1]}$$" if display else source


def _write(lab_page: LabPage, sources: list[str]) -> None:
    """Open a notebook with these formulas in a Markdown cell and in a saved answer."""
    output = new_output(
        "display_data", {"application/vnd.llm-notebook.transcript+json": _document("\n\n".join(sources))}
    )
    cells = [
        new_markdown_cell("\n\n".join(map(_as_lab_writes, sources))),
        new_code_cell("", outputs=[output]),
    ]
    nbformat.write(new_notebook(cells=cells, metadata=_KERNEL), lab_page.lab.root / "formulas.ipynb")
    lab_page.open("formulas.ipynb")


def _show_pictures(page: Page, name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    page.locator(".jp-MarkdownCell .jp-RenderedMarkdown").screenshot(path=RESULTS / f"{name} in a Markdown cell.png")
    page.locator(".jp-CodeCell .llm-answer").screenshot(path=RESULTS / f"{name} in an answer.png")


@pytest.mark.parametrize("topic", _TOPICS)
def test_formulas_look_like_those_of_markdown_cells(lab_page: LabPage, topic: str) -> None:
    sources = _TOPICS[topic]
    lab_page.page.set_viewport_size({"width": 1280, "height": 3000})
    _write(lab_page, sources)

    expect(lab_page.page.locator(".jp-CodeCell math")).to_have_count(len(sources))
    expect(lab_page.page.locator(".jp-CodeCell .llm-answer code")).to_have_count(0)
    expect(lab_page.page.locator(".jp-MarkdownCell mjx-container")).to_have_count(len(sources))
    lab_page.page.wait_for_function("() => document.fonts.check('16px \"LLM Notebook Math\"')")
    for theme in ("Dark", "Light"):
        lab_page.theme(theme)
        _show_pictures(lab_page.page, f"formulas of {topic}, {theme.lower()}")

    theirs, ours = lab_page.page.evaluate(_SIZES)
    for source, (width, height), (our_width, our_height) in zip(sources, theirs, ours, strict=True):
        # What stands at the edges of the window, as numbers do, is not a part of a formula's size.
        # Chromium leaves more room between operators than MathJax does.
        if "tag" not in source and "multline" not in source:
            assert abs(our_width - width) < max(14, 0.4 * width), source
            assert abs(our_height - height) < max(20, 0.4 * height), source
