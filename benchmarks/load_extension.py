"""Measures the CPU time of `%load_ext llm_notebook` in a fresh IPython, and of the first prompt and the first Tab after it."""

from __future__ import annotations

from benchmarks.measuring import Row, cpu_of_program, median_of, print_table

__all__ = ["run"]

_ROUNDS = 9
_SHELL = (
    "from IPython.core.interactiveshell import InteractiveShell; import warnings; warnings.simplefilter('ignore'); "
    "shell = InteractiveShell.instance(); shell.run_cell('1'); "
)
_LOAD = "shell.run_cell('%load_ext llm_notebook'); "
_PROGRAMS = {
    "shell": _SHELL,
    "load": _SHELL + _LOAD,
    "tab": _SHELL + _LOAD + "shell.Completer.complete('%llm --sch', '%llm --sch', 10)",
    "prompt": _SHELL + _LOAD + "import llm_notebook.notebook.asking",
}


def run() -> list[Row]:
    """Measure, print and return the rows."""
    samples: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    for program in _PROGRAMS.values():
        cpu_of_program(program)
    for _ in range(_ROUNDS):
        for name, program in _PROGRAMS.items():
            samples[name].append(cpu_of_program(program))
    cost = {name: median_of(values) for name, values in samples.items()}
    rows = [
        Row("%load_ext llm_notebook", cost["load"] - cost["shell"], "a bare IPython", cost["shell"], "<= 100 ms"),
        Row("… and the first Tab", cost["tab"] - cost["load"], "a bare IPython", cost["shell"], "<= 50 ms"),
        Row("… and what the first prompt loads", cost["prompt"] - cost["load"], "a bare IPython", cost["shell"], "-"),
    ]
    print_table("The extension in IPython (CPU)", rows, "ms", 1e3)
    return rows


if __name__ == "__main__":
    run()
