"""What a notebook file keeps of a turn: one bundle of MIME types that serves our extension and every other viewer.

The transcript's document is for our extension; Markdown is for other notebooks, nbconvert and GitHub; plain text is for terminals.
Each of them holds the whole answer, so that every viewer shows all of it.

Three copies of a very long answer would be a burden for the file, for the connection and for whatever opens it, and making such
Markdown safe would hold up the kernel. So an answer beyond `_LONGEST_MARKDOWN` characters is kept once, as plain text, which every
viewer can show too. Its document refers to places in that text: `"plain": {"start": …, "length": …}`, counted in UTF-16 units as
JavaScript counts them. In such an answer control characters stay as the plain text spells them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.rendering import markdown_of, plain_sections, sections_above, turn_words

if TYPE_CHECKING:
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["is_long", "saved_bundle"]

_LONGEST_MARKDOWN = 2**19
# A shorter text of a long answer stays in the document.
_SHORTEST_REFERENCE = 1000
_BETWEEN = "\n\n"

Bundle = dict[str, Any]


def is_long(characters: int) -> bool:
    """Return whether an answer with this many characters is kept only once, as plain text."""
    return characters > _LONGEST_MARKDOWN


def saved_bundle(view: TranscriptView, document: dict[str, Any], advice: str = "", *, has_plain: bool = True) -> Bundle:
    """Return the bundle of a turn, without anything alive.

    Args:
        view: the turn.
        document: its document, which is not changed.
        advice: Markdown that follows the turn.
        has_plain: whether to add the plain text to an answer that is not long. Only viewers of the finished notebook read it.
    """
    is_kept_once = is_long(sum(len(block["text"]) for block in document["blocks"] if "text" in block))
    words = turn_words(view)
    if is_kept_once:
        sections = plain_sections(view, words)
        shown = {block.position: section for block, section in zip(words.blocks, sections, strict=False)}
        above = "".join(f"{section}{_BETWEEN}" for section in sections_above(view))
        plain = _BETWEEN.join([*sections, *filter(None, [advice])])
        return {MIME_TYPE: _referring(document, shown, _units(above)), "text/plain": f"{above}{plain}"}
    bundle: Bundle = {MIME_TYPE: document, "text/markdown": f"{markdown_of(view, words)}\n\n{advice}".rstrip()}
    if has_plain:
        bundle["text/plain"] = _BETWEEN.join([*sections_above(view), *plain_sections(view, words), advice]).rstrip()
    return bundle


def _referring(document: dict[str, Any], shown: dict[int, str], start: int) -> dict[str, Any]:
    """Return the document with references in place of its long texts.

    Args:
        document: the whole document.
        shown: the sections of the plain text that show blocks, by the positions of the blocks.
        start: where the first of them begins.
    """
    blocks = list(document["blocks"])
    for position, section in shown.items():
        block = blocks[position]
        if len(block.get("text", "")) >= _SHORTEST_REFERENCE:
            # One of our own lines precedes reasoning.
            before = section.index("\n") + 1 if block["kind"] == "reasoning" else 0
            place = {"start": start + before, "length": _units(section) - before}
            blocks[position] = {**block, "text": "", "plain": place}
        start += _units(section + _BETWEEN)
    return {**document, "blocks": blocks}


def _units(text: str) -> int:
    """Return the length of a text as JavaScript counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
