"""Notices when a stream has been silent for a while, so that the reader can be told that nothing is lost or stuck on this side."""

from __future__ import annotations

from llm_notebook.transcript.view import TranscriptView

__all__ = ["Silence"]

_PATIENCE = 10.0  # seconds
_AT_WORK = ("running", "suspended")


class Silence:
    """Watches one run of a turn. The time that a tool takes is not the model's silence.

    Args:
        view: the turn.
        now: the time in seconds, on a monotonic clock.
        counts_wait: whether the wait for the first words is silence as well, because nothing else shows it.
    """

    def __init__(self, view: TranscriptView, now: float, *, counts_wait: bool = False) -> None:
        self._view = view
        self._counts_wait = counts_wait
        self._seen = (-1, -1)
        self._since = now

    def look(self, now: float) -> bool:
        """Let the view say so if nothing has arrived for 10 seconds. Return whether it has just begun to say so."""
        view = self._view
        seen = view.size, len(view.touched)
        is_begun = view.state == "streaming" and not view.silent
        is_quiet = (is_begun or (self._counts_wait and view.silent)) and not view.notice
        if seen != self._seen or not is_quiet or any(call.status in _AT_WORK for call in view.calls):
            self._seen, self._since = seen, now
        elif now - self._since >= _PATIENCE:
            waiting = "" if is_begun else f"Waiting for {view.model_id}. "
            view.show_notice(f"{waiting}Nothing has arrived for {_PATIENCE:.0f} s.")
            return True
        return False
