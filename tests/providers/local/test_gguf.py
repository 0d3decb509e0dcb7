"""The metadata of GGUF files, and the errors for files that have none."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.errors import ModelError
from llm_notebook.providers.local.gguf import read_facts
from tests.fakes.gguf_files import TINY, gguf_bytes

VALUES = st.one_of(
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.floats(width=32),
    st.text(),
    st.lists(st.text(), max_size=5),
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=5),
)


def _written(folder: Path, content: bytes) -> Path:
    path = folder / "model.gguf"
    path.write_bytes(content)
    return path


def _facts(folder: Path, **changes: Any) -> Any:
    return read_facts(_written(folder, gguf_bytes(TINY | {name.replace("__", "."): changes[name] for name in changes})))


def _complaint(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_facts(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gguf")


@given(
    others=st.dictionaries(st.text().filter(lambda name: name not in TINY), VALUES, max_size=6),
    padding=st.integers(0, 99),
)
def test_the_facts_are_found_among_whatever_else_the_file_says(folder, others, padding):
    others = {f"other.{name}": value for name, value in others.items()}
    facts = read_facts(_written(folder, gguf_bytes(others | TINY, padding=padding)))
    assert (facts.context_tokens, facts.supports_tools) == (2048, False)
    assert facts.chat_template == TINY["tokenizer.chat_template"]


@given(length=st.integers(0, len(gguf_bytes()) - 1))
def test_a_file_cut_short_anywhere_is_refused(folder, length):
    assert _complaint(_written(folder, gguf_bytes()[:length])).startswith("The local model cannot be loaded from ")


@given(place=st.integers(4, len(gguf_bytes()) - 1), byte=st.integers(0, 255))
def test_a_damaged_file_gives_facts_or_a_model_error(folder, place, byte):
    content = bytearray(gguf_bytes())
    content[place] = byte
    path = _written(folder, bytes(content))
    with contextlib.suppress(ModelError):
        assert read_facts(path).context_tokens > 0


def test_a_long_vocabulary_is_skipped(tmp_path):
    tokens = [f"token {number}" for number in range(10_000)]
    assert _facts(tmp_path, tokenizer__ggml__tokens=tokens, tokenizer__ggml__scores=[1] * 10_000).context_tokens == 2048


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"llama__context_length": 512}, 512),
        # 2 layers of 4 heads of 16 numbers, for keys and for values, of 2 bytes: 512 bytes a token.
        ({"llama__context_length": 100_000_000}, 2**30 // 512),
        ({"llama__context_length": 100_000_000, "llama__attention__head_count_kv": 1}, 2**30 // 128),
        ({"llama__context_length": 100_000_000, "llama__attention__head_count_kv": [1, 0]}, 2**30 // 64),
        ({"llama__context_length": 100_000_000, "llama__attention__key_length": 48}, 2**30 // 1024),
        ({"llama__context_length": 131_072, "llama__block_count": 10_000}, 4096),
    ],
)
def test_the_context_is_what_the_model_was_trained_for_or_what_memory_allows(tmp_path, changes, tokens):
    assert _facts(tmp_path, **changes).context_tokens == tokens


@pytest.mark.parametrize(
    ("changes", "able"),
    [
        ({"tokenizer__chat_template": "{% if tools %}{{ tools | tojson }}{% endif %}"}, True),
        ({"tokenizer__chat_template": "{{ 'my pretools' }}"}, False),
        ({"tokenizer__chat_template__tool_use": "{{ tools }}"}, True),
    ],
)
def test_tools_are_for_models_whose_template_knows_of_them(tmp_path, changes, able):
    assert _facts(tmp_path, **changes).supports_tools is able


def test_a_base_model_has_no_template(tmp_path):
    without = {name: value for name, value in TINY.items() if name != "tokenizer.chat_template"}
    facts = read_facts(_written(tmp_path, gguf_bytes(without)))
    assert facts.chat_template is None
    assert not facts.supports_tools


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!doctype html>", "that is not a GGUF file"),
        (gguf_bytes(version=1), r"a kind of GGUF \(version 1\) that is not understood"),
        (gguf_bytes(TINY | {"general.type": "adapter"}), "no language model but 'adapter'"),
        (gguf_bytes({"general.architecture": "clip"}), "no language model but 'clip'"),
        (gguf_bytes(TINY | {"llama.attention.causal": False}), "makes embeddings and cannot answer"),
    ],
)
def test_files_without_a_chat_model_are_refused(tmp_path, content, said):
    with pytest.raises(ModelError, match=said):
        read_facts(_written(tmp_path, content))


def test_a_file_that_cannot_be_read_is_reported_in_one_sentence(tmp_path):
    assert "it cannot be read (Is a directory)" in _complaint(tmp_path)
    assert "No such file" in _complaint(tmp_path / "nowhere.gguf")


@pytest.mark.model
def test_the_real_file_is_understood(weights):
    facts = read_facts(weights)
    assert facts.context_tokens == 8192
    assert facts.chat_template is not None
    assert "<|im_start|>" in facts.chat_template
    assert not facts.supports_tools
