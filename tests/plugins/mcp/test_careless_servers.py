"""Servers that print where their messages go, and tools whose names are the same for a provider, sync and async."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face, asks
from tests.plugins.mcp.careless_server import LONG

pytest.importorskip("mcp")

_PROGRAM = [sys.executable, str(Path(__file__).with_name("careless_server.py"))]


@pytest.fixture
def box() -> Iterator[Any]:
    with llm.mcp_toolbox(_PROGRAM) as made:
        yield made


def _names(box: Any) -> list[str]:
    asyncio.run(box.prepare_async())
    return [tool.name for tool in box.tools()]


@pytest.mark.filterwarnings("ignore:The MCP server")
def test_names_that_become_equal_are_told_apart_in_every_process_alike(box: Any) -> None:
    names = _names(box)
    assert len(names) == len(set(names)) == 6
    assert {"a_b", "echo"} <= set(names)
    assert sum(name.startswith("a_b_") for name in names) == 2
    assert sum(name.startswith(LONG[:50]) for name in names) == 2
    assert all(len(name) <= 64 for name in names)
    with llm.mcp_toolbox(_PROGRAM) as again:
        assert _names(again) == names
    assert _names(box) == names


@pytest.mark.filterwarnings("ignore:The MCP server")
def test_each_name_calls_its_own_tool(face: Face, box: Any) -> None:
    names = _names(box)
    calls = [llm.ToolCall(name, {}, str(number)) for number, name in enumerate(names)]
    model = face.rounds(asks(*calls), "done")
    assert face.text(model.chain("Hi", tools=[box])) == "done"
    results = [part.output for part in model.requests[1].messages[-1].parts]
    assert sorted(results) == sorted(
        f"ran {name}" for name in ("a.b", "a_b", "a/b", f"{LONG}one", f"{LONG}two", "echo")
    )


@pytest.mark.filterwarnings("ignore:The MCP server")
def test_a_list_of_tools_that_does_not_end_is_given_up() -> None:
    with llm.mcp_toolbox([*_PROGRAM, "endless"]) as box, pytest.raises(llm.ModelError, match="does not end"):
        _names(box)


def test_what_is_no_message_is_one_warning(face: Face, box: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.warns(UserWarning, match="what is no message") as told:
        model = face.rounds(asks(llm.ToolCall("echo", {}, "1"), llm.ToolCall("a_b", {}, "2")), "done")
        assert face.text(model.chain("Hi", tools=[box])) == "done"
    assert len(told) == 1
    assert not [record for record in caplog.records if record.exc_info]
