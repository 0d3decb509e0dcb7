"""Turns answers to a schema into the values that were asked for. Many models put JSON into a fence, or say something before or after it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from llm_notebook.tools.annotations import as_pydantic_reads
from llm_notebook.tools.schemas import VALUE

__all__ = ["json_in", "parsed_answer"]

_FENCES = ("```", "~~~")


def parsed_answer(text: str, source: object) -> object:
    """Return the value of an answer.

    Args:
        text: the answer.
        source: the class or annotation that was given as the schema; None if the schema was not a type, so that the value is plain JSON.

    Raises:
        ValueError: the answer is not JSON, or not what was asked for. For a type, this is pydantic's ValidationError.
    """
    found = next(json_in(text), None)
    if source is None:
        return json.loads(text) if found is None else json.loads(found)
    from pydantic import TypeAdapter, ValidationError  # pydantic is slow to import

    adapter: TypeAdapter[object] = TypeAdapter(as_pydantic_reads(source))
    first: ValidationError | None = None
    for candidate in _candidates(text, found):
        try:
            return adapter.validate_json(candidate)
        except ValidationError as error:
            first = first or error
    assert first is not None
    raise first


def _candidates(text: str, found: str | None) -> Iterator[str]:
    """Yield the texts that may be the intended JSON, the likeliest first."""
    if found is None:
        yield text
        # A model that is asked for one of several words may answer with the bare word.
        yield json.dumps(text.strip())
        return
    yield found
    value = json.loads(found)
    if isinstance(value, dict) and list(value) == [VALUE]:
        yield json.dumps(value[VALUE])


def json_in(text: str) -> Iterator[str]:
    """Yield the pieces of a text that may be JSON: the whole text, then the contents of fences, then the parts in brackets."""
    text = text.lstrip("\ufeff").strip()
    for piece in itertools.chain([text], _fenced(text), _bracketed(text)):
        try:
            json.loads(piece)
        except (ValueError, RecursionError):
            continue
        yield piece


def _fenced(text: str) -> Iterator[str]:
    lines: list[str] | None = None
    fence = ""
    for line in text.splitlines():
        bare = line.strip()
        if lines is None:
            fence = next((mark for mark in _FENCES if bare.startswith(mark)), "")
            if fence and bare.endswith(fence) and len(bare) > 2 * len(fence):
                yield bare.strip(fence[0]).strip().removeprefix("json")
            elif fence:
                lines = []
        elif bare == fence:
            yield "\n".join(lines)
            lines = None
        else:
            lines.append(line)


def _bracketed(text: str) -> Iterator[str]:
    spans = [(text.find(opening), text.rfind(closing) + 1) for opening, closing in ("{}", "[]")]
    for start, end in sorted(span for span in spans if -1 < span[0] < span[1]):
        yield text[start:end]
