"""Reads sources and pictures in answers in OpenAI's formats, and in those of compatible servers. No I/O.

Mistral puts references between the chunks of a text, to pages or to the numbers of documents from a tool.
OpenAI and OpenRouter annotate a text (`url_citation`), Perplexity lists `search_results` or `citations` beside the choices, to which numbers in
the text refer, xAI lists `citations`, and Groq lists `executed_tools` with their results. OpenRouter sends pictures as `images`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.messages import Message, ToolResultPart
from llm_notebook.providers.http.answers.loose_json import dicts_of
from llm_notebook.providers.http.answers.picture_answers import attachment_at

__all__ = ["LISTED", "ChatSources", "annotated_sources", "attached_pictures", "numbered_documents"]


LISTED = frozenset({"search_results", "citations"})
"""The fields beside the choices that list sources."""


@dataclass(slots=True)
class ChatSources:
    """The sources of one completion, while its chunks arrive."""

    _annotated: list[Citation] = field(default_factory=list)

    def note_delta(self, delta: dict[str, Any]) -> None:
        """Note the sources in a delta or a message."""
        self._annotated += annotated_sources(dicts_of(delta.get("annotations")))
        for tool in dicts_of(delta.get("executed_tools")):
            found = tool.get("search_results")
            results = found.get("results") if isinstance(found, dict) else found
            self._annotated += [_source(result) for result in dicts_of(results)]

    def note_reference(self, block: dict[str, Any], place: int, said: Sequence[Message]) -> None:
        """Note a chunk that refers to the sources of the text before it.

        Args:
            block: the chunk.
            place: the number of characters before it.
            said: what the model was sent, including the documents.
        """
        found = [_source(block)] if block.get("url") or block.get("title") else []
        numbers = block.get("reference_ids")
        for number in numbers if isinstance(numbers, list) else []:
            found.append(numbered_documents(said).get(str(number)) or Citation(title=f"reference {number}"))
        self._annotated += [replace(source, end=place) for source in found]

    def citations(self, head: dict[str, Any]) -> list[Citation]:
        """Return all sources. Those listed outside the choices come first, because numbers in the text refer to them.

        Args:
            head: the fields outside the choices. Servers repeat them in every chunk, and the last one is complete.
        """
        results = dicts_of(head["search_results"]) if "search_results" in head else []
        urls = head.get("citations")
        listed = [_source(result) for result in results]
        if not listed and isinstance(urls, list):
            listed = [Citation(url) if isinstance(url, str) else _source(url) for url in urls if url]
        return [source for source in (*listed, *self._annotated) if source.url or source.title]


def annotated_sources(annotations: Iterable[dict[str, Any]], before: int = 0) -> list[Citation]:
    """Return the sources among the annotations of a text.

    Args:
        annotations: the API's annotations.
        before: the number of characters that come before the text in its part.
    """
    found = []
    for annotation in annotations:
        kind = str(annotation.get("type"))
        about = annotation.get(kind) if isinstance(annotation.get(kind), dict) else annotation
        if not kind.endswith("citation") or not isinstance(about, dict):
            continue
        source = _source(about)
        if source.url or source.title:
            start, end = (_place(about.get(name), before) for name in ("start_index", "end_index"))
            found.append(Citation(source.url, source.title, source.text, start, end))
    return found


def numbered_documents(messages: Iterable[Message]) -> dict[str, Citation]:
    """Return the documents in the results of tools, by their numbers: objects with `url`, `title` and the like, in Mistral's form."""
    found: dict[str, Citation] = {}
    for part in (part for message in messages for part in message.parts):
        if not isinstance(part, ToolResultPart) or part.output[:1] != "{":
            continue
        with suppress(ValueError, RecursionError):
            found |= {number: _source(about) for number, about in json.loads(part.output).items() if number.isdigit()}
    return {number: source for number, source in found.items() if source.url or source.title}


def attached_pictures(delta: dict[str, Any]) -> list[Attachment]:
    """Return the pictures in a delta or a message."""
    blocks = [*dicts_of(delta.get("images")), *dicts_of(delta.get("content"))]
    addresses = (block["image_url"] for block in blocks if "image_url" in block)
    found = (attachment_at(address.get("url") if isinstance(address, dict) else address) for address in addresses)
    return [attachment for attachment in found if attachment is not None]


def _source(about: object) -> Citation:
    if not isinstance(about, dict):
        return Citation()
    texts = {name: value for name, value in about.items() if isinstance(value, str) and value}
    title = texts.get("title") or texts.get("filename") or texts.get("name")
    return Citation(texts.get("url"), title, texts.get("content") or texts.get("snippet") or texts.get("description"))


def _place(index: object, before: int) -> int | None:
    return index + before if isinstance(index, int) and index >= 0 else None
