"""Every case of completion, typed into an IPython in a pseudo-terminal, with Tab pressed twice: what fits alone is put in, else all is listed."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path

import pexpect

from scripts.jupyter_home import jupyter_environment
from tests.notebook.completion.cases import CASES, Case
from tests.notebook.completion.terminal import MARK, SAYS
from tests.notebook.ipykernels import REPOSITORY

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]")
_OF_THE_PROMPT = re.compile(r"In \[\d+\]:|\.\.\.:")


def _fails(case: Case, typed: str, line: str, drawn: str) -> bool:
    """Return whether a terminal shows something else than a case says.

    Args:
        case: the case.
        typed, line: the cell before and after Tab was pressed.
        drawn: everything that was drawn meanwhile.
    """
    listed = set(_OF_THE_PROMPT.sub("", _CONTROLS.sub("", drawn)).replace(MARK, " ").split())
    if case.nothing:
        return line != typed or not listed <= set(typed.split())
    offered = [text in listed or line.endswith(text) for text in (*case.first, *case.among)]
    return not all(offered) or bool(set(case.absent) & (listed - set(typed.split())))


def test_every_case_in_a_pseudo_terminal(isolated: Path) -> None:
    assert len(CASES) >= 60
    environment = jupyter_environment(isolated / "terminal")
    environment |= {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), environment.get("PYTHONPATH", "")])}
    environment |= {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "LLM_NOTEBOOK_DATA": os.environ["LLM_NOTEBOOK_DATA"]}
    terminal = pexpect.spawn(
        sys.executable,
        ["-W", "ignore", "-m", "tests.notebook.completion.terminal"],
        cwd=str(REPOSITORY),
        env=environment,
        timeout=60,
        dimensions=(220, 100),
        encoding="utf-8",
        echo=False,
    )
    failing = []
    try:
        terminal.expect(r"In.{0,20}\[")
        for case in CASES:
            typed = case.typed.replace("|", "", 1)
            # Pasted, so that a cell of several lines is one; the mark is drawn when both Tabs have been handled.
            terminal.send(f"\x1b[200~{typed}\x1b[201~\t\t{MARK}")
            terminal.expect_exact(MARK)
            drawn = terminal.before
            terminal.send("\x1b\r")
            terminal.expect(re.escape(SAYS) + r"('.*?'|\".*?\")\r?\n")
            drawn += terminal.before
            line = ast.literal_eval(terminal.match[1]).rstrip("\n").removesuffix(MARK)
            if _fails(case, typed, line, drawn):
                failing.append(f"{case.typed!r} became {line!r}")
    finally:
        terminal.close(force=True)
    assert failing == []
