"""Approvals: what can be marked, what a decision is bound to, and that a decision is used once."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.journal.memory import AskedInMemory
from tests.fakes.faces import Face, asks

Call = llm.ToolCall
ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@llm.require_approval
def delete_files(path: str, count: int = 1) -> str:
    """Delete files."""
    ran.append((path, count, llm.approved()))
    return f"deleted {path}"


def told(model: Any) -> list[str]:
    return [part.output for part in model.requests[-1].messages[-1].parts]


def asking(face: Face, name: str = "delete_files", **arguments: Any) -> Any:
    return face.rounds(asks(Call(name, arguments or {"path": "/a"}, "c1")), "done")


class Files(llm.Toolbox):
    def __init__(self, root: str = "/") -> None:
        self.root = root

    @llm.require_approval
    def delete(self, path: str) -> str:
        ran.append(self.root + path)
        return "deleted"

    @llm.require_approval(destructive=True)
    @staticmethod
    def wipe(path: str) -> str:
        ran.append(path)
        return "wiped"

    def look(self, path: str) -> str:
        ran.append(path)
        return "seen"


@llm.require_approval
class Marked(llm.Toolbox):
    def delete(self, path: str) -> str:
        ran.append(path)
        return "deleted"


async def fetch(path: str) -> str:
    ran.append(path)
    return "fetched"


def plain(path: str) -> str:
    ran.append(path)
    return "plain"


class Fetcher:
    async def __call__(self, path: str) -> str:
        ran.append(path)
        return "called"


def added() -> llm.Toolbox:
    box = llm.Toolbox()
    box.add_tool(llm.require_approval(plain))
    return box


def with_self() -> llm.Toolbox:
    def named(box: Any, path: str) -> str:
        ran.append(path)
        return "named"

    box = llm.Toolbox()
    box.add_tool(llm.require_approval(named), pass_self=True)
    return box


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        (lambda: delete_files, "delete_files"),
        (lambda: llm.require_approval(when=lambda path: True)(plain), "plain"),
        (lambda: llm.require_approval(fetch), "fetch"),
        (lambda: llm.require_approval(llm.Tool.function(lambda path: plain(path + ""), name="f")), "f"),
        (lambda: llm.Tool.function(llm.require_approval(lambda path: plain(path + "")), name="f"), "f"),
        (lambda: llm.require_approval(Files().look), "look"),
        (lambda: llm.Tool.function(llm.require_approval(Fetcher()), name="call"), "call"),
        (Files, "Files_delete"),
        (Files, "Files_wipe"),
        (Marked, "Marked_delete"),
        (lambda: llm.require_approval(Files()), "Files_look"),
        (added, "plain"),
        (lambda: llm.require_approval(added()), "plain"),
        (with_self, "named"),
    ],
)
def test_whatever_is_marked_waits_and_then_runs_once(face: Face, tool: Any, name: str) -> None:
    model = asking(face, name, path="/a")
    pause = face.pause_of(model.chain("Hi", tools=[tool()]))
    assert (ran, pause.request.tool_name, pause.request.arguments) == ([], name, {"path": "/a"})
    assert pause.request.destructive == (name == "Files_wipe")
    assert len(pause.request.digest) == 64
    assert face.text(pause.approve()) == "done"
    assert len(ran) == 1


def test_marking_one_toolbox_object_leaves_others_alone(face: Face) -> None:
    llm.require_approval(Files())
    assert face.text(asking(face, "Files_look").chain("Hi", tools=[Files()])) == "done"
    assert ran == ["/a"]


def test_a_marked_function_is_still_a_function() -> None:
    assert delete_files("/a") == "deleted /a"
    assert delete_files.__doc__ == "Delete files."
    assert not llm.approved()


@pytest.mark.parametrize("wrong", [5, "delete", llm.ServerSideTool, llm.Tool("f")])
def test_what_cannot_be_marked_is_refused(wrong: Any) -> None:
    if isinstance(wrong, type):
        wrong = wrong.__new__(wrong)
    with pytest.raises(TypeError):
        llm.require_approval(wrong)


def test_a_condition_decides_and_one_that_fails_asks(face: Face) -> None:
    def is_far(path: str, count: int = 1) -> bool:
        if path == "?":
            raise ValueError
        return path.startswith("/")

    def delete(path: str, count: int = 1) -> str:
        return delete_files(path, count)

    tool = llm.require_approval(delete, when=is_far)
    assert face.text(asking(face, "delete", path="a").chain("Hi", tools=[tool])) == "done"
    assert ran == [("a", 1, False)]
    for path in ("/a", "?"):
        chain = asking(face, "delete", path=path).chain("Hi", tools=[tool])
        assert face.pause_of(chain).request.arguments == {"path": path}
    assert len(ran) == 1


def test_a_condition_cannot_change_what_runs(face: Face) -> None:
    def tools(paths: list[str]) -> None:
        ran.append(list(paths))

    def meddle(paths: list[str]) -> bool:
        paths.append("/etc")
        return False

    face.text(asking(face, "tools", paths=["/a"]).chain("Hi", tools=[llm.require_approval(tools, when=meddle)]))
    assert ran == [["/a"]]


def test_wrong_arguments_are_the_models_business_not_the_humans(face: Face) -> None:
    model = asking(face, "delete_files", path=["a"])
    assert face.text(model.chain("Hi", tools=[delete_files])) == "done"
    assert told(model)[0].startswith("Error: path: expected a string")


def test_denied_and_answered_calls_do_not_run(face: Face) -> None:
    seen: list[str] = []

    def after(tool: Any, call: Any, result: Any) -> None:
        seen.append(tool.name)

    for decide, expected in [
        (lambda pause: pause.deny("not today"), "Denied by the user: not today"),
        (lambda pause: pause.deny(), "Denied by the user"),
        (lambda pause: pause.answer({"deleted": 0}), '{"deleted": 0}'),
    ]:
        model = asking(face)
        assert face.text(decide(face.pause_of(model.chain("Hi", tools=[delete_files], after_call=after)))) == "done"
        assert told(model) == [expected]
    assert ran == seen == []


def test_edited_arguments_are_checked_run_and_told(face: Face) -> None:
    seen: list[Any] = []
    model = asking(face)
    chain = model.chain("Hi", tools=[delete_files], after_call=lambda tool, call, result: seen.append(call.arguments))
    pause = face.pause_of(chain)
    with pytest.raises(llm.ToolArgumentError, match="path: required"):
        pause.approve({"count": 2})
    with pytest.raises(TypeError):
        pause.approve({"path": object()})
    edited = {"path": "/b", "count": 2}
    continuation = pause.approve(edited)
    edited["path"] = "/etc"
    assert face.text(continuation) == "done"
    assert ran == [("/b", 2, True)]
    assert seen == [{"path": "/b", "count": 2}]
    assert told(model) == ['(The user changed the arguments to {"count":2,"path":"/b"}.)\ndeleted /b']


def test_edited_arguments_are_checked_by_the_tool_that_waits_not_by_another(face: Face) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    pause = face.pause_of(asking(face).chain("Hi", tools=[add, delete_files]))
    assert face.text(pause.approve({"path": "/b"})) == "done"


def test_edited_to_the_same_is_not_edited(face: Face) -> None:
    model = asking(face)
    face.text(face.pause_of(model.chain("Hi", tools=[delete_files])).approve({"path": "/a"}))
    assert told(model) == ["deleted /a"]


def test_nothing_that_happens_to_the_pause_changes_what_runs(face: Face) -> None:
    pause = face.pause_of(asking(face).chain("Hi", tools=[delete_files]))
    pause.request.arguments["path"] = "/b"
    pause.tool_call.arguments["path"] = "/c"
    face.text(pause.approve())
    assert ran == [("/a", 1, True)]


def test_a_call_runs_once_however_many_continuations_are_read(face: Face) -> None:
    pause = face.pause_of(asking(face).chain("Hi", tools=[delete_files]))
    continuations = [pause.approve(), pause.approve(), pause.resume(), pause.resume(tools=[delete_files])]
    assert [face.text(continuation) for continuation in continuations] == ["done"] * 4
    assert face.text(pause.approve()) == "done"
    assert len(ran) == 1
    with pytest.raises(ValueError, match="settled already"):
        pause.deny("too late")


def test_the_last_word_before_the_call_runs_counts(face: Face) -> None:
    pause = face.pause_of(asking(face).chain("Hi", tools=[delete_files]))
    pause.approve()
    assert face.text(pause.deny("wait")) == "done"
    assert ran == []


def test_a_call_runs_once_from_several_threads() -> None:
    inside, go_on = threading.Event(), threading.Event()

    @llm.require_approval
    def slow(path: str) -> str:
        ran.append(path)
        inside.set()
        go_on.wait(60)
        return "slow"

    face = Face()
    pause = face.pause_of(asking(face, "slow").chain("Hi", tools=[slow]))
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(pause.approve().text())) for _ in range(3)]
    for thread in threads:
        thread.start()
    inside.wait(60)
    other = pause.resume(tools=[slow])
    with pytest.raises(RuntimeError, match="running this call right now"):
        other.text()
    go_on.set()
    for thread in threads:
        thread.join()
    assert texts == ["done"] * 3
    assert ran == ["/a"]


def test_an_interrupted_call_is_not_run_again_by_itself(face: Face) -> None:
    @llm.require_approval
    def stuck(path: str) -> str:
        ran.append(path)
        if len(ran) == 1:
            raise KeyboardInterrupt
        return "ok"

    if face.is_async:
        pytest.skip("an interrupt ends the event loop")
    pause = face.pause_of(asking(face, "stuck").chain("Hi", tools=[stuck]))
    with pytest.raises(KeyboardInterrupt):
        face.text(pause.approve())
    with pytest.raises(ValueError, match="which asks as things stand"):
        pause.approve()
    again = face.pause_of(pause.resume())
    assert again.request.outcome_unknown
    assert "nobody knows how far it came" in again.request.reason
    assert ran == ["/a"]
    assert face.text(again.approve()) == "done"
    assert ran == ["/a", "/a"]


def version(number: int) -> Any:
    """The same tool with another source."""
    if number == 1:

        def tool(path: str) -> str:
            ran.append(1)
            return "1"
    else:

        def tool(path: str) -> str:
            ran.append("two")
            return "2"

    return llm.require_approval(tool)


def test_consent_is_to_the_tool_as_it_was(face: Face) -> None:
    pause = face.pause_of(asking(face, "tool").chain("Hi", tools=[version(1)]))
    pause.approve()
    again = face.pause_of(pause.resume(tools=[version(2)]))
    assert again.request.digest != pause.request.digest
    assert again.request.changed == "You decided about this before. Since then its code changed."
    assert ran == []
    # A decision about one tool is lost once a question about another one is asked.
    once_more = face.pause_of(pause.resume(tools=[version(1)]))
    assert face.text(once_more.approve()) == "done"
    assert ran == [1]


def test_consent_is_to_a_toolbox_as_it_was_configured(face: Face) -> None:
    pause = face.pause_of(asking(face, "Files_delete").chain("Hi", tools=[Files("/home")]))
    pause.approve()
    again = face.pause_of(pause.resume(tools=[Files("/")]))
    assert again.request.changed == (
        'You decided about this before. Since then what it runs with changed: root: "/home" → "/".'
    )
    assert ran == []
    assert face.text(again.approve()) == "done"
    assert ran == ["//a"]


def test_consent_is_to_these_arguments_and_this_call(face: Face) -> None:
    pause = face.pause_of(asking(face).chain("Hi", tools=[delete_files]))
    pause.approve()
    [decision] = pause.to_dict()["decisions"].values()
    for arguments, call_id in [({"path": "/b"}, "c1"), ({"path": "/a"}, "c2")]:
        data = pause.to_dict()
        [part] = data["messages"][-1]["parts"]
        part["arguments"], part["tool_call_id"] = arguments, call_id
        data["decisions"] = {call_id: decision}
        forged = llm.load_pause(data, model=asking(face), tools=[delete_files])
        assert face.pause_of(forged.resume()).request.arguments == arguments
    assert ran == []


def test_approved_is_true_inside_the_approved_call_alone(face: Face) -> None:
    seen: list[bool] = []

    def look(*arguments: Any) -> None:
        seen.append(llm.approved())

    def note() -> None:
        look()

    model = face.rounds(asks(Call("delete_files", {"path": "/a"}, "1"), Call("note", {}, "2")), "done")
    tools = [delete_files, note]
    pause = face.pause_of(model.chain("Hi", tools=tools, before_call=look, after_call=look))
    face.text(pause.approve())
    assert ran == [("/a", 1, True)]
    assert set(seen) == {False}
    assert not llm.approved()


def test_the_spec_s_own_delete_files(face: Face) -> None:
    def careful(path: str) -> str:
        if not llm.approved():
            raise llm.PauseChain("waiting for approval to delete " + path)
        ran.append(path)
        return "deleted"

    model = asking(face, "careful")
    pause = face.pause_of(model.chain("Hi", tools=[face.tool(careful)]))
    assert (pause.tool_call.name, pause.tool_call.tool_call_id) == ("careful", "c1")
    assert pause.request.reason == "waiting for approval to delete /a"
    assert face.text(pause.approve()) == "done"
    assert (ran, told(model)) == (["/a"], ["deleted"])


def test_a_sanitising_hook_is_what_is_asked_about_and_run(face: Face) -> None:
    def sanitise(tool: Any, call: llm.ToolCall) -> None:
        call.arguments["path"] = "/safe"

    model = asking(face)
    pause = face.pause_of(model.chain("Hi", tools=[delete_files], before_call=sanitise))
    assert pause.request.arguments == {"path": "/safe"}
    face.text(pause.approve())
    assert ran == [("/safe", 1, True)]
    assert model.requests[1].messages[1].parts[0].arguments == {"path": "/a"}


def test_a_mark_that_a_hook_puts_on_a_tool_holds_for_that_very_call(face: Face) -> None:
    class Plain(llm.Toolbox):
        def delete(self, path: str) -> str:
            ran.append(path)
            return "deleted"

    box = Plain()

    def mark(tool: Any, call: llm.ToolCall) -> None:
        llm.require_approval(box, destructive=True)

    model = asking(face, "Plain_delete")
    pause = face.pause_of(model.chain("Hi", tools=[box], before_call=mark))
    assert (ran, pause.request.destructive) == ([], True)
    assert face.text(pause.approve()) == "done"
    assert ran == ["/a"]


def test_a_pause_survives_as_json_with_options_and_limit(face: Face) -> None:
    class Warm(llm.Options):
        warmth: int | None = None

    model = face.rounds(asks(Call("delete_files", {"path": "/a"}, "c1")), "done", Options=Warm)
    data = json.loads(json.dumps(face.pause_of(model.chain("Hi", tools=[delete_files], warmth=4)).to_dict()))
    loaded = llm.load_pause(data, model=model)
    assert loaded.tool_call == Call("delete_files", {"path": "/a"}, "c1")
    loaded.approve({"path": "/b"})
    later = llm.load_pause(json.loads(json.dumps(loaded.to_dict())), model=model)
    assert face.text(later.resume(tools=[delete_files])) == "done"
    assert ran == [("/b", 1, True)]
    assert model.requests[-1].options.warmth == 4


def _asked_with_and_without_journal(face: Face, path: Path | None) -> tuple[Any, dict[str, Any]]:
    if path is not None:
        llm.open_journal(path)
    model = face.rounds(asks(Call("delete_files", {"path": "/a"}, "c1")), "done", "done", "done")
    return model, json.loads(json.dumps(face.pause_of(model.chain("Hi", tools=[delete_files])).to_dict()))


LIES: list[dict[str, Any]] = [
    {"arguments": {"path": "/tmp/cache"}},
    {"tool_call_id": "c2"},
    {"facts": {}},
    {"tool_name": "read_files"},
    {"tool_name": "read_files", "facts": {}, "policy": None, "outcome_unknown": True},
    {"description": "Read files."},
    {"destructive": True},
    {"input_schema": {"type": "object", "properties": {"folder": {"type": "string"}}}},
]
# Whether a call was interrupted is known to nobody but the data, where nothing else is known of it.
INTERRUPTED = {"outcome_unknown": True}


@pytest.mark.parametrize(
    ("known_by", "change"),
    [
        *[("a journal", change) for change in [*LIES, INTERRUPTED]],
        *[("this process", change) for change in [*LIES, INTERRUPTED]],
        *[("nobody", change) for change in LIES],
    ],
)
def test_a_loaded_pause_that_shows_something_else_than_what_was_asked_runs_nothing(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_by: str, change: dict[str, Any]
) -> None:
    model, data = _asked_with_and_without_journal(face, tmp_path / "journal.db" if known_by == "a journal" else None)
    for request in (data["request"], *data["requests"]):
        request.update(change)
    if known_by == "nobody":
        monkeypatch.setitem(process.made, AskedInMemory, AskedInMemory())
    loaded = llm.load_pause(data, model=model, tools=[delete_files])
    with pytest.raises((ValueError, llm.PauseChain)):
        face.text(loaded.approve())
    assert ran == []


def test_a_loaded_pause_about_an_interrupted_call_shows_the_tool_that_would_run_again(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wipe(path: str) -> str:
        ran.append(path)
        return "wiped"

    def stop(path: str) -> str:
        raise llm.PauseChain("wait")

    model = face.rounds(asks(Call("wipe", {"path": "/a"}, "c1")), "done")
    data = face.pause_of(model.chain("Hi", tools=[llm.Tool.function(stop, name="wipe")])).to_dict()
    # Of a call that was interrupted, an unmarked tool may not have been noted.
    unknown = {"tool_name": "wipe", "facts": {}, "outcome_unknown": True, "policy": None}
    for name, runs in [("read_files", []), ("wipe", ["/a"])]:
        for request in (data["request"], *data["requests"]):
            request.update(unknown | {"tool_name": name})
        monkeypatch.setitem(process.made, AskedInMemory, AskedInMemory())
        approved = llm.load_pause(data, model=model, tools=[wipe]).approve()
        assert runs or face.pause_of(approved).request.tool_name == "wipe"
        assert not runs or face.text(approved) == "done"
        assert ran == runs


@pytest.mark.parametrize("change", [{"reason": "Reads only."}, {"source": None}, {"origin": []}])
def test_what_a_journal_or_this_process_knows_of_a_question_is_shown_instead(
    face: Face, change: dict[str, Any]
) -> None:
    model, data = _asked_with_and_without_journal(face, None)
    asked = dict(data["request"])
    data["request"].update(change)
    assert llm.load_pause(data, model=model, tools=[delete_files]).request.to_dict() == asked


def test_a_tool_at_hand_says_itself_where_it_comes_from(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = _asked_with_and_without_journal(face, None)
    asked = dict(data["request"])
    data["request"] |= {
        "source": {"title": "x.py", "code": "def delete_files(): pass"},
        "origin": ["from a toy"],
        "state": {},
    }
    monkeypatch.setitem(process.made, AskedInMemory, AskedInMemory())
    loaded = llm.load_pause(data, model=model, tools=[delete_files])
    assert loaded.request.to_dict() == asked
    assert face.text(loaded.approve()) == "done"


def test_a_pause_that_is_loaded_often_runs_once(face: Face) -> None:
    model, data = _asked_with_and_without_journal(face, None)
    loaded = [llm.load_pause(data, model=model, tools=[delete_files]) for _ in range(2)]
    for pause in [*loaded, llm.load_pause(loaded[0].to_dict(), model=model, tools=[delete_files])]:
        assert face.text(pause.approve()) == "done"
    assert ran == [("/a", 1, True)]


def test_edited_arguments_that_do_not_fit_the_tool_given_later_are_refused(face: Face) -> None:
    model = asking(face)
    loaded = llm.load_pause(face.pause_of(model.chain("Hi", tools=[delete_files])).to_dict(), model=model)
    loaded.approve({"wrong": 1})
    with pytest.raises(llm.ToolArgumentError, match="wrong: unknown"):
        loaded.resume(tools=[delete_files])
    assert ran == []


TOOLS = '''
import llm_notebook as llm

ran = []

@llm.require_approval
def delete_files(path: str) -> str:
    """Delete files."""
    ran.append(path)
    return "deleted " + path
'''
ELSEWHERE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import llm_notebook as llm
import tools_of_test
from tests.fakes.faces import Face
pause = llm.load_pause(json.load(sys.stdin), model=Face().rounds("done"))
pause.approve()
text = pause.resume(tools=[tools_of_test.delete_files]).text()
print(json.dumps([text, tools_of_test.ran]))
"""


def test_a_pause_is_approved_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tools_of_test.py").write_text(TOOLS)
    monkeypatch.syspath_prepend(str(tmp_path))
    tools_of_test = importlib.import_module("tools_of_test")

    face = Face()
    pause = face.pause_of(asking(face).chain("Hi", tools=[tools_of_test.delete_files]))
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)],
        input=json.dumps(pause.to_dict()),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert json.loads(done.stdout) == ["done", ["/a"]]
    assert tools_of_test.ran == []


def test_values_round_trip() -> None:
    request = llm.ApprovalRequest("f", {"a": 1}, "1", "why", "0" * 64, True)
    assert llm.ApprovalRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
    decision = llm.Decision("approved", "0" * 64, {"a": 2})
    assert llm.Decision.from_dict(json.loads(json.dumps(decision.to_dict()))) == decision
