"""The cell that loads the extension: IPython rewrites its questions into look-ups before we can tell it not to.

`%llm What is the capital of Peru?` has become a call of `%pinfo Peru` by the time that `%load_ext llm_notebook` runs. So for the rest of
that cell, the look-ups that its questions have become go to the model.
"""

from __future__ import annotations

import ast
import re

from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["read_first_questions"]

_LOOK_UPS = ("pinfo", "pinfo2", "psearch")
_QUESTION = re.compile(r"[ \t]*(?:([^\W\d]\w*)[ \t]*=[ \t]*)?%llm[ \t]+(.*\w.*\?)[ \t]*")


def read_first_questions(shell: InteractiveShell) -> None:
    """Send the questions that follow in the running cell to the model. The cell began before they could be recognised."""
    questions = _questions_in(_running_cell(shell))
    if not questions:
        return
    run_magic, own = shell.run_line_magic, vars(shell).get("run_line_magic")

    def run_or_ask(name: str, line: str, _stack_depth: int = 1) -> object:
        prompt = questions.get((name, line))
        name, line = (name, line) if prompt is None else ("llm", prompt)
        # This function is on the stack between the magic and the code whose variables the magic sees.
        return run_magic(name, line, _stack_depth=_stack_depth + 1)

    def restore(*_result: object) -> None:
        if own is None:
            del shell.run_line_magic
        else:
            shell.run_line_magic = own  # type: ignore[method-assign]
        shell.events.unregister("post_run_cell", restore)

    shell.run_line_magic = run_or_ask  # type: ignore[method-assign,assignment]
    shell.events.register("post_run_cell", restore)


def _running_cell(shell: InteractiveShell) -> str:
    history = shell.history_manager
    return str(history.input_hist_raw[-1]) if history is not None and history.input_hist_raw else ""


def _questions_in(cell: str) -> dict[tuple[str, str], str]:
    """Return the prompts that have become look-ups, by the magic's name and what it looks up."""
    found = {}
    for line in cell.splitlines():
        question = _QUESTION.fullmatch(line)
        call = _call_in(TransformerManager().transform_cell(line.strip())) if question is not None else None
        if question is not None and call is not None and call[0] in _LOOK_UPS:
            name, prompt = question.groups()
            # A look-up is a statement, so the variable for the answer is passed as an option.
            found[call] = f"--out {name} {prompt}" if name else prompt
    return found


def _call_in(code: str) -> tuple[str, str] | None:
    """Return the name and the text of the line magic that a line of rewritten code calls; None if it calls none."""
    try:
        match ast.parse(code).body:
            case [ast.Expr(ast.Call(ast.Attribute(attr="run_line_magic"), [ast.Constant(name), ast.Constant(text)]))]:
                return str(name), str(text)
    except (SyntaxError, ValueError):
        pass
    return None
