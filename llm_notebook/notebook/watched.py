"""The watchers that follow a shell from the moment in which the magics are registered, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.context.run_cells import RunCells
from llm_notebook.notebook.explaining.failures import Failures
from llm_notebook.notebook.frontend.cells import CellWatch
from llm_notebook.notebook.frontend.frontend import FrontEnd
from llm_notebook.notebook.frontend.waking import LoopWaker
from llm_notebook.notebook.prompts.last_figure import LastFigure

__all__ = ["Watched"]


@dataclass(slots=True)
class Watched:
    """The watchers of one shell. They load nothing that only a prompt needs.

    Attributes:
        shell: the shell.
        cells: when its cells begin and end.
        failures: the cells that have failed.
        last_figure: knows what `-a -` means.
        run_cells: knows which executions cells had last.
        front: the front end, and the connection to it.
        waker: lets ■ wake the kernel's event loop.
    """

    shell: InteractiveShell
    cells: CellWatch = field(init=False)
    failures: Failures = field(init=False)
    last_figure: LastFigure = field(init=False)
    run_cells: RunCells = field(init=False)
    front: FrontEnd = field(init=False)
    waker: LoopWaker = field(default_factory=LoopWaker)

    def __post_init__(self) -> None:
        self.front = FrontEnd(self.shell)
        self.failures, self.last_figure = Failures(self.shell), LastFigure(self.shell)
        self.run_cells = RunCells(self.shell)

    def open(self) -> None:
        """Begin to watch. The front end is connected by `front.open()`."""
        self.cells = CellWatch(self.shell)
        self.failures.open()
        self.last_figure.open()
        self.run_cells.open()
        self.waker.open()

    def close(self) -> None:
        """Stop watching, and disconnect from the front end."""
        self.cells.close()
        self.failures.close()
        self.last_figure.close()
        self.run_cells.close()
        self.waker.close()
        self.front.close()
