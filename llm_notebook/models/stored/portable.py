"""Pickles responses for other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.turns.plan import open_log

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.turn import Turn

__all__ = ["Portable"]


class Portable:
    """Base class of responses. A response can be pickled before it is sent, to be sent where it is loaded, or when it is over.

    The key, the conversation, the callbacks, and what runs the tools of a finished response are left out.
    """

    prompt: Prompt
    model: object
    stream: bool
    _turn: Turn
    _id: str

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled.

        Raises:
            TypeError: the response is being read.
        """
        turn = self._turn
        if turn.state.status == "streaming":
            raise TypeError("A response cannot be pickled while it is read: read it to its end first.")
        over = (turn.state, turn.results, self._id or turn.turn_id) if turn.state.is_over else None
        return {"prompt": self.prompt, "model": self.model, "stream": self.stream, "over": over}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the response that was pickled; the journal that is open in this process records its turn."""
        make: Any = type(self).__init__
        make(self, state["prompt"], state["model"], state["stream"], log=open_log(None))
        if state["over"] is not None:
            turn = self._turn
            turn.state, turn.results, self._id = state["over"]
            turn.is_concluded = True
