"""What Tab offers on `%llm` lines: in this IPython, in the oldest that we support, and as text is split and places are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.models.model import Model, ModelWithAliases
from llm_notebook.notebook.completion.matching import completions_in
from llm_notebook.notebook.completion.models import OPTIONS_FILE
from llm_notebook.notebook.completion.places import place_in_cell
from llm_notebook.notebook.completion.words import quoted, split_words
from llm_notebook.notebook.line.options import option_actions, option_kinds
from llm_notebook.notebook.magics import LLMMagics
from llm_notebook.providers.registry import Registry
from scripts.list_options import options_table
from tests.notebook.completion.cases import CASES
from tests.notebook.completion.tabs import completions
from tests.notebook.ipykernels import REPOSITORY, ipython_folder


@pytest.mark.parametrize("version", ["", "8.20.0"])
def test_every_case_in_this_and_in_an_older_ipython(version: str) -> None:
    assert len(CASES) >= 60
    older = [str(ipython_folder(version))] if version else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*older, str(REPOSITORY)])}
    code = "import IPython, runpy\nprint(IPython.__version__)\nrunpy.run_module('tests.notebook.completion.cases', run_name='__main__')"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found, *_, failing = ran.stdout.splitlines()
    assert not version or found == version
    assert json.loads(failing) == []


def test_two_thousand_models_are_searched_and_not_asked_for(
    terminal: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Many(Model):
        def __init__(self, number: int) -> None:
            self.model_id = f"many/model-{number:04}"

    many = [ModelWithAliases(Many(number), None, [f"m{number}"]) for number in range(2_000)]
    monkeypatch.setattr(Registry, "_own_entries", lambda _self: many)
    monkeypatch.setattr(Registry, "entries", lambda _self: pytest.fail("the servers were asked"))
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")
    assert completions(terminal, "%llm -m many/model-19|")[:2] == ["many/model-1900", "many/model-1901"]
    assert completions(terminal, "%llm -m 1999|")[0] == "many/model-1999"
    assert len(completions(terminal, "%llm -m |")) == 200


def test_the_first_tab_loads_nothing_heavy_and_builds_no_listed_model(tmp_path: Path) -> None:
    listed = [{"id": f"maker/model-{number:04}", "price": {"input": 1, "output": 2}} for number in range(2_000)]
    program = f"""
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from llm_notebook.configuration.folders import own_dir
folder = own_dir() / "models"
folder.mkdir()
(folder / "openrouter.json").write_text(json.dumps({{"updated": "2026-11-01", "models": {listed!r}}}))
shell = InteractiveShell(config=Config({{"HistoryManager": {{"enabled": False}}}}))
shell.run_cell("%load_ext llm_notebook\\nletter = 'Dear Sir'")
from tests.notebook.completion.tabs import completions
before = set(sys.modules)
found = {{line: completions(shell, line)[:1] for line in {list(_FIRST)!r}}}
from llm_notebook.configuration.process import process
[registry] = [made for kind, made in process.made.items() if kind.__name__ == "Registry"]
heavy = {sorted(_HEAVY)!r}
print(json.dumps([found, sorted(set(heavy) & set(sys.modules) - before), sorted(registry._listed)]))
"""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "LLM_USER_PATH": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found, heavy, built = json.loads(ran.stdout.splitlines()[-1])
    assert {line: texts[0] for line, texts in found.items()} == _FIRST
    assert heavy == []
    # The options of one are asked for.
    assert built == ["openrouter/maker/model-0007"]


_HEAVY = {
    "pydantic",
    "pluggy",
    "httpx",
    "httpcore",
    "ssl",
    "yaml",
    "llm",
    "mcp",
    "pandas",
    "numpy",
    "xllamacpp",
    "jsonschema",
}
_FIRST = {
    "%llm mod|": "models",
    "%llm --schema-m|": "--schema-multi",
    "%llm -m openrouter/maker/model-19|": "openrouter/maker/model-1900",
    "%llm -m openrouter/maker/model-0007 -o temp|": "temperature",
    "%llm -m gpt-5-mini -o reasoning_effort hi|": "high",
    "%llm -m claude-haiku-4-5 -o max_to|": "max_tokens",
    "%llm -f let|": "letter",
    "%llm --context ab|": "above",
}


def test_the_options_that_tab_lists_are_those_of_the_models() -> None:
    assert json.loads(OPTIONS_FILE.read_text(encoding="utf-8")) == options_table(), "run python -m scripts.list_options"


def test_questions_grants_and_turns_of_the_journal_complete(terminal: InteractiveShell) -> None:
    terminal.run_cell("%llm -n not kept")
    terminal.run_cell("%llm kept")
    [turn] = completions(terminal, "%llm --cid |")
    assert completions(terminal, "%llm history |") == ["-q", "list", turn]
    assert completions(terminal, f"%llm --cid {turn[:4]}|") == [turn]


def test_it_leaves_with_the_extension(terminal: InteractiveShell) -> None:
    matchers = terminal.Completer.custom_matchers
    assert len(matchers) == 1
    terminal.run_line_magic("reload_ext", "llm_notebook")
    assert len(matchers) == 1
    terminal.run_line_magic("unload_ext", "llm_notebook")
    assert matchers == []


def test_every_kind_of_completion_has_a_case() -> None:
    places = [place_in_cell(case.typed.partition("|")[0], *_cursor(case.typed)) for case in CASES]
    covered = {kind for place in places if place is not None for kind in place.kinds}
    # Turns are in the journal, which has a test of its own.
    assert {kind for kinds in option_kinds().values() for kind in kinds if kind} - covered - {"turn"} == set()


def _cursor(typed: str) -> tuple[int, int]:
    lines = typed.partition("|")[0].split("\n")
    return len(lines) - 1, len(lines[-1])


def test_every_option_that_takes_a_value_says_what_kind_it_is() -> None:
    kinds = option_kinds()
    for name, action in option_actions().items():
        takes = action.nargs if isinstance(action.nargs, int) else 1
        assert len(kinds.get(name, ("",) * takes)) == takes, name


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a ", ["a", ""]),
        ("-s 'two words' b", ["-s", "two words", "b"]),
        ('-s "open wo', ["-s", "open wo"]),
        ("it's Bob's", ["it's", "Bob's"]),
        ("--model='a b' c", ["--model=a b", "c"]),
    ],
)
def test_a_line_is_split_as_a_shell_does(line: str, words: list[str]) -> None:
    split = split_words(line)
    assert [word.text for word in split] == words
    assert [word.is_open for word in split] == [False] * (len(words) - 1) + [True]


def test_what_has_spaces_is_offered_in_quotation_marks() -> None:
    assert [quoted("a", ""), quoted("a b", ""), quoted("it's", ""), quoted("a", '"')] == [
        "a",
        "'a b'",
        '"it\'s"',
        '"a"',
    ]


@example("-xa ", 40)
@example("-x= ", 40)
@given(st.text(alphabet=st.sampled_from("%lm -oTas='\" {}\\\nx."), max_size=40), st.integers(0, 40))
def test_no_line_is_too_odd(text: str, at: int) -> None:
    typed = f"%llm {text}"[: 5 + at]
    lines = typed.split("\n")
    for cell in (typed, f"%{typed}"):
        place = place_in_cell(cell, len(lines) - 1, len(cell.split("\n")[-1]))
        assert place is None or cell.endswith(place.typed)
        found = completions_in(cell, len(lines) - 1, len(cell.split("\n")[-1]), {})
        assert found is None or found[0] == place.typed  # type: ignore[union-attr]


def test_the_manual_and_the_completion_know_the_same_options() -> None:
    assert {name for action in LLMMagics.llm.parser._actions for name in action.option_strings} == set(option_actions())
