"""Measures the CPU time until a prompt can be sent, in a fresh interpreter, without the start of the interpreter itself."""

from __future__ import annotations

import importlib.util

from benchmarks.measuring import Row, cpu_of_program, median_of, print_table

__all__ = ["run"]

_ROUNDS = 15
_PROGRAMS = {
    "start": "pass",
    "httpx": "import httpx; client = httpx.Client()",
    "import": "import llm_notebook as llm",
    "model": "import llm_notebook as llm; llm.get_model('gpt-4o-mini')",
    "client": (
        "import llm_notebook as llm; llm.get_model('gpt-4o-mini'); "
        "import httpx; from llm_notebook.configuration.process import process; "
        "from llm_notebook.providers.http.transport import Transport; "
        "process.of(Transport)._connections._server(httpx.URL('https://localhost/'), None).open_connection()"
    ),
    "prompt": (
        "import llm_notebook as llm; llm.get_model('gpt-4o-mini').prompt('x'); "
        "import httpx; from llm_notebook.configuration.process import process; "
        "from llm_notebook.providers.http.transport import Transport; "
        "process.of(Transport)._connections._server(httpx.URL('https://localhost/'), None).open_connection()"
    ),
    "llm": "import llm; llm.get_model('gpt-4o-mini')",
}


def run() -> list[Row]:
    """Measure, print and return the rows."""
    programs = {name: text for name, text in _PROGRAMS.items() if name != "llm" or importlib.util.find_spec("llm")}
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for program in programs.values():
        cpu_of_program(program)
    for _ in range(_ROUNDS):
        for name, program in programs.items():
            samples[name].append(cpu_of_program(program))
    start = median_of(samples["start"])
    cost = {name: median_of(values) - start for name, values in samples.items()}
    httpx = cost["httpx"]
    rows = [
        Row("import llm_notebook", cost["import"], "import httpx + client", httpx, "-"),
        Row("import + get_model", cost["model"], "import httpx + client", httpx, "<= 1.3"),
        Row("import + get_model + HTTP client", cost["client"], "import httpx + client", httpx, "<= 1.3"),
        Row("… + first prompt (loads pydantic)", cost["prompt"], "import httpx + client", httpx, "-"),
    ]
    if "llm" in cost:
        rows.append(Row("the llm package: import + get_model", cost["llm"], "import httpx + client", httpx, "-"))
    print_table("Import and model ready (CPU)", rows, "ms", 1e3)
    return rows


if __name__ == "__main__":
    run()
