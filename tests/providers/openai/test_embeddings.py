"""`/v1/embeddings`: requests, the decoding of any answer, errors, and embeddings from a real server."""

from __future__ import annotations

import base64
import json
import math
import os
import signal
import struct
import threading
import urllib.request
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm import get_embedding_models_with_aliases as models_in_llm

from llm_notebook.configuration.keys import set_key
from llm_notebook.errors import IncompleteResponse, ModelError, NeedsKeyException, ProviderError, TransportError
from llm_notebook.models.embeddings import EmbeddingModel
from llm_notebook.providers.http import servers
from llm_notebook.providers.openai.embeddings import OpenAIEmbedding, openai_embedding_models
from llm_notebook.providers.openai.embeddings_wire import EmbeddingsDecoder, embeddings_body
from tests.fakes.openai_server import Cut, OpenAIServer, Reply, UntilClosed

TEXTS = ["a pelican", "a large water bird with a throat pouch", "quarterly tax return", "Zürich 🦤"]


def entry(index: int | None, embedding: Any) -> dict[str, Any]:
    numbered = {} if index is None else {"index": index}
    return {"object": "embedding", **numbered, "embedding": embedding}


def answer(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "data": list(entries), "model": "text-embedding-3-small", "usage": usage, **fields}


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def model_at(server: OpenAIServer, **arguments: Any) -> OpenAIEmbedding:
    return OpenAIEmbedding("embedder", base_url=server.base_url, **arguments)


# The request


def test_the_request_is_the_documented_one(openai_server):
    openai_server.play(Reply.of_json(answer(entry(0, [1.0]), entry(1, [2.0]))))
    model = model_at(openai_server, model_name="text-embedding-3-large", dimensions=1, headers={"x-team": "birds"})
    assert list(model.embed_multi(["dog", "Zürich"], key="sk-1")) == [[1.0], [2.0]]
    (request,) = openai_server.requests
    assert request.path == "/v1/embeddings"
    assert request.json() == {"model": "text-embedding-3-large", "input": ["dog", "Zürich"], "dimensions": 1}
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.headers["x-team"] == "birds"


def test_a_stop_ends_the_batch_that_is_waited_for_and_keeps_what_was_yielded(openai_server: OpenAIServer) -> None:
    gone = threading.Event()

    def stop(_request: object) -> Reply:
        os.kill(os.getpid(), signal.SIGINT)
        return Reply([UntilClosed(gone)])

    openai_server.play(Reply.of_json(answer(entry(0, [1.0]))))
    openai_server.answer = stop
    model = model_at(openai_server)
    vectors = model.embed_multi(["dog", "cat", "bird"], batch_size=1)
    assert next(vectors) == [1.0]
    with pytest.raises(KeyboardInterrupt):
        next(vectors)
    assert gone.wait(30)
    assert list(vectors) == []
    assert [request.json()["input"] for request in openai_server.requests] == [["dog"], ["cat"]]
    openai_server.play(Reply.of_json(answer(entry(0, [3.0]))))
    assert model.embed("bird") == [3.0]


def test_openai_itself_is_asked_for_packed_numbers(openai_server, monkeypatch):
    monkeypatch.setattr(servers.OpenAIServer, "home", (openai_server.base_url, "openai", "OPENAI_API_KEY"))
    openai_server.play(Reply.of_json(answer(entry(0, packed(0.5, -1)))))
    assert OpenAIEmbedding("text-embedding-3-small", key="sk-1").embed("dog") == [0.5, -1.0]
    (request,) = openai_server.requests
    assert request.json() == {"model": "text-embedding-3-small", "input": ["dog"], "encoding_format": "base64"}
    assert request.headers["authorization"] == "Bearer sk-1"


def test_without_a_key_openai_is_not_asked():
    with pytest.raises(NeedsKeyException, match=r"text-embedding-3-small needs a key .* so nothing was sent"):
        OpenAIEmbedding("text-embedding-3-small").embed("dog")


def test_a_users_server_needs_no_key_but_may_have_one(openai_server):
    openai_server.play(*[Reply.of_json(answer(entry(0, [1.0])))] * 2)
    model_at(openai_server).embed("dog")
    assert "authorization" not in openai_server.requests[0].headers
    set_key("birds", "sk-stored")
    model_at(openai_server, needs_key="birds").embed("dog")
    assert openai_server.requests[1].headers["authorization"] == "Bearer sk-stored"


def test_a_hundred_texts_go_into_one_request_and_one_connection_serves_all(openai_server):
    for size in (100, 100, 50):
        openai_server.play(Reply.of_json(answer(*[entry(index, [float(index)]) for index in range(size)])))
    vectors = list(model_at(openai_server).embed_multi(f"text {number}" for number in range(250)))
    assert [vector[0] for vector in vectors] == [*range(100), *range(100), *range(50)]
    assert [len(request.json()["input"]) for request in openai_server.requests] == [100, 100, 50]
    assert openai_server.connections == 1


def test_nothing_is_sent_for_nothing(openai_server):
    assert list(model_at(openai_server).embed_multi([])) == []
    with pytest.raises(ValueError, match="embedder embeds text, not bytes"):
        model_at(openai_server).embed_multi(["good", b"bytes"])
    assert openai_server.requests == []


@pytest.mark.parametrize(
    "arguments", [{"base_url": "localhost:8080"}, {"base_url": "ftp://x"}, {"dimensions": 0}, {"dimensions": -3}]
)
def test_what_cannot_work_is_refused_at_once(arguments):
    with pytest.raises(ValueError, match=r"base_url must be|dimensions must be"):
        OpenAIEmbedding("m", **arguments)


def test_a_key_that_cannot_be_sent_is_not_shown(openai_server):
    with pytest.raises(ModelError, match="the key holds characters that cannot be sent") as caught:
        model_at(openai_server).embed("dog", key="sk-ä")
    assert "sk-" not in str(caught.value)


def test_the_catalogue_has_the_ids_and_aliases_of_the_llm_command():
    theirs = {entry.model.model_id: entry for entry in models_in_llm()}
    ours = {entry.model_id: entry for entry in openai_embedding_models()}
    assert ours.keys() == theirs.keys()
    for model_id, entry_ in ours.items():
        assert set(entry_.aliases) == set(theirs[model_id].aliases)
        assert entry_.model.dimensions == theirs[model_id].model.dimensions
        assert entry_.model.model_name == theirs[model_id].model.openai_model_id
        assert entry_.known_to_llm


# The answer


@given(
    st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1),
    st.randoms(),
)
def test_packed_and_plain_numbers_mean_the_same_in_any_order(vectors, random):
    for form in (list, lambda numbers: packed(*numbers)):
        entries = [entry(index, form(vector)) for index, vector in enumerate(vectors)]
        random.shuffle(entries)
        decoder = EmbeddingsDecoder(len(vectors), "m")
        decoder.feed(json.dumps(answer(*entries)).encode())
        decoder.close()
        assert decoder.vectors == vectors


@given(st.data())
def test_any_split_of_the_bytes_means_the_same_and_no_cut_passes_for_the_whole(data):
    body = json.dumps(answer(entry(1, [0.5, -2e-7]), entry(0, packed(1, 2))), ensure_ascii=False).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=5)))
    whole = EmbeddingsDecoder(2, "m")
    for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True):
        assert whole.feed(body[start:stop]) == []
        assert not whole.done
    whole.close()
    assert whole.done
    assert whole.vectors == [[1.0, 2.0], [0.5, -2e-7]]
    assert (whole.usage.input, whole.usage.output, whole.resolved_model) == (8, None, "text-embedding-3-small")
    broken = EmbeddingsDecoder(2, "m")
    broken.feed(body[: data.draw(st.integers(0, len(body) - 1))])
    with pytest.raises(IncompleteResponse, match="m: the answer broke off before its end"):
        broken.close()
    assert broken.vectors == []


@pytest.mark.parametrize(
    "body", [{"error": "no such model"}, {"detail": "no such model"}, {"message": "no such model"}]
)
def test_an_error_without_an_error_status_is_told(openai_server, body):
    openai_server.play(Reply.of_json(body))
    with pytest.raises(ProviderError, match="the server broke off with an error: no such model"):
        model_at(openai_server).embed("a")


def test_a_byte_order_mark_is_passed_over(openai_server):
    openai_server.play(Reply([b"\xef\xbb\xbf" + json.dumps(answer(entry(0, [1]))).encode()]))
    assert model_at(openai_server).embed("a") == [1.0]


def test_a_server_that_numbers_nothing_is_taken_in_order(openai_server):
    openai_server.play(Reply.of_json({"data": [entry(None, [1]), entry(None, [2])]}))
    assert list(model_at(openai_server).embed_multi(["a", "b"])) == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (answer(entry(0, [1.0])), "it holds 1 for 2 texts"),
        (answer(entry(0, [1.0]), entry(0, [2.0])), "its 'index' numbers do not match the texts"),
        (answer(entry(0, [1.0]), entry(2, [2.0])), "its 'index' numbers do not match the texts"),
        (answer(entry(0, [1.0]), entry(None, [2.0])), "its 'index' numbers do not match the texts"),
        (answer(entry("0", [1.0]), entry("1", [2.0])), "its 'index' numbers do not match the texts"),
        (answer(entry(0, [1.0]), entry(1, [2.0, 3.0])), "they have different lengths (1 and 2)"),
        (answer(entry(0, [1.0]), entry(1, [])), "an 'embedding' is no list of numbers"),
        (answer(entry(0, [1.0]), entry(1, None)), "an 'embedding' is no list of numbers"),
        (answer(entry(0, [1.0]), entry(1, [None])), "an 'embedding' holds something that is not a number"),
        (answer(entry(0, [1.0]), entry(1, ["1"])), "an 'embedding' holds something that is not a number"),
        (
            answer(entry(0, [1.0]), entry(1, [float("nan")])),
            "an 'embedding' holds numbers that are infinite or undefined",
        ),
        (
            answer(entry(0, [1.0]), entry(1, [float("inf")])),
            "an 'embedding' holds numbers that are infinite or undefined",
        ),
        (answer(entry(0, [1.0]), entry(1, [10**400])), "an 'embedding' holds numbers that are infinite or undefined"),
        (
            answer(entry(0, [1.0]), entry(1, packed(float("nan")))),
            "an 'embedding' holds numbers that are infinite or undefined",
        ),
        (answer(entry(0, [1.0]), entry(1, "not base64!")), "an 'embedding' is text that is not base64"),
        (answer(entry(0, [1.0]), entry(1, "AA!AAAA==")), "an 'embedding' is text that is not base64"),
        (answer(entry(0, [1.0]), entry(1, "AAAA")), "an 'embedding' has 3 bytes"),
        (answer(entry(0, [1.0]), "x"), "it has no list 'data'"),
        ({"object": "list"}, "it has no list 'data'"),
        ([1, 2], "it has no list 'data'"),
        ("text", "it has no list 'data'"),
    ],
)
def test_an_answer_that_cannot_be_matched_with_the_texts_is_refused(openai_server, body, said):
    openai_server.play(Reply.of_json(body))
    with pytest.raises(ProviderError) as caught:
        list(model_at(openai_server).embed_multi(["a", "b"]))
    assert str(caught.value).startswith("embedder: ")
    assert f"the answer is no list of embeddings: {said}" in str(caught.value)
    assert len(openai_server.requests) == 1


def test_an_answer_that_is_no_json_is_shown(openai_server):
    openai_server.play(Reply([b"It works!"], content_type="text/plain"))
    with pytest.raises(ProviderError, match="it begins 'It works!'"):
        model_at(openai_server).embed("a")


def test_an_answer_that_breaks_off_is_no_answer(openai_server):
    body = json.dumps(answer(entry(0, [1.0]))).encode()
    openai_server.play(Reply([body[:40], Cut()], content_type="application/json"))
    with pytest.raises(IncompleteResponse, match="broke off"):
        model_at(openai_server).embed("a")
    assert len(openai_server.requests) == 1


# Errors


def test_what_the_server_says_is_told(openai_server):
    error = {
        "message": "Incorrect API key provided: sk-embed-1.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
    openai_server.play(Reply.of_json({"error": error}, 401, {"x-request-id": "req_1"}))
    with pytest.raises(ProviderError) as caught:
        model_at(openai_server, key="sk-embed-1").embed("dog")
    assert str(caught.value) == (
        "embedder: the server answered with HTTP 401: Incorrect API key provided: …. Check the key: it is the one that the model was made with."
    )
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (401, "invalid_api_key", "req_1")


def test_an_error_that_comes_with_200_is_an_error(openai_server):
    openai_server.play(Reply.of_json({"error": {"message": "model not loaded for sk-embed-1", "code": 500}}))
    with pytest.raises(ProviderError, match="model not loaded for …"):
        OpenAIEmbedding("m", base_url=f"{openai_server.base_url}/").embed("dog", key="sk-embed-1")
    assert openai_server.requests[0].path == "/v1/embeddings"


def test_a_busy_server_is_asked_again(openai_server):
    busy = Reply.of_json({"error": {"message": "slow down"}}, 429, {"retry-after": "0"})
    openai_server.play(busy, busy, Reply.of_json(answer(entry(0, [1.0]))))
    assert model_at(openai_server).embed("dog") == [1.0]
    assert len(openai_server.requests) == 3


def test_what_was_embedded_before_a_failure_stays(openai_server):
    openai_server.play(Reply.of_json(answer(entry(0, [1.0]))), Reply.of_json({"error": "too long"}, 400))
    vectors = model_at(openai_server).embed_multi(["a", "b"], batch_size=1)
    assert next(vectors) == [1.0]
    with pytest.raises(ProviderError, match="too long"):
        next(vectors)


def test_a_server_that_is_not_there_is_told():
    gone = OpenAIServer()
    gone.stop()
    with pytest.raises(TransportError, match="could not reach"):
        model_at(gone, max_retries=0).embed("dog")


# A real server


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True)) / (math.hypot(*one) * math.hypot(*other))


@pytest.fixture
def real(embedding_server) -> EmbeddingModel:
    return OpenAIEmbedding("smollm2", base_url=embedding_server.base_url)


@pytest.mark.model
def test_a_real_server_embeds(real):
    vectors = list(real.embed_multi(TEXTS, 3))
    assert [len(vector) for vector in vectors] == [576] * len(TEXTS)
    assert all(math.hypot(*vector) == pytest.approx(1, abs=1e-4) for vector in vectors)
    assert real.embed(TEXTS[2]) == pytest.approx(vectors[2], abs=1e-5)
    assert cosine(real.embed("a pelican"), vectors[0]) > 0.9999
    assert cosine(vectors[0], vectors[2]) < 0.9999


@pytest.mark.model
def test_packed_numbers_of_a_real_server_are_the_plain_ones(real, embedding_server):
    body = json.dumps(embeddings_body(TEXTS[:2], "smollm2", packed=True)).encode()
    request = urllib.request.Request(
        f"{embedding_server.base_url}/embeddings", body, {"content-type": "application/json"}
    )
    decoder = EmbeddingsDecoder(2, "smollm2")
    with urllib.request.urlopen(request, timeout=120) as reply:
        decoder.feed(reply.read())
    decoder.close()
    assert decoder.vectors[0] == pytest.approx(real.embed(TEXTS[0]), abs=1e-6)
    assert decoder.usage.input
    assert decoder.resolved_model == "smollm2"


@pytest.mark.model
def test_a_real_servers_refusals_are_told(real):
    with pytest.raises(ProviderError, match=r"tokens\) is too large"):
        real.embed("word " * 700)
    with pytest.raises(ProviderError, match="empty"):
        real.embed("")


@pytest.mark.model
def test_a_real_server_without_embeddings_says_so(llama_server):
    with pytest.raises(ProviderError, match="does not support embeddings"):
        OpenAIEmbedding("smollm2", base_url=llama_server.base_url).embed("dog")
