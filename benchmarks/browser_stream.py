"""The live transcript in Chromium at 2,000 tokens a second: how late text is drawn, and how long the page is held at once."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from benchmarks.measuring import ROOT

__all__ = ["run"]

_TOKENS = 20_000
_RATE = 2_000
_STATIC = ROOT / "llm_notebook" / "static"
_AIM_LAG, _AIM_BLOCK = 0.3, 0.05

_WORDS = "the price of an order fell in August while `demand` held and **that** is what the table says".split()


def _prose(at: int) -> str:
    if at % 400 == 0:
        return f"\n\n## Part {at}\n\n"
    return ("\n\n" if at % 90 == 0 else " ") + _WORDS[at % len(_WORDS)]


def _items(at: int) -> str:
    return ("\n- " if at % 12 == 0 else " ") + _WORDS[at % len(_WORDS)]


def _table(at: int) -> str:
    if at == 0:
        return "| a | b | c | d |\n|---|---|---|---|\n"
    return f"| {_WORDS[at % len(_WORDS)]} " + ("|\n" if at % 4 == 3 else "")


def _code(at: int) -> str:
    if at == 0:
        return "```python\n"
    return ("\n    " if at % 10 == 0 else " ") + ("# note" if at % 50 == 0 else f"value_{at % 7} = {at}")


def _line(at: int) -> str:
    return " " + _WORDS[at % len(_WORDS)]


_SHAPES = {"prose": _prose, "one list": _items, "one table": _table, "one block of code": _code, "one paragraph": _line}

_FEED = """
async ({batches, every}) => {
  const {default: widget} = await import('http://transcript.test/widget.js');
  const state = {document: {version: 1, id: 't', seq: 0, model: 'm', state: 'streaming', seconds: 0,
                            blocks: [{kind: 'text', text: ''}]}};
  const heard = {};
  const model = {
    get: name => state[name], send: () => {}, off: () => {},
    on: (name, callback) => { (heard[name] ??= []).push(callback); }
  };
  widget.initialize({model});
  widget.render({model, el: document.body});
  const fed = [], lags = [];
  let drawn = 0, longest = 0, last = performance.now(), over = false;
  const beat = new MessageChannel();
  beat.port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) beat.port2.postMessage(0);
  };
  beat.port2.postMessage(0);
  const look = () => {
    const place = document.querySelector('.llm-answer');
    if (!place) return void requestAnimationFrame(look);
    let node = place, text = '';
    while (node && node.lastChild) node = node.lastChild;
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    walker.currentNode = node;
    if (node.nodeType === 3) text = node.data;
    for (let n = 0; n < 40 && text.length < 200 && walker.previousNode(); n += 1) text = walker.currentNode.data + text;
    const marks = [...text.matchAll(/q(\\d+)q/g)];
    const seen = marks.length ? Number(marks[marks.length - 1][1]) : 0;
    for (; drawn < seen; drawn += 1) lags.push(performance.now() - fed[drawn + 1]);
    if (!over) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const began = performance.now();
  for (let n = 1; n <= batches.length; n += 1) {
    const wait = began + n * every - performance.now();
    await new Promise(done => setTimeout(done, Math.max(0, wait)));
    state['d' + n] = {type: 'delta', id: 't', seq: n, ops: [{op: 'append', block: 0, text: batches[n - 1] + ` q${n}q`}]};
    fed[n] = performance.now();
    heard.change.forEach(callback => callback());
  }
  while (drawn < batches.length && performance.now() < began + batches.length * every + 10000) {
    await new Promise(done => setTimeout(done, 10));
  }
  over = true;
  lags.sort((a, b) => a - b);
  return {median: lags[lags.length >> 1], longest_lag: lags[lags.length - 1], block: longest,
          all: drawn === batches.length};
}
"""


def run() -> None:
    """Measure and print; says what is missing where there is no Chromium, playwright or built widget."""
    print("\nA transcript at 2,000 tokens a second in Chromium, 20,000 tokens")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  a development package, not needed elsewhere
    except ImportError:
        print("  not measured: playwright is not installed")
        return
    if not (_STATIC / "widget.js").is_file():
        print("  not measured: the widget is not built (npm run build:widget in labextension/)")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        with contextlib.closing(browser):
            for name, shape in _SHAPES.items():
                _print(name, _measured(browser, shape))


def _measured(browser: Any, shape: Any) -> dict[str, Any]:
    page = browser.new_page()
    page.route("http://transcript.test/**", _serve)
    page.goto("http://transcript.test/")
    size = _RATE // 20
    batches = ["".join(shape(at) for at in range(start, start + size)) for start in range(0, _TOKENS, size)]
    measured: dict[str, Any] = page.evaluate(_FEED, {"batches": batches, "every": 50})
    page.close()
    return measured


def _serve(route: Any) -> None:
    name = route.request.url.rsplit("/", 1)[-1]
    if name == "widget.js":
        route.fulfill(path=_STATIC / "widget.js", content_type="text/javascript")
    else:
        styles = (_STATIC / "transcript.css").read_text(encoding="utf-8")
        route.fulfill(body=f"<!doctype html><style>{styles}</style><body>", content_type="text/html")


def _print(name: str, measured: dict[str, Any]) -> None:
    print(
        f"  {name:<18} drawn {measured['median']:6.0f} ms after it came (at most {measured['longest_lag']:.0f})   "
        f"page held {measured['block']:.0f} ms at most   aim <= {_AIM_LAG * 1e3:.0f} and {_AIM_BLOCK * 1e3:.0f}"
        + ("" if measured["all"] else f"   NOT ALL DRAWN: {json.dumps(measured)}")
    )


if __name__ == "__main__":
    run()
