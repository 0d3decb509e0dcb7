"""Lets a `%llm` prompt end in a question mark, which IPython would take for a question about the last word.

IPython rewrites the tokens of a cell before it runs it. Its transformer `HelpEnd` turns any line that ends in `?` into a look-up,
so `%llm What is 2+2?` would look up `2`. Ours has a higher priority, claims such a line first and leaves it an ordinary magic.
"""

from __future__ import annotations

import re
import tokenize

from IPython.core.inputtransformer2 import EscapedCommand
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["forget_questions", "read_questions"]


class _QuestionToModel(EscapedCommand):
    """A `%llm` line with a prompt that ends in `?`. `%llm?` and `%llm??` still show the magic's manual."""

    # HelpEnd has 5, and the lower number wins.
    priority = 4

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> _QuestionToModel | None:
        for line in tokens_by_line:
            first = next((token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)), None)
            if first is not None and first.string == "%":
                text = first.line[first.start[1] :].rstrip()
                if text.endswith("?") and re.match(r"%llm\s.*\w", text):
                    return cls(first.start)
        return None


def read_questions(shell: InteractiveShell) -> None:
    """Let prompts in this shell end in a question mark."""
    forget_questions(shell)
    shell.input_transformer_manager.token_transformers.append(_QuestionToModel)


def forget_questions(shell: InteractiveShell) -> None:
    """Undo `read_questions()`."""
    transformers = shell.input_transformer_manager.token_transformers
    # By name, because after a reload the class is another object.
    transformers[:] = [known for known in transformers if known.__name__ != _QuestionToModel.__name__]
