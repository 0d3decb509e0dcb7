"""A tool call as Markdown and as plain lines: its arguments, the decision of a human and the result, each shortened.

The words are the same in both forms, so they are put together in one place (`call_words()`): every text is shortened, and then whatever is
invisible in any of them is spelled out. The forms differ only in how they are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_notebook.transcript.calls.requests import value_text
from llm_notebook.transcript.markdown.escape import escaped_line, fenced_text
from llm_notebook.transcript.scripts import mixed_words_note
from llm_notebook.transcript.visible import visible, visible_texts
from llm_notebook.transcript.words import call_sentence, decision_sentence, on_one_line, one_line, ways_to_decide

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.transcript.blocks import CallBlock
    from llm_notebook.transcript.view import TranscriptView

__all__ = [
    "CallWords",
    "all_arguments",
    "call_words",
    "literal_markdown",
    "markdown_call",
    "odd_letters",
    "plain_call",
    "plain_tool",
    "shows_all_of",
]

_LONGEST_WELL = 4_000
_TAIL = 800
_ESCAPES = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
# The sentence about the decision already says what the model reads, or would read.
_SAID_ALREADY = ("denied", "abandoned")


def literal_markdown(text: str) -> str:
    """Return Markdown that shows a name or another untrusted text literally and on one line, whatever characters it contains."""
    return escaped_line(on_one_line(text))


def markdown_call(block: CallBlock, view: TranscriptView, said: CallWords) -> str:
    """Return a call as a folded section, which is open while a human is asked.

    Args:
        block: the call.
        view: its turn.
        said: what is said about it.
    """
    title = _result_title(block)
    summary = f"{_in_element(said.name)} · {said.state}"
    parts = [f"<details{' open' if said.is_open or view.show_calls else ''}><summary>{summary}</summary>"]
    parts += map(escaped_line, said.sentences)
    arguments = (
        f"Asked with:\n\n{fenced_text(said.arguments, 'json')}" if said.arguments else "Asked without arguments."
    )
    parts.append(arguments)
    if said.edited:
        parts.append(f"Changed to:\n\n{fenced_text(said.edited, 'json')}")
    if said.note:
        parts.append(escaped_line(said.note))
    if said.printed:
        parts.append(f"Printed:\n\n{fenced_text(said.printed, 'text')}")
    if said.result is not None and block.status not in _SAID_ALREADY:
        parts.append(f"{title}:\n\n{fenced_text(said.result, 'text')}" if said.result else f"{title}: nothing.")
    if said.is_open and view.by_keyboard:
        parts.append("Answer in the field below: this cell waits for it.")
    elif said.is_open:
        parts.append("\n".join(f"- `{code}` {text}" for code, text in said.ways))
    return "\n\n".join(filter(None, [*parts, "</details>"]))


def plain_call(
    block: CallBlock, view: TranscriptView, said: CallWords | None = None, *, has_printed: bool = True
) -> list[str]:
    """Return a call as lines of plain text.

    Args:
        block: the call.
        view: its turn.
        said: the words about it, if they were put together already.
        has_printed: whether the tool's output is among the lines.
    """
    said = said or call_words(block, view)
    lines = [f"{said.name} · {said.state}", *said.sentences]
    lines += _indented("Asked with:", said.arguments) if said.arguments else ["Asked without arguments."]
    if said.edited:
        lines += _indented("Changed to:", said.edited)
    if said.note:
        lines.append(said.note)
    if said.printed and has_printed:
        lines += _indented("Printed:", said.printed)
    if said.result is not None and block.status not in _SAID_ALREADY:
        title = _result_title(block)
        lines += _indented(f"{title}:", said.result) if said.result else [f"{title}: nothing."]
    return lines + [f"{code}  {text}" for code, text in said.ways]


def plain_tool(request: ApprovalRequest, *, most_lines: int | None = None) -> list[str]:
    """Return a tool's description, its origin and its loaded code, as lines of plain text.

    Args:
        request: the question.
        most_lines: how many lines of the code there may be; None for all of them.
    """
    lines = [f"It says of itself: {on_one_line(request.description)}"] if request.description else []
    if request.origin:
        lines.append(f"It comes {'; '.join(map(on_one_line, request.origin))}.")
    if request.source is None:
        return [*lines, "Its source is not known."]
    lines.append(f"Source of {on_one_line(request.source['title'])}:")
    if note := request.source.get("note"):
        lines.append(on_one_line(note))
    code = visible(request.source["code"].rstrip()).split("\n")
    shown = code if most_lines is None or len(code) <= most_lines else code[:most_lines]
    lines += [f"    {line}" for line in shown]
    return lines + ([f"    … {len(code) - len(shown):,} more lines"] if len(shown) < len(code) else [])


def shows_all_of(request: ApprovalRequest) -> bool:
    """Return whether the text of a call has all of the arguments that are asked about, and not only their beginning and end."""
    return len(value_text(request.arguments)) <= _LONGEST_WELL


def all_arguments(request: ApprovalRequest) -> list[str]:
    """Return all of the arguments that are asked about as lines of plain text."""
    return _indented("All of the arguments:", visible(value_text(request.arguments)))


def odd_letters(name: str, arguments: str) -> str:
    """Return a sentence about the words of a call whose letters come from several scripts; empty if there are none.

    Args:
        name: the tool's name.
        arguments: the JSON text of its arguments.
    """
    if name.isascii() and arguments.isascii():
        return ""
    # The letter of an escape such as \\n is no part of the word behind it.
    return mixed_words_note(f"{name}\n{_ESCAPES.sub(' ', arguments)}")


@dataclass(slots=True)
class CallWords:
    """The words about a call, without invisible characters. A text that does not apply is empty.

    Attributes:
        name: the tool's name, on one line.
        is_open: whether a human is asked about it.
        state: the call's state, to put after the name.
        sentences: what was decided, and what a human who is asked has to know, each on one line.
        arguments: the frozen arguments if a human was asked, otherwise those that the model wrote.
        edited: the arguments after a human's changes.
        note: a sentence for the record, on one line.
        printed: what the tool has printed.
        result: what the model reads; None until it is known.
        ways: the commands that decide, each with a description of its effect.
    """

    name: str
    is_open: bool
    state: str
    sentences: list[str]
    arguments: str
    edited: str
    note: str
    printed: str
    result: str | None
    ways: list[tuple[str, str]]


def call_words(block: CallBlock, view: TranscriptView) -> CallWords:
    """Put together the words about a call."""
    request, decision, told = block.request, block.decision, block.result
    if request is not None:
        arguments = value_text(request.arguments) if request.arguments else ""
    else:
        arguments = "" if block.text.strip() in ("", "{}") else block.text
    edited = value_text(decision.arguments) if decision is not None and decision.arguments is not None else ""
    printed = block.printed.text.rstrip() if block.printed.head else ""
    wells = [_bounded(text) for text in (arguments, edited, printed, told or "")]
    is_open = block.is_asked
    question = [*_question(block), odd_letters(block.name, arguments)] if is_open else []
    state, decided, ways = call_sentence(block, view), decision_sentence(block, one_line), ways_to_decide(block)
    sentences = [*([decided] if decided else []), *map(one_line, filter(None, question))]
    note = one_line(block.note) if block.note else ""
    name, note, arguments, edited, printed, result, *sentences = visible_texts(
        [one_line(block.name), note, *wells, *sentences]
    )
    result_text = None if told is None else result
    return CallWords(name, is_open, state, sentences, arguments, edited, note, printed, result_text, ways)


def _question(block: CallBlock) -> list[str]:
    """Return the sentences that a human who is asked has to read."""
    request, told = block.request, []
    if block.status == "unknown":
        told.append(
            "It was interrupted while it ran, so how far it came is not known. It does not run again by itself."
        )
    elif request is not None:
        told += ["Destructive: check before you approve."] if request.destructive else []
        told += [request.changed, (request.source or {}).get("note", "")]
    told += [f"The tool says: {request.reason}" if request is not None and request.reason else "", block.blocked]
    return [sentence for sentence in told if sentence]


def _result_title(block: CallBlock) -> str:
    match block.status:
        case "failed":
            return "It failed, and the model was told"
        case "finished":
            return "Returned"
        case _:
            return "The model was told"


def _bounded(text: str) -> str:
    """Shorten a long text to its head and tail, and say how much is missing."""
    if len(text) > _LONGEST_WELL:
        head, tail = text[: _LONGEST_WELL - _TAIL], text[-_TAIL:]
        text = f"{head}\n… {len(text) - _LONGEST_WELL:,} characters are not shown …\n{tail}"
    return text.replace("\r\n", "\n")


def _indented(title: str, text: str) -> list[str]:
    return [title, *(f"    {line}" for line in text.split("\n"))]


def _in_element(name: str) -> str:
    """Return a name as a `<code>` element in which no character can act as Markdown, HTML or a formula."""
    return "<code>" + "".join(c if c.isalnum() or c in " _" else f"&#{ord(c)};" for c in name) + "</code>"
