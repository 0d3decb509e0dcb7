"""GGUF files as models, by path or by name: real answers from SmolLM2-135M under other names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.providers.local.engine import Engines
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.install import Installation, remove_model
from llm_notebook.providers.local.installed import GGUFFile
from llm_notebook.providers.local.models import LocalModel, local_entry
from llm_notebook.providers.local.options import GGUFOptions
from llm_notebook.providers.registry import Registry
from tests.fakes.faces import Face
from tests.fakes.file_server import FileServer, Served, digest
from tests.fakes.gguf_files import TINY, gguf_bytes, rewritten

# An answer that fits this takes minutes unless it is stopped.
ENDLESS = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 2000}


@pytest.fixture(autouse=True)
def own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Give the test a data folder, a registry and engines of its own."""
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(tmp_path / "data"))
    for kind in (Registry, Engines):
        process.made.pop(kind, None)
    yield
    for kind in (Registry, Engines):
        process.made.pop(kind, None)


def _link(weights: Path, path: Path) -> Path:
    path.symlink_to(weights)
    return path


def _install(source: Path | str, name: str) -> None:
    Installation.of(str(source), name=name).run((), lambda line: None)


def _loaded(*models: Any) -> list[bool]:
    return [model.engine._server is not None for model in models]


@pytest.mark.model
def test_a_file_answers_by_its_path(face: Face, weights, tmp_path, monkeypatch):
    path = _link(weights, tmp_path / "some model.gguf")
    monkeypatch.chdir(tmp_path)
    model = face.get_model("some model.gguf")
    assert model.model_id == str(path)
    assert model is face.get_model(str(path))
    assert (model.supports_schema, model.supports_tools, model.can_stream) == (True, False, True)
    response = model.prompt("Name a bird.", max_tokens=5)
    assert len(list(face.chunks(response))) > 1
    assert face.do(response.usage()).output == 5
    assert response.resolved_model == "some model"


@pytest.mark.model
def test_a_downloaded_file_answers_by_its_name(face: Face, weights, file_server: FileServer, own_transport):
    content = weights.read_bytes()
    file_server.files["/s.gguf"] = Served(content, etag=f'"{digest(content)}"')
    file_server.files["/s.gguf"].cuts = [50_000_000]
    _install(file_server.url("/s.gguf"), "mine")
    assert file_server.ranges_asked() == [None, "bytes=50000000-"]
    assert face.text(face.get_model("mine").prompt("Name a bird.", max_tokens=5))
    remove_model("mine")
    with pytest.raises(UnknownModelError, match="No model is called 'mine'"):
        face.get_model("mine")


def test_installed_models_are_listed_and_can_be_the_default(tmp_path):
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes(TINY | {"tokenizer.chat_template": "{{ tools }}"}))
    _install(path, "tiny")
    model = llm.get_model("tiny")
    assert model.supports_tools
    assert model in llm.get_models()
    assert llm.get_async_model("tiny") in llm.get_async_models()
    llm.set_alias("small", "tiny")
    assert llm.get_model("small") is model
    with pytest.warns(UserWarning, match="in notebooks only"):
        llm.set_default_model("tiny")
    assert llm.get_model() is model


def test_a_path_can_have_an_alias(tmp_path, monkeypatch):
    (tmp_path / "tiny.gguf").write_bytes(gguf_bytes())
    monkeypatch.chdir(tmp_path)
    llm.set_alias("small", "tiny.gguf")
    monkeypatch.chdir("/")
    assert llm.get_model("small").model_id == str(tmp_path / "tiny.gguf")


def test_a_path_without_a_file_is_an_unknown_model(face: Face):
    with pytest.raises(UnknownModelError) as caught:
        face.get_model("/nowhere/tiny.gguf")
    assert str(caught.value) == "There is no model file '/nowhere/tiny.gguf': check the path."


@pytest.mark.model
@pytest.mark.parametrize(
    ("content", "said"), [(b"PK\x03\x04", "that is not a GGUF file"), (gguf_bytes(), "the file may be damaged")]
)
def test_a_file_without_a_model_is_explained_when_it_is_prompted(face: Face, tmp_path, content, said):
    path = tmp_path / "odd.gguf"
    path.write_bytes(content)
    assert said in str(face.error_of(face.get_model(str(path))))


def test_a_file_that_is_gone_is_explained(face: Face, tmp_path):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes())
    _install(path, "tiny")
    path.unlink()
    assert str(face.error_of(face.get_model("tiny"))) == (
        f"The file {path} is gone: put it back, or install the model again."
    )


def test_options_that_are_not_given_are_left_to_the_model(tmp_path):
    model = local_entry("a", GGUFFile(tmp_path / "a.gguf"), supports_tools=False).model
    assert isinstance(model, LocalModel)
    assert model.Options().request_fields(schema=False) == {}
    assert model.Options(temperature=0, stop='["a"]').request_fields(schema=False) == {"temperature": 0, "stop": ["a"]}
    assert LocalModel().Options().request_fields(schema=False)["max_tokens"] == 512


@pytest.mark.model
def test_one_model_at_a_time_is_in_memory(weights, tmp_path):
    first, second = (llm.get_model(str(_link(weights, tmp_path / f"{name}.gguf"))) for name in ("a", "b"))
    first.prompt("Hi", max_tokens=2).text()
    assert _loaded(first, second) == [True, False]
    second.prompt("Hi", max_tokens=2).text()
    assert _loaded(first, second) == [False, True]
    first.prompt("Hi", max_tokens=2).text()
    assert _loaded(first, second) == [True, False]


@pytest.mark.model
def test_a_model_that_is_answering_is_freed_when_it_is_done(weights, tmp_path):
    first, second = (llm.get_model(str(_link(weights, tmp_path / f"{name}.gguf"))) for name in ("a", "b"))
    response = first.prompt("Count.", schema=ENDLESS, max_tokens=8000)
    stream = iter(response)
    next(stream)
    (generation,) = first.engine.running
    assert second.prompt("Hi", max_tokens=2).text()
    assert _loaded(first, second) == [True, True]
    assert next(stream)
    response.close()
    generation.wait(30)
    assert _loaded(first, second) == [False, True]


@pytest.mark.model
def test_two_models_asked_from_many_threads_answer_all(weights, tmp_path):
    models = [llm.get_model(str(_link(weights, tmp_path / f"{name}.gguf"))) for name in ("a", "b")]
    answers: list[str] = []

    def ask(model: Any) -> None:
        answers.append(model.prompt("Name a bird.", temperature=0, max_tokens=3).text())

    threads = [threading.Thread(target=ask, args=(model,)) for model in models * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert sum(_loaded(*models)) == 1


@pytest.mark.model
def test_a_refused_prompt_does_not_keep_the_memory(weights, tmp_path):
    first, second = (llm.get_model(str(_link(weights, tmp_path / f"{name}.gguf"))) for name in ("a", "b"))
    with pytest.raises(ModelError, match="does not accept this prompt"):
        first.prompt("Describe a dog.", schema={"type": "nonsense"}).text()
    second.prompt("Hi", max_tokens=2).text()
    assert _loaded(first, second) == [False, True]


class Forced(GGUFOptions):
    """Options that make so small a model call a tool."""

    tool_choice: str = "required"
    logit_bias: dict[str, float] = {"107": 9, "39428": 9}


@pytest.mark.model
def test_a_model_whose_template_knows_of_tools_calls_them(face: Face, weights, tmp_path, tool_template):
    old = llm.get_model(str(_link(weights, tmp_path / "old.gguf")))
    assert not old.supports_tools
    model = face.get_model(
        str(rewritten(weights, tmp_path / "tools.gguf", _template_of(weights), tool_template.read_text()))
    )
    assert model.supports_tools
    model.Options = Forced

    def get_weather(city: str) -> str:
        return f"Rain in {city}."

    response = model.prompt("What is the weather in Paris?", tools=[get_weather], temperature=0, max_tokens=80)
    calls = face.do(response.tool_calls())
    assert [call.name for call in calls] == ["get_weather"]
    assert isinstance(calls[0].arguments["city"], str)


def _template_of(weights: Path) -> str:
    template = read_facts(weights).chat_template
    assert template is not None
    return template
