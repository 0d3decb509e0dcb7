"""The registry: `get_model()` and the functions beside it, aliases, the default model, and the user's own endpoints."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.keys import set_key
from llm_notebook.configuration.process import process
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.providers.registry import Registry
from tests.fakes.faces import Face, ScriptedModel
from tests.fakes.openai_server import OpenAIServer, text_reply


@pytest.fixture
def folder() -> Path:
    """Return the folder that is shared with the `llm` command."""
    return llm.user_dir()


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the test a registry of its own."""
    monkeypatch.delitem(process.made, Registry, raising=False)
    yield
    process.made.pop(Registry, None)


def test_ids_and_aliases_find_the_model(face: Face) -> None:
    for name in ("gpt-4o-mini", "4o-mini"):
        assert face.get_model(name).model_id == "gpt-4o-mini"
    assert face.get_model("smollm2").model_id == "smollm2"


def test_without_a_name_it_is_the_default(face: Face) -> None:
    assert face.get_model().model_id == "gpt-4o-mini"
    llm.set_default_model("4o")
    assert face.get_model().model_id == "gpt-4o"


@pytest.mark.parametrize(
    ("name", "closest"), [("gpt4o-mini", "gpt-4o-mini"), ("GPT-4O", "gpt-4o"), ("smolm2", "smollm2")]
)
def test_an_unknown_name_is_answered_with_the_closest(face: Face, name: str, closest: str) -> None:
    with pytest.raises(llm.UnknownModelError) as caught:
        face.get_model(name)
    assert str(caught.value).startswith(f"No model is called '{name}'. Did you mean ")
    assert closest in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_an_alias_of_a_model_that_is_not_here_says_what_it_stands_for(face: Face) -> None:
    llm.set_alias("mine", "gpt-4o-minni")
    with pytest.raises(llm.UnknownModelError) as caught:
        face.get_model("mine")
    beginning = "No model is called 'gpt-4o-minni', which your alias 'mine' stands for. Did you mean gpt-4o-mini"
    assert str(caught.value).startswith(beginning)


def test_the_users_own_aliases_are_among_the_closest(face: Face) -> None:
    llm.set_alias("grandmother", "gpt-4o")
    with pytest.raises(llm.UnknownModelError, match=r"Did you mean grandmother\?"):
        face.get_model("grandmothr")


def test_a_name_like_no_other_is_answered_plainly(face: Face) -> None:
    with pytest.raises(llm.UnknownModelError) as caught:
        face.get_model("xyzzyplughqqq")
    assert str(caught.value) == "No model is called 'xyzzyplughqqq'. `%llm models` lists them all."


def test_the_error_for_an_unknown_default_calls_it_the_default(face: Face) -> None:
    llm.set_default_model("gone-with-its-plugin")
    with pytest.raises(llm.UnknownModelError, match=r"'gone-with-its-plugin' \(the configured default\)"):
        face.get_model()


def test_a_model_without_the_wanted_flavour_is_refused_with_a_pointer_to_the_other() -> None:
    only = ScriptedModel((), {"model_id": "only-sync"})
    process.of(Registry)._builtin.append(ModelWithAliases(only, None, ["os"]))
    assert llm.get_model("os") is only
    with pytest.raises(
        llm.UnknownModelError, match=r"only-sync has no async flavour \(sync model exists\): use get_model\(\)"
    ):
        llm.get_async_model("os")
    process.of(Registry)._builtin.append(ModelWithAliases(None, llm.AsyncOpenAIChat("only-async"), []))
    with pytest.raises(
        llm.UnknownModelError, match=r"only-async has no sync flavour \(async model exists\): use get_async_model\(\)"
    ):
        llm.get_model("only-async")
    assert only not in [entry.async_model for entry in llm.get_models_with_aliases()]
    assert "only-async" not in [model.model_id for model in llm.get_models()]
    assert "only-async" in [model.model_id for model in llm.get_async_models()]


def test_no_id_or_alias_means_two_models() -> None:
    entries = llm.get_models_with_aliases()
    names = [name for entry in entries for name in (entry.model_id, *entry.aliases)]
    assert len(names) == len(set(names))
    assert [model.model_id for model in llm.get_models()] == [entry.model_id for entry in entries]


def test_what_the_listed_models_can_do() -> None:
    model = llm.get_model("gpt-4o-mini")
    assert {"image/png", "image/jpeg", "image/webp", "image/gif"} <= model.attachment_types
    assert model.can_stream
    assert model.supports_schema
    assert model.supports_tools
    assert llm.get_model("gpt-3.5-turbo").attachment_types == frozenset()
    with pytest.raises(ValueError, match="gpt-4 does not support schemas"):
        llm.get_model("gpt-4").prompt("Hi", schema={"type": "object"})
    llm.get_model("o3-mini").prompt("Hi", reasoning_effort="low")


def test_an_alias_can_be_set_and_removed(face: Face) -> None:
    llm.set_alias("mini", "4o-mini")
    assert face.get_model("mini").model_id == "gpt-4o-mini"
    [entry] = [entry for entry in llm.get_models_with_aliases() if "mini" in entry.aliases]
    assert entry.model_id == "gpt-4o-mini"
    llm.remove_alias("mini")
    with pytest.raises(llm.UnknownModelError):
        face.get_model("mini")
    with pytest.raises(KeyError):
        llm.remove_alias("mini")


def test_models_by_name_have_every_id_and_alias(face: Face) -> None:
    llm.set_alias("mini", "4o-mini")
    found: dict[str, Any] = llm.get_async_model_aliases() if face.is_async else llm.get_model_aliases()
    for name in ("gpt-4o-mini", "4o-mini", "mini", "smollm2"):
        assert found[name] is face.get_model(name)
    llm.set_alias("gpt-4o", "gpt-4")
    found = llm.get_async_model_aliases() if face.is_async else llm.get_model_aliases()
    assert found["gpt-4o"] is face.get_model("gpt-4o")


def test_an_alias_of_something_unknown_is_stored_as_it_is(face: Face) -> None:
    llm.set_alias("pelican", "llm-plugin-model")
    with pytest.raises(llm.UnknownModelError):
        face.get_model("pelican")


def test_ids_win_over_aliases_and_own_aliases_over_built_in_ones(face: Face) -> None:
    llm.set_alias("gpt-4o", "gpt-4")
    llm.set_alias("4o", "gpt-4")
    assert face.get_model("gpt-4o").model_id == "gpt-4o"
    assert face.get_model("4o").model_id == "gpt-4"
    [entry] = [entry for entry in llm.get_models_with_aliases() if "4o" in entry.aliases]
    assert entry.model_id == "gpt-4"


def test_aliases_in_a_circle_end(folder: Path, face: Face) -> None:
    (folder / "aliases.json").write_text('{"a": "b", "b": "a"}')
    with pytest.raises(llm.UnknownModelError, match="No model is called 'a'"):
        face.get_model("a")


def test_the_default_can_be_asked_for_and_cleared(folder: Path) -> None:
    assert llm.get_default_model() == "gpt-4o-mini"
    assert llm.get_default_model(default=None) is None
    llm.set_default_model("4o")
    assert llm.get_default_model(default=None) == "gpt-4o"
    assert (folder / "default_model.txt").read_text() == "gpt-4o"
    llm.set_default_model(None)
    assert llm.get_default_model(default=None) is None


def test_a_default_that_only_we_know_leaves_the_shared_file_alone(folder: Path, face: Face) -> None:
    llm.set_default_model("gpt-4o")
    before = (folder / "default_model.txt").stat()
    with pytest.warns(ConfigurationWarning, match="smollm2 is now the default in notebooks only") as caught:
        llm.set_default_model("smollm2")
    assert caught[0].filename == __file__
    after = (folder / "default_model.txt").stat()
    assert (folder / "default_model.txt").read_text() == "gpt-4o"
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert llm.get_default_model() == face.get_model().model_id == "smollm2"
    llm.set_default_model("4o-mini")
    assert llm.get_default_model() == "gpt-4o-mini"


def test_a_users_endpoint_can_be_the_default_of_the_llm_command_too(folder: Path) -> None:
    endpoints(folder, "- model_id: mine\n  api_base: http://localhost:1/v1\n  aliases: [my]\n")
    llm.set_default_model("my")
    assert (folder / "default_model.txt").read_text() == "mine"


def test_nothing_is_written_by_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "not-there"))
    llm.get_model("smollm2")
    llm.get_default_model()
    llm.get_models_with_aliases()
    assert not (tmp_path / "not-there").exists()


def test_any_model_of_a_provider_can_be_asked_for_by_its_prefix(face: Face) -> None:
    new = face.get_model("groq/some/brand-new")
    assert (new.model_id, new.model_name) == ("groq/some/brand-new", "some/brand-new")
    assert {"image/png"} <= new.attachment_types
    assert new.supports_tools
    assert face.get_model("groq/some/brand-new") is new
    assert face.get_model("openai/gpt-4o") is face.get_model("gpt-4o")
    assert face.get_model("openai/gpt-99").model_name == "gpt-99"
    assert face.get_model("ollama/qwen9").model_name == "qwen9"
    assert face.get_model("openrouter/openai/gpt-4o").base_url == "https://openrouter.ai/api/v1"
    llm.set_alias("fast", "groq/some/brand-new")
    assert face.get_model("fast") is new
    for wrong in ("groq/", "groq/ ", "nobody/model", "groq"):
        with pytest.raises(llm.UnknownModelError):
            face.get_model(wrong)


def test_openais_models_speak_responses_unless_they_only_have_chat_completions(face: Face) -> None:
    assert type(face.get_model("gpt-4o")).__name__.endswith("OpenAIResponses")
    assert type(face.get_model("gpt-audio")).__name__.endswith("OpenAIChat")
    assert "audio/wav" in face.get_model("gpt-audio").attachment_types
    assert face.get_model("gpt-4o").prompt("Hi", seed=1, stop="x", max_tokens=5, temperature=0)


def test_a_model_that_a_provider_has_is_a_default_of_notebooks_only(face: Face) -> None:
    with pytest.warns(ConfigurationWarning, match="groq/brand-new is now the default in notebooks only"):
        llm.set_default_model("groq/brand-new")
    assert face.get_model().model_id == "groq/brand-new"


def endpoints(folder: Path, text: str) -> None:
    (folder / "extra-openai-models.yaml").write_text(text, encoding="utf-8")


def test_the_users_endpoints_are_models(folder: Path, face: Face, openai_server: OpenAIServer) -> None:
    endpoints(
        folder,
        f"""
- model_id: mine
  model_name: served-name
  api_base: "{openai_server.base_url}"
  headers: {{X-Team: blue}}
  aliases: [my, 7]
  vision: true
- model_id: keyed
  api_base: "{openai_server.base_url}/"
  api_key_name: mykey
""",
    )
    openai_server.play(text_reply("ok"))
    model = face.get_model("my")
    assert face.get_model("7") is model
    assert face.text(model.prompt("Hi")) == "ok"
    assert openai_server.requests[0].json()["model"] == "served-name"
    assert openai_server.requests[0].headers["x-team"] == "blue"
    assert "image/png" in model.attachment_types
    with pytest.raises(llm.NeedsKeyException, match="keys set mykey"):
        face.text(face.get_model("keyed").prompt("Hi"))


def test_an_endpoint_says_how_it_is_spoken_to(folder: Path, face: Face, openai_server: OpenAIServer) -> None:
    endpoints(
        folder,
        f"""
- model_id: by-responses
  base_url: "{openai_server.base_url}"
  wire: responses
  reasoning: true
- model_id: as-llm-says-it
  api_base: "{openai_server.base_url}"
  responses: true
- model_id: by-ollama
  base_url: "{openai_server.base_url.removesuffix("/v1")}"
  wire: ollama
- model_id: gateway
  base_url: "{openai_server.base_url}"
  dialect: mistral
  timeout: 9.5
  max_retries: 0
  headers: {{X-Gateway: "Token ${{gateway}}"}}
  tls: {{ca_file: ~/company.pem, verify: true}}
""",
    )
    set_key("gateway", "stored-key")
    for name in ("by-responses", "as-llm-says-it", "by-ollama", "gateway"):
        face.error_of(face.get_model(name))
    assert [request.path for request in openai_server.requests] == [
        "/v1/responses",
        "/v1/responses",
        "/api/chat",
        "/v1/chat/completions",
    ]
    assert openai_server.requests[0].json()["include"] == ["reasoning.encrypted_content"]
    assert openai_server.requests[3].headers["x-gateway"] == "Token stored-key"
    assert "stream_options" not in openai_server.requests[3].json()
    model = face.get_model("gateway")
    assert (model.timeout, model.max_retries, model.tls.ca_file) == (9.5, 0, "~/company.pem")


@pytest.mark.parametrize(
    "line",
    ['headers: {X: "sk-secret, x: y}', "headers: *sk-secret", "headers: !!int sk-secret", "headers: {X: [sk-secret}"],
)
def test_a_file_that_is_no_yaml_is_not_quoted(folder: Path, line: str) -> None:
    endpoints(folder, f"- model_id: a\n  api_base: http://x/v1\n  {line}\n")
    with pytest.warns(ConfigurationWarning, match="is no valid YAML and is left out") as warned:
        assert "a" not in [model.model_id for model in llm.get_models()]
    assert "sk-secret" not in " ".join(str(warning.message) for warning in warned)


def test_the_file_is_read_again_when_it_changes(folder: Path, face: Face) -> None:
    with pytest.raises(llm.UnknownModelError):
        face.get_model("mine")
    endpoints(folder, "- {model_id: mine, api_base: 'http://localhost:1/v1'}")
    assert face.get_model("mine").base_url == "http://localhost:1/v1"
    endpoints(folder, "- {model_id: mine, api_base: 'http://localhost:22/v1'}")
    assert face.get_model("mine").base_url == "http://localhost:22/v1"
    (folder / "extra-openai-models.yaml").unlink()
    with pytest.raises(llm.UnknownModelError):
        face.get_model("mine")


def test_a_users_endpoint_replaces_a_listed_model_with_its_id(folder: Path, face: Face) -> None:
    endpoints(folder, "- {model_id: gpt-4o, api_base: 'http://localhost:1/v1'}")
    assert face.get_model("gpt-4o").base_url == "http://localhost:1/v1"
    assert [model.model_id for model in llm.get_models()].count("gpt-4o") == 1


@pytest.mark.parametrize(
    "text",
    ["{", "- [", "model_id: x", "42", "\0", "- &a [*a]: *b", "[" * 5000, "!!python/object/apply:os.system ['true']"],
)
def test_a_file_that_cannot_be_used_costs_one_warning(folder: Path, text: str) -> None:
    endpoints(folder, text)
    with pytest.warns(ConfigurationWarning, match="extra-openai-models.yaml") as caught:
        assert llm.get_model("gpt-4o").model_id == "gpt-4o"
    assert len(caught) == 1
    assert (folder / "extra-openai-models.yaml").read_text() == text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        llm.get_model("gpt-4o")


def test_a_file_that_is_not_utf8_costs_one_warning(folder: Path) -> None:
    (folder / "extra-openai-models.yaml").write_bytes(b"\xff\xfe- \x80")
    with pytest.warns(ConfigurationWarning):
        assert llm.get_model("gpt-4o").model_id == "gpt-4o"


def test_an_empty_file_is_no_mistake(folder: Path) -> None:
    endpoints(folder, "# nothing yet\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert llm.get_models()


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("5", "it needs a model_id"),
        ("{model_id: [1]}", "it needs a model_id"),
        ("{api_base: 'http://x/v1'}", "it needs a model_id"),
        ("{model_id: bad, api_base: 5}", "the api_base of bad must be text"),
        ("{model_id: bad, api_base: 'ftp://x'}", "base_url must be an address such as"),
        ("{model_id: bad, api_base: 'http://[::1'}", "base_url must be an address such as"),
        ("{model_id: bad, api_base: 'http://x:99999/v1'}", "base_url must be an address such as"),
        ("{model_id: bad, model_name: {a: 1}}", "the model_name of bad must be text"),
        ("{model_id: bad, headers: text}", "the headers of bad must be names with texts"),
        ("{model_id: bad, headers: {x: 1}}", "the headers of bad must be names with texts"),
        ("{model_id: bad, aliases: text}", "the aliases of bad must be a list"),
        (
            "{model_id: bad, completion: true}",
            "bad completes texts, and only models that one can talk to are used here",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_leaves_the_others(folder: Path, entry: str, complaint: str) -> None:
    endpoints(folder, f"- {entry}\n- {{model_id: good, api_base: 'http://localhost:1/v1'}}\n")
    with pytest.warns(ConfigurationWarning) as caught:
        assert llm.get_model("good").model_id == "good"
    [warning] = caught
    assert str(warning.message).startswith("Entry 1 of ")
    assert complaint in str(warning.message)


def test_models_say_what_they_are() -> None:
    model: Any = llm.get_model("gpt-4o")
    assert str(model) == "OpenAIResponses: gpt-4o"
    assert repr(model) == "<OpenAIResponses: gpt-4o>"
    entry = llm.ModelWithAliases(model, None, ["4o"])
    assert repr(entry) == "ModelWithAliases(model=<OpenAIResponses: gpt-4o>, async_model=None, aliases=['4o'])"


@pytest.mark.parametrize("flag", ["can_stream", "supports_schema", "supports_tools"])
def test_a_users_endpoint_can_do_what_its_entry_says(folder: Path, face: Face, flag: str) -> None:
    entry = "- model_id: says-{}\n  api_base: http://localhost:1/v1\n"
    endpoints(folder, "".join(f"{entry.format(said)}  {flag}: {said}\n" for said in ("true", "false")))
    assert [getattr(face.get_model(f"says-{said}"), flag) for said in ("true", "false")] == [True, False]
    endpoints(folder, entry.format("nothing"))
    assert getattr(face.get_model("says-nothing"), flag) is (flag == "can_stream")


@pytest.mark.parametrize("cls", [llm.Model, llm.KeyModel, llm.AsyncModel, llm.AsyncKeyModel])
def test_a_model_that_says_nothing_can_only_converse(cls: type[Any]) -> None:
    model = cls()
    assert (model.can_stream, model.supports_schema, model.supports_tools) == (False, False, False)
    assert (set(model.attachment_types), model.supported_server_side_tools) == (set(), ())
    assert model.supports_conversation
    assert (model.key, model.needs_key, model.key_env_var) == (None, None, None)


@pytest.mark.parametrize("base_url", ["localhost:8080", "", "https://", "http://a:b", "file:///etc/passwd"])
def test_an_address_that_cannot_be_one_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must be an address such as http://localhost:8080/v1"):
        llm.OpenAIChat("m", base_url=base_url)
