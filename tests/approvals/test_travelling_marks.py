"""Marks travel: what is copied or pickled asks where it arrives as it did where it was made, or cannot be pickled."""

from __future__ import annotations

import copy
import functools
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.approvals.identity import identify
from llm_notebook.approvals.marks import policy_of
from llm_notebook.tools.collecting import as_tools
from tests.approvals import travelling
from tests.fakes.faces import Face, asks

mark = functools.partial(llm.require_approval, destructive=True)
ALWAYS = [["always", True, 0]]
NOT_HERE = "ModelError: The tool delete that was asked about is not here, so nothing was run and the question stays"


def _tool(thing: Any) -> llm.Tool:
    [tool] = as_tools([thing])
    assert isinstance(tool, llm.Tool)
    return tool


def _with_added() -> llm.Toolbox:
    box = llm.Toolbox()
    box.add_tool(travelling.delete)
    return box


def _paused() -> llm.PauseChain:
    model = Face().rounds(asks(llm.ToolCall("delete", {"path": "/a"}, "1")), "done")
    with pytest.raises(llm.PauseChain) as caught:
        model.chain("Tidy up", tools=[travelling.delete]).text()
    model.requests.clear()
    return caught.value


# What is made after the module's function, class and method have been marked in this process alone, and what the other one says of it.
ARRIVING: dict[str, tuple[Callable[[], Any], Any]] = {
    "a function that its module marks": (lambda: travelling.marked, [["sometimes", True, 1]]),
    "a Tool of it": (lambda: _tool(travelling.marked), [["sometimes", True, 1]]),
    "a Tool of a function marked here": (lambda: _tool(travelling.delete), ALWAYS),
    "a Tool of a partial of it": (lambda: llm.Tool.function(functools.partial(travelling.delete), "x"), ALWAYS),
    "a Toolbox that it was added to": (_with_added, ALWAYS),
    "a Toolbox of a class marked here": (travelling.OwnState, ALWAYS),
    "a tool of one": (lambda: travelling.OwnState().tools()[0], ALWAYS),
    "a Toolbox with a method marked here": (travelling.Files, ALWAYS),
    "a marked object with a state of its own": (lambda: mark(travelling.OwnState()), ALWAYS),
    "a pause": (_paused, NOT_HERE),
}


@pytest.fixture
def _marked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(travelling, "delete", mark(travelling.delete))
    monkeypatch.setattr(travelling.Files, "delete", mark(travelling.Files.delete))
    # Put back as it was afterwards, since a class is marked in place.
    monkeypatch.setattr(travelling.OwnState, "__llm_approval__", None, raising=False)
    mark(travelling.OwnState)


@pytest.mark.usefixtures("_marked_here")
def test_a_mark_made_here_holds_in_another_process() -> None:
    sent = {name: pickle.dumps(make()) for name, (make, _) in ARRIVING.items()}
    with pytest.MonkeyPatch.context() as elsewhere:
        # Where the class is not marked, what arrives is pickled again with the marks that it came with.
        elsewhere.setattr(travelling.OwnState, "__llm_approval__", None)
        sent["once more"] = pickle.dumps(pickle.loads(sent["a Toolbox of a class marked here"]))
    command = [sys.executable, "-m", "tests.approvals.travelling"]
    done = subprocess.run(command, input=pickle.dumps(sent), capture_output=True, check=True, timeout=240)
    said = json.loads(done.stdout)
    assert said["a pause"].startswith(NOT_HERE)
    said["a pause"] = NOT_HERE
    assert said.pop("once more") == ALWAYS
    assert said == {name: expected for name, (_, expected) in ARRIVING.items()}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_asks_too(copied: Callable[[Any], Any]) -> None:
    for box in (mark(travelling.Files()), mark(travelling.OwnState())):
        policy = policy_of(_tool_of(copied(box)))
        assert policy is not None
        assert policy.destructive
    condition = llm.require_approval(travelling.Files(), when=lambda path: False)
    assert policy_of(_tool_of(copied(condition))) == policy_of(_tool_of(condition))


def _tool_of(box: llm.Toolbox) -> llm.Tool:
    [tool] = box.tools()
    return tool


@pytest.mark.parametrize(
    "marked",
    [
        lambda: mark(travelling.delete),
        lambda: mark(llm.Tool.function(travelling.delete)),
        lambda: mark(travelling.Eraser().erase),
        lambda: mark(functools.partial(travelling.delete)),
    ],
    ids=["function", "Tool", "bound method", "partial"],
)
def test_a_marked_copy_that_no_name_leads_to_is_not_pickled(marked: Callable[[], Any]) -> None:
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        pickle.dumps(marked())


def test_the_toolbox_of_a_server_says_that_it_stays() -> None:
    box = mark(llm.mcp_toolbox(["no-such-server"]))
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"bound to its connection .* call mcp_toolbox\(\) there"):
            leave(box)


class _Connection:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "<connection>"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda box: pickle.loads(pickle.dumps(box))])
def test_consent_to_a_copy_is_not_consent_to_a_copy_with_another_connection(copied: Callable[[Any], Any]) -> None:
    test, real = (copied(travelling.Connected(_Connection(name))) for name in ("test", "real"))
    assert identify(_tool_of(test)).digest != identify(_tool_of(real)).digest
    assert identify(_tool_of(test)).digest == identify(_tool_of(test)).digest
