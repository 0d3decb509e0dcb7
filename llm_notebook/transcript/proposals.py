"""A cell that a model proposes in place of one that failed, as the difference between the two. Nothing applies or runs it automatically."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_notebook.transcript.calls.call_rendering import literal_markdown
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.visible import terminal_safe, visible

__all__ = ["Line", "Proposal", "markdown_proposal", "plain_proposal", "proposal_document"]

Sign = Literal[" ", "-", "+"]
Line = tuple[Sign, str]
"""A line of a difference: (whether it is kept, removed or added, its text)."""

_FENCED = re.compile(
    r"^(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)\n(?P<code>.*?)(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_PYTHON = frozenset({"", "python", "python3", "py", "ipython", "ipython3"})
_MOST_LINES = 2_000
_REMOVED = "[removed]"


@dataclass(slots=True)
class Proposal:
    """A cell that is proposed.

    Attributes:
        against: the name of the failed cell.
        source: the text of that cell, as the model read it.
        code: the proposed cell; empty as long as there is none.
    """

    against: str
    source: str
    code: str = ""
    lines: list[Line] = field(default_factory=list)

    def take(self, answer: str) -> str:
        """Extract the proposed cell from the end of an answer. Return the text above it."""
        found = [block for block in _FENCED.finditer(answer) if block["info"].strip().lower() in _PYTHON]
        if not found:
            return answer
        last = found[-1]
        self.code = last["code"].rstrip("\n")
        self.lines = _difference(self.source.rstrip("\n"), self.code)
        return f"{answer[: last.start()].rstrip()}\n\n{answer[last.end() :].strip()}".strip()

    @property
    def has_gaps(self) -> bool:
        """Whether the proposed cell has `[removed]` in place of a secret, so that it does not work unchanged."""
        return _REMOVED in self.code


def _difference(before: str, after: str) -> list[Line]:
    old, new = before.split("\n"), after.split("\n")
    if len(old) + len(new) > _MOST_LINES:
        return [*(("-", line) for line in old), *(("+", line) for line in new)]
    lines: list[Line] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [(" ", line) for line in old[a:b]]
        else:
            lines += [*(("-", line) for line in old[a:b]), *(("+", line) for line in new[c:d])]
    return lines


def _note(proposal: Proposal) -> str:
    gaps = f"; put the secret in the place of {_REMOVED}" if proposal.has_gaps else ""
    is_same = all(sign == " " for sign, _ in proposal.lines)
    return f"{'the same as' if is_same else 'against'} {proposal.against}; not run{gaps}"


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """Return it as the document of a transcript has it."""
    lines = [{"sign": sign, "text": text} for sign, text in proposal.lines]
    return {"note": _note(proposal), "code": proposal.code, "lines": lines}


def markdown_proposal(proposal: Proposal) -> str:
    """Return it as Markdown that is safe in a trusted cell: the difference, and the cell."""
    difference = "\n".join(f"{sign} {visible(line)}" for sign, line in proposal.lines)
    block = safe_markdown(fenced_text(difference, "diff"))
    return f"**Proposed cell**, {literal_markdown(_note(proposal))}\n\n{block}"


def plain_proposal(proposal: Proposal) -> str:
    """Return it as text: a line above, and the difference."""
    lines = [f"{sign} {line}" for sign, line in proposal.lines]
    return terminal_safe("\n".join([f"Proposed cell, {_note(proposal)}:", *lines]))
