"""Registers the magics in a shell, and takes them out again without a trace."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.notebook.cells.first_cell import read_first_questions
from llm_notebook.notebook.cells.question_marks import forget_questions, read_questions
from llm_notebook.notebook.completion.matcher import complete_in, stop_completing_in
from llm_notebook.notebook.magics import LLMMagics
from llm_notebook.notebook.rows.drawing import draw_runs, stop_drawing_runs

__all__ = ["register", "unregister"]


def register(shell: InteractiveShell) -> None:
    """Register the magics in a shell, and let the journal keep what they ask."""
    is_new = "LLMMagics" not in shell.magics_manager.registry
    unregister(shell)
    magics = LLMMagics(shell)
    magics.replaced = {kind: known["llm"] for kind, known in shell.magics_manager.magics.items() if "llm" in known}
    shell.register_magics(magics)
    process.of(CurrentJournal).keeps = True
    draw_runs(shell, magics.watched.front, lambda: magics.turns)
    magics.open()
    complete_in(shell)
    read_questions(shell)
    if is_new:
        read_first_questions(shell)


def unregister(shell: InteractiveShell) -> None:
    """Undo `register()`, and restore other magics of the same name that it replaced."""
    # By name, because after %reload_ext the class is another object than the one that was registered.
    magics = shell.magics_manager.registry.pop("LLMMagics", None)
    if magics is None:
        return
    for kind, known in shell.magics_manager.magics.items():
        known.pop("llm", None)
        known.update({"llm": magics.replaced[kind]} if kind in magics.replaced else {})
    if magics in shell.configurables:
        # Otherwise %config would still offer the traits of the magics that are gone.
        shell.configurables.remove(magics)
    magics.close()
    stop_completing_in(shell)
    process.of(CurrentJournal).stop_keeping()
    stop_drawing_runs()
    forget_questions(shell)
