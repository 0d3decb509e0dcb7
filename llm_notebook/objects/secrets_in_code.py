"""Finds secrets in Python code: the texts that are given to a name such as `password`, however the code gives them.

The sign `=` and a text after it are only one way. A default of `os.getenv()`, a field with an annotation, a text in `SecretStr(…)`, and the second
argument of `os.environ.setdefault("API_KEY", …)` are others. They are found in the syntax tree, so they are found only in code that Python can read.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator

from llm_notebook.objects.secret_names import is_secret_name
from llm_notebook.objects.secret_spans import Span, apart

__all__ = ["literals_in_code"]

_LONGEST = 200_000
# Lines that IPython and not Python reads: magics, commands of a shell, and questions about a name.
_OF_IPYTHON = re.compile(
    r"^[ \t]*(?:[%!?]|\w+[ \t]*=[ \t]*[%!]).*$|^[ \t]*[%\w.*]{1,200}\?{1,2}[ \t\r]*$", re.MULTILINE
)
# Calls that return what they are given, in another form.
_SAME = frozenset(
    "SecretStr SecretBytes Secret SecretParam str bytes bytearray Field field attrib encode decode strip quote quote_plus cast".split()
)
# Calls whose first argument is a name, and whose second is used if there is nothing under that name.
_DEFAULTS = frozenset("get getenv pop setdefault env config".split())
# Calls that put the second of two texts under the first.
_PUTS = re.compile(r"set|put|env|get|add|write|store|insert|header|replace", re.IGNORECASE)
# Texts that may hold settings of their own, such as `"host=db password=…"`.
_MAY_HOLD = re.compile(
    r"(?:key|token|secret|pass|pwd|credential|authorization|cookie)[\w.-]*\s{0,3}[=:]", re.IGNORECASE
)
_LITERAL = re.compile(r"[A-Za-z]{0,2}['\"]")
_SETTING = re.compile(r"[A-Za-z][\w.-]*")


def literals_in_code(text: str) -> list[Span]:
    """Return the literals of a piece of code that are or may hold secrets, in order; none if it is not Python.

    What a shell or a magic is given counts as a literal that may hold some.
    """
    if len(text) > _LONGEST:
        return []
    commands: list[Span] = []
    # A line of Python may begin like one of IPython: with the operator `%`, or inside a long text.
    tree = _parsed(text)
    if tree is None:
        commands = [(*line.span(), "") for line in _OF_IPYTHON.finditer(text)]
        # Each such line becomes a statement of the same length, so that all other places stay the same.
        tree = _parsed(_OF_IPYTHON.sub(lambda found: _stand_in(found[0]), text)) if commands else None
    if tree is None:
        return commands
    places = _Places(text)
    holding = [
        ("", node) for node in ast.walk(tree) if isinstance(node, ast.Constant) and _MAY_HOLD.search(_text_of(node))
    ]
    found = {places.of(node): name for name, node in (*holding, *_secrets_in(tree))}
    # In the versions of Python before 3.12, the places of what is inside an f-string may be wrong.
    literals = [(start, end, name) for (start, end), name in found.items() if _LITERAL.match(text, start)]
    return apart([*literals, *commands])


def _stand_in(line: str) -> str:
    indentation = line[: len(line) - len(line.lstrip())]
    return f"{indentation}0" + " " * (len(line) - len(indentation) - 1)


def _parsed(code: str) -> ast.Module | None:
    for shifted in (code, f"if 1:\n{code}"):
        is_shifted = shifted is not code
        if is_shifted and textwrap.dedent(code) == code:
            break
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(shifted)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if is_shifted:
            ast.increment_lineno(tree, -1)
        return tree
    return None


class _Places:
    """Turns the places of nodes, which count lines and bytes of UTF-8, into places in the text."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def of(self, node: ast.expr) -> tuple[int, int]:
        return self._at(node.lineno, node.col_offset), self._at(node.end_lineno or 1, node.end_col_offset or 0)

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode(errors="ignore"))


def _secrets_in(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the literals in a tree that are secrets, with their names."""
    for node in ast.walk(tree):
        for kind, reader in _READERS:
            if isinstance(node, kind):
                for name, value in reader(node):
                    if is_secret_name(name):
                        yield from ((name, literal) for literal in _literals(value))


def _assigned(node: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> Iterator[tuple[str, ast.expr]]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if node.value is not None:
            yield from _matched(target, node.value)


def _matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, given in zip(target.elts, value.elts, strict=False):
            yield from _matched(one, given)
    elif name := _name_of(target):
        yield name, value


def _name_of(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    return _text_of(target.slice) if isinstance(target, ast.Subscript) else ""


def _text_of(node: ast.expr | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""


def _entries(node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    yield from ((_text_of(key), value) for key, value in zip(node.keys, node.values, strict=True))


def _defaults(node: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    by_position = [*node.posonlyargs, *node.args]
    for argument, default in zip(reversed(by_position), reversed(node.defaults), strict=False):
        yield argument.arg, default
    for argument, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if value is not None:
            yield argument.arg, value


def _compared(node: ast.Compare) -> Iterator[tuple[str, ast.expr]]:
    each = [node.left, *node.comparators]
    yield from ((_name_of(one), other) for one in each for other in each if other is not one)


def _called(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for argument in node.keywords:
        yield argument.arg or "", argument.value
        if argument.arg == "auth" and isinstance(argument.value, ast.Tuple | ast.List):
            yield "password", argument.value.elts[-1] if argument.value.elts else argument.value
    function = _name_of(node.func)
    if function == "login" or function.endswith("BasicAuth"):
        yield from (("password", given) for given in node.args[1:])
    if _PUTS.search(function):
        for given, after in zip(node.args, node.args[1:], strict=False):
            name = _text_of(given)
            yield name if _SETTING.fullmatch(name) else "", after


_READERS: tuple[tuple[type | tuple[type, ...], Callable[..., Iterable[tuple[str, ast.expr]]]], ...] = (
    ((ast.Assign, ast.AnnAssign, ast.NamedExpr), _assigned),
    (ast.Dict, _entries),
    (ast.arguments, _defaults),
    (ast.Compare, _compared),
    (ast.Call, _called),
)


def _literals(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the literals of texts that an expression may have as its value."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str | bytes) and node.value.strip():
            yield node
    elif isinstance(node, ast.JoinedStr):
        if any(isinstance(part, ast.Constant) and str(part.value).strip() for part in node.values):
            yield node
    else:
        for part in _parts(node):
            yield from _literals(part)


def _parts(node: ast.expr) -> list[ast.expr]:
    """Return the parts of an expression of which its value is made."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return node.elts
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.NamedExpr):
        return [node.value]
    return _parts_of_call(node) if isinstance(node, ast.Call) else []


def _parts_of_call(node: ast.Call) -> list[ast.expr]:
    function = _name_of(node.func)
    named = [argument.value for argument in node.keywords if argument.arg in ("default", "value")]
    if function in _DEFAULTS:
        return [*node.args[1:], *named]
    if function not in _SAME:
        return []
    before = [node.func.value] if isinstance(node.func, ast.Attribute) and not node.args else []
    return [*before, *node.args, *named]
