"""The magics `%llm` and `%%llm`, as a shell knows them from `%load_ext` on.

Loading the extension must cost next to nothing, also in notebooks that ask no model. So this module and what it imports are light:
they register names, settings and watchers. What a prompt needs is in `asking`, which is loaded by the first one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from traitlets import Enum, Float, TraitError, Unicode, validate

from llm_notebook.notebook.errors import QuietHalts
from llm_notebook.notebook.frontend.execution import current_execution, is_renamed
from llm_notebook.notebook.line.options import documented, is_context
from llm_notebook.notebook.watched import Watched

if TYPE_CHECKING:
    from llm_notebook.models.pauses import PauseChain
    from llm_notebook.notebook.actions import Actions
    from llm_notebook.notebook.asking import Asking
    from llm_notebook.notebook.running.live_turns import LiveTurns, OnPause

__all__ = ["LLMMagics"]


@magics_class
class LLMMagics(Magics):
    """The magics of one shell and their settings.

    Attributes:
        on_pause: whether a pause stops the cells below; set by `%config LLMMagics.on_pause`.
        limit_cost: how many US dollars a cell with `--each` may cost unless it says so itself; None for no limit.
        context: which cells go with each prompt; set by `%config LLMMagics.context`.
        watched: what is noted of the shell before anything is asked.
        halts: keeps CellHalted quiet.
        replaced: other magics named `llm` that these replaced, by their kind.
    """

    shell: InteractiveShell
    on_pause = Enum(
        ["stop", "continue"],
        default_value="stop",
        help="Whether the cells below run although a tool call waits for approval.",
    ).tag(config=True)
    limit_cost = Float(
        None,
        allow_none=True,
        help="How many US dollars a cell with --each may cost, unless its --limit-cost says otherwise. None for no limit.",
    ).tag(config=True)
    context = Unicode(
        "none",
        help="Which cells of the notebook go with each prompt: above, all, the N directly above, or none. See --context.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.watched = Watched(shell)
        self.watched.front.wants_cells = self.context != "none"
        self.observe(lambda change: self.watched.front.want_cells(change["new"] != "none"), "context")
        self.observe(lambda change: self._set_on_pause(change["new"]), "on_pause")
        self.halts = QuietHalts(shell, self._show_pause)
        self.replaced: dict[str, Callable[..., object]] = {}
        self._asking: Asking | None = None
        # A page may be the first to want something, and its messages may come in a thread.
        self._loading = threading.RLock()

    @property
    def asking(self) -> Asking:
        """What answers prompts, loaded when it is first needed."""
        if self._asking is None:
            from llm_notebook.notebook.asking import Asking  # most of the package

            with self._loading:
                if self._asking is None:
                    asking = Asking(self.shell, self, self.watched)
                    asking.actions.open()
                    self._asking = asking
        return self._asking

    @property
    def turns(self) -> LiveTurns:
        """The turns that can be shown and continued."""
        return self.asking.turns

    @property
    def actions(self) -> Actions:
        """Performs what readers do with the turns."""
        return self.asking.actions

    @no_var_expand
    @needs_local_scope
    @documented
    @line_cell_magic
    def llm(self, line: str, cell: str | None = None, *, local_ns: Mapping[str, Any] | None = None) -> object:
        """Ask a language model, or run a subcommand. `documented` adds the manual."""
        try:
            return self.asking.ask(line, cell, local_ns)
        except Exception as error:
            # An error that draws itself shows no line that was typed.
            if not hasattr(error, "_render_traceback_"):
                from llm_notebook.notebook.line.typed_keys import hide_typed_keys  # a prompt has loaded it

                hide_typed_keys(error, f"{line}\n{cell or ''}", self.shell)
            raise

    def open(self) -> None:
        """Begin to watch the shell, and connect to its front end."""
        self.watched.open()
        self.watched.front.open(self._receive, self._front_end_changed)
        self._follow_cell()
        self.shell.events.register("pre_run_cell", self._follow_cell)

    def close(self) -> None:
        """Undo `open()`, and leave every turn as a record."""
        self.shell.events.unregister("pre_run_cell", self._follow_cell)
        if self._asking is not None:
            self._asking.actions.close()
        self.watched.close()
        self.halts.undo()

    def _follow_cell(self, *_info: object) -> None:
        # The front end says it once, and the cell that it says it with need not ask a model.
        if is_renamed(self.shell):
            self.asking.follow(current_execution(self.shell))

    def _receive(self, message: object) -> None:
        # Every page says hello to its kernel. That alone is no reason to load what answers prompts.
        if self._asking is not None or not isinstance(message, dict) or message.get("type") != "hello":
            self.actions.receive(message)

    def _front_end_changed(self) -> None:
        if self._asking is not None:
            self._asking.turns.front_end_changed()

    def _set_on_pause(self, value: str) -> None:
        if self._asking is not None:
            self._asking.turns.on_pause = cast("OnPause", value)

    def _show_pause(self, pause: PauseChain, *, halts: bool) -> bool:
        from llm_notebook.notebook.running.failures import show_pause  # a chain has loaded most of it

        return show_pause(self.turns, pause, halts=halts)

    @validate("context")
    def _check_context(self, proposal: dict[str, str]) -> str:
        if not is_context(proposal["value"]):
            raise TraitError(f"context is above, all, none or a number of cells, not {proposal['value']!r}.")
        return proposal["value"]
