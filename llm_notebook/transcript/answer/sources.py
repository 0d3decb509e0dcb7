"""Sources of an answer: numbered once for a whole turn, with small raised numbers in the text where they belong.

The numbers are special characters and no markup, so they cannot break anything around them. They are left out where they would become part of
code, a formula or an address.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from llm_notebook.parts.citations import Citation
from llm_notebook.transcript.markdown.escape import escaped_line
from llm_notebook.transcript.markdown.links import safe_url
from llm_notebook.transcript.words import on_one_line

__all__ = ["Source", "Sources", "markdown_sources", "plain_sources", "with_numbers"]

_MOST = 100
_LONGEST_TITLE = 300
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_LONGEST_ADDRESS = 2_000
_MAY_FOLLOW = re.compile(r"[\s.,;:!?)\]}\"'*_\u201d\u2019\u00bb|]")

Mark = tuple[int, int]
"""A position in a text, as a number of characters, and the number of the source to which it refers."""


@dataclass(slots=True, frozen=True)
class Source:
    """A source as it is listed.

    Attributes:
        title: its title on one line; its address or its host if it has none.
        url: its address, if it can be a link; else empty.
        host: the host of the address; empty if there is none.
    """

    title: str
    url: str
    host: str


@dataclass(slots=True)
class Sources:
    """The sources of a turn in the order of their numbers, which start at 1."""

    listed: list[Source] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, citations: Iterable[Citation], text: str) -> list[Mark]:
        """List the sources of a text, and return where it refers to them."""
        marks = []
        for citation in citations:
            number = self._number(citation)
            # Without a position a number would say nothing; the source is listed all the same.
            if number is not None and citation.end is not None and 0 <= citation.end <= len(text):
                marks.append((citation.end, number))
        return marks

    def _number(self, citation: Citation) -> int | None:
        key = citation.url or citation.title
        if not key:
            return None
        if key not in self._numbers:
            if len(self.listed) == _MOST:
                return None
            self.listed.append(_source(citation))
            self._numbers[key] = len(self.listed)
        return self._numbers[key]

    def clear(self) -> None:
        """Forget all sources."""
        self.listed.clear()
        self._numbers.clear()


def _source(citation: Citation) -> Source:
    url = safe_url(citation.url) if citation.url else None
    host = urlsplit(url).hostname or "" if url else ""
    title = on_one_line(citation.title or host or citation.url or "")
    return Source(title if len(title) <= _LONGEST_TITLE else title[:_LONGEST_TITLE] + "…", url or "", host)


def with_numbers(text: str, marks: Sequence[Mark]) -> str:
    """Return a text with the numbers of its sources after the passages that they support."""
    numbers: dict[int, list[int]] = {}
    for place, number in marks:
        behind = numbers.setdefault(len(text[:place].rstrip()), [])
        if number not in behind:
            behind.append(number)
    surroundings = _Surroundings(text)
    pieces, done = [], 0
    for place in sorted(numbers):
        if place and surroundings.may_hold_number(place):
            raised = " ".join(str(number).translate(_RAISED) for number in sorted(numbers[place]))
            pieces += [text[done:place], raised]
            done = place
    return "".join([*pieces, text[done:]])


class _Surroundings:
    """Knows what precedes positions in a text. The positions must come in order, so that nothing is read twice."""

    __slots__ = ("_dollars", "_fences", "_line", "_read", "_text", "_ticks")

    def __init__(self, text: str) -> None:
        self._text = text
        self._fences = [found.start() for found in _FENCE.finditer(text)]
        self._line = self._read = self._ticks = self._dollars = 0

    def may_hold_number(self, place: int) -> bool:
        """Return whether a number at this position is not, and cannot become, part of code, a formula or an address."""
        text = self._text
        self._go_to(place)
        following = text[place : place + 1]
        if (following and not _MAY_FOLLOW.match(following)) or bisect_left(self._fences, place) % 2:
            return False
        start = self._line
        is_code = text.startswith(("    ", "\t"), start) or _FENCE.match(text[start : start + 6])
        in_span = self._ticks % 2 or self._dollars % 2 or text.endswith(("`", "$"), start, place)
        return not (is_code or in_span or _ends_in_address(text[max(start, place - _LONGEST_ADDRESS) : place]))

    def _go_to(self, place: int) -> None:
        line = self._text.rfind("\n", self._read, place) + 1
        if line:
            self._line = self._read = line
            self._ticks = self._dollars = 0
        self._ticks += self._text.count("`", self._read, place)
        self._dollars += self._text.count("$", self._read, place)
        self._read = place


def _ends_in_address(line: str) -> bool:
    """Return whether a line ends in the middle of an address, a link's target or an element."""
    word = re.split(r"\s", line)[-1]
    target = line.rfind("](")
    return (
        "http://" in word
        or "https://" in word
        or (target >= 0 and ")" not in line[target:])
        or re.search(r"<\S", line[line.rfind(">") + 1 :]) is not None
    )


def markdown_sources(sources: Sequence[Source]) -> list[str]:
    """Return a list with the sources as Markdown that is safe, or an empty list if there are none."""
    if not sources:
        return []
    lines = []
    for number, source in enumerate(sources, start=1):
        title = escaped_line(source.title)
        lines.append(f"{number}. {title}" + (f" <{source.url}>" if source.url else ""))
    return ["Sources:\n\n" + "\n".join(lines)]


def plain_sources(sources: Sequence[Source]) -> list[str]:
    """Return a list with the sources as lines of plain text, or an empty list if there are none."""
    if not sources:
        return []
    lines = [f"  {number}. {source.title}  {source.url}".rstrip() for number, source in enumerate(sources, start=1)]
    return ["\n".join(["Sources:", *lines])]
