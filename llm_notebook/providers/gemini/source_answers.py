"""Reads the sources that Gemini names for an answer: search results, pages that it read, and texts that it quotes. No I/O.

Source: https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.citations import Citation
from llm_notebook.providers.http.answers.loose_json import dict_of, dicts_of

__all__ = ["named_sources"]


def named_sources(candidate: dict[str, Any], text: str) -> list[Citation]:
    """Return the sources of an answer. Those that support a part of the text come first, in the order of the text.

    Args:
        candidate: the answer without its content.
        text: its text, to which the API's places refer in bytes of UTF-8.
    """
    grounding = dict_of(candidate.get("groundingMetadata"))
    chunks = [_chunk(chunk) for chunk in dicts_of(grounding.get("groundingChunks"))]
    supported = [
        _placed(chunks[index], dict_of(support.get("segment")), text)
        for support in dicts_of(grounding.get("groundingSupports"))
        for index in support.get("groundingChunkIndices") or []
        if isinstance(index, int) and 0 <= index < len(chunks)
    ]
    used = {(citation.url, citation.title) for citation in supported}
    rest = [chunk for chunk in chunks if (chunk.url, chunk.title) not in used]
    quoted = [
        _placed(Citation(_text(source.get("uri")), _text(source.get("title"))), source, text)
        for name in ("citationSources", "citations")
        for source in dicts_of(dict_of(candidate.get("citationMetadata")).get(name))
    ]
    read = [
        Citation(_text(page.get("retrievedUrl")))
        for page in dicts_of(dict_of(candidate.get("urlContextMetadata")).get("urlMetadata"))
        if str(page.get("urlRetrievalStatus", "")).endswith("SUCCESS")
    ]
    known = {citation.url for citation in [*supported, *rest, *quoted]}
    found = [*supported, *rest, *quoted, *(page for page in read if page.url not in known)]
    return [citation for citation in found if citation.url or citation.title]


def _chunk(chunk: dict[str, Any]) -> Citation:
    about = next((value for value in chunk.values() if isinstance(value, dict)), {})
    return Citation(_text(about.get("uri")), _text(about.get("title")), _text(about.get("text")))


def _placed(source: Citation, segment: dict[str, Any], text: str) -> Citation:
    encoded = text.encode(errors="replace")
    end, start = segment.get("endIndex"), segment.get("startIndex", 0)
    if not isinstance(end, int) or not isinstance(start, int) or not 0 <= start <= end <= len(encoded):
        return source
    places = (len(encoded[:place].decode(errors="ignore")) for place in (start, end))
    return Citation(source.url, source.title, source.text, *places)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
