"""Describes what was sent with a prompt: one line above the answer, and a table for readers who unfold it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.calls.call_rendering import literal_markdown
from llm_notebook.transcript.calls.requests import shortened
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import on_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_notebook.parts.sent import Sent, SentGroup

__all__ = ["markdown_sent", "plain_sent", "sent_document", "sent_lines"]

_MOST_NAMED = 3
_MOST_ROWS = 100
_LONGEST = 300
# The text that replaces a secret, see `objects.secrets`.
_REMOVED = "[removed]"
_GROUPS: tuple[SentGroup, ...] = ("context", "error", "sent", "removed")


def sent_document(sent: Sequence[Sent]) -> list[dict[str, Any]]:
    """Return what was sent as JSON values for the front end, a line for each group of it."""
    return [_group_document(group, found) for group, found in _groups(sent)]


def _group_document(group: SentGroup, sent: Sequence[Sent]) -> dict[str, Any]:
    rows = [
        {
            "name": _name(one),
            "text": _short(_kind(one)),
            "tokens": one.tokens,
            "leftOut": [_short(note) for note in one.left_out],
        }
        for one in sent[:_MOST_ROWS]
    ]
    return {"group": group, "line": _line(group, sent), "rows": rows, "hidden": max(0, len(sent) - _MOST_ROWS)}


def sent_lines(sent: Sequence[Sent]) -> list[str]:
    """Return what was sent, a line for each group of it."""
    return [_line(group, found) for group, found in _groups(sent)]


def _groups(sent: Sequence[Sent]) -> list[tuple[SentGroup, list[Sent]]]:
    found = ((group, [one for one in sent if one.group == group]) for group in _GROUPS)
    return [(group, ones) for group, ones in found if ones]


def _line(group: SentGroup, sent: Sequence[Sent]) -> str:
    if group == "removed":
        return f"{_REMOVED} {_counted(len(sent), 'secret')}"
    return _context_line(sent) if group == "context" else _sent_line(sent)


def _context_line(sent: Sequence[Sent]) -> str:
    # Only a file beside the notebook goes with the system prompt.
    cells = sum(bool(one.kind) and not one.in_system for one in sent)
    files = [on_one_line(_name(one)) for one in sent if one.in_system]
    told = [_counted(cells, "cell"), *files, _counted(sum(one.tokens for one in sent), "token")]
    left_out = sum(len(one.left_out) for one in sent)
    return f"context: {', '.join(told)}{f'; {left_out:,} left out' if left_out else ''}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _sent_line(sent: Sequence[Sent]) -> str:
    names = [on_one_line(_name(one)) for one in sent[:_MOST_NAMED]]
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
        said.append(
            f"{on_one_line(left_out[0])} left out" if len(left_out) == 1 else f"{len(left_out)} things left out"
        )
    return f"sent: {'; '.join(said)}"


def markdown_sent(sent: Sequence[Sent]) -> list[str]:
    """Return what was sent as Markdown, folded; nothing if there was nothing."""
    return [_markdown_group(group, found) for group, found in _groups(sent)]


def _markdown_group(group: SentGroup, sent: Sequence[Sent]) -> str:
    listed = "\n".join(f"- {literal_markdown(text)}" for text in _listed(sent))
    line = literal_markdown(_line(group, sent))
    return f"<details><summary>{line}</summary>\n\n{listed}\n\n</details>"


def plain_sent(sent: Sequence[Sent]) -> list[str]:
    """Return what was sent as plain text: a line for each group, and what was left out of what."""
    return ["\n".join([_line(group, found), *_plain_notes(group, found)]) for group, found in _groups(sent)]


def _plain_notes(group: SentGroup, sent: Sequence[Sent]) -> list[str]:
    if group in ("error", "removed"):
        return [f"  {text}" for text in _listed(sent)]
    return [f"  {_name(one)}, {note}" for one in sent for note in _left_out(one)]


def _listed(sent: Sequence[Sent]) -> list[str]:
    return [
        ": ".join([_name(one), "; ".join([*filter(None, [_kind(one)]), *_left_out(one)])]) for one in sent[:_MOST_ROWS]
    ]


def _left_out(one: Sent) -> list[str]:
    return [f"left out: {', '.join(map(_short, one.left_out))}"] if one.left_out else []


def _name(one: Sent) -> str:
    return _short(one.name or one.kind.partition(",")[0])


def _kind(one: Sent) -> str:
    return f"{one.kind}, with the system prompt" if one.in_system else one.kind


def _short(text: str) -> str:
    return shortened(visible(" ".join(text[: 2 * _LONGEST].split())), _LONGEST)
