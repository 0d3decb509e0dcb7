"""Embeddings from llama.cpp inside this process, for which the local model is loaded a second time.

Experiments with xllamacpp 2026.10 showed how its `Server` behaves, and the code follows from that:

- A server started for chat refuses to embed. A server started to embed can do both, but it reads a text in one batch, and its memory
  grows with the batch: 250 MB for 512 tokens, 900 MB for 2048. A chat needs small batches, between which it can be stopped. So
  embeddings have a separate server.
- `handle_embeddings()` blocks, without the GIL, and cannot be stopped. It computes the texts of one call one after the other. So each
  text is a separate call, and the computation can be stopped between two of them.
- The method is thread-safe, and the vectors have length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from llm_notebook.providers.local.engine import Engine, Generation, Outcome

if TYPE_CHECKING:
    import xllamacpp

__all__ = ["MAX_TOKENS", "EmbeddingEngine", "EmbeddingRun"]

MAX_TOKENS = 512


class EmbeddingEngine(Engine):
    """An Engine that embeds each text as the mean over its tokens. Nothing is imported or read before the first text."""

    def configure(self, params: xllamacpp.CommonParams, library: ModuleType) -> None:
        params.n_ctx = params.n_batch = params.n_ubatch = MAX_TOKENS
        params.embedding = True
        params.pooling_type = library.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN


class EmbeddingRun(Generation):
    """A computation of embeddings, one text after the other, in a separate thread.

    Args:
        engine: the engine that computes them.
        texts: the texts to embed.
        deliver: called in that thread with the answer for each text, and at the end with None or the exception that ended the
            computation. It must not block.
    """

    def __init__(self, engine: EmbeddingEngine, texts: Sequence[str], deliver: Callable[[Outcome], None]) -> None:
        super().__init__(engine, {}, deliver)
        self._texts = list(texts)

    def compute(self, server: xllamacpp.Server) -> None:
        for text in self._texts:
            if self._take(server.handle_embeddings({"input": [text]})):
                return
