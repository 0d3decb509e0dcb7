"""Opening the bridge: whether the `llm` package is there is found out without importing it, and opening is what imports it."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from llm_notebook.plugins.loading import said_in_one_line, warn

if TYPE_CHECKING:
    from llm_notebook.plugins.llm_package.collection import Bridge

__all__ = ["open_bridge"]

_OLDEST = (0, 32)  # the first with messages, parts and stream events


def open_bridge() -> Bridge | None:
    """What the `llm` package offers; None where it is not installed, and with a warning where it cannot be used."""
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
            f"The models and tools of the llm package are left out: it cannot be imported ({said_in_one_line(error)}). "
            "Is there a file called llm.py beside the notebook?"
        )
        return None
    return Bridge()


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
