"""What went to the model besides the words of a prompt, as the reader is told it above the answer."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.transcript.call_rendering import literal_markdown
from llm_notebook.transcript.visible import terminal_safe
from llm_notebook.transcript.words import on_one_line

__all__ = ["Enclosure", "enclosure_document", "markdown_enclosure", "plain_enclosure"]

_LONGEST = 4_000


@dataclass(slots=True)
class Enclosure:
    """What was sent beside a prompt.

    Attributes:
        summary: all of it in one line.
        rows: its parts: (name, text).
    """

    summary: str
    rows: list[tuple[str, str]] = field(default_factory=list)


def enclosure_document(enclosure: Enclosure) -> dict[str, Any]:
    """Return it as the document of a transcript has it."""
    rows = [{"name": name, "text": on_one_line(text)[:_LONGEST]} for name, text in enclosure.rows]
    return {"summary": on_one_line(enclosure.summary), "rows": rows}


def markdown_enclosure(enclosure: Enclosure) -> str:
    """Return it folded, as Markdown that is safe in a trusted cell."""
    rows = [f"- {literal_markdown(name)}: {literal_markdown(text[:_LONGEST])}" for name, text in enclosure.rows]
    summary = html.escape(on_one_line(enclosure.summary))
    return "\n\n".join([f"<details><summary>{summary}</summary>", "\n".join(rows), "</details>"])


def plain_enclosure(enclosure: Enclosure) -> str:
    """Return it as text, one line for each part."""
    lines = [on_one_line(enclosure.summary), *(f"  {name}: {on_one_line(text)}" for name, text in enclosure.rows)]
    return terminal_safe("\n".join(lines))
