"""The lines of a table in a terminal while its rows are still arriving: first the head, then each row as it comes, and at last the outcome."""

from __future__ import annotations

from dataclasses import dataclass, field

from llm_notebook.transcript.answer.tables import plain_cells, plain_head, plain_misfit, plain_widths, table_sentence
from llm_notebook.transcript.blocks import Block
from llm_notebook.transcript.visible import terminal_safe

__all__ = ["RowLines"]

_MOST_ROWS = 60


@dataclass(slots=True)
class RowLines:
    """The lines of one table that have been written so far.

    Attributes:
        widths: the widths of the columns, in characters. Columns that were written cannot be widened.
        rows: how many rows have been written.
        is_over: whether the end has been written.
    """

    widths: list[int] = field(default_factory=list)
    rows: int = 0
    is_over: bool = False

    def take_new(self, block: Block, *, is_over: bool) -> str:
        """Return the lines to write now.

        Args:
            block: a block that is shown as a table.
            is_over: whether no more rows will come.
        """
        table = block.table
        if table is None or self.is_over:
            return ""
        until = len(table.rows)
        lines: list[str] = []
        if until > self.rows and not self.widths:
            self.widths = plain_widths(block)
            lines.append(plain_head(block, self.widths))
        lines += [plain_cells(block, number, self.widths) for number in range(self.rows, min(until, _MOST_ROWS))]
        self.rows = until
        if is_over:
            self.is_over = True
            lines += [f"… {until - _MOST_ROWS:,} more rows are not written here."] if until > _MOST_ROWS else []
            lines += plain_misfit(block, self.widths or plain_widths(block))
            said = table_sentence(block, is_live=False, is_whole=True).replace("`", "")
            lines += [terminal_safe(said)] if said else []
        return "".join(f"{line}\n" for line in lines)
