"""Cases of completion, for any version of IPython: what is typed, with a `|` for the cursor, and what Tab offers there.

`python -m tests.notebook.completion.cases` checks them all in the IPython that it finds, and prints those that fail as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from llm_notebook.configuration.process import process
from llm_notebook.providers.registry import Registry
from tests.notebook.completion.tabs import completions
from tests.notebook.scripted import register_models

__all__ = ["CASES", "Case", "is_met", "prepare"]

SETUP = """
import dataclasses, enum, pathlib, typing
def erase(path: str) -> str: return path
class Person: pass
@dataclasses.dataclass
class Point:
    x: int
class Colour(enum.Enum):
    RED = 1
class Row(typing.TypedDict):
    name: str
invoice = {"type": "object", "properties": {}}
settings = {"a": 1}
letter = "Dear Sir"
scan = pathlib.Path("scan.png")
raw_bytes = b"x"
count = 3
orders = [{"n": 1}]
"""


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        typed: the cell, with `|` at the cursor.
        first: what is offered first, in this order.
        among: what is offered somewhere.
        absent: what is not.
        nothing: nothing at all is offered.
    """

    typed: str
    first: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    nothing: bool = False


CASES = [
    # Subcommands.
    Case("%llm |", among=("models", "error", "usage", "templates", "-m", "help"), absent=("act",)),
    Case("%llm mod|", first=("models",)),
    Case("%llm e|", first=("error", "export")),
    Case("  %llm hist|", first=("history",)),
    Case("x = %llm usa|", first=("usage",)),
    Case("a = 1\n%llm pen|", first=("pending",)),
    Case("%llm models |", first=("-q", "--tools", "--schemas", "--options", "--all", "refresh", "list")),
    Case("%llm models --t|", first=("--tools",)),
    Case("%llm models --tools --s|", first=("--schemas",)),
    Case("%llm models refresh gr|", first=("groq",)),
    Case("%llm default sm|", first=("smollm2",)),
    Case("%llm aliases |", first=("set", "remove", "list")),
    Case("%llm aliases set fast ech|", first=("echo",)),
    Case("%llm aliases remove |", first=("parrot",), absent=("echo",)),
    Case("%llm keys |", first=("set", "remove", "list", "path")),
    Case("%llm keys set op|", first=("openai", "openrouter")),
    Case("%llm keys remove |", first=("scripted-two",)),
    Case("%llm local |", first=("install", "list", "remove")),
    Case("%llm local remove s|", first=("smollm2",)),
    Case("%llm usage |", first=("day", "model", "notebook")),
    Case("%llm error |", among=("fix", "-m")),
    Case("%llm error f|", first=("fix",)),
    Case("%llm error fix I|", among=("In[1]",)),
    Case("%llm error -m ech|", first=("echo",)),
    Case("%llm templates |", first=("show", "path", "list")),
    Case("%llm templates show s|", first=("summary",)),
    Case("%llm help err|", first=("error",)),
    Case("%llm help --o|", among=("--option", "--out")),
    Case("%llm history |", among=("-q",)),
    Case("%llm grants |", first=("list", "revoke")),
    Case("%llm approve |", nothing=True),
    # Options.
    Case("%%llm |", among=("-m", "--model", "-T", "--out"), absent=("models",)),
    Case("%%llm --mo|", first=("--model",)),
    Case("%llm --s|", among=("--system",)),
    Case("%%llm -|", among=("-m", "-s", "-T", "--usage")),
    Case("%%llm -m echo --ta --n|", among=("--new", "--no-log", "--no-stream")),
    Case("%%llm -m echo \\\n    --o|", among=("--out", "--option")),
    # Models: the default first, then what can be used, then what lacks a key.
    Case("%%llm -m |", first=("echo",)),
    Case("%%llm -m echo|", first=("echo",)),
    Case("%llm -m smol|", first=("smollm2",)),
    Case("%llm -mech|", first=("echo",)),
    Case("%llm --model=ech|", first=("echo",)),
    Case("%llm -m par|", first=("parrot",)),
    Case("%llm -m k|", first=("keyed",)),
    Case("%llm -m haiku|", among=("claude-haiku-4-5",)),
    Case("%llm -m 'ech|", first=("'echo'",)),
    # Options of models, and their values.
    Case("%llm -m echo -o |", first=("shout", "temperature")),
    Case("%llm -o sh|", first=("shout",)),
    Case("%llm -o shout |", first=("true", "false")),
    Case("%llm -o shout true -o |", first=("temperature",), absent=("shout",)),
    Case("%llm -m gpt-5-mini -o reasoning_effort |", among=("low", "high")),
    # Variables that fit.
    Case("%llm -T |", first=("erase",), absent=("letter", "count", "Person")),
    Case("%llm --approve er|", first=("erase",)),
    Case("%llm --out |", among=("count", "letter"), absent=("erase", "Person")),
    Case("%llm -f let|", first=("letter",)),
    Case("%llm -f |", among=("letter", "settings", "erase", "Person", "scan"), absent=("dataclasses",)),
    Case("%llm --sf set|", first=("settings",)),
    Case("%%llm --fragment let|", first=("letter",)),
    Case("%llm -a sc|", first=("scan",)),
    Case("%llm -a |", among=("scan", "raw_bytes"), absent=("erase", "count")),
    Case("%llm --at ra|", first=("raw_bytes",)),
    Case("%llm --at scan image/p|", first=("image/png",)),
    Case("%%llm --each |", first=("orders",), absent=("letter", "settings", "erase")),
    Case("%%llm --each orders --retry f|", first=("failed",)),
    Case("%llm --schema |", among=("Point", "Colour", "Row", "invoice"), absent=("settings", "letter", "Person")),
    Case("%llm --schema Po|", first=("Point",)),
    Case("%llm --schema-multi Ro|", first=("Row",)),
    # Files, templates and their variables.
    Case("%llm -f notes-of|", first=("notes-of-may.md",)),
    Case("%llm -a pictures-of-may/ch|", first=("pictures-of-may/chart.png",)),
    Case("%llm --schema form-of|", first=("form-of-may.json",)),
    Case("%llm -t su|", first=("summary",)),
    Case("%llm --template=su|", first=("summary",)),
    Case("%llm -t summary -p |", first=("words",), absent=("input",)),
    # Options with a few values.
    Case("%llm --as |", among=("markdown", "code", "json", "text", "table")),
    Case("%llm --context a|", first=("above", "all")),
    # Names that are not on the line of options.
    Case("%%llm -m echo\nTell me about {{ lett|", first=("letter",)),
    Case("%%llm -m echo\nTell me about {{ scan.na|", among=("scan.name",)),
    Case("%llm --key scr|", first=("scripted-two",)),
    Case("%llm --cl |", first=("0",)),
    # Prose is left alone.
    Case("%llm Tell me about imp|", nothing=True),
    Case("%llm -u Tell me about imp|", nothing=True),
    Case("%%llm -m echo\nTell me about imp|", nothing=True),
    Case('%llm "models|', nothing=True),
    Case("%llm -- mod|", nothing=True),
    Case("%llm -s |", nothing=True),
]


def prepare(shell: InteractiveShell, folder: Path) -> None:
    """Give a shell our magics, scripted models, an alias, a key and a template, and the variables and files that the cases name.

    Args:
        shell: the shell.
        folder: the working folder, which takes the files and what is stored.
    """
    os.chdir(folder)
    (folder / "pictures-of-may").mkdir()
    for name in ("notes-of-may.md", "form-of-may.json", "pictures-of-may/chart.png"):
        (folder / name).touch()
    home = folder / ".llm"
    os.environ["LLM_USER_PATH"] = str(home)
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        del os.environ[name]
    (home / "templates").mkdir(parents=True)
    (home / "templates" / "summary.yaml").write_text("prompt: Summarise $input in $words words\n", encoding="utf-8")
    (home / "keys.json").write_text('{"scripted-two": "x"}', encoding="utf-8")
    registry = Registry()
    register_models(registry)
    process.made[Registry] = registry
    shell.run_cell("%load_ext llm_notebook", silent=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shell.run_cell(
            "import llm_notebook\nllm_notebook.set_default_model('echo')\nllm_notebook.set_alias('parrot', 'echo')",
            silent=True,
        )
    shell.run_cell(SETUP, store_history=True)


def is_met(case: Case, found: list[str]) -> bool:
    """Return whether that is offered which the case says.

    Args:
        case: the case.
        found: what is offered, best first.
    """
    return (
        tuple(found[: len(case.first)]) == case.first
        and set(case.among) <= set(found)
        and not set(case.absent) & set(found)
        and not (case.nothing and found)
    )


def _failing(shell: InteractiveShell) -> list[str]:
    """Return a line for each case that fails."""
    found = [(case, completions(shell, case.typed)) for case in CASES]
    return [f"{case.typed!r}: {texts[:12]}" for case, texts in found if not is_met(case, texts)]


def _main() -> None:
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        shell = InteractiveShell(config=config)
        prepare(shell, Path(folder))
        sys.stdout.write(f"{json.dumps(_failing(shell))}\n")


if __name__ == "__main__":
    _main()
