"""What a sentence about an option that does not exist suggests: the option that was meant, or where else the same is to be had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from llm_notebook.notebook.errors import nearest

__all__ = ["is_known_elsewhere", "option_hint"]

_LIKE = 0.75
# Spellings of the `llm` command, and words that people try, with the options of ours that do the same.
_MEANT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "--agree": ("--ta",),
        "--as-json": ("--json",),
        "--ask": ("--ta",),
        "--attach": ("--attachment", "-a"),
        "--chain": ("--cl",),
        "--code": ("--extract", "-x"),
        "--confirm": ("--ta",),
        "--conversation": ("--cid",),
        "--conversation-id": ("--cid",),
        "--file": ("--fragment", "-f"),
        "--format": ("--as",),
        "--function": ("--functions",),
        "--image": ("--attachment", "-a"),
        "--limit": ("--cl",),
        "--output": ("--out",),
        "--picture": ("--attachment", "-a"),
        "--prompt-template": ("--template", "-t"),
        "--rows": ("--each",),
        "--batch": ("--each",),
        "--budget": ("--limit-cost",),
        "--max-cost": ("--limit-cost",),
        "--parallel": ("--concurrency",),
        "--jobs": ("--concurrency",),
        "--resume": ("--no-resume",),
        "--stream": ("--no-stream",),
        "--system-prompt": ("--system", "-s"),
        "--table": ("--as",),
        "--temperature": ("-o",),
        "--tools": ("--tool", "-T"),
        "--tools-approve": ("--ta",),
        "--tools-debug": ("--td",),
        "--variable": ("--out",),
        "--verbose": ("--td",),
    }
)
# Options of the `llm` command that have no counterpart here, and what to do instead.
_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "--async": "Cells run one after the other; in Python, `get_async_model()` answers beside other work.",
        "--database": "Every notebook keeps its turns in one journal, which `%llm history` shows.",
        "--help": "`%llm help` is the manual.",
        "--list": "`%llm help` names the subcommands that list things.",
        "--log": "Every turn is kept in the journal unless `-n` stands here.",
        "--models": "`%llm models` lists them.",
        "--options": "`%llm models -q MODEL --options` lists the options of a model.",
        "--query": "`%llm models -q TEXT` finds a model, and `-m MODEL` uses it.",
        "--version": "`llm_notebook.__version__` has it, and `%llm plugins` shows it.",
    }
)
_SHORT: Mapping[str, str] = MappingProxyType(
    {"-d": "--database", "-h": "--help", "-q": "--query", "-l": "--list", "-v": "--version"}
)
# Options that the `llm` command has and that only Python has here, as long as no option of ours is called so.
_IN_PYTHON: Mapping[str, str] = MappingProxyType(
    {
        "-a": "attachments=[…]",
        "--at": "attachments=[…]",
        "-f": "fragments=[…]",
        "--sf": "system_fragments=[…]",
        "-t": "load_template(…)",
        "-p": "load_template(…)",
        "--each": "map_rows(…)",
        "--schema": "schema=…",
        "--schema-multi": "schema=…",
    }
)


def option_hint(wrong: str, known: Collection[str]) -> str:
    """Return a sentence, with a space before it, that helps a user who typed an unknown option.

    Args:
        wrong: the option, with its dashes.
        known: the options that there are, with their dashes.
    """
    # A single dash before a whole word is a slip of its own.
    doubled = f"-{wrong}" if len(wrong) > 2 and not wrong.startswith("--") else wrong
    if doubled in known:
        return f" Did you mean {doubled}?"
    name = _SHORT.get(doubled, doubled)
    meant = next((option for option in _MEANT.get(name, ()) if option in known), None)
    if meant is not None:
        return f" Did you mean {meant}?"
    if name in _ELSEWHERE:
        return f" {_ELSEWHERE[name]}"
    python = next((_IN_PYTHON[option] for option in (name, *_MEANT.get(name, ())) if option in _IN_PYTHON), None)
    if python is not None:
        return f" Python has it: `{python}`."
    return _begun(doubled, known) or nearest(doubled, known, cutoff=_LIKE) or " `%llm help` lists the options."


def is_known_elsewhere(name: str) -> bool:
    """Return whether a long option that there is not is one of the `llm` command, or a word for one that people try."""
    return name in _MEANT or name in _ELSEWHERE or (name in _IN_PYTHON and name.startswith("--"))


def _begun(typed: str, known: Collection[str]) -> str:
    """Return ` Did you mean X?` if one option alone begins or ends as it was typed."""
    word = typed.lstrip("-")
    if len(word) < 3:
        return ""
    for fits in (str.startswith, str.endswith):
        found = [option for option in known if option.startswith("--") and fits(option.lstrip("-"), word)]
        if len(found) == 1:
            return f" Did you mean {found[0]}?"
    return ""
