"""Shows a turn in a terminal: plain text, written as it arrives."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Sequence

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.display.encoding import spell_out_on_stdout
from llm_notebook.notebook.display.silence import Silence
from llm_notebook.notebook.display.terminal_rows import RowLines
from llm_notebook.notebook.frontend.bus import Sender
from llm_notebook.transcript.answer.sources import plain_sources
from llm_notebook.transcript.answer.tables import is_table
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.calls.call_rendering import plain_call
from llm_notebook.transcript.rendering import footer, marked_problem, plain_picture
from llm_notebook.transcript.sent_words import plain_sent
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.transcript.visible import spelled_out, terminal_safe, visible
from llm_notebook.transcript.words import not_saved_sentence, on_one_line, state_sentence

__all__ = ["TerminalDisplay", "has_colours"]

# The mark in front of our own lines about calls, and characters that look like it.
# In a model's text these are spelled out, so that it cannot imitate the mark.
_LIKE_OUR_MARK = re.compile("[▍▎▏]")
_MOST_PRINTED = 20_000  # characters of each call
_BACK = re.compile(r"\r+")
_OPEN = ("writing", "queued", "running", "suspended", "waiting", "approved", "unknown")


def has_colours(shell: InteractiveShell) -> bool:
    """Return whether stdout is a terminal that understands escape sequences, and the user has not turned colours off."""
    is_wanted = str(shell.colors).lower() != "nocolor" and not os.environ.get("NO_COLOR")
    return is_wanted and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


class TerminalDisplay:
    """Writes a turn to stdout as it arrives.

    Reasoning is dim, or has a title if there are no colours. No control character from the model reaches the terminal.

    What has been written cannot be changed, so a wait is written only when it gets long, and a call only when it is over. A call that waits
    for a human is written twice: as a question, and with its outcome. If several calls wait, all of their questions are written first. What
    a tool prints is written as it arrives, because the tool may ask about it next. The tool's name is written above it, and our mark before
    each line.

    Args:
        view: the turn.
        is_coloured: whether the terminal understands escape sequences, and the user wants them.
        explains: whether it says why a turn has failed. If not, the cell ends with the error itself.
    """

    def __init__(self, view: TranscriptView, *, is_coloured: bool, explains: bool = False) -> None:
        self._view = view
        self._is_coloured = is_coloured
        self._explains = explains
        # What has been written: all blocks before this one, this many chunks of this one, and these texts of calls, by their positions.
        self._block = 0
        self._chunk = 0
        self._calls: dict[int, str] = {}
        self._tables: dict[int, RowLines] = {}
        self._notice = ""
        self._suspended: list[CallBlock] = []
        self._wrote = False
        # The call whose printed lines were written last, whether its last line is unfinished, and how much of each call was written.
        self._printing: CallBlock | None = None
        self._is_in_line = False
        self._printed: dict[int, int] = {}
        self._lock = threading.RLock()
        self._errors = ""
        self._said_sent = False
        self._closed = threading.Event()

    def open(self, *, here: bool = False) -> None:
        self._errors = self._errors or spell_out_on_stdout()
        self._closed = threading.Event()
        for said in plain_sent(self._view.sent) if not self._said_sent else ():
            sys.stdout.write(f"{terminal_safe(said)}\n\n")
        self._said_sent = True
        threading.Thread(target=self._watch, args=(self._closed,), name="llm_notebook silence", daemon=True).start()

    def _watch(self, closed: threading.Event) -> None:
        """Say when the stream is silent. This is the body of a thread, because the reading thread waits for the stream."""
        silence = Silence(self._view, time.monotonic(), counts_wait=True)
        while not closed.wait(1.0):
            with self._lock:
                if silence.look(time.monotonic()) and not closed.is_set():
                    sys.stdout.write("\n" if self._wrote else "")
                    self.changed()

    def changed(self) -> None:
        with self._lock:
            was, self._notice = self._notice, self._view.notice
            if self._notice and self._notice != was:
                sys.stdout.write(f"{state_sentence(self._view)}\n")
            self._write(is_over=False)
            sys.stdout.flush()

    def printed(self, block: CallBlock, text: str | None) -> None:
        if not text:
            # A terminal cannot take back what it has shown, so nothing can be cleared.
            return
        with self._lock:
            before = self._printed.get(block.position, 0)
            after = self._printed[block.position] = before + len(text)
            if before < _MOST_PRINTED:
                self._write_printed(block, text[: _MOST_PRINTED - before])
            if before <= _MOST_PRINTED < after:
                self._write_printed(block, "\n… More of what it prints is not shown here.\n")
            sys.stdout.flush()

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._write(is_over=True)
        if self._is_in_line:
            sys.stdout.write("\n")
        self._printing, self._is_in_line = None, False
        problem = marked_problem(self._view) if self._explains else []
        lines = [
            *(self._view.beside.plain_below() if self._view.beside is not None else ()),
            *plain_sources(self._view.sources.listed),
            state_sentence(self._view),
            *problem,
            *self._view.remarks,
        ]
        lines += not_saved_sentence(self._view)
        if self._view.show_usage:
            lines.append(footer(self._view))
        tail = "".join(f"{terminal_safe(line)}\n" for line in lines if line)
        if self._view.blocks or self._view.state != "failed" or problem:
            sys.stdout.write(("\n" if self._wrote else "") + tail)
        self._wrote = False
        sys.stdout.flush()
        if self._errors:
            spell_out_on_stdout(self._errors)
            self._errors = ""

    def refresh(self) -> None:
        pass

    def leave(self) -> None:
        pass

    def senders(self) -> list[Sender]:
        return []

    def record_message(self) -> None:
        return None

    def _write(self, *, is_over: bool) -> None:
        blocks = self._view.blocks
        for call in [call for call in self._suspended if call.status not in _OPEN]:
            self._suspended.remove(call)
            self._write_call(call)
        while self._block < len(blocks):
            block = blocks[self._block]
            if isinstance(block, CallBlock):
                if block.status not in _OPEN or is_over:
                    self._write_call(block)
                if block.status == "suspended" and is_over:
                    # The question that it waits for comes after it, and its outcome after that.
                    self._suspended.append(block)
                elif block.status in _OPEN:
                    # Nothing but other questions may come between an open call and its outcome.
                    self._write_questions(blocks[self._block + 1 :] if is_over else [])
                    break
            elif block.kind != "reasoning" or not self._view.hide_reasoning:
                self._write_new(block, is_over=is_over or self._block + 1 < len(blocks))
            if self._block + 1 == len(blocks) and not isinstance(block, CallBlock):
                # The last block may still grow.
                break
            self._block += 1
            self._chunk = 0

    def _write_questions(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            if isinstance(block, CallBlock) and block.is_asked:
                self._write_call(block)

    def _write_printed(self, block: CallBlock, text: str) -> None:
        if self._printing is not block:
            self._separate()
            sys.stdout.write(f"▎ {on_one_line(block.name)} prints:\n")
            self._printing, self._is_in_line = block, False
        for line in _BACK.sub("\n", text.replace("\r\n", "\n")).splitlines(keepends=True):
            start = "" if self._is_in_line else "▎     "
            sys.stdout.write(start + visible(line))
            self._is_in_line = not line.endswith("\n")

    def _write_call(self, block: CallBlock) -> None:
        has_printed = block.position not in self._printed
        written = "\n".join(f"▎ {line}".rstrip() for line in plain_call(block, self._view, has_printed=has_printed))
        if written != self._calls.get(block.position):
            self._calls[block.position] = written
            self._separate()
            sys.stdout.write(written)

    def _write_rows(self, block: Block, *, is_over: bool) -> None:
        table = self._tables.get(block.position)
        if table is None:
            self._separate()
            table = self._tables[block.position] = RowLines()
        sys.stdout.write(table.take_new(block, is_over=is_over))

    def _write_new(self, block: Block, *, is_over: bool) -> None:
        if is_table(block):
            self._write_rows(block, is_over=is_over)
            return
        if block.table is not None and block.table.may_begin and not is_over:
            # A table is about to begin, and nobody needs to see its brackets.
            return
        if isinstance(block, PictureBlock):
            if self._chunk == 0:
                self._separate()
                sys.stdout.write(plain_picture(block))
                self._chunk = 1
            return
        is_reasoning = block.kind == "reasoning"
        if self._chunk == 0 and block.chunks:
            self._separate()
            if is_reasoning and not self._is_coloured:
                sys.stdout.write("Thought:\n")
        new = _LIKE_OUR_MARK.sub(spelled_out, terminal_safe("".join(block.chunks[self._chunk :])))
        self._chunk = len(block.chunks)
        if new:
            sys.stdout.write(f"\x1b[2m{new}\x1b[22m" if is_reasoning and self._is_coloured else new)

    def _separate(self) -> None:
        if self._printing is not None:
            sys.stdout.write("\n\n" if self._is_in_line else "\n")
            self._printing, self._is_in_line = None, False
        elif self._wrote:
            sys.stdout.write("\n\n")
        self._wrote = True
