"""Several calls of one turn that ask: all are asked about at once, each is decided by itself, and they run in the model's order."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.journal.operations import CallEntry, Revoked
from llm_notebook.journal.protocol import Journal
from llm_notebook.turns.origin import Origin
from tests.fakes.faces import Face, asks

Call = llm.ToolCall
ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture(params=[False, True], ids=["memory", "journal"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal | None:
    """Run the test without a journal, and with one."""
    return llm.open_journal(tmp_path / "journal.db") if request.param else None


def erase(path: str) -> str:
    ran.append(path)
    return f"erased {path}"


def look(path: str) -> str:
    ran.append(f"looked at {path}")
    return "seen"


def calls(*named: str) -> list[Any]:
    """Return a round that asks for calls such as `erase /a`."""
    return asks(
        *[
            Call(name, {"path": path}, f"c{at}")
            for at, (name, path) in enumerate((one.split(" ") for one in named), start=1)
        ]
    )


def tools(face: Face, **mark: Any) -> list[Any]:
    return [llm.require_approval(face.tool(erase), **mark), face.tool(look)]


def ask(face: Face, *named: str, **mark: Any) -> tuple[Any, llm.PauseChain]:
    model = face.rounds(calls(*named), "done")
    return model, face.pause_of(model.chain("Hi", tools=tools(face, **mark)))


def paths(pause: llm.PauseChain) -> list[str]:
    return [request.arguments["path"] for request in pause.requests]


def told(model: Any) -> list[str]:
    return [part.output for part in model.requests[-1].messages[-1].parts]


def test_all_that_ask_are_asked_about_at_once_before_anything_after_them_runs(
    face: Face, journal: Journal | None
) -> None:
    _, pause = ask(face, "look /1", "erase /a", "look /2", "erase /b")
    assert paths(pause) == ["/a", "/b"]
    assert pause.request == pause.requests[0]
    assert pause.tool_call == Call("erase", {"path": "/a"}, "c2")
    # A sync chain keeps the model's order; the coroutines of an async one are started together.
    assert ran == ["looked at /1", "looked at /2"] if face.is_async else ran == ["looked at /1"]
    if journal is not None:
        assert [call.state for call in journal.waiting()] == ["waiting", "waiting"]


def test_each_is_decided_by_itself_in_any_order_and_they_run_in_the_models(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /a", "look /1", "erase /b", "erase /c", "erase /d")
    a, b, c, d = pause.requests
    ran.clear()
    pause.answer("mine", request=d)
    pause.approve({"path": "/B"}, request=b)
    pause.deny("not that", request=c)
    chain = pause.approve(request=a)
    assert ran == []
    assert face.text(chain) == "done"
    assert [one for one in ran if not one.startswith("looked")] == ["/a", "/B"]
    assert told(model) == [
        "erased /a",
        "seen",
        '(The user changed the arguments to {"path":"/B"}.)\nerased /B',
        "Denied by the user: not that",
        "mine",
    ]


def test_two_calls_with_one_id_are_two_questions(face: Face, journal: Journal | None) -> None:
    script = [
        llm.StreamEvent(kind, text, part_index=at, tool_call_id="c1")
        for at, path in enumerate(("/a", "/b"))
        for kind, text in (("tool_call_name", "erase"), ("tool_call_args", json.dumps({"path": path})))
    ]
    model = face.rounds(script, "done")
    pause = face.pause_of(model.chain("Hi", tools=tools(face)))
    assert paths(pause) == ["/a", "/b"]
    first, second = pause.requests
    assert (first.id == second.id, first.digest == second.digest) == (False, False)
    pause.approve(request=second)
    assert paths(face.pause_of(pause.resume())) == ["/a"]
    assert face.text(pause.deny("no", request=first)) == "done"
    assert ran == ["/b"]
    assert told(model) == ["Denied by the user: no", "erased /b"]


def test_a_decision_without_a_request_is_about_the_first(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /a", "erase /b")
    pause.deny("no")
    assert face.text(pause.approve(request=pause.requests[1])) == "done"
    assert told(model) == ["Denied by the user: no", "erased /b"]


def test_a_chain_that_is_read_early_asks_about_the_rest(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /a", "erase /b", "erase /c")
    a, b, c = pause.requests
    chain = pause.deny("no", request=c)
    early = face.pause_of(chain)
    assert paths(early) == ["/a", "/b"]
    assert ran == []
    pause.approve(request=a)
    # The pause that was caught first still decides, and what it returns goes on from there.
    assert face.text(pause.approve(request=b)) == "done"
    assert ran == ["/a", "/b"]
    assert told(model) == ["erased /a", "erased /b", "Denied by the user: no"]


def test_what_comes_before_the_first_open_question_runs_when_the_chain_is_read(
    face: Face, journal: Journal | None
) -> None:
    model, pause = ask(face, "erase /a", "erase /b", "look /1")
    ran.clear()
    again = face.pause_of(pause.approve())
    assert ran == ["/a"]
    assert [result.output for result in again.tool_results][:1] == ["erased /a"]
    assert paths(again) == ["/b"]
    assert face.text(again.approve()) == "done"
    assert ran.count("/a") == ran.count("/b") == 1
    assert told(model) == ["erased /a", "erased /b", "seen"]


def test_every_call_goes_through_the_hook_and_is_frozen_before_anything_runs(
    face: Face, journal: Journal | None
) -> None:
    seen: list[str] = []

    def before(tool: Any, call: Any) -> None:
        seen.append(call.arguments["path"])
        call.arguments["path"] += "!"

    model = face.rounds(calls("look /1", "erase /a", "look /2", "erase /b"), "done")
    chain = model.chain(
        "Hi", tools=tools(face), before_call=before, after_call=lambda tool, call, result: seen.append(result.output)
    )
    pause = face.pause_of(chain)
    assert seen[:4] == ["/1", "/a", "/2", "/b"]
    assert paths(pause) == ["/a!", "/b!"]


def test_a_hook_that_fails_or_cancels_is_about_its_own_call(face: Face, journal: Journal | None) -> None:
    def before(tool: Any, call: Any) -> None:
        if call.arguments["path"] == "/no":
            raise llm.CancelToolCall("never")
        if call.arguments["path"] == "/ask":
            raise llm.PauseChain("the hook asks")

    model = face.rounds(calls("look /no", "look /ask", "erase /a"), "done")
    pause = face.pause_of(model.chain("Hi", tools=tools(face), before_call=before))
    assert str(pause) == "the hook asks"
    assert paths(pause) == ["/ask", "/a"]
    assert [result.output for result in pause.tool_results] == ["Cancelled: never"]
    pause.approve()
    assert face.text(pause.approve(request=pause.requests[1])) == "done"
    assert told(model) == ["Cancelled: never", "seen", "erased /a"]


class Box(llm.Toolbox):
    """A place to write to, which one of its tools can change."""

    def __init__(self, root: str) -> None:
        self.root = root

    @llm.require_approval
    def write(self, path: str) -> str:
        ran.append(self.root + path)
        return "written"

    def move(self, path: str) -> str:
        self.root = path
        return "moved"


@pytest.mark.parametrize("first", ["move", "write"])
def test_a_call_whose_tool_has_changed_by_its_turn_asks_again(
    face: Face, journal: Journal | None, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Box("/test")
    if first == "write":
        # The first approved call itself moves the box.
        monkeypatch.setattr(Box, "move", llm.require_approval(Box.move))
    model = face.rounds(calls("Box_move /PROD", "Box_write /a"), "done")
    if first == "move":
        box.root = "/test"
        monkeypatch.setattr(Box, "move", llm.require_approval(Box.move))
    pause = face.pause_of(model.chain("Hi", tools=[box]))
    for request in pause.requests:
        pause.approve(request=request)
    again = face.pause_of(pause.resume())
    assert ran == []
    [request] = again.requests
    assert 'root: "/test"' in request.changed or "root: '/test'" in request.changed
    assert face.text(again.approve()) == "done"
    assert ran == ["/PROD/a"]


def test_a_condition_that_has_become_true_by_its_turn_asks(face: Face, journal: Journal | None) -> None:
    dangerous: list[str] = []

    def spoil(path: str) -> str:
        dangerous.append(path)
        return "spoiled"

    marked = llm.require_approval(erase, when=lambda path: path in dangerous)
    model = face.rounds(calls("spoil /a", "erase /a"), "done")
    pause = face.pause_of(model.chain("Hi", tools=[spoil, marked]))
    assert paths(pause) == ["/a"]
    assert ran == []
    assert face.text(pause.approve()) == "done"
    assert ran == ["/a"]


def test_a_condition_that_has_become_true_by_its_turn_is_answered_by_a_grant(face: Face, tmp_path: Path) -> None:
    journal = llm.open_journal(tmp_path / "journal.db")
    dangerous: list[str] = ["/0"]

    def spoil(path: str) -> str:
        dangerous.append(path)
        return "spoiled"

    marked = llm.require_approval(erase, when=lambda path: path in dangerous)
    model = face.rounds(calls("erase /0"), "done", calls("spoil /a", "erase /a"), "done")
    conversation = model.conversation(tools=[spoil, marked])
    conversation._origin = Origin(session="s")
    first = face.pause_of(conversation.chain("Hi"))
    assert first.paused is not None
    first.paused.settle(first.request, "approved", scope="session")
    assert face.text(first.approve()) == "done"
    assert face.text(conversation.chain("More")) == "done"
    assert ran == ["/0", "/a"]
    [turn] = [turn for turn in journal.history() if len(turn.calls) == 2]
    assert [call.grant_scope for call in turn.calls] == ["", "session"]


def test_what_is_asked_again_has_lost_the_grant_that_allowed_it_before(face: Face, tmp_path: Path) -> None:
    journal = llm.open_journal(tmp_path / "journal.db")

    @llm.require_approval(destructive=True)
    def wipe(path: str) -> str:
        return "wiped"

    model = face.rounds(calls("erase /1"), "done", calls("wipe /a", "erase /b"), "done")
    conversation = model.conversation(tools=[llm.require_approval(erase), wipe])
    conversation._origin = Origin(session="s")
    first = face.pause_of(conversation.chain("Hi"))
    assert first.paused is not None
    first.paused.settle(first.request, "approved", scope="session")
    face.text(first.approve())
    pause = face.pause_of(conversation.chain("More"))
    assert pause.paused is not None
    seen: list[CallEntry] = []
    pause.paused.log.on_call = lambda entry: seen.append(copy.copy(entry))
    [grant] = journal.grants()
    assert journal.submit(Revoked(grant.grant_id, "you", datetime.now(UTC))).result()
    face.pause_of(pause.deny("no"))
    [told] = [entry for entry in seen if entry.state == "waiting" and entry.tool_name == "erase"]
    kept = journal.call(told.call_id)
    assert kept is not None
    for entry in (told, kept):
        assert (entry.decision, entry.decided_by, entry.decided_at) == (None, "", None)
        assert (entry.grant_id, entry.grant_scope) == ("", "")


def test_a_decision_that_is_replaced_before_its_turn_counts_as_it_is_then(face: Face, journal: Journal | None) -> None:
    pauses: list[llm.PauseChain] = []

    def after(tool: Any, call: Any, result: Any) -> None:
        if call.arguments["path"] == "/a":
            # Somebody at another tab changes their mind while the first call runs.
            [pause] = pauses
            assert pause.paused is not None
            assert pause.paused.settle(pause.requests[1], "denied", said="wait")

    model = face.rounds(calls("erase /a", "erase /b"), "done")
    # Coroutines of one turn begin together, so the order is that of plain functions.
    chain = model.chain("Hi", tools=[llm.require_approval(erase)], after_call=after)
    pauses.append(face.pause_of(chain))
    pauses[0].approve(request=pauses[0].requests[1])
    assert face.text(pauses[0].approve()) == "done"
    assert ran == ["/a"]
    assert told(model) == ["erased /a", "Denied by the user: wait"]


def test_a_request_of_another_pause_is_refused(face: Face) -> None:
    _, pause = ask(face, "erase /a", "erase /b")
    _, other = ask(face, "erase /c")
    with pytest.raises(ValueError, match="This pause does not ask that"):
        pause.approve(request=other.request)
    forged = llm.ApprovalRequest.from_dict({**pause.requests[1].to_dict(), "digest": "0" * 64})
    with pytest.raises(ValueError, match="not what is asked any more"):
        pause.approve(request=forged)
    assert ran == []


def test_a_pause_written_to_json_keeps_each_decision_with_its_own_question(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /a", "erase /b", "erase /c")
    a, b, c = pause.requests
    pause.deny("no", request=b)
    data = json.loads(json.dumps(pause.to_dict()))
    assert [request["arguments"]["path"] for request in data["requests"]] == ["/a", "/b", "/c"]
    loaded = llm.load_pause(data, model=model, tools=tools(face))
    assert [request.id for request in loaded.requests] == [a.id, c.id]
    loaded.approve()
    assert face.text(loaded.approve(request=loaded.requests[1])) == "done"
    assert ran == ["/a", "/c"]
    assert told(model) == ["erased /a", "Denied by the user: no", "erased /c"]


def test_a_pause_loaded_where_nothing_is_known_of_it_holds_the_same(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llm_notebook.configuration.process import process
    from llm_notebook.journal.memory import AskedInMemory

    model, pause = ask(face, "erase /a", "erase /b", "erase /c")
    pause.approve(request=pause.requests[1])
    data = json.loads(json.dumps(pause.to_dict()))
    monkeypatch.setitem(process.made, AskedInMemory, AskedInMemory())
    loaded = llm.load_pause(data, model=model, tools=tools(face))
    assert paths(loaded) == ["/a", "/c"]
    kept = {call.tool_call_id: call for call in loaded.paused.undone()} if loaded.paused is not None else {}
    assert kept["c2"].request is not None
    assert kept["c2"].request.arguments == {"path": "/b"}
    # A decision counts for the question that the data show, so it does not survive that question's change.
    data["requests"][1]["arguments"] = {"path": "/etc"}
    monkeypatch.setitem(process.made, AskedInMemory, AskedInMemory())
    forged = llm.load_pause(data, model=model, tools=tools(face))
    assert paths(forged) == ["/a", "/etc", "/c"]
    for request in forged.requests:
        forged.approve(request=request)
    assert paths(face.pause_of(forged.resume())) == ["/b"]
    assert "/etc" not in ran
    assert "/b" not in ran


def test_pending_lists_each_question_of_a_turn_with_its_siblings(face: Face, tmp_path: Path) -> None:
    llm.open_journal(tmp_path / "journal.db")
    model, pause = ask(face, "erase /a", "erase /b")
    first, second = llm.pending()
    assert (first.request.arguments, second.request.arguments) == ({"path": "/a"}, {"path": "/b"})
    assert paths(first) == paths(second) == ["/a", "/b"]
    second.deny("no")
    # One that is decided has not been carried out, so it is still listed.
    assert [waiting.request.id for waiting in llm.pending()] == [request.id for request in pause.requests]
    first.approve()
    assert face.text(llm.resume(first.request.id, model=model, tools=tools(face))) == "done"
    assert told(model) == ["erased /a", "Denied by the user: no"]
    assert llm.pending() == []


def test_always_allow_decides_about_the_waiting_siblings_too(face: Face, tmp_path: Path) -> None:
    journal = llm.open_journal(tmp_path / "journal.db")
    model = face.rounds(calls("erase /a", "wipe /b", "erase /c"), "done")

    @llm.require_approval(destructive=True)
    def wipe(path: str) -> str:
        ran.append(f"wiped {path}")
        return "wiped"

    conversation = model.conversation(tools=[*tools(face), wipe])
    conversation._origin = Origin(session="s")
    pause = face.pause_of(conversation.chain("Hi"))
    assert pause.paused is not None
    pause.paused.settle(pause.request, "approved", scope="session")
    assert [call.state for call in journal.waiting()] == ["approved", "waiting", "approved"]
    assert [call.grant_scope for call in journal.waiting()] == ["", "", "session"]
    assert face.text(pause.deny("no", request=pause.requests[1])) == "done"
    assert ran == ["/a", "/c"]


def test_parallel_calls_stop_before_the_first_question(journal: Journal | None) -> None:
    face = Face()
    model = face.rounds(calls("look /1", "look /2", "erase /a", "look /3", "erase /b"), "done")
    pause = face.pause_of(model.chain("Hi", tools=tools(face), parallel_tools=4))
    assert sorted(ran) == ["looked at /1", "looked at /2"]
    assert paths(pause) == ["/a", "/b"]


def test_a_body_that_pauses_stands_beside_the_questions_of_its_siblings(face: Face, journal: Journal | None) -> None:
    def careful(path: str) -> str:
        if not llm.approved():
            raise llm.PauseChain("sure?")
        ran.append(f"careful {path}")
        return "did"

    model = face.rounds(calls("careful /1", "erase /a"), "done")
    pause = face.pause_of(model.chain("Hi", tools=[face.tool(careful), *tools(face)]))
    assert str(pause) == "sure?"
    assert paths(pause) == ["/1", "/a"]
    pause.approve(request=pause.requests[1])
    assert face.text(pause.approve()) == "done"
    assert sorted(ran) == ["/a", "careful /1"]


def test_decisions_together_count_for_all_or_for_none(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /a", "erase /b", "erase /c")
    a, b, c = pause.requests
    assert pause.paused is not None
    pause.deny("no", request=b)
    assert not pause.paused.settle_together([a, b, c], "approved")
    assert {call.tool_call_id: call.state for call in pause.paused.undone()} == {
        "c1": "waiting",
        "c2": "denied",
        "c3": "waiting",
    }
    assert pause.paused.settle_together([a, c], "approved")
    assert face.text(pause.resume()) == "done"
    assert ran == ["/a", "/c"]
    assert told(model)[1] == "Denied by the user: no"


def test_a_hook_that_asks_about_several_unmarked_calls_is_shown_together(face: Face, journal: Journal | None) -> None:
    def before(tool: Any, call: Any) -> None:
        if call.arguments["path"] != "/1":
            raise llm.PauseChain(f"really {call.arguments['path']}?")

    model = face.rounds(calls("look /1", "look /2", "look /3"), "done")
    pause = face.pause_of(model.chain("Hi", tools=[face.tool(look)], before_call=before))
    assert [request.reason for request in pause.requests] == ["really /2?", "really /3?"]
    assert ran == ["looked at /1"]
    pause.deny("no")
    assert face.text(pause.approve(request=pause.requests[1])) == "done"
    assert ran == ["looked at /1", "looked at /3"]


def test_what_a_grant_allowed_asks_if_the_grant_is_revoked_before_its_turn(face: Face, tmp_path: Path) -> None:
    journal = llm.open_journal(tmp_path / "journal.db")

    @llm.require_approval(destructive=True)
    def wipe(path: str) -> str:
        ran.append(f"wiped {path}")
        return "wiped"

    model = face.rounds(calls("erase /1"), "done", calls("wipe /a", "erase /b"), "done")
    conversation = model.conversation(tools=[llm.require_approval(erase), wipe])
    conversation._origin = Origin(session="s")
    first = face.pause_of(conversation.chain("Hi"))
    assert first.paused is not None
    first.paused.settle(first.request, "approved", scope="session")
    assert face.text(first.approve()) == "done"
    pause = face.pause_of(conversation.chain("More"))
    assert paths(pause) == ["/a"]
    [grant] = journal.grants()
    assert journal.submit(Revoked(grant.grant_id, "you", datetime.now(UTC))).result()
    again = face.pause_of(pause.deny("no"))
    assert paths(again) == ["/b"]
    assert ran == ["/1"]
    assert face.text(again.approve()) == "done"
    assert ran == ["/1", "/b"]


def test_dropping_the_last_of_several_runs_what_was_approved(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /1", "erase /2", "erase /3")
    first, second, third = pause.requests
    pause.approve(request=first)
    pause.deny("no", request=second)
    chain = pause.drop(request=third)
    assert chain is not None
    assert face.text(chain) == "done"
    assert ran == ["/1"]
    assert told(model) == ["erased /1", "Denied by the user: no", "Not run: the user dropped the question"]
    # Reading on runs nothing again.
    assert face.text(pause.resume()) == "done"
    assert (ran, len(model.requests)) == (["/1"], 2)
    with pytest.raises(ValueError, match="settled already"):
        pause.drop(request=first)


def test_dropping_one_of_several_leaves_the_others_waiting(face: Face, journal: Journal | None) -> None:
    _, pause = ask(face, "erase /1", "erase /2", "erase /3")
    first, second, third = pause.requests
    assert pause.drop(request=second) is None
    pause.approve(request=first)
    assert face.text(pause.approve(request=third)) == "done"
    assert ran == ["/1", "/3"]


def test_dropping_all_asks_nobody(face: Face, journal: Journal | None) -> None:
    model, pause = ask(face, "erase /1", "erase /2")
    assert [pause.drop(request=request) for request in pause.requests] == [None, None]
    assert (ran, len(model.requests)) == ([], 1)
    assert journal is None or llm.pending() == []
    # What was approved can be given up as long as it has not run.
    _, other = ask(face, "erase /1")
    other.approve()
    assert other.drop() is None
    assert ran == []


def test_a_later_process_runs_what_was_approved_when_the_last_is_dropped(face: Face, tmp_path: Path) -> None:
    llm.open_journal(tmp_path / "journal.db")
    model, pause = ask(face, "erase /1", "erase /2")
    pause.approve()
    data = pause.to_dict()
    [last] = [one for one in llm.pending() if one.request.arguments == {"path": "/2"}]
    assert last.drop() is not None
    # A pause from before the drop runs the same calls, and each once.
    again = llm.load_pause(data, model=model, tools=tools(face))
    assert face.text(again.resume()) == "done"
    assert ran == ["/1"]
    assert llm.pending() == []
