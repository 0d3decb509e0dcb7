"""The bundles: how large they are, and that the widget's needs nothing but a page and a model."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.front_end import ROOT

_EXTENSION = ROOT / "llm_notebook" / "labextension"
_WIDGET = ROOT / "llm_notebook" / "static"
_MOST = 150_000
# The parts that are loaded with the first formula: the library, and what calls it. The style of all parts names the font too.
_FORMULAS = (b"temml", b"LLM Notebook Math")
_STYLE = b".llm-transcript{"

_SHOW = """async ([code, document_, formulas]) => {
  const { default: widget } = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  const heard = {};
  window.sent = [];
  const model = {
    get: name => ({ document: document_, formulas })[name],
    on: (name, call) => { heard[name] = call; },
    off: () => undefined,
    send: message => { window.sent.push(message); }
  };
  widget.initialize({ model });
  widget.render({ model, el: document.querySelector('main') });
  heard['msg:custom']({ type: 'state', document: document_ });
}"""
_CALL = {
    "kind": "call",
    "callId": "c",
    "name": "send",
    "arguments": "{}",
    "status": "waiting",
    "request": {
        "id": "r",
        "digest": "d",
        "tool": "send",
        "origin": ["function in this notebook"],
        "reason": "",
        "destructive": False,
        "params": [],
        "grants": [],
    },
}
_DOCUMENT = {
    "version": 1,
    "id": "t",
    "seq": 1,
    "model": "m",
    "state": "paused",
    "seconds": 1,
    "blocks": [{"kind": "text", "text": "It is **so** &auml; <b>:\n\n```python\nx = 1\n```"}, _CALL],
}


_FORMULA = _DOCUMENT | {"state": "done", "blocks": [{"kind": "text", "text": r"It is $\frac{1}{2}$."}]}


def _zipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def test_the_extension_is_small_and_loads_formulas_apart() -> None:
    scripts = list((_EXTENSION / "static").glob("*.js"))
    contents = {path: path.read_bytes() for path in scripts}
    formulas = [
        path
        for path, content in contents.items()
        if _STYLE not in content and any(mark in content for mark in _FORMULAS)
    ]
    sizes = {path.name: _zipped(path) for path in scripts if path not in formulas}
    assert 1 <= len(formulas) < len(scripts) / 2
    assert sum(sizes.values()) <= _MOST, sizes


def test_the_widget_is_one_file_that_shows_a_question_on_a_plain_page(page: Page) -> None:
    code = (_WIDGET / "widget.js").read_text(encoding="utf-8")
    assert not re.search(
        r"""(?:^|[;}\s])import\s*(?:[\w{*]|["'])|\bimport\(\s*["'`]|@jupyterlab|@lumino|\brequire\(""", code
    )
    page.set_content("<main></main>")
    page.evaluate(_SHOW, [code, _DOCUMENT])
    answer = page.locator(".llm-answer")
    expect(answer.locator("strong")).to_have_text("so")
    expect(answer).to_contain_text("ä <b>")
    expect(answer.locator("pre")).to_contain_text("x = 1")
    expect(page.locator(".llm-ask").get_by_role("heading", name="send")).to_be_visible()
    expect(page.locator(".llm-ask").get_by_role("button", name="Approve", exact=True)).to_be_visible()
    assert page.evaluate("() => window.sent.map(({ type }) => type)") == ["hello", "resync"]


def test_the_widget_draws_formulas_with_what_the_kernel_sends_it(page: Page) -> None:
    code, formulas = ((_WIDGET / name).read_text(encoding="utf-8") for name in ("widget.js", "formulas.js"))
    page.set_content("<main></main>")
    page.evaluate(_SHOW, [code, _FORMULA, formulas])
    fraction = page.locator(".llm-answer math mfrac")
    expect(fraction).to_be_visible()
    fonts = page.evaluate("() => Array.from(document.fonts, ({ family }) => family)")
    assert [family.strip('"') for family in fonts] == ["LLM Notebook Math"]
