"""What a GGUF file says about its model: read from the metadata at its beginning, without the weights.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The `gguf` package reads the same, but it needs numpy and
makes an array of every token first.
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
# One number per layer is worth knowing; a vocabulary is not.
_LONGEST_ARRAY = 4096
# What a cache of keys and values may take. Longer contexts than fit are cut: all of it is claimed when the model is loaded.
_CACHE_BYTES = 1 << 30
_LEAST_CONTEXT = 4096
_CACHED_NUMBER_BYTES = 2


@dataclass(slots=True, frozen=True)
class ModelFacts:
    """What is known of a model before it is loaded.

    Attributes:
        context_tokens: how many tokens prompt and answer may have together: what the model was made for, or less where its
            cache would take more than 1 GiB.
        chat_template: the template that makes a chat into a prompt; None where the file has none, as that of a base model.
        supports_tools: the template tells the model about tools.
    """

    context_tokens: int
    chat_template: str | None
    supports_tools: bool


def read_facts(path: Path) -> ModelFacts:
    """What the file says about its model.

    Raises:
        ModelError: it cannot be read, is no GGUF file, or holds no model that one can talk to.
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
    """Says why, as the end of a sentence."""


class _Metadata:
    """The key-value pairs of a GGUF file, read one after the other."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = len(MAGIC)

    def read(self) -> dict[str, Any]:
        """All pairs; long arrays are left out.

        Raises:
            struct.error, UnicodeDecodeError: the file ends too early, or makes no sense.
        """
        version = self._scalar("I")
        if version not in _VERSIONS:
            raise _UnusableError(f"it is of a kind of GGUF (version {version}) that is not understood")
        self._scalar("Q")
        return {self._string(): self._value(self._scalar("I")) for _ in range(self._scalar("Q"))}

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(self._scalar("I"), self._scalar("Q"))
        return self._scalar(self._format_of(kind))

    def _array(self, kind: int, length: int) -> list[Any] | None:
        if length <= _LONGEST_ARRAY and kind != _ARRAY:
            return [self._value(kind) for _ in range(length)]
        if kind == _STRING:
            self._skip_strings(length)
        else:
            self._skip(length * struct.calcsize(f"<{self._format_of(kind)}"))
        return None

    def _scalar(self, letter: str) -> Any:
        layout = f"<{letter}"
        (value,) = struct.unpack_from(layout, self._content, self._at)
        self._at += struct.calcsize(layout)
        return value

    def _string(self) -> str:
        length = self._scalar("Q")
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
    told = "tokenizer.chat_template.tool_use" in metadata or re.search(r"\btools\b", template or "") is not None
    return ModelFacts(_context_tokens(metadata, f"{architecture}.", context), template, told)


def _context_tokens(metadata: dict[str, Any], prefix: str, made_for: int) -> int:
    """How much of the context that the model was made for its cache has room for."""

    def number(name: str, default: int) -> int:
        value = metadata.get(prefix + name)
        return value if isinstance(value, int) else default

    layers, heads = number("block_count", 1), max(1, number("attention.head_count", 1))
    head_size = number("embedding_length", 0) // heads
    size = number("attention.key_length", head_size) + number("attention.value_length", head_size)
    of_layers = metadata.get(f"{prefix}attention.head_count_kv", heads)
    if isinstance(of_layers, list):
        cached_heads = sum(count for count in of_layers if isinstance(count, int))
    else:
        cached_heads = layers * number("attention.head_count_kv", heads)
    per_token = max(1, cached_heads * size * _CACHED_NUMBER_BYTES)
    return min(made_for, max(_LEAST_CONTEXT, _CACHE_BYTES // per_token // 256 * 256))
