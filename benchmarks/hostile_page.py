"""Measures how long hostile Markdown blocks a page in Chromium, in every shape of `shapes.json`: live, finished and reopened.

    python -m benchmarks.hostile_page [--doubling] [WORD …]

A WORD chooses the shapes whose name holds it. With `--doubling`, it is measured how many times longer the page works for a text of the same
shape twice as long, when it is reopened. A time is that of the longest task of the page, its layout and painting included: the
processor time that it takes, so that other programs do not count.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measuring import ROOT, median_of
from scripts.chromium import ARGUMENTS, find_chromium

__all__ = ["hostile_texts", "run"]

_SHAPES = ROOT / "labextension/src/transcript/testing/shapes.json"
_STATIC = ROOT / "llm_notebook" / "static"
_ADDRESS = "http://transcript.test/"
_CHARACTERS = 60_000
_ALLOWED = 100  # milliseconds
_RATIO = 2.3  # how many times longer the page may work for a text twice as long
_TOO_SHORT = 100  # milliseconds; in less than that, what every page costs decides
_TRIES = 2  # of a shape that was too slow: caches are cold at first
_WAYS = ("live", "finished", "reopened")

# Feeds the widget as anywidget does, marks where each of the three ways ends, and returns how many elements show the text.
_MEASURE = """
async ({text, kind}) => {
  const {default: widget} = await import('/widget.js');
  const pause = time => new Promise(done => setTimeout(done, time));
  let changed = 0;
  const changes = new MutationObserver(() => { changed = performance.now(); });
  changes.observe(document.body, {childList: true, subtree: true, characterData: true, attributes: true});
  const quiet = async () => {
    changed = performance.now();
    const began = changed;
    while (performance.now() < changed + 150 && performance.now() < began + 8000) {
      await pause(30);
    }
  };
  const mount = first => {
    const heard = {};
    const state = {document: first};
    const model = {
      get: name => state[name], send: () => {}, off: () => {},
      on: (name, callback) => { (heard[name] ??= []).push(callback); }
    };
    const el = document.createElement('div');
    document.body.replaceChildren(el);
    const dispose = widget.render({model, el});
    let seq = 0;
    const tell = (...ops) => {
      seq += 1;
      state['d' + seq] = {type: 'delta', id: 't', seq, ops};
      heard.change.forEach(callback => callback());
    };
    return {dispose, tell};
  };
  const documentOf = (state, written) => ({
    version: 1, id: 't', seq: 0, model: 'm', state, seconds: 1, blocks: [{kind, text: written}]
  });
  const shown = () => document.querySelectorAll('.llm-answer *, .llm-thought *').length;
  let {dispose, tell} = mount(documentOf('streaming', ''));
  await pause(0);
  performance.mark('live');
  const size = Math.ceil(text.length / 12);
  for (let at = 0; at < text.length; at += size) {
    tell({op: 'append', block: 0, text: text.slice(at, at + size)});
    await pause(40);
  }
  await quiet();
  performance.mark('finished');
  tell({op: 'set', fields: {state: 'done'}});
  await quiet();
  performance.mark('between');
  // Counting and clearing what is shown takes time of its own.
  await pause(0);
  const grown = shown();
  dispose();
  document.body.replaceChildren();
  await quiet();
  performance.mark('reopened');
  ({dispose, tell} = mount(documentOf('done', text)));
  await quiet();
  performance.mark('over');
  await pause(0);
  return [grown, shown()];
}
"""


@dataclass(slots=True)
class Held:
    """How long a text held the page, in milliseconds, and what went wrong.

    Attributes:
        times: the longest task for each of the three ways.
        whole: all tasks together, when it is reopened.
        faults: what is wrong besides the time, in words.
    """

    times: dict[str, float]
    whole: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.times.values())


def hostile_texts(characters: int) -> Iterator[tuple[str, str]]:
    """Yield a name and a text of about so many characters for each shape; `shapes.ts` makes the same ones."""
    shapes: dict[str, Any] = json.loads(_SHAPES.read_text(encoding="utf-8"))
    for again in shapes["again"]:
        yield json.dumps(again), again * (characters // len(again))
    for before, again, after in shapes["around"]:
        yield json.dumps([before, again, after]), before + again * (characters // len(again)) + after
    for step, line in shapes["stairs"]:
        count = int((2 * characters / len(step)) ** 0.5)
        yield f"stairs {json.dumps([step, line])}", "".join(step * at + line for at in range(count))
    for language in shapes["code"]["languages"]:
        for bit in shapes["code"]["bits"]:
            code = bit * (characters // len(bit))
            yield f"{language} {json.dumps(bit)}", f"```{language}\n{code}\n```"


def run(words: list[str]) -> None:
    """Measure and print the shapes that hold the page for longer than is allowed, and how many do not."""
    from playwright.sync_api import sync_playwright  # a development package, not needed elsewhere

    texts = [
        (name, text) for name, text in hostile_texts(_CHARACTERS) if not words or any(word in name for word in words)
    ]
    kinds = [("text", name, text) for name, text in texts] + [("reasoning", name, text) for name, text in texts[:40]]
    slow = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        with contextlib.closing(browser):
            for kind, name, text in kinds:
                held = _measure(browser, kind, text)
                is_slow = held.longest > _ALLOWED or bool(held.faults)
                slow += is_slow
                if is_slow or words:
                    times = "  ".join(f"{way} {held.times[way]:5.0f} ms" for way in _WAYS)
                    print(
                        f"{'SLOW' if is_slow else 'fine'}  {times}  {kind} {name}  {' '.join(held.faults)}", flush=True
                    )
    print(
        f"{len(kinds) - slow} shapes of {_CHARACTERS} characters hold the page for at most {_ALLOWED} ms, {slow} do not"
    )


def run_doubling(words: list[str], characters: int = _CHARACTERS) -> None:
    """Measure and print the shapes for which the page works more than is allowed longer when the text is twice as long."""
    from playwright.sync_api import sync_playwright  # a development package, not needed elsewhere

    texts = [
        (name, half, whole)
        for (name, half), (_, whole) in zip(hostile_texts(characters // 2), hostile_texts(characters), strict=True)
        if not words or any(word in name for word in words)
    ]
    slow, worst = 0, (0.0, "")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        with contextlib.closing(browser):
            for name, half, whole in texts:
                ratio, took = _ratio(browser, half, whole, tries=1)
                if ratio > _RATIO:
                    # A busy machine may have spoilt it.
                    ratio, took = _ratio(browser, half, whole, tries=5)
                worst = max(worst, (ratio, name))
                slow += ratio > _RATIO
                if ratio > _RATIO or words:
                    print(
                        f"{'GROWS' if ratio > _RATIO else 'fine '}  {ratio:4.2f} times  {took:5.0f} ms  {name}",
                        flush=True,
                    )
    print(f"{len(texts) - slow} of {len(texts)} shapes hold the page at most {_RATIO} times as long for twice the text")
    print(f"  the worst ratio: {worst[0]:.2f}, {worst[1]}")


def _ratio(browser: Any, half: str, whole: str, *, tries: int) -> tuple[float, float]:
    """Return how many times longer the page works for the whole, and the milliseconds for that. Where it hardly works, the ratio is 1."""
    # On a busy machine, a page may seem to have come to rest before it has: then too little is counted.
    twice = median_of([_measure_once(browser, "text", whole).whole for _ in range(tries)])
    if twice < _TOO_SHORT:
        return 1.0, twice
    return twice / median_of([_measure_once(browser, "text", half).whole for _ in range(tries)]), twice


def _measure(browser: Any, kind: str, text: str) -> Held:
    """Measure one text, and what was too slow again."""
    best = _measure_once(browser, kind, text)
    for _ in range(_TRIES - 1):
        if best.longest <= _ALLOWED:
            break
        again = _measure_once(browser, kind, text)
        times = {way: min(best.times[way], again.times[way]) for way in _WAYS}
        best = Held(times, min(best.whole, again.whole), best.faults)
    return best


def _measure_once(browser: Any, kind: str, text: str) -> Held:
    from playwright.sync_api import TimeoutError as Late  # see run()

    page = browser.new_page(viewport={"width": 1200, "height": 900})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error).splitlines()[0]))
    page.route(f"{_ADDRESS}**", _serve)
    page.goto(_ADDRESS)
    browser.start_tracing(page=page, categories=["toplevel", "blink.user_timing"])
    begin = f"given => {{ ({_MEASURE})(given).then(found => {{ window.found = found; }}); }}"
    try:
        page.evaluate(begin, {"text": text, "kind": kind})
        shown = page.wait_for_function("window.found", timeout=60_000).json_value()
    except Late:
        return Held(dict.fromkeys(_WAYS, 60_000.0), 60_000.0, ["frozen"])
    finally:
        trace = json.loads(browser.stop_tracing())
        page.close()
    # Reasoning is folded when the answer is over, and line breaks alone say nothing.
    if kind == "text" and text.replace("<br>", "").strip() and not all(shown):
        faults.append("blank")
    tasks = _tasks(trace["traceEvents"])
    return Held({way: max(took, default=0.0) for way, took in tasks.items()}, sum(tasks["reopened"]), faults)


def _tasks(events: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the processor times of all tasks in each of the three ways, in milliseconds."""
    marks = {event["name"]: event for event in events if event.get("cat") == "blink.user_timing"}
    tasks: dict[str, list[float]] = {way: [] for way in _WAYS}
    ends = {"live": "finished", "finished": "between", "reopened": "over"}
    for event in events:
        if event["name"] != "ThreadControllerImpl::RunTask" or event["tid"] != marks["live"]["tid"]:
            continue
        for way, end in ends.items():
            if marks[way]["ts"] <= event["ts"] <= marks[end]["ts"]:
                tasks[way].append(event.get("tdur", 0) / 1000)
    return tasks


def _serve(route: Any) -> None:
    name = route.request.url.removeprefix(_ADDRESS)
    if name.endswith(".js"):
        route.fulfill(path=_STATIC / name, content_type="text/javascript")
    else:
        styles = (_STATIC / "transcript.css").read_text(encoding="utf-8")
        route.fulfill(
            body=f"<!doctype html><meta charset=utf-8><style>{styles}</style><body>", content_type="text/html"
        )


if __name__ == "__main__":
    given = sys.argv[1:]
    (run_doubling if "--doubling" in given else run)([word for word in given if word != "--doubling"])
