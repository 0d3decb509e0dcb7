"""Adds the completion of `%llm` lines to IPython's completer, which terminals and kernels both use."""

from __future__ import annotations

from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["complete_in", "stop_completing_in"]

_NAME = "llm_notebook"


class _Nothing(list[Any]):
    """An empty list of completions that IPython takes for one with some in it.

    Whenever a list is empty, IPython asks its other matchers, whatever else it is told. One of them takes half a second in prose.
    """

    def __len__(self) -> int:
        return 1


def complete_in(shell: InteractiveShell) -> None:
    """Let a shell complete `%llm` lines."""
    stop_completing_in(shell)

    @context_matcher(identifier=_NAME, priority=2_000)
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        from llm_notebook.notebook.completion.matching import completions_in  # only where Tab is pressed

        line, column = context.cursor_line, context.cursor_position
        found = completions_in(context.full_text, line, column, shell.user_ns)
        if found is None:
            return {"completions": [], "matched_fragment": ""}
        typed, candidates = found
        completions = [SimpleCompletion(candidate.text, type=candidate.kind) for candidate in candidates]
        return {
            "completions": completions or _Nothing(),
            "matched_fragment": typed,
            "suppress": True,
            "ordered": True,
        }

    shell.Completer.custom_matchers.append(complete)


def stop_completing_in(shell: InteractiveShell) -> None:
    """Undo `complete_in()`."""
    # By name, because after a reload the function is another one.
    matchers = shell.Completer.custom_matchers
    matchers[:] = [known for known in matchers if getattr(known, "matcher_identifier", "") != _NAME]
