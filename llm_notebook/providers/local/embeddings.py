"""The embedding model that runs in this process: SmolLM2-135M on llama.cpp. It needs no key, no server and no network."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.models.embeddings import EmbeddingModel, EmbeddingModelWithAliases

if TYPE_CHECKING:
    from llm_notebook.providers.local.embedding_engine import EmbeddingEngine
    from llm_notebook.providers.local.engine import Outcome

__all__ = ["LocalEmbedding", "local_embedding_models"]

_MODEL_ID = "smollm2"
_ALIASES = ("smollm2-135m", "SmolLM2-135M", "SmolLM2")


def local_embedding_models() -> list[EmbeddingModelWithAliases]:
    """Return the embedding models that run in this process. This loads nothing and looks for no files."""
    return [EmbeddingModelWithAliases(LocalEmbedding(), _ALIASES)]


class LocalEmbedding(EmbeddingModel):
    """SmolLM2-135M as an embedding model. A text of at most 512 tokens becomes a vector of 576 numbers and length 1.

    It is a language model and was not trained for retrieval. It serves to try things out without a key.

    Args:
        engine: the engine that computes the embeddings; None means the one of this process.
    """

    model_id: str = _MODEL_ID
    batch_size: int | None = 8

    def __init__(self, engine: EmbeddingEngine | None = None) -> None:
        self._engine = engine

    @property
    def engine(self) -> EmbeddingEngine:
        """The engine that computes the embeddings. The models of this process share one unless they were given another."""
        from llm_notebook.providers.local.embedding_engine import EmbeddingEngine  # only for embeddings

        return self._engine or process.of(EmbeddingEngine)

    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> Iterator[list[float]]:
        """Yield the vector of each text. An interrupt takes effect after the text that is being computed.

        Raises:
            ModelError: xllamacpp or the weights are missing, or a text is empty or too long.
        """
        from llm_notebook.providers.local.embedding_engine import EmbeddingRun  # only for embeddings

        texts = [item for item in items if isinstance(item, str)]
        outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        run = EmbeddingRun(self.engine, texts, outcomes.put)
        try:
            run.start()
            for text in texts:
                yield _vector(outcomes.get(), text)
        finally:
            run.cancel()


def _vector(outcome: Outcome, text: str) -> list[float]:
    if isinstance(outcome, ModelError):
        raise outcome
    if isinstance(outcome, BaseException):
        raise ModelError(f"{_MODEL_ID}: llama.cpp failed ({outcome}).") from outcome
    if outcome is None:
        raise ModelError(f"{_MODEL_ID}: llama.cpp gave no embedding.")
    if outcome.get("error"):
        raise _refusal(outcome["error"], text)
    vector: list[float] = outcome["data"][0]["embedding"]
    return vector


def _refusal(error: dict[str, Any], text: str) -> ModelError:
    from llm_notebook.providers.local.embedding_engine import MAX_TOKENS  # only for embeddings

    said = str(error.get("message", error))
    if not text:
        return ModelError(f"{_MODEL_ID}: an empty text cannot be embedded; leave it out.")
    if "too large" in said or "exceed" in said:
        counted = re.search(r"\((\d+) tokens\)", said)
        size = f" has {counted[1]} tokens" if counted else ""
        return ModelError(f"{_MODEL_ID}: the text {text[:40]!r}…{size}; it embeds up to {MAX_TOKENS}: split the text.")
    return ModelError(f"{_MODEL_ID}: llama.cpp refused the text: {said}")
