"""Reads the sources that Anthropic names for a text: pages of a search, and passages in documents that were sent. No I/O.

Source: https://platform.claude.com/docs/en/build-with-claude/citations
"""

from __future__ import annotations

from typing import Any

from llm_notebook.parts.citations import Citation

__all__ = ["cited_sources"]


def cited_sources(citations: object, length: int) -> list[Citation]:
    """Return the sources of a text block of this length. Each of them supports the whole block."""
    found = (
        [_source(citation, length) for citation in citations if isinstance(citation, dict)]
        if isinstance(citations, list)
        else []
    )
    return [citation for citation in found if citation.url or citation.title]


def _source(citation: dict[str, Any], length: int) -> Citation:
    texts = {name: value for name, value in citation.items() if isinstance(value, str) and value}
    url = texts.get("url") or _address(texts.get("source", ""))
    title = texts.get("title") or texts.get("document_title") or (None if url else texts.get("source"))
    if title is None and isinstance(citation.get("document_index"), int):
        title = f"document {citation['document_index'] + 1}"
    return Citation(url, title, texts.get("cited_text"), 0, length)


def _address(source: str) -> str | None:
    return source if source.startswith(("https://", "http://")) else None
