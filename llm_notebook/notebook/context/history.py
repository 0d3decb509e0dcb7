"""The cells that a kernel has run, as it remembers them itself: their texts, the values of their last lines, and how they failed.

This is what there is where no page sends the notebook: in a terminal, under nbclient, and in front ends without our extension.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.context.cells import Answer, CellOutput, NotebookCell
from llm_notebook.notebook.explaining.failures import Failures
from llm_notebook.objects.table import describe, figure_kind

__all__ = ["History"]

AnswersOf = Callable[[int], Sequence[Answer]]
"""Returns what models answered in the execution with a number."""
_PRINTED = "what it has printed: it ran after this cell was queued"


class History:
    """What a shell remembers of its executions.

    Args:
        shell: the shell.
        failures: the cells of it that have failed.
        tags: the tags of cells, by the numbers of their executions.
        answers: finds the answers of models.
    """

    def __init__(
        self, shell: InteractiveShell, failures: Failures, tags: Mapping[int, tuple[str, ...]], answers: AnswersOf
    ) -> None:
        self._shell = shell
        self._failures = failures
        self._tags = tags
        self._answers = answers
        values = shell.user_ns.get("Out")
        self._values: dict[int, object] = values if isinstance(values, dict) else {}

    def cells(self) -> list[NotebookCell]:
        """Return the cells that have run before the one that runs, in order. Of a text that ran twice, the later run counts."""
        history = self._shell.history_manager
        texts = list(history.input_hist_raw) if history is not None else []
        numbers = {text: number for number, text in enumerate(texts[:-1]) if number and text.strip()}
        ran = sorted(numbers.items(), key=lambda pair: pair[1])
        return [
            NotebookCell(text, number=number, tags=self._tags.get(number, ()), outputs=list(self._outputs(number)))
            for text, number in ran
        ]

    def late_outputs(self, number: int) -> list[CellOutput]:
        """Return what is known of the outputs of an execution that no page has sent."""
        found = list(self._outputs(number))
        has_answer = any(output.kind == "answer" for output in found)
        return found if has_answer else [*found, CellOutput("other", _PRINTED)]

    def _outputs(self, number: int) -> Iterator[CellOutput]:
        for answer in self._answers(number):
            yield CellOutput("answer", answer=answer)
        if number in self._values:
            value = self._values[number]
            if figure_kind(value):
                for picture in describe(value).attachments:
                    yield CellOutput("picture", picture=picture)
            else:
                yield CellOutput("text", self._text(value))
        if (said := self._failures.said(number)) is not None:
            yield CellOutput("error", said)

    def _text(self, value: object) -> str:
        """Return a value as the notebook has shown it."""
        formatter = self._shell.display_formatter
        # An object's own code may fail in any way.
        with suppress(Exception):
            text = formatter.formatters["text/plain"](value) if formatter is not None else None
            if isinstance(text, str):
                return text
        return describe(value).text
