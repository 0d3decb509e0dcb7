"""Embedding models on servers that speak OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_notebook.configuration.keys import KeySource, Secret
from llm_notebook.configuration.process import process
from llm_notebook.models.embeddings import EmbeddingModel, EmbeddingModelWithAliases
from llm_notebook.providers.http.servers import OpenAIServer

if TYPE_CHECKING:
    from llm_notebook.providers.http.wire import WireRequest

__all__ = ["OpenAIEmbedding", "openai_embedding_models"]

_SMALL, _LARGE = "text-embedding-3-small", "text-embedding-3-large"
_SHORTENED = ((_SMALL, 512), (_LARGE, 256), (_LARGE, 1024))


class OpenAIEmbedding(OpenAIServer, EmbeddingModel):
    """An embedding model on any server that speaks OpenAI's `/v1/embeddings`. It embeds texts.

    Args:
        model_id: the name that `get_embedding_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None means OpenAI.
        model_name: the server's name for the model, if it differs from `model_id`.
        key: an API key, or a function that returns one for each request. OpenAI requires one; your own server may not.
        dimensions: how many numbers each embedding has, if the model offers a choice.
        headers: sent with every request.
        timeout: seconds without a byte after which a request is given up; None means 600.
        total_timeout: seconds after which the whole answer must be there, further attempts included; None means no limit.
        max_retries: how often an unanswered request is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.

    Raises:
        ValueError: `base_url` is not an address, or `dimensions` is less than 1.
    """

    batch_size: int | None = 100

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None = None,
        model_name: str | None = None,
        key: KeySource | None = None,
        dimensions: int | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        total_timeout: float | None = None,
        max_retries: int = 2,
        needs_key: str | None = None,
        key_env_var: str | None = None,
    ) -> None:
        super().__init__(
            model_id,
            base_url=base_url,
            model_name=model_name,
            key=key,
            headers=headers,
            timeout=timeout,
            total_timeout=total_timeout,
            max_retries=max_retries,
            needs_key=needs_key,
            key_env_var=key_env_var,
        )
        if dimensions is not None and dimensions < 1:
            raise ValueError(f"dimensions must be 1 or more, not {dimensions}.")
        self.dimensions = dimensions

    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> list[list[float]]:
        """Embed texts with one request, and return one vector for each.

        Raises:
            ProviderError: the server answered with an error, or with something that is not embeddings.
            TransportError: no answer came.
            IncompleteResponse: the answer broke off.
        """
        from llm_notebook.providers.http.settings import TransportSettings  # loaded with the first request
        from llm_notebook.providers.http.transport import Transport  # loads httpx
        from llm_notebook.providers.openai.embeddings_wire import EmbeddingsDecoder  # loads pydantic_core

        key = key and Secret(key)
        request = self._request(items, key)
        decoder = EmbeddingsDecoder(len(items), self.model_id, request.secrets)
        settings = TransportSettings(self.timeout, self.max_retries, self.tls, self.total_timeout)
        for _ in process.of(Transport).stream(request, decoder, settings, lambda _retry: None):
            pass
        return decoder.vectors

    def _request(self, items: Sequence[str | bytes], key: str | None) -> WireRequest:
        from llm_notebook.providers.openai.embeddings_wire import embeddings_body  # loads pydantic_core

        texts = [str(item) for item in items if isinstance(item, str)]
        body = embeddings_body(texts, self.model_name, dimensions=self.dimensions, packed=self.base_url is None)
        return self.wire_request("embeddings", json.dumps(body, ensure_ascii=False, separators=(",", ":")), key)


def openai_embedding_models() -> list[EmbeddingModelWithAliases]:
    """Return OpenAI's embedding models, with the ids and aliases that the `llm` command gives them.

    Source: the provider's model pages as of November 2026.
    """
    models = [
        EmbeddingModelWithAliases(OpenAIEmbedding("text-embedding-ada-002"), ("ada", "ada-002"), known_to_llm=True)
    ]
    for model_id, dimensions in ((_SMALL, None), (_LARGE, None), *_SHORTENED):
        name = model_id if dimensions is None else f"{model_id}-{dimensions}"
        model = OpenAIEmbedding(name, model_name=model_id, dimensions=dimensions)
        models.append(EmbeddingModelWithAliases(model, (name.removeprefix("text-embedding-"),), known_to_llm=True))
    return models
