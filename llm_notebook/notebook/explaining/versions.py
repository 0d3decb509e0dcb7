"""The versions of the packages that a traceback and its values involve."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

__all__ = ["versions_of"]

_MOST = 12
# The machinery around the user's code.
_AROUND = frozenset({"IPython", "ipykernel", "llm_notebook", "traitlets", "tornado", "asyncio", "__main__", "builtins"})


def versions_of(packages: Iterable[str], modules: Iterable[str], values: Iterable[object]) -> dict[str, str]:
    """Return versions by the name of the package, Python's first.

    Args:
        packages: first what the exception names, such as a module that could not be imported, then the module that defines its class.
        modules: the names of the modules of its frames.
        values: the values that are named in it.
    """
    named, *others = packages
    found = {"Python": platform.python_version()}
    missing = _top([named])
    for name in dict.fromkeys([*missing, *_top([*modules, *others, *_homes(values)])]):
        version = _version(name)
        if version or name in missing:
            found[name] = version or "not installed"
        if len(found) > _MOST:
            break
    return found


def _homes(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        yield value.__name__ if isinstance(value, ModuleType) else str(getattr(type(value), "__module__", ""))
        if isinstance(value, type) or callable(value):
            yield str(getattr(value, "__module__", "") or "")


def _top(names: Iterable[str]) -> list[str]:
    tops = (name.partition(".")[0] for name in names)
    return [name for name in tops if name and name not in _AROUND and name not in sys.stdlib_module_names]


def _version(name: str) -> str:
    """Return the version of a package, given the name by which it is imported; empty if it has none."""
    from importlib.metadata import PackageNotFoundError, version  # only where asked for

    stated = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(stated, str):
        return stated[:40]
    try:
        return version(name)
    except (PackageNotFoundError, ValueError):
        return ""
