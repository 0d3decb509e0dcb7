"""With `sys.modules["llm"]` set to this package, plugins and programs that were written for `llm` use it."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import metadata
from types import ModuleType
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from llm_notebook.configuration.process import process
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.own import Plugins
from tests.fakes.faces import Face


@pytest.fixture(autouse=True)
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this package stand in for `llm`, in a process that knows no plugins yet."""
    for name in [name for name in sys.modules if name == "llm" or name.startswith("llm.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "llm", llm)
    monkeypatch.setitem(process.made, Plugins, Plugins())
    monkeypatch.delitem(process.made, open_bridge, raising=False)


@pytest.fixture
def echo() -> ModuleType:
    """The plugin llm-echo, loaded for this package and registered with it. Its models answer with what they were given, as JSON."""
    (file,) = [file for file in metadata.files("llm-echo") or [] if file.name == "llm_echo.py"]
    spec = importlib.util.spec_from_file_location("llm_echo_for_us", file.locate())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    process.of(Plugins).manager.register(module, "llm_echo")
    return module


def upper(text: str) -> str:
    """Convert text to uppercase."""
    return text.upper()


def told(face: Face, response: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(face.text(response))
    return answer


@pytest.mark.usefixtures("echo")
def test_a_plugins_model_is_found_and_is_one_of_ours(face: Face) -> None:
    model = face.get_model("echo")
    assert isinstance(model, llm.AsyncModel if face.is_async else llm.Model)
    assert "llm_echo_for_us" in [plugin["name"] for plugin in llm.get_plugins()]
    with pytest.raises(llm.NeedsKeyException, match="echo-needs-key needs a key"):
        face.text(face.get_model("echo-needs-key").prompt("Hi"))
    set_key("echo-needs-key", "sk-echo")
    assert told(face, face.get_model("echo-needs-key").prompt("Hi"))["key"] == "sk-echo"


@pytest.mark.usefixtures("echo")
def test_it_is_given_what_it_reads(face: Face) -> None:
    model = face.get_model("echo")
    picture = llm.Attachment("image/png", content=b"\x89PNG\r\n\x1a\n")
    said = told(face, model.prompt("Hi", system="S", attachments=[picture], example_bool=True))
    assert (said["prompt"], said["system"], said["options"]) == ("Hi", "S", {"example_bool": True})
    assert [attachment["id"] for attachment in said["attachments"]] == [picture.id()]
    response = model.prompt("Hi", thinking=True)
    assert [event.type for event in face.events(response)] == ["reasoning", "reasoning", "text"]
    (message,) = face.do(response.messages())
    assert [type(part) for part in message.parts] == [llm.ReasoningPart, llm.TextPart]
    assert response.token_usage().startswith("1 input, ")
    conversation = model.conversation()
    face.text(conversation.prompt("One"))
    assert told(face, conversation.prompt("Two"))["previous"] == [{"prompt": "One"}]


@pytest.mark.usefixtures("echo")
def test_it_asks_for_tools_and_reads_their_results(face: Face) -> None:
    asked = json.dumps({"prompt": "p", "tool_calls": [{"name": "upper", "arguments": {"text": "a"}}]})
    chain = face.get_model("echo").chain(asked, system="S", tools=[upper])
    last = list(face.responses(chain))[-1]
    said = told(face, last)
    assert [(result["name"], result["output"]) for result in said["tool_results"]] == [("upper", "A")]
    assert (said["previous"], said["system"], said["prompt"]) == ([{"prompt": asked}], "S", "")


def test_what_a_program_imports_are_our_classes() -> None:
    names: dict[str, Any] = {}
    exec(  # as a program would
        "import llm\nfrom llm import user\nfrom llm.parts import TextPart, StreamEvent, PartDict\nfrom llm.models import Response\n"
        "from llm.models import Attachment, Fragment, Tool, Toolbox, ToolCall, ToolOutput, ToolResult, Usage, EmbeddingModelWithAliases\n"
        "from llm.serialization import MessageDict\nfrom llm.errors import ModelError\nimport llm.errors",
        names,
    )
    assert names["llm"] is llm
    assert names["TextPart"] is llm.TextPart
    assert names["StreamEvent"] is llm.StreamEvent
    assert names["Response"] is llm.Response
    assert all(names[name] is getattr(llm, name) for name in ("Attachment", "Tool", "Toolbox", "ToolCall", "Usage"))
    assert names["MessageDict"] is llm.serialization.MessageDict
    assert names["ModelError"] is llm.errors.ModelError is llm.ModelError
    assert llm.errors is sys.modules["llm_notebook.errors"]


def test_its_own_tools_are_not_taken_for_those_of_another_package() -> None:
    assert open_bridge() is None
    assert llm.get_tools() == {}
    model = llm.get_model("gpt-4o")
    assert llm.get_model_aliases()["4o"] is model
