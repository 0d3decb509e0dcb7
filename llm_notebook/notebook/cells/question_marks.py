"""Prepares a cell before IPython runs it: a `%llm` prompt may end in a question mark, and a `%%llm` must be the first line but may be empty.

IPython rewrites the tokens of a cell before it runs it. Its transformer `HelpEnd` turns any line that ends in `?` into a look-up,
so `%llm What is 2+2?` would look up `2`. Our transformer has a higher priority: it claims such a line first and keeps it an ordinary magic.

A cell is a `%%llm` cell only if nothing is above that line, not even a comment. Otherwise IPython would read the prompt as Python, and
its error message would help nobody, so such a cell is refused beforehand with a sentence of our own. A `%%llm` with nothing below it reaches
the magic, which says what is missing; IPython itself would suggest another magic.
"""

from __future__ import annotations

import ast
import re
import tokenize

from IPython.core.inputtransformer2 import EscapedCommand, MagicAssign
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellError

__all__ = ["forget_questions", "read_questions", "refuse_late_magic"]


# `%llm` with a prompt, also as the code that another magic runs: `%time %llm What is 2+2?`.
_PROMPT = r"%(?:\w+\s.*%)?llm\s.*\w"


class _QuestionToModel(EscapedCommand):
    """A `%llm` line with a prompt that ends in `?`. `%llm?` and `%llm??` still show the magic's manual."""

    # HelpEnd has 5, and the lower number wins.
    priority = 4

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> _QuestionToModel | None:
        for line in tokens_by_line:
            first = next((token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)), None)
            if first is not None and first.string == "%":
                # A line that is continued with a backslash is several lines here.
                lines = dict.fromkeys((token.start[0], token.line) for token in line)
                text = "".join(text for _, text in lines)[first.start[1] :].rstrip()
                if text.endswith("?") and re.match(_PROMPT, text):
                    return cls(first.start)
        return None


class _AssignedQuestion(MagicAssign):
    """A question whose answer is assigned: `answer = %llm What is 2+2?`."""

    priority = 4
    magic_col = 0

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> _AssignedQuestion | None:
        for line in tokens_by_line:
            found: _AssignedQuestion | None = super().find([line])
            lines = dict.fromkeys((token.start[0], token.line) for token in line)
            text = "".join(text for _, text in lines).rstrip()
            if found is not None and text.endswith("?") and re.search(rf"=\s*{_PROMPT}", text):
                # IPython prefers the match that begins first in a line, and a look-up begins at its start.
                found.magic_col, found.start_col = found.start_col, 0
                return found
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """Rewrite the assignment, as IPython calls it."""
        self.start_col = self.magic_col
        rewritten: list[str] = super().transform(lines)
        return rewritten


def _refuse_late_magic(lines: list[str]) -> list[str]:
    """Return the lines of a cell unchanged, unless it is refused."""
    refuse_late_magic("".join(lines))
    return lines


def refuse_late_magic(cell: str) -> None:
    """Refuse a cell in which `%%llm` is not the first line.

    Raises:
        CellError: `%%llm` stands below comments or Python code.
    """
    lines = cell.splitlines(keepends=True)
    number = next((number for number, line in enumerate(lines) if re.match(r"[ \t]*%%llm(\s|$)", line)), 0)
    above = "".join(lines[:number])
    if above.strip() and not re.match(r"\s*%%", above) and _is_complete(above):
        raise CellError(
            "%%llm must be the first line of its cell: move what stands above it, comments included, to another cell."
            " Nothing was sent."
        )


def _let_empty_magic_run(lines: list[str]) -> list[str]:
    """Return the lines of a cell, with a blank line below `%%llm` if nothing is there: IPython does not call a magic with an empty cell."""
    is_empty = len(lines) == 1 and re.match(r"%%llm(\s|$)", lines[0])
    return [lines[0].rstrip("\n") + "\n", "\n"] if is_empty else lines


# While a cell is typed, IPython asks whether it is complete. Nothing must be refused or added then.
_refuse_late_magic.has_side_effects = True  # type: ignore[attr-defined]
_let_empty_magic_run.has_side_effects = True  # type: ignore[attr-defined]


def _is_complete(code: str) -> bool:
    """Return whether code does not end inside a string, where `%%llm` would be text. Magics in it count as comments."""
    try:
        ast.parse(re.sub(r"(?m)^(\s*)[%!].*", r"\1pass", code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def read_questions(shell: InteractiveShell) -> None:
    """Let prompts in this shell end in a question mark and be empty, and refuse a `%%llm` that is not the first line."""
    forget_questions(shell)
    shell.input_transformer_manager.token_transformers += [_QuestionToModel, _AssignedQuestion]
    shell.input_transformer_manager.cleanup_transforms += [_refuse_late_magic, _let_empty_magic_run]


def forget_questions(shell: InteractiveShell) -> None:
    """Undo `read_questions()`."""
    manager = shell.input_transformer_manager
    # By name, because after a reload the class is another object.
    for transformers, ours in (
        (manager.token_transformers, _QuestionToModel),
        (manager.token_transformers, _AssignedQuestion),
        (manager.cleanup_transforms, _refuse_late_magic),
        (manager.cleanup_transforms, _let_empty_magic_run),
    ):
        transformers[:] = [known for known in transformers if getattr(known, "__name__", "") != ours.__name__]
