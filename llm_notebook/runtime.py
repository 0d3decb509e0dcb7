"""What a process shares: connections, the registry, the local engine. All of it hangs on one object."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from llm_notebook.bridge.collection import Bridge
    from llm_notebook.event_loop import EventLoopThread
    from llm_notebook.journals import Journal
    from llm_notebook.mcp_client.connection import Connections
    from llm_notebook.plugins import Plugins
    from llm_notebook.providers.llama_embeddings import EmbeddingEngine
    from llm_notebook.providers.llama_engine import Engines
    from llm_notebook.providers.transport import Transport
    from llm_notebook.registry import Registry

__all__ = ["Runtime", "runtime"]


class Runtime:
    """Shared things, each made when it is first asked for.

    Attributes:
        keeps_journal: everything that is asked goes into the user's own journal, as in notebooks.
        journal_problem: why there is no journal although there should be; empty while all is well.
    """

    def __init__(self) -> None:
        self.keeps_journal = False
        self.journal_problem = ""
        self._journal: Journal | None = None
        self._is_own = False
        self._reading: Journal | None = None

    @property
    def journal(self) -> Journal | None:
        """Where everything that is asked is kept; None where that was not asked for, or cannot be done."""
        wanted = self.keeps_journal or "LLM_NOTEBOOK_JOURNAL" in os.environ
        if self._journal is None and wanted and not self.journal_problem:
            from llm_notebook.errors import JournalError  # noqa: PLC0415  beside the lazy import below

            try:
                self._journal, self._is_own = self._opened(None), True
            except JournalError as error:
                self.journal_problem = str(error)
        return self._journal

    @property
    def journal_to_read(self) -> Journal | None:
        """The journal, for reading: opened if it has to be.

        Raises:
            JournalError: it cannot be opened.
        """
        if self.journal is not None:
            return self.journal
        if self._reading is None:
            self._reading = self._opened(None)
        return self._reading

    def open_journal(self, path: str | Path | None = None) -> Journal:
        """Open a journal and keep everything in it from now on.

        Raises:
            JournalError: it cannot be opened.
        """
        self._journal, self._is_own = self._opened(path), False
        self.journal_problem = ""
        return self._journal

    def stop_keeping(self) -> None:
        """Keep nothing by itself from now on. A journal that the user has opened goes on."""
        self.keeps_journal = False
        if self._is_own and "LLM_NOTEBOOK_JOURNAL" not in os.environ:
            self.close_journal()

    def _opened(self, path: str | Path | None) -> Journal:
        from llm_notebook.journal import open_sqlite_journal  # noqa: PLC0415  loads sqlite3

        return open_sqlite_journal(path)

    def close_journal(self) -> None:
        """Keep nothing from now on."""
        open_ones = [journal for journal in (self._journal, self._reading) if journal is not None]
        self._journal = self._reading = None
        self.keeps_journal, self.journal_problem = False, ""
        for journal in open_ones:
            journal.close()

    @functools.cached_property
    def event_loop(self) -> EventLoopThread:
        """Where async tools of sync chains run."""
        from llm_notebook.event_loop import EventLoopThread  # noqa: PLC0415  loads asyncio

        return EventLoopThread()

    @functools.cached_property
    def transport(self) -> Transport:
        """The pooled HTTP clients."""
        from llm_notebook.providers.transport import Transport  # noqa: PLC0415  loads httpx

        return Transport()

    @functools.cached_property
    def local_engines(self) -> Engines:
        """The models that run in this process, one of them loaded at a time."""
        from llm_notebook.providers.llama_engine import Engines  # noqa: PLC0415  only for local models

        return Engines()

    @functools.cached_property
    def local_embedding_engine(self) -> EmbeddingEngine:
        """The local model loaded for embeddings."""
        from llm_notebook.providers.llama_embeddings import EmbeddingEngine  # noqa: PLC0415  only for embeddings

        return EmbeddingEngine()

    @functools.cached_property
    def mcp_connections(self) -> Connections:
        """The connections to MCP servers."""
        from llm_notebook.mcp_client.connection import Connections  # noqa: PLC0415  loads mcp

        return Connections()

    @functools.cached_property
    def plugins(self) -> Plugins:
        """The plugins and what they register."""
        from llm_notebook.plugins import Plugins  # noqa: PLC0415  loads pluggy

        return Plugins()

    @functools.cached_property
    def bridge(self) -> Bridge | None:
        """What the `llm` package and its plugins offer; None where it is not installed or cannot be used."""
        from llm_notebook.bridge.opening import open_bridge  # noqa: PLC0415  loads the llm package where it is installed

        return open_bridge()

    @functools.cached_property
    def registry(self) -> Registry:
        """The models that `get_model()` knows."""
        from llm_notebook.registry import Registry  # noqa: PLC0415  reads files when first used

        return Registry()


runtime = Runtime()
