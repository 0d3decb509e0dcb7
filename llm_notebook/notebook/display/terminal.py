"""Shows a turn in a terminal: plain text, written as it arrives."""

from __future__ import annotations

import sys

from llm_notebook.notebook.frontend.frontend import Sender
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.call_rendering import plain_call
from llm_notebook.transcript.rendering import footer, plain_picture
from llm_notebook.transcript.sources import plain_sources
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.transcript.visible import terminal_safe
from llm_notebook.transcript.words import state_sentence

__all__ = ["TerminalDisplay"]

_OPEN = ("writing", "queued", "running", "waiting", "approved", "unknown")


class TerminalDisplay:
    """Writes a turn to stdout as it arrives. Reasoning is dim; no control character from the model reaches the terminal.

    What has been written cannot be changed, so a call is written only when it is over. A call that waits for a human is written
    twice: as the question, and with its outcome.

    Args:
        view: the turn.
    """

    def __init__(self, view: TranscriptView) -> None:
        self._view = view
        # What has been written: all blocks before this one, and of this one so many chunks, or this text of a call.
        self._block = 0
        self._chunk = 0
        self._call = ""
        self._notice = ""
        self._wrote = False

    def open(self, *, here: bool = False) -> None:
        pass

    def changed(self) -> None:
        if self._view.notice and self._view.notice != self._notice:
            self._notice = self._view.notice
            sys.stdout.write(f"{state_sentence(self._view)}\n")
        self._write(is_over=False)
        sys.stdout.flush()

    def close(self) -> None:
        self._write(is_over=True)
        lines = [*plain_sources(self._view.sources.listed), state_sentence(self._view), *self._view.remarks]
        if self._view.show_usage:
            lines.append(footer(self._view))
        tail = "".join(f"{terminal_safe(line)}\n" for line in lines if line)
        if self._view.blocks or self._view.state != "failed":
            sys.stdout.write(("\n" if self._wrote else "") + tail)
        self._wrote = False
        sys.stdout.flush()

    def refresh(self) -> None:
        pass

    def leave(self) -> None:
        pass

    def senders(self) -> list[Sender]:
        return []

    def _write(self, *, is_over: bool) -> None:
        blocks = self._view.blocks
        while self._block < len(blocks):
            block = blocks[self._block]
            if isinstance(block, CallBlock):
                if block.status not in _OPEN or is_over:
                    self._write_call(block)
                if block.status in _OPEN:
                    # Nothing after an open call may be written before its outcome.
                    break
            elif block.kind != "reasoning" or not self._view.hide_reasoning:
                self._write_new(block)
            if self._block + 1 == len(blocks) and not isinstance(block, CallBlock):
                # The last block may still grow.
                break
            self._block += 1
            self._chunk = 0
            self._call = ""

    def _write_call(self, block: CallBlock) -> None:
        written = "\n".join(f"▎ {line}".rstrip() for line in plain_call(block, self._view))
        if written != self._call:
            self._call = written
            self._separate()
            sys.stdout.write(written)

    def _write_new(self, block: Block) -> None:
        if isinstance(block, PictureBlock):
            if self._chunk == 0:
                self._separate()
                sys.stdout.write(plain_picture(block))
                self._chunk = 1
            return
        if self._chunk == 0 and block.chunks:
            self._separate()
        new = terminal_safe("".join(block.chunks[self._chunk :]))
        self._chunk = len(block.chunks)
        if new:
            dim = block.kind == "reasoning" and sys.stdout.isatty()
            sys.stdout.write(f"\x1b[2m{new}\x1b[22m" if dim else new)

    def _separate(self) -> None:
        if self._wrote:
            sys.stdout.write("\n\n")
        self._wrote = True
