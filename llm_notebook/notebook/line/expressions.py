"""Python expressions among the options of a line, such as `df.head(3)`: where one ends, and what it is in the notebook's namespace."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Mapping
from types import CodeType

__all__ = ["compiled_expression", "read_expression"]

_OPENING, _CLOSING, _QUOTES = "([{", ")]}", "'\""


def read_expression(text: str) -> tuple[str, str] | None:
    """Read an expression with its own quotation marks and spaces. Return (the expression, the text after it); None if there is none.

    By the rules of a shell `df["a"]` would lose its quotation marks, and `df.head(n=3, m=4)` would end at the space.
    """
    text = text.lstrip()
    if not text or not (text[0].isalpha() or text[0] in f"_{_OPENING}"):
        return None
    depth, quote, end = 0, "", len(text)
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[position - 1] != "\\" else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character.isspace() and depth <= 0:
            end = position
            break
    source = text[:end]
    if quote or depth or not (set(source) & set(_OPENING)) or _parsed(source) is None:
        return None
    return source, text[end:].lstrip()


def compiled_expression(source: str, names: Mapping[str, object]) -> CodeType | None:
    """Return the code of an expression whose variables are all there, at least one of them the notebook's; None for anything else.

    Args:
        source: what may be an expression, or the name of a file.
        names: the notebook's variables.
    """
    tree = _parsed(source.strip())
    if tree is None:
        return None
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in nodes if not isinstance(node.ctx, ast.Load)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    wanted = {node.id for node in nodes} - own
    # Built-in functions stand in expressions, but `license` alone is more likely to be a file.
    if not wanted & set(names) or not all(name in names or hasattr(builtins, name) for name in wanted):
        return None
    return compile(tree, "<llm>", "eval")


def _parsed(source: str) -> ast.Expression | None:
    try:
        with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
            return ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
