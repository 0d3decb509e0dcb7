"""Finds the last figure of a notebook, for `-a -`: a figure that is open, the last picture that was shown, or the last result that is one."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment

__all__ = ["LastFigure"]

_PICTURES = ("image/png", "image/jpeg")
# A picture that a model has drawn is shown in a transcript, and is an answer, not a figure.
_OURS = "application/vnd.llm-notebook."


class LastFigure:
    """Remembers the last picture that the cells of a shell have shown.

    Matplotlib's inline figures are closed when their cell is over, so only the picture that was shown is left of them.

    Args:
        shell: the shell.

    Attributes:
        only_looks: whether it passes on everything that it is called with.
    """

    only_looks = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._shown: tuple[int, str] | None = None

    def open(self) -> None:
        """Start watching what is shown. In a terminal, no pictures are shown."""
        register = getattr(self._shell.display_pub, "register_hook", None)
        if register is not None:
            register(self)

    def close(self) -> None:
        """Stop watching."""
        unregister = getattr(self._shell.display_pub, "unregister_hook", None)
        if unregister is not None:
            unregister(self)

    def find(self) -> object | None:
        """Return the figure, or the picture of it; None if there is none."""
        from llm_notebook.objects.table import figure_kind  # what only prompts with figures need

        pyplot: Any = sys.modules.get("matplotlib._pylab_helpers")
        manager = pyplot.Gcf.get_active() if pyplot is not None else None
        if manager is not None:
            return manager.canvas.figure
        results = self._shell.user_ns.get("Out")
        numbers = [number for number, value in results.items() if figure_kind(value)] if results else []
        if self._shown is not None and self._shown[0] >= max(numbers, default=0):
            return _picture(self._shown[1])
        return results[max(numbers)] if results and numbers else None

    def __call__(self, message: dict[str, Any]) -> dict[str, Any]:
        """Note the picture in a message that is about to be sent, and return the message unchanged."""
        with suppress(Exception):
            data = message["content"]["data"]
            found = next((kind for kind in _PICTURES if kind in data), None)
            is_ours = any(kind.startswith(_OURS) for kind in data)
            if found is not None and not is_ours and message["header"]["msg_type"] == "display_data":
                self._shown = (self._shell.execution_count, f"data:{found};base64,{data[found]}")
        return message


def _picture(address: str) -> Attachment | None:
    from llm_notebook.parts.attachments import Attachment  # likewise

    # The data that was shown as a picture may be anything.
    with suppress(ValueError):
        return Attachment(url=address).settled()
    return None
