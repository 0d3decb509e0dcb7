"""`Any` means JSON and little else.

What counts as JSON is `dict[str, Any]`, `Mapping[str, Any]` and `list[Any]`: objects and lists as `json.loads()` returns them. `**options: Any`
takes the options of a model, which are JSON values too. Every other `Any` in the package is counted.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import llm_notebook

PACKAGE = Path(llm_notebook.__file__).parent
JSON = {"dict[str, Any]", "Mapping[str, Any]", "list[Any]"}
PUBLIC = ["", "errors", "serialization", "parts", "tools", "models", "plugins", "templates"]
# The answer that a schema describes is JSON, or an instance of the class that was given as the schema.
ALLOWED = {"Response.parsed", "AsyncResponse.parsed"}


def other_than_json(node: ast.AST) -> Iterator[ast.AST]:
    """Every `Any` in a piece of code that is not JSON. Annotations in quotation marks count, docstrings do not."""
    if isinstance(node, ast.Subscript) and ast.unparse(node) in JSON:
        return
    if isinstance(node, ast.Name) and node.id == "Any":
        yield node
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast" and isinstance(node.args[0], ast.Constant):
        yield from other_than_json(ast.parse(str(node.args[0].value)))
    kwarg = node.kwarg if isinstance(node, ast.arguments) else None
    for child in ast.iter_child_nodes(node):
        if child is not kwarg or ast.unparse(child).partition(": ")[2] != "Any":
            yield from other_than_json(child)


def test_any_is_rare() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in other_than_json(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(found) < 150, "\n".join(found)


def public_signatures() -> Iterator[tuple[str, str, object]]:
    """The annotations of all public functions and methods, each with the name of its function and of its parameter."""
    for room in PUBLIC:
        module = importlib.import_module(f"llm_notebook.{room}".rstrip("."))
        for name in module.__all__:
            thing = getattr(module, name)
            members = {name: thing} if inspect.isfunction(thing) else {}
            if inspect.isclass(thing):
                bases = [base for base in thing.__mro__ if base.__module__.startswith("llm_notebook")]
                members = {f"{name}.{key}": value for base in reversed(bases) for key, value in vars(base).items()}
            for key, member in members.items():
                function = (
                    member.fget if isinstance(member, property) else inspect.unwrap(getattr(member, "__func__", member))
                )
                # pydantic's own methods begin with `model_`.
                is_ours = key.endswith(".__init__") or not key.rpartition(".")[2].startswith(("_", "model_"))
                if inspect.isfunction(function) and is_ours:
                    yield from ((key, argument, written) for argument, written in function.__annotations__.items())


def test_public_signatures_say_what_they_take_and_return() -> None:
    vague = []
    for function, argument, written in public_signatures():
        code = ast.parse(written if isinstance(written, str) else inspect.formatannotation(written))
        if any(other_than_json(code)) and function not in ALLOWED and not argument.endswith(("options", "keywords")):
            vague.append(f"{function}({argument}: {written})")
    assert vague == []
