"""After a restart a waiting call lacks its tool: the question says which cells to run, and running them is enough, whatever made it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import REPOSITORY, running_kernel
from tests.notebook.waits.test_waiting import Notebook, question, text
from tests.plugins.test_example_plugin import installed

__all__ = ["installed"]

SERVER = str(Path(__file__).parents[2] / "plugins" / "mcp" / "server.py")


def server(name: str) -> str:
    """Return an expression that makes a Toolbox of the tools of an MCP server."""
    return f"llm.mcp_toolbox([sys.executable, '{SERVER}', 'stdio'], name='{name}')"


FILES = """
class Files(llm.Toolbox):
    def __init__(self, root: str) -> None:
        self.root = root

    def erase(self, path: str) -> str:
        return self.root + path
"""
DEFINE = [
    f"import sys\nimport llm_notebook as llm\n{FILES}",
    "def erase(path: str) -> str: return path",
    f"mine = Files('/mine')\none = {server('one')}\ntwo = {server('two')}",
]
# What a prompt is given, its call, which cells the question names in a later kernel, and the result.
GIVEN = [
    ("-T erase", "erase", "Run the cell that defines erase ([4] when this was asked), then decide.", "/a"),
    ("-T mine", "Files_erase", "Run the cell that defines mine ([3] when this was asked), then decide.", "/mine/a"),
    ("-T one", "one_erase", "Run the cell that defines one, then decide.", "erased /a"),
    ("-T two -T one", "two_erase", "Run the cell that defines two_erase, then decide.", "erased /a"),
    ("-T 'Files(\"/r\")'", "Files_erase", "Run the cell that Files_erase is defined in ([3]), and HERE. Then", "/r/a"),
    ("--functions 'def wipe(path): return path'", "wipe", "Run HERE, which makes wipe. Then decide.", "/a"),
    (f'-T "{server("b")}" -T "{server("a")}"', "b_erase", "Run HERE, which makes b_erase. Then decide.", "erased /a"),
    ("-T Diary", "Diary_write", "Run HERE, which makes Diary_write. Then decide.", "Written to diary.txt."),
    ("-T 'Diary(\"my\")'", "Diary_write", "Run HERE, which makes Diary_write. Then decide.", "Written to my.txt."),
]


@pytest.fixture
def notebook(tmp_path: Path, installed: Path) -> Iterator[Notebook]:
    """A notebook whose kernel has the example plugin."""
    (tmp_path / "llm").mkdir()
    with running_kernel(tmp_path, {"PYTHONPATH": os.pathsep.join([str(installed), str(REPOSITORY)])}) as kernel:
        assert kernel.run('%config LLMMagics.on_pause = "continue"').status == "ok"
        yield Notebook(kernel, tmp_path)


def define(notebook: Notebook) -> None:
    for number, cell in enumerate(DEFINE):
        ran = notebook.run(cell, f"define-{number}")
        assert ran.status == "ok", ran.traceback


def prompt(options: str, tool: str, path: str) -> str:
    argument = "entry" if tool.startswith("Diary") else "path"
    return f'%llm -m caller --ta {options} {tool} {{"{argument}": "{path}"}}'


def test_a_question_without_its_tool_names_the_cells_to_run_and_they_heal_it(notebook: Notebook) -> None:
    define(notebook)
    cells, waiting = [], []
    for number, (options, tool, _, result) in enumerate(GIVEN):
        path = "/a"
        if result == "erased /a":
            path = str(notebook.folder / f"file-{number}")
            Path(path).write_text("")
        cells.append(prompt(options, tool, path))
        waiting.append(question(notebook.run(cells[-1], f"cell-{number}")))
    notebook.restart()
    for number, (_, _, says, _) in enumerate(GIVEN):
        said = says.replace("HERE", f"the cell that asked this ([{number + 6}]) again")
        assert said in notebook.run(f"%llm approve {waiting[number]}").traceback
        assert said in text(notebook.run(f"%llm resume {waiting[number]}"))
    define(notebook)
    for number, (_, _, _, result) in enumerate(GIVEN):
        again = notebook.run(cells[number], f"cell-{number}")
        assert question(again) == waiting[number]
        assert "Run the cell" not in text(again)
        approved = notebook.run(f"%llm approve {waiting[number]}")
        assert approved.traceback == ""
        assert result.replace("erased /a", f"erased {notebook.folder / f'file-{number}'}") in text(approved)


def test_a_tool_of_a_plugin_is_there_without_running_anything(notebook: Notebook) -> None:
    waiting = notebook.run('%llm -m caller --ta -T moon_age moon_age {"date": "2000-01-21"}')
    notebook.restart()
    approved = notebook.run(f"%llm approve {question(waiting)}", "cell-2")
    assert approved.traceback == ""
    assert "14.7" in text(approved)
