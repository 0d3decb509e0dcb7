"""A cell is over once, after all the code that it runs in its turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from llm_notebook.notebook.frontend.cells import CellWatch


class Watched:
    """A shell whose cells are watched, and the results of those that are over."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.over: list[ExecutionResult | None] = []
        self.watch = CellWatch(shell, self.over.append)
        shell.user_ns["watch"] = self.watch


@pytest.fixture
def watched(terminal: InteractiveShell) -> Iterator[Watched]:
    watched = Watched(terminal)
    yield watched
    watched.watch.close()


@pytest.mark.parametrize("inner", ["1 + 1", "", "  \n", "def (", "1 / 0", "get_ipython().run_cell('2 + 2')"])
def test_code_that_a_cell_runs_is_a_part_of_it(watched: Watched, inner: str) -> None:
    ran = watched.shell.run_cell(f"get_ipython().run_cell({inner!r})\nduring = watch.is_running")
    assert watched.shell.user_ns["during"] is True
    assert watched.over == [ran]
    assert not watched.watch.is_running


@pytest.mark.parametrize("code", ["1 + 1", "", "def (", "1 / 0", "raise KeyboardInterrupt", "raise SystemExit"])
def test_a_cell_is_over_however_it_ends(watched: Watched, code: str) -> None:
    ran = watched.shell.run_cell(code)
    after = watched.shell.run_cell("0")
    assert watched.over == [ran, after]
    assert not watched.watch.is_running


def test_the_cell_that_begins_to_watch_is_over_like_others(terminal: InteractiveShell) -> None:
    over: list[ExecutionResult | None] = []
    terminal.user_ns["begin"] = lambda: CellWatch(terminal, over.append)
    ran = terminal.run_cell("watch = begin()")
    terminal.user_ns["watch"].close()
    terminal.run_cell("0")
    assert over == [ran]
