"""Opening the bridge to the `llm` package, which is imported only if it is installed and new enough."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import TYPE_CHECKING

from llm_notebook.plugins.loading import one_line, warn

if TYPE_CHECKING:
    from llm_notebook.plugins.llm_package.collection import Bridge

__all__ = ["open_bridge"]

_OLDEST = (0, 32)  # the first version with messages, parts and stream events


def open_bridge() -> Bridge | None:
    """Import the `llm` package and return what it offers.

    Returns:
        None if the package is not installed, if this package stands in for it, or, with a warning, if it cannot be used.
    """
    if getattr(sys.modules.get("llm"), "__name__", "llm") == "llm_notebook":
        # Somebody has said `sys.modules["llm"] = llm_notebook`, for plugins to use this package.
        return None
    try:
        version = metadata.version("llm")
    except metadata.PackageNotFoundError:
        return None
    if _release(version) < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        warn(
            f"The models and tools of the llm package are left out: it is {version}, and {wanted} or newer is needed. "
            "Upgrade it with `pip install -U llm`."
        )
        return None
    try:
        from llm_notebook.plugins.llm_package.collection import Bridge  # imports llm
    except Exception as error:
        warn(
            f"The models and tools of the llm package are left out: it cannot be imported ({one_line(error)}). "
            "Is there a file called llm.py beside the notebook?"
        )
        return None
    return Bridge()


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
