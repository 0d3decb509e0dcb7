"""Fenced code in an element whose font is monospace everywhere.

nbconvert highlights fenced code that names a language, and in the outputs of its pages such code has the font of the element around it,
which is that of the text. JupyterLab, GitHub and others give code a font of its own, whatever is around it.
"""

from __future__ import annotations

import re

__all__ = ["in_monospace"]

# What begins a fenced block: the marks of the quotes and lists around it, the backticks, and the language.
_OPENING = re.compile(r"((?:> |\d+[.)] |[-+] | )*)(`{3,})(\S*)")
_LIST_MARK = re.compile(r"[^> ]")


def in_monospace(markdown: str) -> str:
    """Return canonical Markdown, as `safe_markdown()` writes it, with `<samp>` around each fenced block that names a language."""
    if "```" not in markdown:
        return markdown
    lines: list[str] = []
    closing = ""
    ending: list[str] = []
    for line in markdown.split("\n"):
        if closing:
            lines.append(line)
            if line == closing:
                lines += ending
                closing, ending = "", []
        elif found := _OPENING.fullmatch(line):
            before, fence, language = found.groups()
            within = _LIST_MARK.sub(" ", before)
            closing = within + fence
            if language:
                # An element after a paragraph, and Markdown in an element, need blank lines around them.
                blank = within.rstrip()
                lines += [blank] if before == within and lines and lines[-1] != blank else []
                lines += [f"{before}<samp>", blank, f"{within}{fence}{language}"]
                ending = [blank, f"{within}</samp>", blank]
            else:
                lines.append(line)
        elif line or not lines or lines[-1]:
            # Two blank lines in a row outside of code are one.
            lines.append(line)
    return "\n".join(lines).rstrip("\n")
