"""The wire format of OpenAI's `/v1/embeddings`: request bodies, and the decoding of answers. No I/O."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError
from llm_notebook.parts.messages import StreamEvent, Usage
from llm_notebook.providers.http.errors import provider_error, words_of

__all__ = ["EmbeddingsDecoder", "embeddings_body", "vectors_of"]

_BOM = b"\xef\xbb\xbf"
_FLOAT_BYTES = 4
_LARGEST_BODY = 256 * 2**20
_NO_NUMBERS = "an `embedding` holds numbers that are infinite or undefined"


def embeddings_body(
    texts: Sequence[str], model_name: str, *, dimensions: int | None = None, packed: bool = False
) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        texts: the texts to embed, one or more.
        model_name: the server's name for the model.
        dimensions: how many numbers each embedding has; None means the model's default.
        packed: whether to ask for the numbers as base64, which takes a quarter of the bytes. Servers other than OpenAI's may refuse.
    """
    body: dict[str, Any] = {"model": model_name, "input": list(texts)}
    if dimensions is not None:
        body["dimensions"] = dimensions
    if packed:
        body["encoding_format"] = "base64"
    return body


class EmbeddingsDecoder:
    """The decoder of an answer, which is one JSON body. There are no stream items; `vectors` has the result at the end.

    Args:
        count: how many embeddings the request asked for.
        sender: the model's id, for error messages.
        secrets: what error messages must not show.

    Attributes:
        done: whether the body is complete.
        failure: the error if the body is too large, so that the rest of it is not read. `close()` raises this error and every other one.
        vectors: the embeddings in the order of the texts.
        usage: the tokens used, as far as the server reported them.
        resolved_model: the model that the server says it used.
    """

    def __init__(self, count: int, sender: str, secrets: Secrets = NO_SECRETS) -> None:
        self.done = False
        self.failure: ModelError | None = None
        self.vectors: list[list[float]] = []
        self.usage = Usage()
        self.resolved_model: str | None = None
        self._count = count
        self._sender = sender
        self._secrets = secrets
        self._received = bytearray()

    def feed(self, piece: bytes) -> list[str | StreamEvent]:
        """Keep a piece of the body, and return no items."""
        if len(self._received) + len(piece) > _LARGEST_BODY:
            self.failure = self._not_embeddings(f"it is larger than {_LARGEST_BODY // 2**20} MB")
        else:
            self._received += piece
        return []

    def expect_whole(self) -> None:
        """Do nothing, since the answer is always one body."""

    def drain(self) -> list[str | StreamEvent]:
        """Return nothing: vectors are no items of a stream."""
        return []

    def close(self) -> list[str | StreamEvent]:
        """Decode the body, and return no items.

        Raises:
            IncompleteResponse: the body is cut short.
            ProviderError: the body reports an error, or does not hold the embeddings that the request asked for.
        """
        if self.failure is not None:
            raise self.failure
        try:
            body = from_json(self._received.removeprefix(_BOM))
        except ValueError:
            raise self._unreadable() from None
        if isinstance(body, dict) and not body.get("data") and (body.get("error") or words_of(body)):
            raise provider_error(self._sender, body, secrets=self._secrets)
        try:
            self.vectors = vectors_of(body, self._count)
        except ValueError as error:
            raise self._not_embeddings(str(error)) from None
        usage = body.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        self.usage = Usage(input=tokens if isinstance(tokens, int) else None)
        self.resolved_model = body.get("model") if isinstance(body.get("model"), str) else None
        self.done = True
        return []

    def _unreadable(self) -> ModelError:
        try:
            beginning = from_json(self._received, allow_partial=True)
        except ValueError:
            beginning = None
        if isinstance(beginning, dict) or not self._received.strip():
            return IncompleteResponse(f"{self._sender}: the answer broke off before its end; nothing of it is used.")
        if self._received.strip()[:1] == b"<":
            return ProviderError(f"{self._sender}: the server answered with a web page, not an API. Check base_url.")
        begins = self._secrets.scrub(
            bytes(self._received[:4096]).decode(errors="replace"), otherwise="with what is withheld"
        )
        return self._not_embeddings(f"it begins {begins[:80]!r}")

    def _not_embeddings(self, why: str) -> ModelError:
        return provider_error(self._sender, f"the answer is no list of embeddings: {why}", secrets=self._secrets)


def vectors_of(body: object, count: int) -> list[list[float]]:
    """Return the embeddings of an answer in the order of the texts, whatever their order in the answer.

    Args:
        body: the parsed answer.
        count: the number of texts.

    Raises:
        ValueError: there is not one embedding for each text, or their lengths differ; the message says what the answer holds.
    """
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise ValueError("it has no list `data`")
    if len(data) != count:
        raise ValueError(f"it holds {len(data)} for {count} texts")
    indices = [entry.get("index") for entry in data]
    if any(index is not None for index in indices):
        if sorted(index if isinstance(index, int) else -1 for index in indices) != list(range(count)):
            raise ValueError("its `index` numbers do not match the texts")
        data = sorted(data, key=lambda entry: int(entry["index"]))
    vectors = [_vector(entry.get("embedding")) for entry in data]
    lengths = {len(vector) for vector in vectors}
    if len(lengths) > 1:
        raise ValueError(f"they have different lengths ({min(lengths)} and {max(lengths)})")
    return vectors


def _vector(embedding: object) -> list[float]:
    if isinstance(embedding, str):
        return _unpack(embedding)
    if not isinstance(embedding, list) or not embedding:
        raise ValueError("an `embedding` is no list of numbers")
    if not all(type(number) is float or type(number) is int for number in embedding):
        raise ValueError("an `embedding` holds something that is not a number")
    try:
        return _finite([float(number) for number in embedding])
    except OverflowError:
        raise ValueError(_NO_NUMBERS) from None


def _unpack(packed: str) -> list[float]:
    """Return the numbers in base64 text: little-endian, 4 bytes each."""
    try:
        content = base64.b64decode(packed, validate=True)
    except binascii.Error:
        raise ValueError("an `embedding` is text that is not base64") from None
    if not content or len(content) % _FLOAT_BYTES:
        raise ValueError(f"an `embedding` has {len(content)} bytes, which are no 32-bit numbers")
    return _finite(list(struct.unpack(f"<{len(content) // _FLOAT_BYTES}f", content)))


def _finite(numbers: list[float]) -> list[float]:
    """Return the numbers after checking that distances can be computed with them.

    Raises:
        ValueError: one of them is infinite or undefined.
    """
    if not all(map(math.isfinite, numbers)):
        raise ValueError(_NO_NUMBERS)
    return numbers
