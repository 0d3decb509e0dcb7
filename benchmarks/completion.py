"""Measures the CPU time of Tab on a `%llm` line with 2,000 stored models: the first press in a kernel, and the next ones."""

from __future__ import annotations

from benchmarks.measuring import Row, median_of, print_table, run_program

__all__ = ["run"]

_ROUNDS = 7

_TIMED = """
import json, os, statistics, sys, tempfile, time, warnings
from pathlib import Path
home = Path(os.environ.setdefault("LLM_USER_PATH", tempfile.mkdtemp()))
os.chdir(home)
warnings.simplefilter("ignore")
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from llm_notebook.configuration.folders import own_dir
models = own_dir().absolute() / "models"
models.mkdir(exist_ok=True)
listed = [
    {"id": f"maker-{at % 40}/model-{at:04}", "supports": ["text", "tools"], "context": 131072, "price": {"input": 0.1, "output": 0.4}}
    for at in range(2000)
]
models.joinpath("openrouter.json").write_text(json.dumps({"updated": "2026-11-01", "models": listed}))
shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
shell.run_cell("import pathlib; letter = 'Dear Sir'; path = pathlib.Path('a.md')")
shell.run_cell("%load_ext llm_notebook")
def tab(line):
    start = time.process_time()
    with provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(line, len(line))]
    spent = time.process_time() - start
    assert found, line
    return spent
line = sys.argv[1]
first = tab(line)
print(json.dumps({"first": first, "next": statistics.median(tab(line) for _ in range(9))}))
"""
_LINES = ("%llm ", "%llm -m ", "%llm -m model-19", "%llm -m openrouter/maker-7/model-0007 -o ", "%llm -f ")


def run() -> list[Row]:
    """Measure, print and return the rows."""
    rows = []
    for line in _LINES:
        samples = [run_program(_TIMED, line) for _ in range(_ROUNDS)]
        first, later = (median_of([sample[name] for sample in samples]) for name in ("first", "next"))
        rows.append(Row(f"{line}⇥, for the first time", first, "the next times", later, "<= 50 ms"))
        rows.append(Row(f"{line}⇥", later, "the first time", first, "<= 50 ms"))
    print_table("Tab with 2,000 models (CPU)", rows, "ms", 1e3)
    return rows


if __name__ == "__main__":
    run()
