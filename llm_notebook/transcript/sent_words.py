"""What is said of what went with a prompt: one line above the answer, and a table for who unfolds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.call_rendering import literal_markdown
from llm_notebook.transcript.requests import shortened
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import Written, on_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_notebook.parts.sent import Sent

__all__ = ["markdown_sent", "plain_sent", "sent_document", "sent_line"]

_MOST_NAMED = 3
_MOST_ROWS = 100
_LONGEST = 300


def sent_document(sent: Sequence[Sent]) -> dict[str, Any] | None:
    """Return what was sent as JSON values for the front end; None if there was nothing."""
    if not sent:
        return None
    rows = [
        {
            "name": _name(one),
            "text": _short(_kind(one)),
            "tokens": one.tokens,
            "leftOut": [_short(note) for note in one.left_out],
        }
        for one in sent[:_MOST_ROWS]
    ]
    return {"line": sent_line(sent), "rows": rows, "hidden": max(0, len(sent) - _MOST_ROWS)}


def sent_line(sent: Sequence[Sent], written: Written = on_one_line) -> str:
    """Return what was sent in one line."""
    names = [written(_name(one)) for one in sent[:_MOST_NAMED]]
    more = len(sent) - len(names)
    said = [", ".join([*names, *([f"{more} more"] if more else [])])]
    counts = {
        "about {} token": sum(one.tokens for one in sent),
        "{} picture": sum(one.pictures for one in sent),
        "{} file": sum(one.files for one in sent),
    }
    said += [f"{words.format(f'{count:,}')}{'s' * (count > 1)}" for words, count in counts.items() if count]
    left_out = [note for one in sent for note in one.left_out]
    if left_out:
        said.append(f"{written(left_out[0])} left out" if len(left_out) == 1 else f"{len(left_out)} things left out")
    return f"sent: {'; '.join(said)}"


def markdown_sent(sent: Sequence[Sent]) -> list[str]:
    """Return what was sent as Markdown, folded; nothing if there was nothing."""
    if not sent:
        return []
    listed = "\n".join(f"- {literal_markdown(text)}" for text in _listed(sent))
    line = literal_markdown(sent_line(sent))
    return [f"<details><summary>{line}</summary>\n\n{listed}\n\n</details>"]


def plain_sent(sent: Sequence[Sent]) -> list[str]:
    """Return what was sent as plain text: the line, and what was left out of what."""
    if not sent:
        return []
    notes = [f"  {_name(one)}, {note}" for one in sent for note in _left_out(one)]
    return ["\n".join([sent_line(sent), *notes])]


def _listed(sent: Sequence[Sent]) -> list[str]:
    return [": ".join([_name(one), "; ".join([_kind(one), *_left_out(one)])]) for one in sent[:_MOST_ROWS]]


def _left_out(one: Sent) -> list[str]:
    return [f"left out: {', '.join(map(_short, one.left_out))}"] if one.left_out else []


def _name(one: Sent) -> str:
    return _short(one.name or one.kind.partition(",")[0])


def _kind(one: Sent) -> str:
    return f"{one.kind}, with the system prompt" if one.in_system else one.kind


def _short(text: str) -> str:
    return shortened(visible(" ".join(text[: 2 * _LONGEST].split())), _LONGEST)
