"""Routes what tools print to their calls while a turn is read.

Output has no sender in Python: everything that is printed goes through `write()` of one stream, and everything that is displayed through
one publisher. So these two are wrapped while turns are read. Each piece goes to the call that the printing code belongs to
(`turns.printing`); a piece that belongs to no call is passed on. The objects themselves stay in place, because others hold them too, such as
the handlers of `logging`. The output of other programs belongs to the call that is running, or else to the one that ran last. If another
call ran at the same time as that one, the output goes into the cell, because it is read with a delay and a program may outlive its call.

A picture, a table or a widget that a tool displays is shown in the cell as usual, since it may be interactive, and its text is noted in the
call. `clear_output()` in a tool clears what its call has printed, and not the answer around it.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from llm_notebook.notebook.frontend.kernel import in_kernel
from llm_notebook.notebook.running.child_output import is_pipe_reader, wait_for_pipes
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.turns.calls.printing import Sink, current_sink, outside_calls

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from llm_notebook.notebook.display.notebook import AnswerDisplay
    from llm_notebook.transcript.view import TranscriptView

__all__ = ["PrintRoutes", "ShownOutput"]

# The text form of objects that have no real one, such as HTML.
_PLAIN_OBJECT = re.compile(r"\A<IPython\.core\.display\.(\w+) object>\Z")


@dataclass(slots=True)
class ShownOutput:
    """Shows what the calls of a turn print.

    Attributes:
        view: the turn.
        display: shows the turn.
        latest: the call that ran last; empty if there was none, or if others ran at the same time.
    """

    view: TranscriptView
    display: AnswerDisplay
    latest: str = ""
    _beside_others: set[str] = field(default_factory=set)

    def add(self, call_id: str, text: str | None) -> None:
        """Add a piece of what a call prints; None clears what it has printed so far."""
        # A terminal writes it in the same thread, which must not count as output of the tool again.
        with outside_calls():
            block = self.view.add_printed(call_id, text)
            if block is not None:
                self.display.printed(block, text)

    def text_of(self, call_id: str) -> str:
        """Return what a call has printed, shortened. A call that is noted as running has just ended."""
        block = self.view.call(call_id)
        if block is not None and block.status == "running":
            wait_for_pipes()
            running = self.running()
            if len(running) > 1:
                self._beside_others.update(running)
            self.latest = "" if call_id in self._beside_others else call_id
        return "" if block is None else block.printed.text

    def ran_beside_others(self, call_id: str) -> bool:
        """Return whether another call of the turn, by now ended, ran at the same time, so that a program may belong to either."""
        return call_id in self._beside_others

    def running(self) -> list[str]:
        """Return the calls that are running."""
        return [block.call_id for block in self.view.calls if block.status == "running"]


class PrintRoutes:
    """The wrappers of one shell, which are in place while at least one turn is read.

    Args:
        shell: the shell whose tools print.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._is_in_kernel = in_kernel(shell)
        self._lock = threading.Lock()
        self._outputs: list[ShownOutput] = []
        self._undo: list[Callable[[], None]] = []

    @contextmanager
    def open(self, output: ShownOutput) -> Iterator[None]:
        """Route what is printed in the `with` block.

        Args:
            output: receives what the calls of a turn print.
        """
        with self._lock:
            self._outputs = [*self._outputs, output]
            if not self._undo:
                self._wrap_all()
        try:
            yield
        finally:
            with self._lock:
                self._outputs = [other for other in self._outputs if other is not output]
                if not self._outputs:
                    while self._undo:
                        self._undo.pop()()

    def child_sink(self) -> Sink | None:
        """Return the sink for the output of other programs; None if it is not known which call they belong to."""
        outputs = self._outputs
        running = [(output, call_id) for output in outputs for call_id in output.running()]
        if not running and len(outputs) == 1 and outputs[0].latest:
            running = [(outputs[0], outputs[0].latest)]
        if len(running) != 1:
            return None
        [(output, call_id)] = running
        return None if output.ran_beside_others(call_id) else partial(output.add, call_id)

    def _wrap_all(self) -> None:
        for stream in {id(stream): stream for stream in (sys.stdout, sys.stderr)}.values():
            self._wrap(stream, "write", partial(_routed_write, stream, self))
        publisher = self._shell.display_pub
        # In a terminal, what is displayed is printed.
        if self._is_in_kernel:
            self._wrap(publisher, "publish", _noted_publish)
        self._wrap(publisher, "clear_output", _routed_clear)

    def _wrap(self, holder: object, name: str, make: Callable[[Any], object]) -> None:
        original = getattr(holder, name, None)
        if original is None:
            return
        before = vars(holder).get(name)
        wrapper = make(original)
        # A stream that cannot be wrapped prints where it always did.
        with suppress(AttributeError, TypeError):
            setattr(holder, name, wrapper)
            self._undo.append(lambda: _put_back(holder, name, wrapper, before))


def _put_back(holder: object, name: str, wrapper: object, before: object) -> None:
    # If other code has wrapped it since, its wrapper stays.
    if vars(holder).get(name) is not wrapper:
        return
    if before is None:
        delattr(holder, name)
    else:
        setattr(holder, name, before)


def _routed_write(stream: object, routes: PrintRoutes, write: Callable[[object], object]) -> Callable[[object], object]:
    here = os.getpid()

    def routed(text: object) -> object:
        sink = routes.child_sink() if is_pipe_reader(stream) else current_sink()
        # In a forked child process, nothing reads what a sink receives.
        if sink is None or not isinstance(text, str) or os.getpid() != here:
            return write(text)
        if text:
            sink(text)
        return len(text)

    return routed


def _noted_publish(publish: Callable[..., object]) -> Callable[..., object]:
    def noted(data: Any, *arguments: object, **options: Any) -> object:
        sink = current_sink()
        is_ours = not isinstance(data, dict) or MIME_TYPE in data
        if sink is None or is_ours or options.get("update"):
            return publish(data, *arguments, **options)
        text = data.get("text/plain")
        if isinstance(text, str):
            sink(_PLAIN_OBJECT.sub(r"[\1, displayed in the cell]", text) + "\n")
        # A text without a display id cannot be updated, so it need not be an output of its own.
        if set(data) == {"text/plain"} and not (options.get("transient") or {}).get("display_id"):
            return None
        return publish(data, *arguments, **options)

    return noted


def _routed_clear(clear: Callable[..., object]) -> Callable[..., object]:
    def routed(*arguments: object, **options: Any) -> object:
        sink = current_sink()
        return clear(*arguments, **options) if sink is None else sink(None)

    return routed
