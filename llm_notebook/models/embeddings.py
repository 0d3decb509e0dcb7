"""Embedding models, which turn texts or bytes into lists of numbers."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from llm_notebook.configuration.keys import KeySource, hidden
from llm_notebook.errors import ModelError
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.turns.concurrency.interrupts import stoppable

__all__ = ["EmbeddingModel", "EmbeddingModelWithAliases"]

_DEFAULT_BATCH = 100


class EmbeddingModel(KeyHolder, ABC):
    """A model that turns an item, a text or bytes, into a list of numbers. Subclasses implement `embed_batch()`.

    Attributes:
        model_id: the name that `get_embedding_model()` takes.
        key: a key for this model object; it overrides every other source.
        needs_key: the name under which the key is stored, if the model needs one.
        key_env_var: the environment variable that may hold the key.
        supports_text: whether items can be `str`.
        supports_binary: whether items can be `bytes`.
        batch_size: the largest number of items for `embed_batch()`; None leaves the choice to `embed_multi()`.
    """

    supports_text: bool = True
    supports_binary: bool = False
    batch_size: int | None = None

    def embed(self, item: str | bytes, *, key: KeySource | None = None) -> list[float]:
        """Return the numbers for one item.

        Args:
            item: a text, or bytes if the model accepts them.
            key: an API key, the name of a stored one, or a function that returns a key.

        Raises:
            ValueError: the model does not accept items of this type. Nothing was sent.
            ModelError: the model failed, or needs a key and there is none.
        """
        key = hidden(key)
        self._check(item)
        (vector,) = self._embed([item], key)
        return vector

    def embed_multi(
        self, items: Iterable[str | bytes], batch_size: int | None = None, *, key: KeySource | None = None
    ) -> Iterator[list[float]]:
        """Yield the numbers for each item, in the same order. A batch is read and computed when its first numbers are needed.

        Args:
            items: texts, or bytes if the model accepts them. A list is checked as a whole before anything is sent, other iterables batch by
                batch.
            batch_size: how many are computed at once; the model's own `batch_size` if not given.
            key: an API key, the name of a stored one, or a function that returns a key.

        Raises:
            ValueError: an item has a type that the model does not accept.
            ModelError: the model failed, or needs a key and there is none. What was yielded before is valid.
        """
        key = hidden(key)
        if isinstance(items, str | bytes):
            raise ValueError("embed_multi() takes several items: give a list, or use embed() for one.")
        size = self.batch_size or _DEFAULT_BATCH if batch_size is None else batch_size
        if size < 1:
            raise ValueError(f"batch_size must be 1 or more, not {size}.")
        if isinstance(items, list | tuple):
            for position, item in enumerate(items):
                self._check(item, position)
        return self._batches(items, size, key)

    @abstractmethod
    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> Iterable[list[float]]:
        """Return the numbers for each of a few items, in the same order and all of the same length.

        Args:
            items: at most `batch_size` items of the types that the model accepts.
            key: the key to use, already resolved; None if there is none.
        """

    def _check(self, item: object, position: int | None = None) -> None:
        if (isinstance(item, str) and self.supports_text) or (isinstance(item, bytes) and self.supports_binary):
            return
        names = [name for name, takes in (("text", self.supports_text), ("bytes", self.supports_binary)) if takes]
        which = "" if position is None else f"Item {position}: "
        raise ValueError(f"{which}{self.model_id} embeds {' or '.join(names)}, not {type(item).__name__}.")

    def _batches(self, items: Iterable[str | bytes], size: int, key: KeySource | None) -> Iterator[list[float]]:
        remaining, position = iter(items), 0
        while batch := list(islice(remaining, size)):
            for offset, item in enumerate(batch):
                self._check(item, position + offset)
            yield from self._embed(batch, key)
            position += len(batch)

    def _embed(self, batch: list[str | bytes], key: KeySource | None) -> list[list[float]]:
        """Return the vectors of `embed_batch()` after checking that there is one for each item, because a missing one would shift all the others."""
        with stoppable():
            vectors = [list(map(float, vector)) for vector in self._run(batch, key)]
        if len(vectors) != len(batch):
            raise ModelError(
                f"{self.model_id} gave {len(vectors)} embeddings for {len(batch)} items: they cannot be matched."
            )
        return vectors

    def _run(self, batch: list[str | bytes], key: KeySource | None) -> Iterable[list[float]]:
        resolved = self.get_key(key)
        parameters = inspect.signature(self.embed_batch).parameters.values()
        if any(parameter.name == "key" or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            return self.embed_batch(batch, key=resolved)
        if resolved == self.key:
            return self.embed_batch(batch)
        # Older plugins read the key from the model. A copy has it, as other threads may use this model with other keys.
        keyed = copy.copy(self)
        keyed.key = resolved
        return keyed.embed_batch(batch)

    def __str__(self) -> str:
        return f"{type(self).__name__}: {self.model_id}"

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(slots=True)
class EmbeddingModelWithAliases:
    """A registered embedding model and its other names.

    Attributes:
        known_to_llm: whether the `llm` command has this model too, so that it can be its default.
    """

    model: EmbeddingModel
    aliases: Sequence[str] = ()
    known_to_llm: bool = False

    @property
    def model_id(self) -> str:
        """The model's id."""
        return self.model.model_id

    def matches(self, query: str) -> bool:
        """Return whether the id, an alias or the class contains the query, ignoring case."""
        return any(query.lower() in name.lower() for name in [str(self.model), *self.aliases])
