"""Checks that a page made from the quickstart contains an answer to each of its prompts."""

from __future__ import annotations

import sys
from pathlib import Path

from bs4 import BeautifulSoup, Tag


def main() -> int:
    """Print how the answers begin. Return 1 if one is missing, or if there are no prompts."""
    page = BeautifulSoup(Path(sys.argv[1]).read_text(encoding="utf-8"), "html.parser")
    prompts = [
        cell for cell in page.select(".jp-CodeCell") if _text(cell, ".jp-InputArea .highlight").startswith("%%llm")
    ]
    answers = [_text(cell, ".jp-OutputArea .jp-RenderedMarkdown") for cell in prompts]
    for answer in answers:
        print("Answered:", answer[:70])
    if prompts and all(answers):
        return 0
    print(f"{sys.argv[1]} has {len(prompts)} questions and {sum(map(bool, answers))} answers.")
    return 1


def _text(cell: Tag, selector: str) -> str:
    """Return the text of the selected elements, with single spaces."""
    return " ".join(" ".join(element.get_text() for element in cell.select(selector)).split())


if __name__ == "__main__":
    sys.exit(main())
