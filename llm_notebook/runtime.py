"""What a process shares: connections, the registry, the local engine. All of it hangs on one object."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.bridge.collection import Bridge
    from llm_notebook.event_loop import EventLoopThread
    from llm_notebook.mcp_client.connection import Connections
    from llm_notebook.plugins import Plugins
    from llm_notebook.providers.llama_embeddings import EmbeddingEngine
    from llm_notebook.providers.llama_engine import Engine
    from llm_notebook.providers.transport import Transport
    from llm_notebook.registry import Registry

__all__ = ["Runtime", "runtime"]


class Runtime:
    """Shared things, each made when it is first asked for."""

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
    def local_engine(self) -> Engine:
        """The one loaded local model."""
        from llm_notebook.providers.llama_engine import Engine  # noqa: PLC0415  loads llama.cpp

        return Engine()

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
