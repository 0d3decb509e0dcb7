"""Fenced code in an element whose font is monospace everywhere.

nbconvert highlights fenced code that names a language, and in the outputs of its pages such code has the font of the element around it,
which is that of the text. JupyterLab, GitHub and others give code its own font, whatever is around it.
"""

from __future__ import annotations

import re

__all__ = ["in_monospace"]

# The line that begins a fenced block: the marks of the quotes and lists around it, the backticks, and the language.
_OPENING = re.compile(r"^((?:> |\d+[.)] |[-+] | )*)(`{3,})(\S*)$", re.MULTILINE)
_LIST_MARK = re.compile(r"[^> ]")


def in_monospace(markdown: str) -> str:
    """Return canonical Markdown, as `safe_markdown()` writes it, with `<samp>` around each fenced block that names a language."""
    pieces: list[str] = []
    written = 0
    while found := _OPENING.search(markdown, written):
        before, fence, language = found.groups()
        within = _LIST_MARK.sub(" ", before)
        closing = f"\n{within}{fence}"
        end = markdown.find(f"{closing}\n", found.end())
        end = (end if end >= 0 else len(markdown) - len(closing)) + len(closing)
        pieces.append(markdown[written : found.start()])
        block = markdown[found.start() + len(before) : end]
        pieces.append(_wrapped(before, within, block, markdown, found.start(), end) if language else before + block)
        written = end
    return "".join([*pieces, markdown[written:]])


def _wrapped(before: str, within: str, block: str, markdown: str, start: int, end: int) -> str:
    """Return a fenced block in its element. An element after a paragraph, and Markdown in an element, need blank lines around them.

    Args:
        before: the text before the backticks in the first line of the block.
        within: the same for its other lines.
        block: the block, without `before`.
        markdown: the text around it.
        start, end: where it begins and ends there.
    """
    blank = within.rstrip()
    previous = markdown[markdown.rfind("\n", 0, start - 1) + 1 : start - 1] if start else blank
    above = f"{blank}\n" if before == within and previous != blank else ""
    is_last = end == len(markdown) or markdown.startswith(f"\n{blank}\n", end)
    below = "" if is_last else f"\n{blank}"
    return f"{above}{before}<samp>\n{blank}\n{within}{block}\n{blank}\n{within}</samp>{below}"
