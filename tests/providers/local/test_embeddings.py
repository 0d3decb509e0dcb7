"""Embeddings from the local model: the same numbers as from a real server, and in threads, when interrupted, and after a fork."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import llm_notebook
from llm_notebook.errors import ModelError
from llm_notebook.providers.local.embedding_engine import EmbeddingEngine
from llm_notebook.providers.local.embeddings import LocalEmbedding, local_embedding_models
from llm_notebook.providers.local.engine import Engine
from llm_notebook.providers.local.models import LocalModel
from llm_notebook.providers.openai.embeddings import OpenAIEmbedding

ROOT = Path(llm_notebook.__file__).parent.parent
TEXTS = ["a pelican", "Zürich 🦤", "x", "def double(text): return text * 2", " ".join(["long"] * 300)]


@pytest.fixture(scope="module")
def engine(weights) -> EmbeddingEngine:
    return EmbeddingEngine(lambda: weights)


@pytest.fixture
def model(engine) -> LocalEmbedding:
    return LocalEmbedding(engine)


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_registering_loads_nothing():
    code = (
        "import sys; from llm_notebook.providers.local.embeddings import local_embedding_models as models; models();"
        "print([name for name in ('xllamacpp', 'pydantic', 'pydantic_core', 'httpx') if name in sys.modules])"
    )
    run = _run(code)
    assert run.stdout.strip() == "[]", run.stderr


def test_it_answers_to_the_names_of_the_chat_model_and_stays_out_of_the_llm_command():
    (entry,) = local_embedding_models()
    assert (entry.model_id, entry.known_to_llm) == ("smollm2", False)
    assert "SmolLM2" in entry.aliases


def test_without_weights_the_message_says_how_to_get_them():
    with pytest.raises(ModelError, match="run `%llm local install` once"):
        LocalEmbedding(EmbeddingEngine()).embed("dog")


@pytest.mark.model
def test_the_numbers_are_those_of_a_real_server(model, embedding_server):
    server = OpenAIEmbedding("smollm2", base_url=embedding_server.base_url)
    for ours, theirs in zip(model.embed_multi(TEXTS), server.embed_multi(TEXTS), strict=True):
        assert len(ours) == 576
        assert math.hypot(*ours) == pytest.approx(1, abs=1e-6)
        assert ours == pytest.approx(theirs, abs=1e-4)


@pytest.mark.model
def test_a_text_has_the_same_numbers_alone_and_among_others(model):
    assert list(model.embed_multi(TEXTS[:3])) == [model.embed(text) for text in TEXTS[:3]]


@pytest.mark.model
def test_several_threads_get_each_their_own(model):
    alone = [model.embed(text) for text in TEXTS[:4]]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.embed, TEXTS[:4])) == alone


@pytest.mark.model
def test_a_text_that_is_too_long_or_empty_is_named_and_the_next_one_works(model):
    with pytest.raises(
        ModelError, match=r"the text 'word word .*'… has 701 tokens; it embeds up to 512: split the text"
    ):
        model.embed("word " * 700)
    with pytest.raises(ModelError, match="an empty text cannot be embedded; leave it out"):
        model.embed("")
    assert len(model.embed("dog")) == 576


def test_bytes_are_refused_before_anything_is_loaded():
    with pytest.raises(ValueError, match="smollm2 embeds text, not bytes"):
        LocalEmbedding(EmbeddingEngine(lambda: pytest.fail("loaded"))).embed(b"dog")


@pytest.mark.model
def test_the_chat_model_answers_beside_it(model, weights):
    chat = LocalModel(Engine(lambda: weights))
    vectors = model.embed_multi(["dog", "cat"], batch_size=1)
    first = next(vectors)
    assert chat.prompt("Name a bird.", max_tokens=4).text()
    assert next(vectors) != first


@pytest.mark.model
def test_an_interrupt_stops_after_the_text_that_is_being_computed():
    code = """
import os, signal, threading, time
from llm_notebook.providers.local.embeddings import LocalEmbedding
from llm_notebook.configuration.process import process
from llm_notebook.providers.local.embedding_engine import EmbeddingEngine
model = LocalEmbedding()
model.embed("warm")
texts = ["word " * 100] * 1000
threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    list(model.embed_multi(texts, batch_size=1000))
except KeyboardInterrupt:
    print("interrupted")
for run in list(process.of(EmbeddingEngine).running):
    run.wait(60)
print(len(process.of(EmbeddingEngine).running), len(model.embed("dog")))
"""
    run = _run(code)
    assert run.stdout.split() == ["interrupted", "0", "576"], run.stderr


@pytest.mark.model
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_loads_its_own():
    code = """
import os
from llm_notebook.providers.local.embeddings import LocalEmbedding
model = LocalEmbedding()
before = model.embed("dog")
child = os.fork()
if child == 0:
    print("child", model.embed("dog") == before, flush=True)
    raise SystemExit(0)
_, status = os.waitpid(child, 0)
print("parent", status, model.embed("dog") == before)
"""
    run = _run(code)
    assert run.stdout.splitlines() == ["child True", "parent 0 True"], run.stderr


@pytest.mark.model
def test_a_process_may_end_while_it_embeds():
    code = """
from llm_notebook.providers.local.embeddings import LocalEmbedding
model = LocalEmbedding()
vectors = model.embed_multi(["word " * 60] * 50)
print(len(next(vectors)))
model_vectors = model.embed_batch(["word " * 60] * 50)
print(len(next(model_vectors)))
"""
    run = _run(code)
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, ["576", "576"], "")
