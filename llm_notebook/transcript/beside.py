"""What a transcript shows besides the answer, such as a proposed cell below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_notebook.transcript.job import Job, job_document, markdown_job, plain_job
from llm_notebook.transcript.proposals import Proposal, markdown_proposal, plain_proposal, proposal_document

if TYPE_CHECKING:
    from llm_notebook.transcript.blocks import Block

__all__ = ["Beside"]


@dataclass(slots=True)
class Beside:
    """What is shown besides an answer.

    Attributes:
        proposal: the cell that the answer proposes in place of another; None if none was requested.
        job: the run over rows that takes the place of an answer; None if there is an answer.
        make_job: returns the current state of that run; None once it is over.
    """

    proposal: Proposal | None = None
    job: Job | None = None
    make_job: Callable[[], Job] | None = None

    def renew_job(self) -> None:
        """Update the state of the run over rows, if there is one."""
        if self.make_job is not None:
            self.job = self.make_job()

    def finish(self, blocks: Sequence[Block]) -> list[Block]:
        """Extract the proposed cell from a complete answer. Return the blocks that have changed."""
        if self.proposal is None:
            return []
        self.proposal.code, self.proposal.lines = "", []
        for block in reversed([block for block in blocks if block.kind == "text"]):
            rest = self.proposal.take(block.text)
            if self.proposal.code:
                block.chunks[:] = [rest]
                block.version += 1
                return [block]
        return []

    @property
    def proposed(self) -> Proposal | None:
        """The proposed cell, once there is one."""
        return self.proposal if self.proposal is not None and self.proposal.code else None

    def document(self) -> dict[str, Any]:
        """Return it as fields of the document of a transcript."""
        proposed = self.proposed
        return {
            "proposal": None if proposed is None else proposal_document(proposed),
            "job": None if self.job is None else job_document(self.job),
        }

    def markdown_above(self, literal: Callable[[str], str], coded: Callable[[str], str]) -> list[str]:
        """Return what is shown above the answer in Markdown.

        Args:
            literal: makes text from outside safe to put into Markdown.
            coded: does the same to a sentence of ours, in which backticks enclose code.
        """
        return [] if self.job is None else [markdown_job(self.job, literal, coded)]

    def plain_above(self) -> list[str]:
        """Return what is shown above the answer as plain text."""
        return [] if self.job is None else [plain_job(self.job)]

    def markdown_below(self) -> list[str]:
        """Return what is shown below the answer in Markdown."""
        return [] if self.proposed is None else [markdown_proposal(self.proposed)]

    def plain_below(self) -> list[str]:
        """Return what is shown below the answer as plain text."""
        return [] if self.proposed is None else [plain_proposal(self.proposed)]
