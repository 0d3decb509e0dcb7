"""Checks that a page made from the quickstart holds an answer to every question in it."""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag


def main() -> int:
    """Print how the answers begin. Returns 1 where one is missing, or there are no questions."""
    page = BeautifulSoup(Path(sys.argv[1]).read_text(encoding="utf-8"), "html.parser")
    asked = [
        cell for cell in page.select(".jp-CodeCell") if _text(cell, ".jp-InputArea .highlight").startswith("%%llm")
    ]
    answers = [_text(cell, ".jp-OutputArea .jp-RenderedMarkdown") for cell in asked]
    for answer in answers:
        print("Answered:", answer[:70])
    if asked and all(answers):
        return 0
    print(f"{sys.argv[1]} has {len(asked)} questions and {sum(map(bool, answers))} answers.")
    return 1


def _text(cell: Tag, selector: str) -> str:
    """The text of the selected elements, with single spaces."""
    return " ".join(" ".join(element.get_text() for element in cell.select(selector)).split())


if __name__ == "__main__":
    sys.exit(main())
