"""A TranscriptView as Markdown and as plain text: the two forms that every front end and every viewer can show."""

from __future__ import annotations

from collections.abc import Callable

from llm_notebook.prompts import Usage
from llm_notebook.transcript.markdown import safe_markdown
from llm_notebook.transcript.markdown_escape import plain_text
from llm_notebook.transcript.view import Block, TranscriptView
from llm_notebook.transcript.visible import terminal_safe, visible

__all__ = ["duration", "footer", "literal_markdown", "markdown_of", "plain_of", "state_sentence"]


def markdown_of(view: TranscriptView) -> str:
    """The turn as Markdown that is safe to show in a trusted cell."""
    sections = [_markdown_block(block, view) for block in view.shown]
    if sentence := state_sentence(view, literal_markdown):
        sections.append(f"*{sentence}*" if view.silent or view.notice else sentence)
    if view.remark:
        sections.append(view.remark)
    if view.show_usage and not view.silent:
        sections.append(f"*{footer(view, literal_markdown)}*")
    return "\n\n".join(sections)


def plain_of(view: TranscriptView) -> str:
    """The turn as text without markup, free of terminal control characters."""
    sections = [_plain_block(block) for block in view.shown]
    sections += [sentence for sentence in (state_sentence(view, _on_one_line), view.remark) if sentence]
    if view.show_usage and not view.silent:
        sections.append(footer(view, _on_one_line))
    return "\n\n".join(section.rstrip() for section in sections)


def literal_markdown(text: str) -> str:
    """Markdown that shows a name or a foreign sentence as exactly that, on one line, whatever is in it."""
    text = _on_one_line(text)
    return plain_text(text, line_start=True, lone_dollar=text.count("$") < 2)


def _on_one_line(text: str) -> str:
    return visible(" ".join(text.split())) or "(no name)"


def state_sentence(view: TranscriptView, written: Callable[[str], str] = _on_one_line) -> str:
    """What a reader needs to know besides the blocks; nothing where the answer speaks for itself.

    Args:
        view: the turn.
        written: how names and other people's words are to be written into our sentence.
    """
    if view.notice:
        return written(view.notice)
    if view.silent:
        waited = f", {view.seconds:.0f} s" if view.seconds >= 1 else ""
        thinks = "is thinking" if view.blocks else ""
        return (
            f"{written(view.model_id)} {thinks}{waited}" if thinks else f"Waiting for {written(view.model_id)}{waited}"
        )
    if view.state == "interrupted":
        return f"■ Stopped by you after {duration(view.seconds)}. {_kept(view)}"
    if view.state == "failed":
        return (
            f"■ The answer broke off after {duration(view.seconds)}. {_kept(view)}"
            if view.blocks
            else "■ No answer came."
        )
    if view.cut_short:
        return "■ The answer stopped at the token limit. `-o max_tokens N` allows more."
    if view.state == "done" and not view.answer.strip() and not any(block.kind == "call" for block in view.blocks):
        return f"{written(view.model_id)} gave an empty answer."
    return ""


def _kept(view: TranscriptView) -> str:
    words = len(view.answer.split())
    if not words:
        return "No part of an answer arrived."
    return f"The answer is incomplete; {words:,} {'word is' if words == 1 else 'words are'} kept."


def footer(view: TranscriptView, written: Callable[[str], str] = _on_one_line) -> str:
    """Model, tokens and time in one line. What is unknown is absent, never zero."""
    facts = [written(view.model_id), *_tokens(view.usage), duration(view.seconds)]
    return " · ".join(facts)


def _tokens(usage: Usage | None) -> list[str]:
    if usage is None:
        return []
    facts = []
    if usage.input is not None:
        cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
        facts.append(f"in {usage.input:,}" + (f" ({cached:,} cached)" if cached else ""))
    if usage.output is not None:
        reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
        facts.append(f"out {usage.output:,}" + (f" ({reasoning:,} reasoning)" if reasoning else ""))
    return facts


def _detail(usage: Usage, group: str, name: str) -> int:
    details = usage.details
    found = details.get(group) if isinstance(details, dict) else None
    number = found.get(name) if isinstance(found, dict) else None
    return number if isinstance(number, int) else 0


def duration(seconds: float) -> str:
    """Seconds as people read them: `0.8 s`, `18 s`, `2 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"


def _markdown_block(block: Block, view: TranscriptView) -> str:
    if block.kind == "text":
        return safe_markdown(block.text)
    if block.kind == "reasoning":
        # Ours, not the model's: everything between these tags has been through safe_markdown.
        newest = block is view.blocks[-1] and view.state == "streaming"
        ended = view.seconds if block.ended is None else block.ended
        summary = "Thinking" if newest else f"Thought for {duration(ended - block.began)}"
        state = " open" if newest else ""
        return f"<details{state}><summary>{summary}</summary>\n\n{safe_markdown(block.text)}\n\n</details>"
    name = literal_markdown(block.name)
    title = f"Called {name}" if block.kind == "call" else f"{name} returned"
    return f"**{title}**\n\n{safe_markdown(_fenced(block.text))}"


def _plain_block(block: Block) -> str:
    text = terminal_safe(block.text)
    if block.kind == "text":
        return text
    title = {
        "reasoning": "Thought:",
        "call": f"Called {_on_one_line(block.name)}:",
        "result": f"{_on_one_line(block.name)} returned:",
    }[block.kind]
    return f"{title}\n{text}"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in _backtick_runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}json\n{text}\n{fence}"


def _backtick_runs(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]
