"""Blocks of code in an answer: the text between fences of backticks or tildes."""

from __future__ import annotations

from dataclasses import dataclass

from markdown_it import MarkdownIt

__all__ = ["CodeBlock", "code_blocks"]


@dataclass(slots=True)
class CodeBlock:
    """One block of code.

    Attributes:
        code: the code, without the line break at its end.
        language: the language named after the opening fence, such as "python"; empty if there is none.
    """

    code: str
    language: str


def code_blocks(text: str) -> list[CodeBlock]:
    """Return the fenced blocks of a Markdown text in order, including those in lists and quotations."""
    tokens = MarkdownIt("commonmark").parse(text)
    fences = [token for token in tokens if token.type == "fence"]
    return [CodeBlock(token.content.rstrip("\n"), (token.info.split() or [""])[0]) for token in fences]
