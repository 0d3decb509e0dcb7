"""How a turn reaches the eye while it streams: one display that is updated in a notebook, plain text in a terminal."""

from __future__ import annotations

import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.kernel import Publish, in_kernel, publisher, threadsafe_publisher
from llm_notebook.transcript.rendering import footer, markdown_of, plain_of, state_sentence
from llm_notebook.transcript.view import Block, TranscriptView
from llm_notebook.transcript.visible import terminal_safe, visible

__all__ = ["AnswerDisplay", "Pace", "answer_display", "show_markdown"]

_BEFORE_WAITING_SHOWS = 0.15
_SHORTEST_INTERVAL = 0.05
_LONGEST_INTERVAL = 2.0
_GROWTH_PER_UPDATE = 1 / 64


class AnswerDisplay(Protocol):
    """Shows one turn. The caller feeds the view and says when it changed."""

    def open(self) -> None:
        """Show that something is under way."""

    def changed(self) -> None:
        """The view has changed; cheap enough to be called for every chunk."""

    def close(self) -> None:
        """The turn is over: show it as it will stay."""


def answer_display(shell: InteractiveShell, view: TranscriptView) -> AnswerDisplay:
    """The display that suits the front end."""
    if in_kernel(shell):
        return NotebookDisplay(shell, view)
    return TerminalDisplay(view)


def show_markdown(shell: InteractiveShell, markdown: str, plain: str) -> None:
    """Show a finished text of our own. `markdown` is safe already; of `plain` no control character reaches a terminal."""
    if in_kernel(shell):
        publisher(shell)({"text/markdown": markdown, "text/plain": terminal_safe(plain)}, uuid.uuid4().hex, False)
    else:
        sys.stdout.write(terminal_safe(plain) + "\n")


@dataclass(slots=True)
class Pace:
    """When a text that is sent whole is worth sending again: all sendings together stay in proportion to the text."""

    _size: int = 0
    _at: float = 0.0

    def due(self, size: int, now: float) -> bool:
        """True if the text should be sent at this moment.

        Args:
            size: of the text by now, in characters.
            now: in seconds, on a clock that only goes forward.
        """
        if size - self._size < self._size * _GROWTH_PER_UPDATE and now - self._at < _LONGEST_INTERVAL:
            return False
        self._size, self._at = size, now
        return True


class NotebookDisplay:
    """One output under one display id, repainted at most 20 times a second.

    A painter thread repaints, so that the newest words and the waiting time appear even while the model is silent. A repaint
    sends the whole text, at its `Pace`. Where output cannot be sent from a thread, the turn is shown once, when it is over.
    """

    def __init__(
        self, shell: InteractiveShell, view: TranscriptView, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publish: Publish = publisher(shell)
        self._publish_from_thread = threadsafe_publisher(shell)
        self._view = view
        self._clock = clock
        self._display_id = uuid.uuid4().hex
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._shown: dict[str, Any] | None = None
        self._pace = Pace()
        self._painter: threading.Thread | None = None
        self._began = clock()

    def open(self) -> None:
        self._began = self._clock()
        if self._publish_from_thread is not None:
            self._painter = threading.Thread(target=self._paint, name="llm_notebook painter", daemon=True)
            self._painter.start()

    def changed(self) -> None:
        self._wake.set()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        if self._painter is not None:
            self._painter.join()
        # What fails at once shows its error alone, without an empty output above it.
        if self._shown is not None or self._view.blocks or self._view.state != "failed":
            self._show(self._publish)

    def _paint(self) -> None:
        publish = self._publish_from_thread
        assert publish is not None
        self._wake.wait(timeout=_BEFORE_WAITING_SHOWS)
        while not self._closed.is_set():
            self._wake.clear()
            if self._view.silent:
                self._view.seconds = self._clock() - self._began
                self._show(publish)
            elif self._pace.due(self._view.size, self._clock()):
                self._show(publish)
            self._closed.wait(_SHORTEST_INTERVAL)
            self._wake.wait(timeout=1.0)

    def _show(self, publish: Publish) -> None:
        bundle = {"text/markdown": markdown_of(self._view), "text/plain": plain_of(self._view)}
        if bundle != self._shown:
            publish(bundle, self._display_id, self._shown is not None)
            self._shown = bundle


class TerminalDisplay:
    """Text written as it comes. Reasoning is dim; control characters of the model's never reach the terminal."""

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        self._block = 0
        self._chunk = 0
        self._notice = ""
        self._wrote = False

    def open(self) -> None:
        pass

    def changed(self) -> None:
        if self._view.notice and self._view.notice != self._notice:
            self._notice = self._view.notice
            sys.stdout.write(f"{state_sentence(self._view)}\n")
        blocks = self._view.blocks
        while self._block < len(blocks):
            block = blocks[self._block]
            if block.kind != "reasoning" or not self._view.hide_reasoning:
                self._write_new(block)
            if self._block + 1 == len(blocks):
                break
            self._block += 1
            self._chunk = 0
        sys.stdout.flush()

    def _write_new(self, block: Block) -> None:
        if self._chunk == 0 and block.chunks:
            if self._wrote:
                sys.stdout.write("\n\n")
            self._wrote = True
            if block.kind in ("call", "result"):
                sys.stdout.write(f"[{visible(block.name)}] ")
        new = terminal_safe("".join(block.chunks[self._chunk :]))
        self._chunk = len(block.chunks)
        if new:
            dim = block.kind == "reasoning" and sys.stdout.isatty()
            sys.stdout.write(f"\x1b[2m{new}\x1b[22m" if dim else new)

    def close(self) -> None:
        self.changed()
        lines = [state_sentence(self._view), self._view.remark]
        if self._view.show_usage:
            lines.append(footer(self._view))
        tail = "".join(f"{line}\n" for line in lines if line)
        if self._view.blocks or self._view.state != "failed":
            sys.stdout.write(("\n" if self._wrote else "") + tail)
        sys.stdout.flush()
