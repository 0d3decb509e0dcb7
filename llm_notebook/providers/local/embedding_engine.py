"""Embeddings from llama.cpp inside this process, with the local model loaded a second time for them.

What xllamacpp's `Server` does, found by experiment with 2026.10:

- One that is started for chat refuses to embed. One that is started to embed can do both, but it reads a text in one
  batch, and its memory grows with the batch: 250 MB for 512 tokens, 900 MB for 2048. The small batches that let a chat be
  stopped are no use here. So it is a server of its own.
- `handle_embeddings()` blocks without the GIL and cannot be stopped; texts of one call are computed one after the other
  anyway. So each text is a call, and between two of them the computation can be stopped.
- It is thread-safe, and the vectors have length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llm_notebook.providers.local.engine import Engine, Generation, Outcome

__all__ = ["MAX_TOKENS", "EmbeddingEngine", "EmbeddingRun"]

MAX_TOKENS = 512


class EmbeddingEngine(Engine):
    """An Engine that embeds texts, as the mean over their tokens. Nothing is imported or read before the first text."""

    def configure(self, params: Any, xllamacpp: Any) -> None:
        params.n_ctx = params.n_batch = params.n_ubatch = MAX_TOKENS
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN


class EmbeddingRun(Generation):
    """Texts being embedded, one after the other, in a thread of its own.

    Args:
        engine: what computes them.
        texts: what to embed.
        deliver: called in that thread with the answer for each text, at last with None or the exception that ended it.
            Must not block.
    """

    def __init__(self, engine: EmbeddingEngine, texts: Sequence[str], deliver: Callable[[Outcome], None]) -> None:
        super().__init__(engine, {}, deliver)
        self._texts = list(texts)

    def compute(self, server: Any) -> None:
        for text in self._texts:
            if self._take(server.handle_embeddings({"input": [text]})):
                return
