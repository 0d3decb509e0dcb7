"""What runs between a decision and its call cannot change what was approved: tools beside it, threads, and other decisions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.approvals.identity import identify
from llm_notebook.journal.operations import CallMoved
from llm_notebook.journal.protocol import Journal
from llm_notebook.turns.calls.freezing import ReadyCall
from llm_notebook.turns.calls.last_look import ChangedTool, invocation
from llm_notebook.turns.calls.nesting import Nest
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.origin import Origin
from tests.fakes.faces import AsyncFace, Face, asks

Call = llm.ToolCall
ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return llm.open_journal(tmp_path / "journal.db")


class Files(llm.Toolbox):
    """Files below a root, which others may move."""

    def __init__(self) -> None:
        self.root = "/test"

    def drop(self, name: str) -> None:
        ran.append(f"{self.root}/{name}")


class AsyncFiles(Files):
    async def drop(self, name: str) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        ran.append(f"{self.root}/{name}")


def when_it_starts(monkeypatch: pytest.MonkeyPatch, journal: Journal, act: Callable[[], object]) -> None:
    """Let something happen in the moment in which the start of a call is kept, once."""
    submit, kind = type(journal).submit, type(journal)

    def acting(self: Journal, operation: Any) -> Any:
        if isinstance(operation, CallMoved) and operation.to == "started":
            monkeypatch.setattr(kind, "submit", submit)
            act()
        return submit(self, operation)

    monkeypatch.setattr(kind, "submit", acting)


def test_what_is_called_is_what_is_compared() -> None:
    def drop() -> None:
        """Drop nothing."""

    tool = llm.Tool.function(drop)
    approved, implementation = identify(tool).digest, tool.implementation
    tool.implementation = lambda: ran.append("another")
    nest = Nest("call", "", ChainLog(), [])
    step = invocation(tool, ReadyCall(b"{}", b"{}", {}, "", None), approved, nest, None)
    tool.implementation = implementation
    with pytest.raises(ChangedTool):
        step.function(**step.kwargs)
    assert ran == []


def test_a_tool_that_changes_while_its_start_is_kept_is_not_run(
    face: Face, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = AsyncFiles() if face.is_async else Files()
    name = f"{type(files).__name__}_drop"
    model = face.rounds(asks(Call(name, {"name": "a"}, "c1")), "done")
    chain = face.pause_of(model.chain("Hi", tools=[llm.require_approval(files)])).approve()
    when_it_starts(monkeypatch, journal, lambda: setattr(files, "root", "/PROD"))
    again = face.pause_of(chain)
    assert ran == []
    assert 'root: "/test" → "/PROD"' in again.request.changed
    call = journal.call(again.request.id)
    assert call is not None
    assert (call.state, call.decision) == ("waiting", None)
    assert face.text(again.approve()) == "done"
    assert ran == ["/PROD/a"]


def test_a_tool_that_another_one_changes_at_the_same_time_is_not_run(journal: Journal) -> None:
    files = AsyncFiles()

    @llm.require_approval
    async def spoil() -> None:
        files.root = "/PROD"

    face = AsyncFace()
    model = face.rounds(asks(Call("spoil", {}, "c1"), Call("AsyncFiles_drop", {"name": "a"}, "c2")), "done")
    pause = face.pause_of(model.chain("Hi", tools=[spoil, llm.require_approval(files)]))
    for request in pause.requests:
        chain = pause.approve(request=request)
    again = face.pause_of(chain)
    assert ran == []
    assert 'root: "/test" → "/PROD"' in again.request.changed
    face.close()


def test_what_runs_in_a_thread_is_looked_at_in_that_thread(journal: Journal) -> None:
    files = Files()
    face = AsyncFace()
    calls = [Call("spoil", {}, "c0"), *(Call("Files_drop", {"name": str(at)}, f"c{at}") for at in range(1, 4))]

    @llm.require_approval
    def spoil() -> None:
        files.root = "/PROD"

    model = face.rounds(asks(*calls), "done")
    chain = model.chain("Hi", tools=[spoil, llm.require_approval(files)], parallel_tools=4)
    pause = face.pause_of(chain)
    for request in pause.requests:
        last = pause.approve(request=request)
    # Which of them come before it is open, and whatever comes after it asks.
    with suppress(llm.PauseChain):
        face.text(last)
    assert [path for path in ran if path.startswith("/PROD")] == []
    face.close()


def test_arguments_that_another_decision_has_replaced_do_not_run(
    face: Face, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    @llm.require_approval
    def erase(path: str) -> None:
        ran.append(path)

    model = face.rounds(asks(Call("erase", {"path": "/a"}, "c1")), "done")
    chain = face.pause_of(model.chain("Hi", tools=[erase])).approve({"path": "/mine"})
    [other] = llm.pending()
    when_it_starts(monkeypatch, journal, lambda: other.approve({"path": "/theirs"}))
    assert face.text(chain) == "done"
    assert ran == ["/theirs"]


def test_a_default_that_was_changed_asks_anew(face: Face) -> None:
    @llm.require_approval
    def erase(path: str, options: dict[str, bool] = {"dry": True}) -> None:
        ran.append(options["dry"])

    model = face.rounds(asks(Call("erase", {"path": "/a"}, "c1")), "done")
    pause = face.pause_of(model.chain("Hi", tools=[erase]))
    erase.__wrapped__.__defaults__[0]["dry"] = False
    again = face.pause_of(pause.approve())
    assert ran == []
    assert 'options: {"dry": true} → {"dry": false}' in again.request.changed


def _erase_in(folder: Path) -> Callable[[str], None]:
    def erase(path: str) -> None:
        with (folder / "ran").open("a") as file:
            file.write(f"{path}\n")

    return llm.require_approval(erase)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("is_kept", [True, False], ids=["journal", "memory"])
def test_a_forked_child_does_not_run_what_was_approved_once(tmp_path: Path, journal: Journal, is_kept: bool) -> None:
    face = Face()
    talk = face.rounds(asks(Call("erase", {"path": "/a"}, "c1")), "done").conversation(tools=[_erase_in(tmp_path)])
    talk._origin = Origin(keeps=is_kept)
    chain = face.pause_of(talk.chain("Hi")).approve()
    child = os.fork()
    if child == 0:
        try:
            chain.text()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    try:
        face.text(chain)
    except RuntimeError:
        assert is_kept
    assert (tmp_path / "ran").read_text() == "/a\n"


def test_a_loaded_pause_asks_as_the_journal_says(face: Face, journal: Journal) -> None:
    def erase(path: str) -> None:
        ran.append(path)

    model = face.rounds(asks(Call("erase", {"path": "/a"}, "c1")), asks(Call("erase", {"path": "/b"}, "c2")), "done")
    chain = model.chain("Hi", tools=[erase])
    chain._chain.plan.policy.always = True
    data = face.pause_of(chain).to_dict()
    data["approval"] = {}
    again = face.pause_of(llm.load_pause(data, model=model, tools=[erase]).approve())
    assert (ran, again.request.arguments) == (["/a"], {"path": "/b"})
