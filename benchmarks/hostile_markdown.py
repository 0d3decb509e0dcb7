"""Measures whether the time for hostile Markdown grows faster than the text: here, where the saved notebook's Markdown is written.

    python -m benchmarks.hostile_markdown [SEED]

The texts have every shape of `shapes.json`, and five hundred shapes are put together at random from pieces that mean something in
Markdown; a SEED chooses other ones. Each shape is written at two sizes, of which one is twice the other. A time is the processor time
of the fastest of a few runs, without those of the garbage collector, which come in leaps. `hostile_page` measures the same of the page.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain

from benchmarks.hostile_page import hostile_texts
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView

__all__ = ["doubling_ratio", "random_shapes", "run"]

_CHARACTERS = 30_000
_RANDOM = 500
_TRIES = 2
_ALLOWED = 2.3
_TOO_SHORT = 0.004  # seconds; in less than that, the clock and the caches decide
_PIECES = (
    *"#*_~`>-+=|![]()<>{}$\\^:&;/\"'., \n\t",
    *("\n\n", "    ", "a", "b c", "1.", "1) ", "**", "__", "~~", "```", "~~~", "---", "|-", "| a ", "](", "](<", "[^a]", "]: ", "!["),
    *("$$", r"\(", r"\)", r"\[", r"\]", "<b>", "</b>", "<!--", "-->", "<a href=", "&amp;", "&#1", "http://a", "www.a.", "a@b.c", "\ufeff", "é"),
)  # fmt: skip


def random_shapes(seed: int, characters: int) -> Iterator[tuple[str, str]]:
    """Yield a name and a text of about so many characters for shapes that are put together at random, the same for the same seed."""
    chance = random.Random(seed)

    def some(most: int) -> str:
        return "".join(chance.choices(_PIECES, k=chance.randint(0, most)))

    for _ in range(_RANDOM):
        before, again, after = some(2), some(5) or "a", some(2)
        yield json.dumps([before, again, after]), before + again * (characters // len(again)) + after


def doubling_ratio(perform: Callable[[str], object], half: str, whole: str, tries: int = _TRIES) -> tuple[float, float]:
    """Return how many times longer something takes for the text twice, and the seconds for that.

    Where it takes hardly any time, the ratio is 1.
    """
    twice = min(_seconds(perform, whole) for _ in range(tries))
    if twice < _TOO_SHORT:
        return 1.0, twice
    return twice / min(_seconds(perform, half) for _ in range(tries)), twice


def _seconds(perform: Callable[[str], object], text: str) -> float:
    gc.collect(0)
    gc.disable()
    began = time.process_time()
    perform(text)
    took = time.process_time() - began
    gc.enable()
    return took


def _write(text: str) -> None:
    """Write an answer as a saved notebook keeps it."""
    view = TranscriptView("m", id="t")
    view.feed(StreamEvent("text", text, 0), 1.0)
    view.end("done", 1.0)
    markdown_of(view)
    plain_of(view)


def run(seed: int = 1) -> None:
    """Measure and print the shapes whose time grows faster than is allowed, and the slowest of the others."""
    slow, slowest, worst, count = 0, (0.0, ""), (0.0, ""), 0
    halves = chain(hostile_texts(_CHARACTERS // 2), random_shapes(seed, _CHARACTERS // 2))
    wholes = chain(hostile_texts(_CHARACTERS), random_shapes(seed, _CHARACTERS))
    for (name, half), (_, whole) in zip(halves, wholes, strict=True):
        count += 1
        ratio, seconds = doubling_ratio(_write, half, whole)
        if ratio > _ALLOWED:
            # A busy machine may have spoilt it.
            ratio, seconds = doubling_ratio(_write, half, whole, tries=8)
        slowest, worst = max(slowest, (seconds, name)), max(worst, (ratio, name))
        if ratio > _ALLOWED:
            slow += 1
            print(f"GROWS  {ratio:4.1f} times  {1000 * seconds:6.0f} ms  {name}", flush=True)
    print(f"\n{count - slow} of {count} shapes of Markdown take at most {_ALLOWED} times as long for twice the text")
    print(f"  the worst ratio: {worst[0]:.2f}, {worst[1]}")
    print(f"  the longest time, for {_CHARACTERS} characters: {1000 * slowest[0]:.0f} ms, {slowest[1]}")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
