"""`%llm What is 2+2?` is a question for the model, although IPython takes a line that ends in `?` for a question to itself."""

from __future__ import annotations

import re
import tokenize
from typing import Any

from IPython.core.inputtransformer2 import EscapedCommand
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["forget_questions", "read_questions"]


class _QuestionToModel(EscapedCommand):
    """A `%llm` line with a prompt in it. `%llm?` and `%llm??` stay questions about the magic."""

    # Above HelpEnd (5), which would look up the last word of the prompt.
    priority = 4

    @classmethod
    def find(cls, tokens_by_line: list[list[Any]]) -> _QuestionToModel | None:
        for line in tokens_by_line:
            first = next((token for token in line if token.type not in (tokenize.INDENT, tokenize.DEDENT)), None)
            if first is not None and first.string == "%":
                text = first.line[first.start[1] :].rstrip()
                if text.endswith("?") and re.match(r"%llm\s.*\w", text):
                    return cls(first.start)
        return None


def read_questions(shell: InteractiveShell) -> None:
    """Let prompts end in a question mark."""
    forget_questions(shell)
    shell.input_transformer_manager.token_transformers.append(_QuestionToModel)


def forget_questions(shell: InteractiveShell) -> None:
    """Undo `read_questions()`."""
    transformers = shell.input_transformer_manager.token_transformers
    transformers[:] = [known for known in transformers if known.__name__ != _QuestionToModel.__name__]
