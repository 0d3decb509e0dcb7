"""Lets a package load its public names when they are first used, from the one list that type checkers read too.

A package that is quick to import and still typed has to say each public name twice: once for the type checker, which reads imports, and
once for Python, which must not execute them yet. Here the package writes down only the imports, in the form

    if TYPE_CHECKING or not load_lazily(globals()):
        from package.module import Name as Name

A type checker takes the block for what it is. At run time `load_lazily()` reads the same lines from the package's source and gives the
package a `__getattr__` (PEP 562), a `__dir__` and an `__all__` made of them. Where there is no source to read, it returns False, and
Python executes the block.

`load_once()` is for modules that define names themselves.
"""

from __future__ import annotations

import importlib
import sys

__all__ = ["load_lazily", "load_once"]

_START = "if TYPE_CHECKING or not load_lazily(globals()):"
_INDENT = "    "


def load_lazily(namespace: dict[str, object]) -> bool:
    """Make the names in a package's `TYPE_CHECKING` block importable from it, each loaded when it is first used.

    Comments in the block are headings: where there are any, the package's docstring gets the names under them, for `help()`.

    Args:
        namespace: the package's `globals()`.

    Returns:
        False where the package's source cannot be read; the block has to be executed then.
    """
    package = str(namespace["__name__"])
    file = str(namespace["__file__"])
    if not file.endswith(".py"):
        return False
    source: str = namespace["__loader__"].get_data(file).decode()  # type: ignore[attr-defined]
    homes: dict[str, str] = {}
    headings: dict[str, list[str]] = {}
    for line in _block(source):
        if line.startswith("#"):
            headings[line.removeprefix("# ")] = []
            continue
        _, module, _, name, _, _ = line.split()
        homes[name] = module
        if headings:
            headings[[*headings][-1]].append(name)

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return importlib.import_module(f"{package}.{name}")
        namespace[name] = getattr(importlib.import_module(homes[name]), name)
        return namespace[name]

    own = [name for name in namespace if name.startswith("__")]
    namespace["__all__"] = sorted(name for name, module in homes.items() if module != package)
    namespace["__getattr__"] = load
    namespace["__dir__"] = lambda: sorted({*own, *homes, *_functions_of(namespace)})
    namespace["__doc__"] = "\n".join([str(namespace["__doc__"]), *map(_listed, headings.items())])
    return True


def load_once(name: str, module: str) -> None:
    """Let a module that is imported under another name be the module itself, so that its classes do not exist twice.

    That happens where somebody says `sys.modules["llm"] = llm_notebook` and then `import llm.errors`.

    Args:
        name: the `__name__` under which it is imported.
        module: its own name.
    """
    if name != module:
        sys.modules[name] = importlib.import_module(module)


def _block(source: str) -> list[str]:
    """The lines of the block, without the blank ones and without comments to tools."""
    _, _, rest = source.partition(f"\n{_START}\n")
    lines = []
    for line in rest.splitlines():
        if line and not line.startswith(_INDENT):
            break
        if line.strip() and not line.startswith(f"{_INDENT}# isort:"):
            lines.append(line.strip())
    return lines


def _functions_of(namespace: dict[str, object]) -> list[str]:
    """The public functions that the package itself defines."""
    package = namespace["__name__"]
    return [
        name
        for name, value in namespace.items()
        if getattr(value, "__module__", None) == package and not name.startswith("_")
    ]


def _listed(group: tuple[str, list[str]]) -> str:
    """A heading and the names under it, as lines of a docstring."""
    heading, names = group
    lines = [f"\n{heading}:"]
    for name in names:
        if len(lines[-1]) + len(name) > 100 or len(lines) == 1:
            lines.append(_INDENT)
        lines[-1] += f"{name}, "
    return "\n".join(line.rstrip(", ") if line != lines[0] else line for line in lines)
