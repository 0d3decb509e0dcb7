"""A tool call as Markdown and as plain lines: its arguments, the decision of a human and the result, each shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.transcript.markdown.escape import fenced_code, plain_text
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.requests import value_text
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import Written, call_sentence, decision_sentence, on_one_line, ways_to_decide

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.transcript.blocks import CallBlock
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["literal_markdown", "markdown_call", "plain_call", "plain_tool"]

_LONGEST_WELL = 4_000
_TAIL = 800


def literal_markdown(text: str) -> str:
    """Return Markdown that shows a name or another untrusted text literally and on one line, whatever characters it has."""
    text = on_one_line(text)
    return plain_text(text, line_start=True, lone_dollar=text.count("$") < 2)


def markdown_call(block: CallBlock, view: TranscriptView) -> str:
    """Return a call as a folded section, which is open while a human is asked."""
    is_open = block.status in ("waiting", "unknown")
    summary = f"{_in_element(block.name)} · {call_sentence(block, view)}"
    parts = [f"<details{' open' if is_open or view.show_calls else ''}><summary>{summary}</summary>"]
    if sentence := decision_sentence(block, literal_markdown):
        parts.append(sentence)
    if is_open:
        parts.append(_markdown_question(block))
    arguments = _arguments_of(block)
    parts.append(f"Asked with:\n\n{_well(arguments, 'json')}" if arguments else "Asked without arguments.")
    if edited := _edited_arguments_of(block):
        parts.append(f"Changed to:\n\n{_well(edited, 'json')}")
    if block.note:
        parts.append(literal_markdown(block.note))
    if block.result is not None:
        title = _result_title(block)
        parts.append(f"{title}:\n\n{_well(block.result, 'text')}" if block.result else f"{title}: nothing.")
    if is_open:
        parts.append("\n".join(f"- `{code}` {text}" for code, text in ways_to_decide(block)))
    return "\n\n".join(part for part in [*parts, "</details>"] if part)


def _markdown_question(block: CallBlock) -> str:
    lines = _question(block, literal_markdown)
    if block.request is not None and block.request.reason:
        lines.append(f"The tool says: {literal_markdown(block.request.reason)}")
    return "\n\n".join([*lines, *([literal_markdown(block.blocked)] if block.blocked else [])])


def plain_call(block: CallBlock, view: TranscriptView) -> list[str]:
    """Return a call as lines of plain text."""
    lines = [f"{on_one_line(block.name)} · {call_sentence(block, view)}"]
    if sentence := decision_sentence(block):
        lines.append(sentence)
    if block.status in ("waiting", "unknown"):
        lines += _question(block, on_one_line)
        if block.request is not None and block.request.reason:
            lines.append(f"The tool says: {on_one_line(block.request.reason)}")
        if block.blocked:
            lines.append(on_one_line(block.blocked))
    arguments = _arguments_of(block)
    lines += _indented("Asked with:", arguments) if arguments else ["Asked without arguments."]
    if edited := _edited_arguments_of(block):
        lines += _indented("Changed to:", edited)
    if block.note:
        lines.append(on_one_line(block.note))
    if block.result is not None:
        title = _result_title(block)
        lines += _indented(f"{title}:", block.result) if block.result else [f"{title}: nothing."]
    return lines + [f"{code}  {text}" for code, text in ways_to_decide(block)]


def plain_tool(request: ApprovalRequest, *, most_lines: int | None = None) -> list[str]:
    """Return what a question's tool says of itself, where it comes from and its loaded code, as lines of plain text.

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


def _question(block: CallBlock, written: Written) -> list[str]:
    if block.status == "unknown":
        return [
            "It was running when its kernel stopped, so whether it ran is not known. It does not run again by itself."
        ]
    lines = []
    if block.request is not None and block.request.destructive:
        lines.append("Destructive: check before you approve.")
    if block.request is not None and block.request.changed:
        lines.append(written(block.request.changed))
    if block.request is not None and block.request.source is not None and "note" in block.request.source:
        lines.append(written(block.request.source["note"]))
    return lines


def _arguments_of(block: CallBlock) -> str:
    """Return the text of the arguments: the frozen ones if a human was asked, otherwise those that the model wrote."""
    if block.request is not None:
        return value_text(block.request.arguments) if block.request.arguments else ""
    return "" if block.text.strip() in ("", "{}") else block.text


def _edited_arguments_of(block: CallBlock) -> str:
    decision = block.decision
    return value_text(decision.arguments) if decision is not None and decision.arguments is not None else ""


def _result_title(block: CallBlock) -> str:
    match block.status:
        case "failed":
            return "It failed, and the model was told"
        case "finished":
            return "Returned"
        case _:
            return "The model was told"


def _bounded(text: str) -> str:
    """Shorten a long text to its head and tail, say how much is missing, and spell out invisible characters."""
    if len(text) > _LONGEST_WELL:
        head, tail = text[: _LONGEST_WELL - _TAIL], text[-_TAIL:]
        text = f"{head}\n… {len(text) - _LONGEST_WELL:,} characters are not shown …\n{tail}"
    return visible(text.replace("\r\n", "\n"))


def _well(text: str, language: str) -> str:
    return safe_markdown("\n".join(fenced_code(_bounded(text), language)))


def _indented(title: str, text: str) -> list[str]:
    return [title, *(f"    {line}" for line in _bounded(text).split("\n"))]


def _in_element(name: str) -> str:
    """Return a name as a `<code>` element in which no character can act as Markdown, HTML or a formula."""
    shown = on_one_line(name)
    return "<code>" + "".join(c if c.isalnum() or c in " _" else f"&#{ord(c)};" for c in shown) + "</code>"
