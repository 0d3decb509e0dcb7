"""Embedding models: batches, checks before anything is sent, finding a model, and the default."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm import get_default_embedding_model as default_in_llm

from llm_notebook.configuration.choices import store_alias
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.folders import user_dir
from llm_notebook.configuration.keys import Secret, set_key
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, NeedsKeyException, UnknownModelError
from llm_notebook.models.embeddings import EmbeddingModel, EmbeddingModelWithAliases
from llm_notebook.providers.catalog.names import find_entry
from llm_notebook.providers.embeddings import (
    get_default_embedding_model,
    get_embedding_model,
    get_embedding_model_aliases,
    get_embedding_models,
    get_embedding_models_with_aliases,
    set_default_embedding_model,
)
from llm_notebook.providers.registry import Registry


class Lengths(EmbeddingModel):
    """Embeds an item as its length, and remembers the batches and keys."""

    model_id = "lengths"

    def __init__(self, **attributes: object) -> None:
        self.batches: list[list[str | bytes]] = []
        self.keys: list[str | None] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def embed_batch(self, items, *, key=None):
        self.batches.append(list(items))
        self.keys.append(key)
        return ([len(item), 0.5] for item in items)


class Registered:
    """A registry with these entries."""

    def __init__(self, *entries: EmbeddingModelWithAliases) -> None:
        self.entries = entries

    def embedding_entries(self) -> list[EmbeddingModelWithAliases]:
        return list(self.entries)

    def find_embedding(self, name: str) -> EmbeddingModelWithAliases | None:
        return find_entry(name, self.entries)


@pytest.fixture
def models(monkeypatch) -> dict[str, EmbeddingModel]:
    """Two registered models, of which the `llm` command knows one."""
    shared, ours = Lengths(model_id="text-embedding-3-small"), Lengths(model_id="smollm2")
    entries = [
        EmbeddingModelWithAliases(shared, ("3-small",), known_to_llm=True),
        EmbeddingModelWithAliases(ours, ("SmolLM2",)),
    ]
    monkeypatch.setitem(process.made, Registry, Registered(*entries))
    return {model.model_id: model for model in (shared, ours)}


# Embedding


def test_one_item_gives_one_list_of_floats():
    model = Lengths()
    assert model.embed("dog") == [3.0, 0.5]
    assert all(type(number) is float for number in model.embed("dog"))
    assert model.batches == [["dog"], ["dog"]]


@given(st.lists(st.text(max_size=5)), st.integers(1, 7), st.booleans())
def test_many_items_are_embedded_in_order_whatever_the_batches(texts, size, lazily):
    model = Lengths(batch_size=size)
    vectors = list(model.embed_multi(iter(texts) if lazily else texts))
    assert vectors == [[len(text), 0.5] for text in texts]
    assert [text for batch in model.batches for text in batch] == texts
    assert all(len(batch) == size for batch in model.batches[:-1])


def test_batches_are_drawn_only_when_they_are_wanted():
    model, drawn = Lengths(batch_size=2), []

    def texts() -> Iterator[str]:
        for number in range(100):
            drawn.append(number)
            yield "x" * number

    vectors = model.embed_multi(texts())
    assert model.batches == []
    assert drawn == []
    assert [next(vectors) for _ in range(3)] == [[0.0, 0.5], [1.0, 0.5], [2.0, 0.5]]
    assert (len(model.batches), len(drawn)) == (2, 4)


def test_the_size_of_a_batch_can_be_said():
    model = Lengths(batch_size=2)
    list(model.embed_multi(["a"] * 5, 3))
    list(model.embed_multi(["a"] * 3, batch_size=1))
    assert [len(batch) for batch in model.batches] == [3, 2, 1, 1, 1]


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_of_nothing_is_refused(size):
    with pytest.raises(ValueError, match="batch_size must be 1 or more"):
        Lengths().embed_multi(["a"], size)


@pytest.mark.parametrize(
    ("flags", "item", "said"),
    [
        ({}, b"dog", "lengths embeds text, not bytes."),
        ({"supports_text": False, "supports_binary": True}, "dog", "lengths embeds bytes, not str."),
        ({"supports_binary": True}, 3, "lengths embeds text or bytes, not int."),
        ({}, None, "lengths embeds text, not NoneType."),
    ],
)
def test_an_item_of_the_wrong_type_is_refused_before_anything_is_sent(flags, item, said):
    model = Lengths(needs_key="none-stored", **flags)
    with pytest.raises(ValueError, match=said) as caught:
        model.embed(item)
    assert str(caught.value) == said
    good = b"x" if flags.get("supports_text") is False else "x"
    with pytest.raises(ValueError, match=f"Item 2: {said}"):
        model.embed_multi([good, good, item], batch_size=1)
    assert model.batches == []


def test_a_wrong_item_of_an_iterator_is_refused_before_its_batch_is_sent():
    model = Lengths(batch_size=2)
    vectors = model.embed_multi(iter(["a", "b", "c", b"d"]))
    assert [next(vectors), next(vectors)] == [[1.0, 0.5]] * 2
    with pytest.raises(ValueError, match="Item 3: lengths embeds text, not bytes"):
        next(vectors)
    assert model.batches == [["a", "b"]]


@pytest.mark.parametrize("text", ["dog", b"dog"])
def test_one_text_is_not_taken_for_many(text):
    with pytest.raises(ValueError, match=r"give a list, or use embed\(\)"):
        Lengths(supports_binary=True).embed_multi(text)


def test_bytes_are_embedded_where_the_model_takes_them():
    assert list(Lengths(supports_binary=True).embed_multi([b"\x00\x01", "dog"])) == [[2.0, 0.5], [3.0, 0.5]]


@pytest.mark.parametrize("given_back", [0, 1, 3])
def test_embeddings_that_cannot_be_matched_are_an_error(given_back):
    class Miscounts(Lengths):
        def embed_batch(self, items, *, key=None):
            return [[1.0]] * given_back

    with pytest.raises(ModelError, match=f"lengths gave {given_back} embeddings for 2 items"):
        list(Miscounts().embed_multi(["a", "b"]))


def test_the_class_is_abstract():
    with pytest.raises(TypeError, match="embed_batch"):
        EmbeddingModel()


# Keys


def test_the_key_comes_from_the_model_the_argument_the_store_or_the_environment(monkeypatch):
    model = Lengths(needs_key="lengths-key", key_env_var="LENGTHS_TEST")
    with pytest.raises(NeedsKeyException, match="lengths needs a key and none was found, so nothing was sent"):
        model.embed("a")
    assert model.batches == []
    monkeypatch.setenv("LENGTHS_TEST", "from environment")
    model.embed("a")
    set_key("lengths-key", "stored")
    set_key("other", "stored-other")
    model.embed("a")
    model.embed("a", key="given")
    list(model.embed_multi(["a"], key="other"))
    model.key = "own"
    model.embed("a", key="given")
    assert model.keys == ["from environment", "stored", "given", "stored-other", "own"]


def test_a_key_never_shows_itself():
    class Fails(Lengths):
        def embed_batch(self, items, *, key=None):
            self.keys.append(key)
            raise ModelError("it failed")

    model = Fails(needs_key="lengths-key")
    for embed in (model.embed, lambda item, key: list(model.embed_multi([item], key=key))):
        with pytest.raises(ModelError) as caught:
            embed("a", key="".join(["sk-", "123"]))
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        frames = [str(frame.locals) for frame in shown.stack if frame.name not in (__name__, "<lambda>")]
        assert any("Secret" in frame for frame in frames)
        assert not any("sk-123" in frame for frame in frames)
    model.key = "sk-456"
    with pytest.raises(ModelError):
        model.embed("a")
    assert repr(model.keys) == repr([Secret("sk-123")] * 2 + [Secret("sk-456")])


def test_an_older_model_whose_embed_batch_takes_no_key_finds_it_in_its_attribute():
    keys = []

    class Older(EmbeddingModel):
        model_id = "older"
        needs_key = "older"

        def embed_batch(self, items):
            keys.append(self.key)
            return [[float(len(item))] for item in items]

    set_key("older", "sk-stored")
    model = Older()
    assert list(model.embed_multi(["a", "bb"])) == [[1.0], [2.0]]
    assert model.embed("a", key="sk-given") == [1.0]
    assert keys == ["sk-stored", "sk-given"]
    assert model.key is None
    model.key = "sk-own"
    model.embed("a", key="sk-given")
    assert keys[2:] == ["sk-own"]


# Finding a model


def test_a_model_is_found_by_id_and_by_alias(models):
    assert get_embedding_model("smollm2") is get_embedding_model("SmolLM2") is models["smollm2"]
    assert get_embedding_models() == list(models.values())
    store_alias("mine", "3-small")
    assert get_embedding_model("mine") is models["text-embedding-3-small"]


def test_a_users_alias_wins_over_a_built_in_one_and_an_id_over_both(models):
    store_alias("3-small", "smollm2")
    store_alias("smollm2", "3-small")
    store_alias("circle", "circle")
    assert get_embedding_model("3-small") is models["smollm2"]
    assert get_embedding_model("smollm2") is models["smollm2"]
    with pytest.raises(UnknownModelError):
        get_embedding_model("circle")


def test_the_list_shows_the_users_aliases(models):
    store_alias("mine", "smollm2")
    store_alias("3-small", "elsewhere")
    entries = get_embedding_models_with_aliases()
    assert {entry.model_id: list(entry.aliases) for entry in entries} == {
        "text-embedding-3-small": [],
        "smollm2": ["SmolLM2", "mine"],
    }
    assert [entry.matches("SMOL") for entry in entries] == [False, True]


def test_models_by_name_have_every_id_and_alias(models):
    store_alias("mine", "smollm2")
    found = get_embedding_model_aliases()
    assert {name: model.model_id for name, model in found.items()} == {
        "text-embedding-3-small": "text-embedding-3-small",
        "3-small": "text-embedding-3-small",
        "smollm2": "smollm2",
        "SmolLM2": "smollm2",
        "mine": "smollm2",
    }
    assert found["mine"] is models["smollm2"]


def test_an_unknown_name_names_the_closest(models):
    with pytest.raises(UnknownModelError) as caught:
        get_embedding_model("text-embeding-3-smal")
    assert str(caught.value) == (
        "No embedding model is called 'text-embeding-3-smal'. Did you mean text-embedding-3-small?"
    )


def test_finding_needs_nothing_but_entries():
    entry = EmbeddingModelWithAliases(Lengths(), ("len",))
    assert find_entry("len", [entry]) is entry
    assert find_entry("other", [entry]) is None


# The default


def test_without_a_default_the_message_says_how_to_set_one(models):
    assert get_default_embedding_model() is None
    with pytest.raises(
        UnknownModelError, match=r"No default embedding model is set: .*set_default_embedding_model\(\)"
    ):
        get_embedding_model()


def test_the_default_is_shared_with_the_llm_command(models):
    set_default_embedding_model("3-small")
    assert (user_dir() / "default_embedding_model.txt").read_text() == "text-embedding-3-small"
    assert get_embedding_model() is models["text-embedding-3-small"]
    assert default_in_llm() == "text-embedding-3-small"
    set_default_embedding_model(None)
    assert get_default_embedding_model() is None
    assert default_in_llm() is None


def test_a_default_that_would_break_the_llm_command_is_kept_here(models):
    set_default_embedding_model("3-small")
    with pytest.warns(ConfigurationWarning, match="smollm2 is now the default for embeddings in notebooks only"):
        set_default_embedding_model("SmolLM2")
    assert get_embedding_model() is models["smollm2"]
    assert (user_dir() / "default_embedding_model.txt").read_text() == "text-embedding-3-small"
    assert json.loads((user_dir() / "llm_notebook" / "settings.json").read_text()) == {
        "default_embedding_model": "smollm2"
    }
    set_default_embedding_model("3-small")
    assert get_embedding_model() is models["text-embedding-3-small"]


def test_a_default_that_is_no_more_is_told(models):
    (user_dir() / "default_embedding_model.txt").write_text("gone")
    with pytest.raises(UnknownModelError, match=r"No embedding model is called 'gone' \(the configured default\)"):
        get_embedding_model()


def test_the_chat_default_is_another_one(models):
    set_default_embedding_model("3-small")
    assert not (user_dir() / "default_model.txt").exists()
