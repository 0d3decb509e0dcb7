"""How much of a sync class stands again in its async twin: `python -m tests.models.twin_lines` prints a table.

Lines are normalised: no comments, docstrings, imports or white space, no `async`, `await`, `aiter`, `anext`, `Async…`. The lines of a
method's signature, which each face needs for itself, count as much as any other line. Logic that both faces share is written once, whether
they inherit it or hold it as an object (`DRIVEN`): it counts as part of the class.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from typing import Any

import llm_notebook as llm
from llm_notebook.turns.chain import Chain

__all__ = ["TWINS", "normalised_lines", "share_repeated"]

TWINS: list[tuple[type[Any], type[Any]]] = [
    (llm.Response, llm.AsyncResponse),
    (llm.ChainResponse, llm.AsyncChainResponse),
    (llm.Conversation, llm.AsyncConversation),
    (llm.Model, llm.AsyncModel),
    (llm.KeyModel, llm.AsyncKeyModel),
    (llm.OpenAIChat, llm.AsyncOpenAIChat),
    (llm.AnthropicMessages, llm.AsyncAnthropicMessages),
    (llm.GeminiModel, llm.AsyncGeminiModel),
]

DRIVEN: dict[type[Any], type[Any]] = {llm.ChainResponse: Chain, llm.AsyncChainResponse: Chain}


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                body[0] = ast.Pass()
    return tree


def normalised_lines(cls: type[Any]) -> list[str]:
    """The lines of a class and of what it inherits from classes of its own flavour alone, as they read without async."""
    lines = []
    for owner in (*cls.__mro__, *([DRIVEN[cls]] if cls in DRIVEN else [])):
        if owner is object or not owner.__module__.startswith("llm_notebook"):
            continue
        source = ast.unparse(_without_docstrings(ast.parse(inspect.cleandoc("\n" + inspect.getsource(owner)))))
        for line in source.splitlines():
            plain = re.sub(r"\basync |\bawait |\bAsync(?=[A-Z])|_async\b", "", line)
            plain = re.sub(r"\ba(iter|next|close|stream_events)\b", r"\1", plain)
            plain = re.sub(r"__a(iter|next|enter|exit)__", r"__\1__", plain).replace(
                "StopAsyncIteration", "StopIteration"
            )
            if plain.strip() not in ("", "pass") and not plain.strip().startswith(("import ", "from ")):
                lines.append(f"{owner.__name__}: {plain.strip()}" if _is_shared(owner) else plain.strip())
    return lines


def _is_shared(owner: type[Any]) -> bool:
    """Both flavours inherit it: its lines are written once."""
    return owner in DRIVEN.values() or any(issubclass(sync, owner) and issubclass(twin, owner) for sync, twin in TWINS)


def share_repeated(sync: type[Any], twin: type[Any]) -> float:
    """The share, 0 to 1, of the lines of a sync class, inherited ones included, that are written again for its async twin."""
    lines = Counter(normalised_lines(sync))
    again = Counter(line for line in normalised_lines(twin) if not _from_shared(line))
    repeated = sum(min(count, again[line]) for line, count in lines.items())
    return repeated / sum(lines.values())


def _from_shared(line: str) -> bool:
    return bool(re.match(r"_?\w+: ", line)) and line.partition(":")[0] in {
        owner.__name__
        for pair in TWINS
        for cls in pair
        for owner in (*cls.__mro__, *DRIVEN.values())
        if _is_shared(owner)
    }


if __name__ == "__main__":
    for pair in TWINS:
        print(f"{pair[0].__name__:15} {share_repeated(*pair):6.1%}")  # noqa: T201  a script
