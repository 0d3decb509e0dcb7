"""The cell that loads the extension: IPython rewrites its questions into look-ups before we can tell it not to.

`%llm What is the capital of Peru?` has become a call of `%pinfo Peru` by the time that `%load_ext llm_notebook` runs. So for the rest of
that cell, the look-ups that its questions have become go to the model.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.cells.question_marks import refuse_late_magic

__all__ = ["read_first_questions"]

_LOOK_UPS = ("pinfo", "pinfo2", "psearch")
_ANSWER = "_llm_answer"
_LINE = re.compile(r"(?:.*\\\n)*.*")
_MAGIC = re.compile(r"(?=(?:\w+\s.*%)?llm\s)(\w+)[ \t]+(.+)")


@dataclass(frozen=True, slots=True)
class _Question:
    """What a look-up was before IPython rewrote it: a magic with its line, and what its value is assigned to, if it is."""

    magic: str
    line: str
    target: str = ""


def read_first_questions(shell: InteractiveShell) -> None:
    """Send the questions that follow in the running cell to the model. The cell began before they could be recognised."""
    cell = _running_cell(shell)
    questions = _questions_in(cell)
    if not questions and "%%llm" not in cell:
        return
    run_magic, own = shell.run_line_magic, vars(shell).get("run_line_magic")

    def run_or_ask(name: str, line: str, _stack_depth: int = 1) -> object:
        if name == "%llm":
            refuse_late_magic(cell)
        question = questions.get((name, line)) or _Question(name, line)
        # These functions are on the stack between the magic and the code whose variables the magic sees.
        if question.target:
            _assign(shell, question, run_magic, _stack_depth + 2)
            return None
        return run_magic(question.magic, question.line, _stack_depth=_stack_depth + 1)

    def restore(*_result: object) -> None:
        if own is None:
            del shell.run_line_magic
        else:
            shell.run_line_magic = own  # type: ignore[method-assign]
        shell.events.unregister("post_run_cell", restore)

    shell.run_line_magic = run_or_ask  # type: ignore[method-assign,assignment]
    shell.events.register("post_run_cell", restore)


def _assign(shell: InteractiveShell, question: _Question, run_magic: Callable[..., object], stack_depth: int) -> None:
    """Run the magic of a question, and assign its value: the look-up that stands there does not."""
    answer = run_magic(question.magic, question.line, _stack_depth=stack_depth)
    shell.user_ns[_ANSWER] = answer
    try:
        shell.ex(f"{question.target} = {_ANSWER}")
    finally:
        del shell.user_ns[_ANSWER]


def _running_cell(shell: InteractiveShell) -> str:
    history = shell.history_manager
    return str(history.input_hist_raw[-1]) if history is not None and history.input_hist_raw else ""


def _questions_in(cell: str) -> dict[tuple[str, str], _Question]:
    """Return the prompts that have become look-ups, by the magic's name and what it looks up."""
    found = {}
    for line in _LINE.findall("\n".join(cell.splitlines())):
        question = _question_in(line.replace("\\\n", " ").strip(" \t"))
        call = _call_in(TransformerManager().transform_cell(line.strip())) if question is not None else None
        if question is not None and call is not None and call[0] in _LOOK_UPS:
            found[call] = question
    return found


def _question_in(line: str) -> _Question | None:
    """Return the question that a line would be if IPython did not take it for a look-up; None if it would be none.

    A cell may hold long lines of anything, so each step takes time in proportion to the line's length.
    """
    before, percent, after = line.partition("%")
    if not percent or not line.endswith("?") or "#" in before:
        return None
    target = before.rstrip(" \t")
    if target and not target.endswith("="):
        return None
    magic = _MAGIC.fullmatch(after)
    if magic is None or not re.search(r"\w", magic[2]):
        return None
    return _Question(magic[1], magic[2], target[:-1].rstrip(" \t"))


def _call_in(code: str) -> tuple[str, str] | None:
    """Return the name and the text of the line magic that a line of rewritten code calls; None if it calls none."""
    try:
        match ast.parse(code).body:
            case [ast.Expr(ast.Call(ast.Attribute(attr="run_line_magic"), [ast.Constant(name), ast.Constant(text)]))]:
                return str(name), str(text)
    except (SyntaxError, ValueError):
        pass
    return None
