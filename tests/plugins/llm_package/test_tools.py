"""Tools and Toolboxes of `llm` plugins run in our chains, where they can be approved, and bridged models call any tool."""

from __future__ import annotations

import json
from typing import Any

import llm as their_llm
import pytest
import sqlite_utils
from llm_tools_sqlite import SQLite

import llm_notebook as llm
from llm_notebook.parts.messages import AttachmentPart, ToolResultPart
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox
from tests.fakes.faces import Face, asks
from tests.plugins.llm_package import plugin


def _asking(*calls: dict[str, Any]) -> str:
    """Return a prompt that makes llm-echo call tools."""
    return json.dumps({"tool_calls": list(calls), "prompt": "calling"})


def _results(face: Face, chain: Any) -> list[ToolResultPart]:
    """Read the chain and return the results of its tools."""
    found = []
    for response in face.responses(chain):
        face.text(response)
        found += [
            part for message in response.prompt.messages for part in message.parts if isinstance(part, ToolResultPart)
        ]
    return found


def test_tools_and_toolboxes_are_offered_by_name() -> None:
    tools = llm.get_tools()
    assert isinstance(tools["simple_eval"], Tool)
    assert tools["simple_eval"].plugin == "tools_simpleeval"
    assert tools["simple_eval"].description == "Evaluate a simple expression using the simpleeval library."
    assert tools["simple_eval"].input_schema["required"] == ["expression"]
    assert issubclass(tools["SQLite"], Toolbox)
    assert [tool.name for tool in tools["SQLite"].method_tools()] == ["SQLite_query", "SQLite_schema"]


def test_a_bridged_model_calls_a_bridged_tool(face: Face) -> None:
    chain = face.get_model("echo").chain(
        _asking({"name": "simple_eval", "arguments": {"expression": "6 * 7"}}), tools=[llm.get_tools()["simple_eval"]]
    )
    (result,) = _results(face, chain)
    assert (result.name, result.output) == ("simple_eval", "42")


def test_a_bridged_model_waits_for_consent_to_one_of_our_tools(face: Face) -> None:
    ran = []

    @llm.require_approval
    @face.tool
    def erase(path: str) -> str:
        ran.append(path)
        return "gone"

    chain = face.get_model("echo").chain(_asking({"name": "erase", "arguments": {"path": "/a"}}), tools=[erase])
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain)
    assert ran == []
    assert caught.value.request.arguments == {"path": "/a"}
    assert '"output": "gone"' in face.text(caught.value.approve())
    assert ran == ["/a"]


def test_a_pause_of_a_bridged_model_survives_the_process(face: Face) -> None:
    @llm.require_approval
    @face.tool
    def erase(path: str) -> str:
        return "gone"

    asked = _asking({"name": "erase", "arguments": {"path": "/a"}})
    with pytest.raises(llm.PauseChain) as caught:
        face.text(face.get_model("echo").chain(asked, tools=[erase], options={"example_bool": True}))
    kept = json.loads(json.dumps(caught.value.to_dict()))
    loaded = llm.load_pause(kept, tools=[erase], model=face.get_model("echo"))
    said = face.text(loaded.approve())
    assert '"output": "gone"' in said
    assert '"example_bool": true' in said


def test_consent_can_be_asked_for_a_bridged_tool_and_toolbox(face: Face, tmp_path) -> None:
    path = tmp_path / "birds.db"
    sqlite_utils.Database(path)["birds"].insert({"name": "pelican"})
    box = llm.require_approval(llm.get_tools()["SQLite"](str(path)))
    assert box.configuration == {"path": str(path)}
    chain = face.get_model("echo").chain(
        _asking({"name": "SQLite_query", "arguments": {"sql": "select name from birds"}}), tools=[box]
    )
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain)
    assert "pelican" in face.text(caught.value.approve())


def test_an_object_of_a_plugin_can_be_passed_as_it_is(face: Face, tmp_path) -> None:
    path = tmp_path / "birds.db"
    sqlite_utils.Database(path)["birds"].insert({"name": "pelican"})
    theirs = SQLite(str(path))
    chain = face.get_model("echo").chain(
        _asking({"name": "SQLite_query", "arguments": {"sql": "select name from birds"}}), tools=[theirs, theirs]
    )
    (result,) = _results(face, chain)
    assert json.loads(result.output) == [{"name": "pelican"}]


def test_consent_given_for_one_configuration_does_not_count_for_another(face: Face) -> None:
    def asked(folder: str, model: Any) -> llm.PauseChain:
        box = llm.require_approval(llm.get_tools()["Notes"](folder))
        with pytest.raises(llm.PauseChain) as caught:
            face.text(model.chain("Hi", tools=[box]))
        return caught.value

    model = face.rounds(asks(llm.ToolCall("Notes_read", {"name": "a"}, "c1")), "done")
    first = asked("/private", model)
    other = llm.require_approval(llm.get_tools()["Notes"]("/public"))
    first.approve()
    with pytest.raises(llm.PauseChain):
        face.text(first.resume(tools=[other]))


def test_a_toolbox_is_prepared_once_and_has_its_added_and_async_tools(face: Face) -> None:
    box = llm.get_tools()["Notes"]("/n", limit=5)
    model = face.rounds(
        asks(
            llm.ToolCall("Notes_read", {"name": "a"}, "1"),
            llm.ToolCall("Notes_write", {"name": "b", "text": "hello"}, "2"),
            llm.ToolCall("count_notes", {}, "3"),
        ),
        "done",
    )
    results = _results(face, model.chain("Hi", tools=[box]))
    assert [result.output for result in results] == ["/n/a (5)", '{"written": "b", "characters": 5}', "2"]
    assert box.prepared == 1
    assert box.folder == "/n"
    assert box.read("z") == "/n/z (5)"


def test_attachments_of_a_tool_reach_the_model(face: Face) -> None:
    plugin.SCRIPT[:] = plugin.call_events("picture", {}, "c1")
    model = face.get_model("scripted")
    chain = model.chain("Hi", tools=[llm.get_tools()["picture"]], chain_limit=2)
    with pytest.raises(ValueError, match="limit"):
        face.text(chain)
    sent = plugin.SENT[1]
    assert [message.role for message in sent.messages] == ["user", "assistant", "tool", "user"]
    assert sent.messages[2].parts[0].output == "taken by picture"
    assert sent.messages[3].parts[0].attachment.type == "image/png"
    assert [attachment.type for attachment in sent.attachments] == ["image/png"]
    assert sent.tool_results[0].output == "taken by picture"
    assert not any(isinstance(part, AttachmentPart) for message in sent.messages[:3] for part in message.parts)


def test_a_tool_that_pauses_in_the_way_of_llm_can_be_approved(face: Face) -> None:
    model = face.rounds(asks(llm.ToolCall("hesitant", {"path": "/a"}, "c1")), "done")
    with pytest.raises(llm.PauseChain, match="may I erase /a") as caught:
        face.text(model.chain("Hi", tools=[llm.get_tools()["hesitant"]]))
    assert face.text(caught.value.approve()) == "done"
    assert model.requests[-1].messages[-1].parts[0].output == "erased /a"


def test_a_bridged_model_is_told_of_tools_and_not_given_them(face: Face) -> None:
    plugin.SCRIPT[:] = ["ok"]

    def look(at: str) -> str:
        "Look at something."
        return at

    face.text(face.get_model("scripted").prompt("Hi", tools=[look]))
    (told,) = plugin.SENT[0].tools
    assert (told.name, told.description) == ("look", "Look at something.")
    assert told.input_schema["properties"] == {"at": {"type": "string"}}
    with pytest.raises(llm.ModelError, match="runs no tools itself"):
        told.implementation(at="x")


def test_server_side_tools_reach_the_models_that_have_them(face: Face) -> None:
    plugin.SCRIPT[:] = ["ok"]
    model, search = face.get_model("scripted"), plugin.Search({"depth": 1})
    face.text(model.prompt("Hi", tools=[search, plugin.DeepSearch()]))
    assert plugin.SENT[0].tools[0] is search
    assert type(plugin.SENT[0].tools[1]) is plugin.DeepSearch
    for other in (their_llm.ServerSideTool({"type": "x"}), llm.ServerSideTool({"type": "x"})):
        with pytest.raises(ValueError, match="server-side tool"):
            face.text(model.prompt("Hi", tools=[other]))
    with pytest.raises(ValueError, match="server-side tool"):
        face.get_model("echo").prompt("Hi", tools=[search])


def test_a_tool_object_of_llm_can_be_passed_to_our_models(face: Face) -> None:
    theirs = their_llm.Tool("ping", "Answers.", {"type": "object", "properties": {}}, lambda: "pong")
    model = face.rounds(asks(llm.ToolCall("ping", {}, "c1")), "done")
    (result,) = _results(face, model.chain("Hi", tools=[theirs, theirs]))
    assert result.output == "pong"
