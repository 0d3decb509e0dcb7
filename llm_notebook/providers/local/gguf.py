"""The metadata of a GGUF file, read from the beginning of the file without the weights.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The `gguf` package reads it too, but needs numpy and first makes an
array of every token. A vocabulary can have hundreds of thousands of tokens, so here long arrays are skipped.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_notebook.errors import ModelError

__all__ = ["MAGIC", "ModelFacts", "read_facts"]

MAGIC = b"GGUF"

_VERSIONS = (2, 3)
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Arrays with a number for each layer are read; those of a vocabulary are skipped.
_LONGEST_ARRAY = 4096
# The limit for the cache of keys and values. llama.cpp claims the cache for the whole context when it loads a model, so a context
# that would need more is cut.
_CACHE_BYTES = 1 << 30
_LEAST_CONTEXT = 4096
_CACHED_NUMBER_BYTES = 2


@dataclass(slots=True, frozen=True)
class ModelFacts:
    """What is known about a model before it is loaded.

    Attributes:
        context_tokens: how many tokens prompt and answer may have together: as many as the model was trained for, or fewer if its
            cache would take more than 1 GiB.
        chat_template: the template that makes a prompt from a chat; None if the file has none, as for a base model.
        supports_tools: whether the template tells the model about tools.
    """

    context_tokens: int
    chat_template: str | None
    supports_tools: bool


def read_facts(path: Path) -> ModelFacts:
    """Read what the file says about its model.

    Raises:
        ModelError: the file cannot be read, is not a GGUF file, or holds no chat model.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ModelError(f"The local model cannot be loaded from {path}: that is not a GGUF file.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _facts(_Metadata(content).read())
    except OSError as error:
        raise ModelError(
            f"The local model cannot be loaded from {path}: it cannot be read ({error.strerror or error})."
        ) from error
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelError(
            f"The local model cannot be loaded from {path}: the file is damaged or was cut short; fetch it again."
        ) from error
    except _UnusableError as error:
        raise ModelError(f"The local model cannot be loaded from {path}: {error}.") from None


class _UnusableError(Exception):
    """The reason why a file cannot be used, as the end of a sentence."""


class _Metadata:
    """A reader of the key-value pairs at the beginning of a GGUF file."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = len(MAGIC)

    def read(self) -> dict[str, Any]:
        """Read all pairs. A long array becomes None.

        Raises:
            struct.error, UnicodeDecodeError: the file ends too early, or is damaged.
        """
        version = self._integer("I")
        if version not in _VERSIONS:
            raise _UnusableError(f"it is of a kind of GGUF (version {version}) that is not understood")
        self._integer("Q")  # the number of tensors
        return {self._string(): self._value(self._integer("I")) for _ in range(self._integer("Q"))}

    def _value(self, kind: int) -> object:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(self._integer("I"), self._integer("Q"))
        return self._scalar(self._format_of(kind))

    def _array(self, kind: int, length: int) -> list[Any] | None:
        if length <= _LONGEST_ARRAY and kind != _ARRAY:
            return [self._value(kind) for _ in range(length)]
        if kind == _STRING:
            self._skip_strings(length)
        else:
            self._skip(length * struct.calcsize(f"<{self._format_of(kind)}"))
        return None

    def _scalar(self, letter: str) -> int | float | bool:
        """Read one value of the type that `struct` knows by this letter."""
        layout = f"<{letter}"
        value: int | float | bool
        (value,) = struct.unpack_from(layout, self._content, self._at)
        self._at += struct.calcsize(layout)
        return value

    def _integer(self, letter: str) -> int:
        return int(self._scalar(letter))

    def _string(self) -> str:
        length = self._integer("Q")
        begin = self._at
        self._skip(length)
        return self._content[begin : self._at].decode()

    def _skip_strings(self, count: int) -> None:
        length_of, content, at, end = struct.Struct("<Q").unpack_from, self._content, self._at, len(self._content)
        for _ in range(count):
            at += 8 + length_of(content, at)[0]
            if at > end:
                break
        self._skip(at - self._at)

    def _skip(self, size: int) -> None:
        if size > len(self._content) - self._at:
            raise struct.error("the file ends too early")
        self._at += size

    @staticmethod
    def _format_of(kind: int) -> str:
        if kind not in _SCALARS:
            raise struct.error(f"there is no type {kind}")
        return _SCALARS[kind]


def _facts(metadata: dict[str, Any]) -> ModelFacts:
    architecture = metadata.get("general.architecture")
    context = metadata.get(f"{architecture}.context_length")
    if metadata.get("general.type", "model") != "model" or not isinstance(context, int) or context < 1:
        raise _UnusableError(f"it holds no language model but {metadata.get('general.type', architecture)!r}")
    if metadata.get(f"{architecture}.attention.causal") is False:
        raise _UnusableError("that model makes embeddings and cannot answer")
    template = metadata.get("tokenizer.chat_template")
    template = template if isinstance(template, str) else None
    supports_tools = (
        "tokenizer.chat_template.tool_use" in metadata or re.search(r"\btools\b", template or "") is not None
    )
    return ModelFacts(_context_tokens(metadata, f"{architecture}.", context), template, supports_tools)


def _context_tokens(metadata: dict[str, Any], prefix: str, trained_for: int) -> int:
    """Return how many tokens of the context that the model was trained for fit into the cache."""

    def number(name: str, default: int) -> int:
        value = metadata.get(prefix + name)
        return value if isinstance(value, int) else default

    layers, heads = number("block_count", 1), max(1, number("attention.head_count", 1))
    head_size = number("embedding_length", 0) // heads
    size = number("attention.key_length", head_size) + number("attention.value_length", head_size)
    # Some architectures have the same number of heads in all layers, others a list with one for each.
    by_layer = metadata.get(f"{prefix}attention.head_count_kv", heads)
    if isinstance(by_layer, list):
        cached_heads = sum(count for count in by_layer if isinstance(count, int))
    else:
        cached_heads = layers * number("attention.head_count_kv", heads)
    per_token = max(1, cached_heads * size * _CACHED_NUMBER_BYTES)
    return min(trained_for, max(_LEAST_CONTEXT, _CACHE_BYTES // per_token // 256 * 256))
