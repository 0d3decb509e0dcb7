"""Measures the live transcript in Chromium at 2,000 tokens a second: how late text is drawn, and how long the page blocks."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from typing import Any

from benchmarks.measuring import ROOT, Row, print_table
from scripts.chromium import ARGUMENTS, find_chromium

__all__ = ["run"]

_TOKENS = 20_000
_RATE = 2_000
_MESSAGES = 20
_ADDRESS = "http://transcript.test/"
_STATIC = ROOT / "llm_notebook" / "static"

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


_SHAPES: dict[str, tuple[str, Callable[[int], str]]] = {
    "prose": ("text", _prose),
    "reasoning": ("reasoning", _prose),
    "one list": ("text", _items),
    "one table": ("text", _table),
    "one block of code": ("text", _code),
    "one paragraph": ("text", _line),
}
_PEER = "plain text"

# Feeds the widget as anywidget does, or a plain element as the peer. Each message ends with a numbered mark: once the mark is at
# the end of the page's text, the message has been drawn. A message channel that is never empty shows how long the page was
# blocked: the longest time between two of its messages.
_FEED = """
async ({kind, batches, every}) => {
  const heard = {};
  const state = {document: {version: 1, id: 't', seq: 0, model: 'm', state: 'streaming', seconds: 0,
                            blocks: [{kind, text: ''}]}};
  const model = {
    get: name => state[name], send: () => {}, off: () => {},
    on: (name, callback) => { (heard[name] ??= []).push(callback); }
  };
  let tell;
  if (kind === 'plain') {
    document.body.style.whiteSpace = 'pre-wrap';
    tell = text => document.body.append(text);
  } else {
    const {default: widget} = await import('/widget.js');
    widget.initialize({model});
    widget.render({model, el: document.body});
    tell = (text, n) => {
      state['d' + n] = {type: 'delta', id: 't', seq: n, ops: [{op: 'append', block: 0, text}]};
      heard.change.forEach(callback => callback());
    };
  }
  const place = () => kind === 'plain' ? document.body : document.querySelector('.llm-answer, .llm-thought');
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
  const lastMark = root => {
    let node = root, text = '';
    while (node && node.lastChild) node = node.lastChild;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    walker.currentNode = node;
    if (node.nodeType === 3) text = node.data.slice(-200);
    for (let n = 0; n < 40 && text.length < 200 && walker.previousNode(); n += 1) {
      text = walker.currentNode.data.slice(-200) + text;
    }
    const marks = [...text.matchAll(/q(\\d+)q/g)];
    return marks.length ? Number(marks[marks.length - 1][1]) : 0;
  };
  const look = () => {
    const seen = place() ? lastMark(place()) : 0;
    for (; drawn < seen; drawn += 1) lags.push(performance.now() - fed[drawn + 1]);
    if (!over) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const began = performance.now();
  for (let n = 1; n <= batches.length; n += 1) {
    const wait = began + n * every - performance.now();
    await new Promise(done => setTimeout(done, Math.max(0, wait)));
    fed[n] = performance.now();
    tell(batches[n - 1] + ` q${n}q`, n);
  }
  while (drawn < batches.length && performance.now() < fed[batches.length] + 10000) {
    await new Promise(done => setTimeout(done, 10));
  }
  over = true;
  lags.sort((a, b) => a - b);
  return {lag: lags[lags.length >> 1] / 1000, block: longest / 1000, all: drawn === batches.length};
}
"""


def run() -> None:
    """Measure and print. If something is missing that the measurement needs, say what."""
    missing = _missing()
    if missing:
        print(f"\nThe live transcript in Chromium was not measured: {missing}")
        return
    from playwright.sync_api import sync_playwright  # a development package, not needed elsewhere

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        with contextlib.closing(browser):
            peer = _measure(browser, "plain", _prose)
            measured = {name: _measure(browser, kind, shape) for name, (kind, shape) in _SHAPES.items()}
    for key, title, aim in (
        ("lag", "How late streamed text is drawn (median, 2,000 tokens/s)", "<= 300 ms"),
        ("block", "How long a page is held at once (the longest of 20,000 tokens)", "<= 50 ms for prose"),
    ):
        rows = [Row(name, found[key], _PEER, peer[key], aim) for name, found in measured.items()]
        print_table(title, rows, "ms", 1e3)


def _missing() -> str:
    if find_chromium() is None:
        return "there is no Chromium or Chrome."
    if importlib.util.find_spec("playwright") is None:
        return "the Python package playwright is not installed."
    if not (_STATIC / "widget.js").is_file():
        return "the front end is not built; `python -m scripts.front_end` builds it."
    return ""


def _measure(browser: Any, kind: str, shape: Callable[[int], str]) -> dict[str, float]:
    page = browser.new_page()
    page.route(f"{_ADDRESS}**", _serve)
    page.goto(_ADDRESS)
    size = _RATE // _MESSAGES
    batches = ["".join(shape(at) for at in range(start, start + size)) for start in range(0, _TOKENS, size)]
    found: dict[str, float] = page.evaluate(_FEED, {"kind": kind, "batches": batches, "every": 1000 / _MESSAGES})
    page.close()
    if not found["all"]:
        raise RuntimeError(f"Not all of the text was drawn: {found}")
    return found


def _serve(route: Any) -> None:
    if route.request.url.endswith("widget.js"):
        route.fulfill(path=_STATIC / "widget.js", content_type="text/javascript")
    else:
        styles = (_STATIC / "transcript.css").read_text(encoding="utf-8")
        route.fulfill(body=f"<!doctype html><style>{styles}</style><body>", content_type="text/html")


if __name__ == "__main__":
    run()
