"""A TranscriptView as Markdown and as plain text, the two forms that every front end and every viewer can show.

Both forms say the same about calls. A caller that needs both makes the `turn_words()` once and passes them to each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_notebook.transcript.answer.sources import markdown_sources, plain_sources, with_numbers
from llm_notebook.transcript.answer.tables import is_table, markdown_table, plain_table, shaped_markdown
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.calls.call_rendering import (
    CallWords,
    call_words,
    literal_markdown,
    markdown_call,
    plain_call,
)
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.links import safe_url
from llm_notebook.transcript.markdown.monospace import in_monospace
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.sent_words import markdown_sent, plain_sent
from llm_notebook.transcript.visible import spelled_out, terminal_safe, visible
from llm_notebook.transcript.words import (
    Written,
    duration,
    facts,
    held_up_sentence,
    not_saved_sentence,
    on_one_line,
    state_sentence,
    unsent_sentence,
)

if TYPE_CHECKING:
    from llm_notebook.transcript.endings import Problem, Unsent
    from llm_notebook.transcript.view import TranscriptView

__all__ = [
    "TurnWords",
    "duration",
    "footer",
    "literal_markdown",
    "markdown_of",
    "marked_problem",
    "plain_of",
    "plain_picture",
    "plain_problem",
    "plain_sections",
    "sections_above",
    "state_sentence",
    "turn_words",
]

# A longer request is in the record for our own view, and in the plain text.
_LONGEST_EXACT = 20_000
# The mark in front of our own lines in plain text, and similar characters that a model might put at the beginning of a line.
_MARK = "▎"
_LIKE_OUR_MARK = re.compile(rf"{_MARK}|(?<![^\s])[▀-▟┃⎸]")


@dataclass(slots=True)
class TurnWords:
    """What is said beside an answer.

    Attributes:
        blocks: the blocks of the turn that are shown.
        calls: what is said about each call among them, by its position.
        state, plain_state: the sentences about the turn as a whole, as Markdown and as plain text.
        remarks: our own remarks at the end.
    """

    blocks: list[Block]
    calls: dict[int, CallWords]
    state: str
    plain_state: list[str]
    remarks: list[str]


def turn_words(view: TranscriptView) -> TurnWords:
    """Put together what is said about a turn and its calls."""
    blocks = view.shown
    calls = {block.position: call_words(block, view) for block in blocks if isinstance(block, CallBlock)}
    state = unsent_sentence(view, literal_markdown) or state_sentence(view, literal_markdown)
    plain_state = [unsent_sentence(view), state_sentence(view)]
    remarks = [*view.remarks, *held_up_sentence(view), *not_saved_sentence(view)]
    return TurnWords(blocks, calls, state, plain_state, remarks)


def markdown_of(view: TranscriptView, words: TurnWords | None = None) -> str:
    """Return the turn as Markdown that is safe to show in a trusted cell.

    Our own text about reasoning and calls is in `<details>` elements, which a model cannot produce.
    """
    words = words or turn_words(view)
    sections = [_markdown_block(block, view, words) for block in words.blocks]
    if view.beside is not None:
        sections = [*view.beside.markdown_above(literal_markdown, _with_code), *sections]
    if view.sent:
        sections = [*markdown_sent(view.sent), *sections]
    if view.beside is not None:
        sections += view.beside.markdown_below()
    if view.sources.listed:
        sections += markdown_sources(view.sources.listed)
    if words.state:
        sections.append(f"*{words.state}*" if view.silent or view.notice else words.state)
    if view.unsent is not None:
        sections += _markdown_unsent(view.unsent)
    if view.problem is not None:
        sections.append(_markdown_problem(view.problem))
    sections += [_our_markdown(remark) for remark in words.remarks]
    if view.show_usage and not view.silent:
        sections.append(f"*{footer(view, literal_markdown)}*")
    return in_monospace("\n\n".join(sections))


def _markdown_unsent(unsent: Unsent) -> list[str]:
    sections = []
    for name, text, size in unsent.parts():
        sections += [literal_markdown(f"{name} ({size})" if size else name), fenced_text(text, "")]
    if unsent.exact and len(unsent.exact) <= _LONGEST_EXACT:
        sections += ["The request, byte for byte:", fenced_text(unsent.exact, "json")]
    return sections


def plain_of(view: TranscriptView, words: TurnWords | None = None) -> str:
    """Return the turn as text without markup and without terminal control characters.

    Our own lines about calls begin with a mark that no other line begins with.
    """
    return "\n\n".join([*sections_above(view), *plain_sections(view, words or turn_words(view))])


def sections_above(view: TranscriptView) -> list[str]:
    """Return what is said above the blocks in `plain_of()`: what went with the prompt."""
    above = list(map(terminal_safe, plain_sent(view.sent))) if view.sent else []
    return above if view.beside is None else [*above, *view.beside.plain_above()]


def plain_sections(view: TranscriptView, words: TurnWords) -> list[str]:
    """Return the sections of `plain_of()`: one for each block of `words`, in order, and what is said below them."""
    sections = [_plain_block(block, view, words) for block in words.blocks]
    if view.beside is not None:
        sections += view.beside.plain_below()
    if view.sources.listed:
        sections += [terminal_safe(listed) for listed in plain_sources(view.sources.listed)]
    sentences = [*words.plain_state, "\n".join(marked_problem(view)), *words.remarks]
    sections += [terminal_safe(sentence) for sentence in sentences if sentence]
    sections += [
        terminal_safe(f"{name} ({size}): {text}" if size else f"{name}: {text}")
        for name, text, size in (view.unsent.parts() if view.unsent is not None else ())
    ]
    if view.unsent is not None and view.unsent.exact:
        sections.append(terminal_safe(f"The request, byte for byte:\n{view.unsent.exact}"))
    if view.show_usage and not view.silent:
        sections.append(footer(view))
    return [section.rstrip() for section in sections]


def footer(view: TranscriptView, written: Written = on_one_line) -> str:
    """Return the model, tokens, cost and time in one line. Unknown values are left out and never shown as zero."""
    return " · ".join(facts(view, written))


def _markdown_block(block: Block, view: TranscriptView, words: TurnWords) -> str:
    if isinstance(block, CallBlock):
        return markdown_call(block, view, words.calls[block.position])
    if isinstance(block, PictureBlock):
        return _markdown_picture(block)
    if block.table is not None and is_table(block):
        return markdown_table(block, is_live=view.state == "streaming", literal=literal_markdown, coded=_with_code)
    if block.kind == "text":
        return shaped_markdown(block) if block.look else safe_markdown(_numbered(block))
    # These tags are ours: everything between them has been through safe_markdown().
    newest = block is view.blocks[-1] and view.state == "streaming"
    ended = view.seconds if block.ended is None else block.ended
    summary = "Thinking" if newest else f"Thought for {duration(ended - block.began)}"
    state = " open" if newest else ""
    return f"<details{state}><summary>{summary}</summary>\n\n{safe_markdown(block.text)}\n\n</details>"


def _numbered(block: Block) -> str:
    """Return the text of an answer with the numbers of its sources."""
    text = "".join(block.chunks)
    return with_numbers(text, block.marks) if block.marks else text


def _markdown_picture(block: PictureBlock) -> str:
    """Return a picture and its caption. Its data is base64 that was made here, of bytes that were found to be a picture."""
    shown = block.shown
    if shown is None:
        return ""
    caption = f"*{literal_markdown(shown.caption)}*"
    url = safe_url(shown.url) if shown.url else None
    picture = [f"![picture](data:{shown.type};base64,{shown.data})"] if shown.data else []
    return "\n\n".join([*picture, f"{caption} <{url}>" if url else caption])


def _markdown_problem(problem: Problem) -> str:
    lines = [f"■ **{literal_markdown(problem.title)}** {_with_code(problem.text)}".rstrip()]
    lines += [f"- {safe_markdown(f'`{way.code}`')}: {literal_markdown(way.text)}" for way in problem.ways]
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).rstrip()


def _with_code(text: str) -> str:
    """Return Markdown for a text that may quote others: literal, but for what is between backticks, which the reader can type."""
    pieces = " ".join(text.split()).split("`")
    if len(pieces) % 2 == 0:
        pieces = ["`".join(pieces)]
    return "".join(
        safe_markdown(f"`{visible(piece)}`") if at % 2 else _literal(piece) for at, piece in enumerate(pieces)
    )


def _literal(piece: str) -> str:
    """Return Markdown that shows a piece of a line literally, with the spaces at its ends."""
    words = piece.strip()
    return piece.replace(words, literal_markdown(words)) if words else piece


def _our_markdown(remark: str) -> str:
    """Return Markdown for one of our own remarks, in which backticks enclose what the reader can type."""
    return safe_markdown(" ".join(remark.split()))


def plain_problem(problem: Problem) -> list[str]:
    """Return a problem in lines without markup: what happened, and then one for each way out."""
    ways = [f"  {way.code}  {way.text}" for way in problem.ways]
    title = on_one_line(problem.title)
    said = f"{title}{'' if title[-1] in '.!?:…' else '.'} {on_one_line(problem.text)}" if problem.text else title
    return [said, *ways]


def marked_problem(view: TranscriptView) -> list[str]:
    """Return the lines of a turn's problem, of which the first begins with our mark; none if there is no problem."""
    if view.problem is None:
        return []
    said, *ways = plain_problem(view.problem)
    return [f"■ {said}", *ways]


def _plain_block(block: Block, view: TranscriptView, words: TurnWords) -> str:
    if isinstance(block, CallBlock):
        lines = plain_call(block, view, words.calls[block.position])
        return "\n".join(f"{_MARK} {line}".rstrip() for line in lines)
    if isinstance(block, PictureBlock):
        return plain_picture(block)
    if block.table is not None and is_table(block):
        return plain_table(block, is_live=view.state == "streaming")
    text = terminal_safe((_numbered(block) if block.excerpt is None else block.excerpt).replace("\r\n", "\n"))
    text = _LIKE_OUR_MARK.sub(spelled_out, text) if words.calls else text
    return text if block.kind == "text" else f"Thought:\n{text}"


def plain_picture(block: PictureBlock) -> str:
    """Return a line about a picture."""
    shown = block.shown
    return terminal_safe(f"[picture] {shown.caption} {shown.url}".rstrip()) if shown is not None else ""
