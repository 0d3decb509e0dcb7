"""Describes the cells of a notebook for a model, and says to the reader what was sent. Values in, values out.

Cells become text before the prompt. What models have answered becomes turns: the question with the cells before it, and the answer.
Secrets are taken out before anything is shortened.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from llm_notebook.notebook.context.cells import Answer, CellOutput, NotebookCell, why_hidden
from llm_notebook.objects.described import Bounds, Described
from llm_notebook.objects.secrets import Scrubber
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart
from llm_notebook.parts.sent import Sent

__all__ = ["Reads", "Told", "tell_cells"]

_MOST_PICTURES = 20
_TOKEN = 4
_LONGEST_LINE = 120
_HEADING = "The cells of the notebook that this is asked in:"


@dataclass(slots=True, frozen=True)
class Reads:
    """What the model reads.

    Attributes:
        model_id: its name.
        types: the MIME types of the attachments that it reads.
        turns: whether it can be given earlier turns.
        said: the messages that it is sent anyhow, as the conversation goes on; what stands there is not told again.
    """

    model_id: str
    types: Collection[str] = frozenset()
    turns: bool = True
    said: Sequence[Message] = ()


@dataclass(slots=True)
class Told:
    """What goes with a prompt.

    Attributes:
        turns: messages before it: earlier questions, with the cells above them, and the answers.
        text: the cells since then, to stand before the prompt; empty if there are none.
        pictures: the figures of these cells.
        sent: what the reader is told, a row for each cell.
    """

    turns: list[Message] = field(default_factory=list)
    text: str = ""
    pictures: list[Attachment] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    def fragments(self) -> list[Described]:
        """Return what is sent with the prompt itself, for `fragments=`. `sent` describes it for the reader."""
        return [Described("cells", self.text, tuple(self.pictures), is_told=True)] if self.text or self.pictures else []


def tell_cells(cells: Sequence[NotebookCell], reads: Reads, max_size: int, scrubber: Scrubber) -> Told:
    """Return the description of cells for a model.

    Args:
        cells: the cells, in order.
        reads: what the model reads.
        max_size: how many bytes the text of a cell, and of each of its outputs, has at most.
        scrubber: takes secrets out.
    """
    teller = _Teller(reads, max_size, scrubber, _figures_to_send(cells, reads))
    for cell in cells:
        teller.tell(cell)
    return teller.told()


def _figures_to_send(cells: Sequence[NotebookCell], reads: Reads) -> set[int]:
    """Return the figures that go, by the ids of their outputs: the latest ones."""
    figures = [
        id(output) for cell in cells if not why_hidden(cell) for output in cell.outputs if _is_read(output, reads)
    ]
    return set(figures[-_MOST_PICTURES:])


def _is_read(output: CellOutput, reads: Reads) -> bool:
    return output.picture is not None and output.picture.known_type() in reads.types


class _Teller:
    """Puts together what is told, cell by cell."""

    def __init__(self, reads: Reads, max_size: int, scrubber: Scrubber, figures: Collection[int]) -> None:
        self._reads = reads
        self._bounds = Bounds(max_size, scrubber=scrubber)
        self._scrubber = scrubber
        self._figures = figures
        self._turns: list[Message] = []
        self._texts: list[str] = []
        self._pictures: list[Attachment] = []
        self._sent: list[Sent] = []
        texts = [part.text for message in reads.said for part in message.parts if isinstance(part, TextPart)]
        self._said = "\n".join(texts)

    def tell(self, cell: NotebookCell) -> None:
        """Tell of one cell, if it may be told."""
        hidden = why_hidden(cell)
        if hidden:
            self._sent.append(Sent(cell.name, "", left_out=(hidden,), group="context"))
            return
        self._scrubber.where = cell.name
        answers = [output.answer for output in cell.outputs if output.answer is not None and output.answer.text]
        if answers:
            self._tell_answers(cell, answers)
        else:
            self._tell_text(cell)

    def told(self) -> Told:
        """Return all of it."""
        text = "\n\n".join(self._texts)
        return Told(self._turns, f"{_HEADING}\n\n{text}" if text else "", self._pictures, self._sent)

    def _tell_text(self, cell: NotebookCell) -> None:
        left_out: list[str] = []
        source = self._fitted(cell.source, cell.length, "its text", left_out, is_code=cell.kind == "code")
        pieces = [f"{cell.name}\n{_fenced(source, _language(cell))}"]
        shown: list[str] = []
        pictures: list[Attachment] = []
        for output in cell.outputs:
            self._tell_output(output, pieces, pictures, shown, left_out)
        text = "\n".join(pieces)
        if self._said and text in self._said:
            self._sent.append(Sent(cell.name, "", left_out=("told earlier in this conversation",), group="context"))
            return
        self._texts.append(text)
        self._pictures += pictures
        kind = " and ".join([self._beginning(cell), *dict.fromkeys(shown)])
        self._sent.append(
            Sent(cell.name, kind, -(-len(text) // _TOKEN), len(pictures), 0, tuple(left_out), group="context")
        )

    def _tell_output(
        self,
        output: CellOutput,
        pieces: list[str],
        pictures: list[Attachment],
        shown: list[str],
        left_out: list[str],
    ) -> None:
        if output.picture is not None:
            if id(output) in self._figures:
                pictures.append(output.picture)
                pieces.append("Figure: attached.")
                shown.append("its figure")
            else:
                read = _is_read(output, self._reads)
                why = f"only the last {_MOST_PICTURES} go" if read else f"{self._reads.model_id} reads no pictures"
                left_out.append(f"a figure: {why}")
        elif output.kind == "other":
            left_out.append(output.text)
        elif output.text.strip():
            what = "its error" if output.kind == "error" else "its output"
            is_error = output.kind == "error"
            text = self._fitted(output.text, output.length, what, left_out, is_error=is_error, is_code=is_error)
            pieces.append(f"{what.removeprefix('its ').capitalize()}:\n{_fenced(text)}")
            shown.append(what)

    def _tell_answers(self, cell: NotebookCell, answers: Sequence[Answer]) -> None:
        tokens = 0
        left_out = [output.text for output in cell.outputs if output.kind == "other"]
        told = [answer for answer in answers if answer.text not in self._said]
        for answer in told:
            question = self._fitted(answer.question, 0, "the question", left_out)
            text = self._fitted(answer.text, 0, "the answer", left_out)
            tokens += -(-(len(question) + len(text)) // _TOKEN)
            if answer.calls:
                left_out.append(f"{answer.calls:,} tool call{'s' if answer.calls > 1 else ''}")
            if self._reads.turns:
                self._end_turn(question, text)
            else:
                self._texts.append(f"{cell.name} asked a model:\n{_fenced(question)}\nAnswer:\n{_fenced(text)}")
        many = "your questions and the answers" if len(told) > 1 else "your question and the answer"
        kind = f"{many}, as turns" if self._reads.turns else many
        if not told:
            kind, left_out = "", ["told earlier in this conversation"]
        self._sent.append(Sent(cell.name, kind, tokens, left_out=tuple(left_out), group="context"))

    def _end_turn(self, question: str, answer: str) -> None:
        """Close what has been told so far with a question, and let the answer follow."""
        before = [f"{_HEADING}\n\n" + "\n\n".join(self._texts)] if self._texts else []
        parts: list[Part] = [TextPart("\n\n".join([*before, question]))]
        parts += [AttachmentPart(picture) for picture in self._pictures]
        self._turns += [Message("user", parts), Message("assistant", [TextPart(answer)])]
        self._texts, self._pictures = [], []

    def _fitted(
        self,
        text: str,
        length: int,
        what: str,
        left_out: list[str],
        *,
        is_error: bool = False,
        is_code: bool = True,
    ) -> str:
        fitted, notes = self._bounds.fitted(text.rstrip(), end_share=0.75 if is_error else 0.0, is_code=is_code)
        if length > len(text):
            notes = (f"{length - len(fitted):,} of {length:,} characters",)
            fitted = f"{fitted}\n… ({notes[0]} left out)"
        left_out += [f"{note} of {what}" for note in notes]
        return fitted

    def _beginning(self, cell: NotebookCell) -> str:
        """Return the first line of a cell, and how many follow."""
        # Of a cell that a page had no room for there is no line.
        first, *more = [line for line in cell.source.strip().splitlines() if line.strip()] or ["its text"]
        first = self._scrubber.scrub(first.strip(), is_code=cell.kind == "code")
        shown = first if len(first) <= _LONGEST_LINE else f"{first[:_LONGEST_LINE]}…"
        return f"{shown} and {len(more):,} line{'s' if len(more) > 1 else ''}" if more else shown


def _language(cell: NotebookCell) -> str:
    return {"code": "python", "markdown": "markdown"}.get(cell.kind, "")


def _fenced(text: str, language: str = "") -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
