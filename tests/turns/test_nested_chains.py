"""Chains inside tools: the human is asked about the inner call, and the outer body comes back to it when it is entered again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.journal.memory import AskedInMemory
from llm_notebook.journal.protocol import Journal
from llm_notebook.models.stored.resuming import asked_inside, pause_of
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.calls.nesting import ChainsInTools
from tests.fakes.faces import AsyncFace, Face, asks

Call = llm.ToolCall
ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture(params=["journal", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal | None:
    """Run the test with a journal and without one."""
    return llm.open_journal(tmp_path / "journal.db") if request.param == "journal" else None


@pytest.fixture
def kept(tmp_path: Path) -> Journal:
    return llm.open_journal(tmp_path / "journal.db")


@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    ran.append(path)
    return f"erased {path}"


def look(path: str) -> str:
    ran.append(f"looked at {path}")
    return "seen"


def answering(face: Face, name: str, *rounds: list[Any] | str) -> Any:
    """Return a model that plays the round after as many answers as the history has, as a real one would in any process."""
    model = face.rounds(*rounds)
    model.model_id = name

    def played(prompt: llm.Prompt, response: Any) -> Iterator[Any]:
        ran.append(f"{name} was asked")
        answers = sum(message.role == "assistant" for message in prompt.messages)
        model.requests.append(prompt)
        for step in model.rounds[answers]:
            if callable(step):
                step(response)
            else:
                yield step

    model.played = played
    return model


def body(face: Face, name: str, chain_of: Callable[[str], Any]) -> Callable[..., Any]:
    """Return a tool that asks a chain and returns its text."""

    def clean(q: str) -> Any:
        return chain_of(q).text()

    async def clean_async(q: str) -> Any:
        return await chain_of(q).text()

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = name
    return tool  # type: ignore[no-any-return]


def cleaner(face: Face, *calls: llm.ToolCall, tools: Any = (look, erase), end: str = "cleaned") -> Callable[..., Any]:
    calls = calls or (Call("look", {"path": "/a"}, "i1"), Call("erase", {"path": "/a"}, "i2"))
    return body(
        face,
        "clean",
        lambda q: answering(face, "inner", asks(*calls), end).chain(f"Clean {q}", tools=list(tools)),
    )


def outer(face: Face, *calls: llm.ToolCall) -> Any:
    return answering(face, "outer", asks(*(calls or (Call("clean", {"q": "all"}, "o1"),))), "done")


def pending() -> list[str]:
    return [pause.request.tool_name for pause in llm.pending()]


def told(model: Any) -> list[str]:
    """What the model read last of its calls."""
    parts = [part for message in model.requests[-1].messages for part in message.parts]
    return [part.output for part in parts if isinstance(part, llm.ToolResultPart)]


def restart() -> None:
    """Forget what only this process knows."""
    process.made.pop(ChainsInTools, None)


def test_the_question_is_about_the_inner_call_and_nothing_is_done_twice(face: Face, journal: Journal | None) -> None:
    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[cleaner(face)]))
    assert (pause.request.tool_name, pause.request.arguments) == ("erase", {"path": "/a"})
    assert pause.request.origin[-1] == "asked inside clean, which outer called"
    assert journal is None or pending() == ["erase"]
    assert face.text(pause.approve()) == "done"
    assert ran == ["outer was asked", "inner was asked", "looked at /a", "/a", "inner was asked", "outer was asked"]
    assert told(model) == ["cleaned"]
    assert journal is None or pending() == []


@pytest.mark.parametrize("verdict", ["deny", "answer"])
def test_a_decision_against_the_inner_call_is_told_to_the_inner_model(
    face: Face, journal: Journal | None, verdict: str
) -> None:
    inner = []

    def chain_of(q: str) -> Any:
        inner.append(answering(face, "inner", asks(Call("erase", {"path": "/a"}, "i1")), "left it"))
        return inner[-1].chain(q, tools=[erase])

    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    chain = pause.deny("not today") if verdict == "deny" else pause.answer("it is gone")
    assert face.text(chain) == "done"
    assert told(inner[0]) == ["Denied by the user: not today" if verdict == "deny" else "it is gone"]
    assert told(model) == ["left it"]
    assert "/a" not in ran
    with pytest.raises(ValueError, match="settled"):
        pause.deny("again")
    with pytest.raises(ValueError, match="settled"):
        pause.approve()


def test_another_process_comes_back_to_the_inner_call(face: Face, kept: Journal) -> None:
    face.pause_of(outer(face).chain("Tidy up", tools=[cleaner(face)]))
    restart()
    [pause] = llm.pending()
    pause.approve()
    restart()
    model = outer(face)
    assert face.text(llm.resume(pause.request.id, tools=[cleaner(face)], model=model)) == "done"
    assert ran == ["outer was asked", "inner was asked", "looked at /a", "/a", "inner was asked", "outer was asked"]
    assert told(model) == ["cleaned"]
    assert pending() == []


def test_dropping_one_inner_question_runs_the_other_that_was_approved(face: Face, journal: Journal | None) -> None:
    calls = (Call("erase", {"path": "/a"}, "i1"), Call("erase", {"path": "/b"}, "i2"))
    inner: list[Any] = []

    def chain_of(q: str) -> Any:
        inner.append(answering(face, "inner", asks(*calls), "cleaned"))
        return inner[-1].chain(q, tools=[erase])

    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    first, second = pause.requests
    pause.approve(request=first)
    chain = pause.drop(request=second)
    assert chain is not None
    assert face.text(chain) == "done"
    assert [path for path in ran if path in ("/a", "/b")] == ["/a"]
    assert told(inner[0]) == ["erased /a", "Not run: the user dropped the question"]
    assert told(model) == ["cleaned"]
    # Where nothing inside was approved, the body is not entered again.
    ran.clear()
    pause = face.pause_of(model.chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    assert [pause.drop(request=request) for request in pause.requests] == [None, None]
    assert "/a" not in ran
    assert journal is None or pending() == []


def test_a_missing_outer_tool_uses_up_no_decision(face: Face, kept: Journal) -> None:
    face.pause_of(outer(face).chain("Tidy up", tools=[cleaner(face)]))
    restart()
    [pause] = llm.pending()
    model = outer(face)
    pause.approve()
    with pytest.raises(llm.ModelError, match="clean that was asked about is not here"):
        face.text(llm.resume(pause.request.id, tools=[look], model=model))
    assert face.text(llm.resume(pause.request.id, tools=[cleaner(face)], model=model)) == "done"
    assert ran.count("/a") == 1


def test_two_chains_of_one_body_each_take_up_their_own_record(face: Face, journal: Journal | None) -> None:
    def first(q: str) -> Any:
        return answering(face, "first", asks(Call("look", {"path": "/1"}, "i1")), "looked").chain(q, tools=[look])

    def second(q: str) -> Any:
        return answering(face, "second", asks(Call("erase", {"path": "/2"}, "i1")), "erased").chain(q, tools=[erase])

    def clean(q: str) -> Any:
        return first(q).text() + second(q).text()

    async def clean_async(q: str) -> Any:
        return await first(q).text() + await second(q).text()

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[tool]))
    if journal is not None:
        restart()
    assert face.text(pause.approve()) == "done"
    assert told(model) == ["lookederased"]
    assert [ran.count(said) for said in ("first was asked", "looked at /1", "/2", "second was asked")] == [2, 1, 1, 2]


def test_the_same_request_twice_is_two_records(face: Face, journal: Journal | None) -> None:
    numbers = iter(range(100))

    def chain_of(q: str) -> Any:
        call = Call("erase", {"path": f"/{next(numbers)}"}, "i1")
        return answering(face, "inner", asks(call), "erased").chain(q, tools=[erase])

    def clean(q: str) -> Any:
        return chain_of(q).text() + chain_of(q).text()

    async def clean_async(q: str) -> Any:
        return await chain_of(q).text() + await chain_of(q).text()

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    pause = face.pause_of(outer(face).chain("Tidy up", tools=[tool]))
    erased = [pause.request.arguments["path"]]
    pause = face.pause_of(pause.approve())
    erased.append(pause.request.arguments["path"])
    assert face.text(pause.approve()) == "done"
    assert [path for path in ran if path.startswith("/")] == erased
    assert len(set(erased)) == 2


def test_a_question_three_levels_deep_is_asked_once_and_answered_once(face: Face, journal: Journal | None) -> None:
    deepest = cleaner(face)
    middle = body(
        face,
        "middle",
        lambda q: answering(face, "middle", asks(Call("clean", {"q": q}, "m1")), "in order").chain(q, tools=[deepest]),
    )
    model = outer(face, Call("middle", {"q": "all"}, "o1"))
    pause = face.pause_of(model.chain("Tidy up", tools=[middle]))
    assert pause.request.tool_name == "erase"
    assert journal is None or pending() == ["erase"]
    if journal is not None:
        restart()
        [pause] = llm.pending()
        pause.approve()
        chain = llm.resume(pause.request.id, tools=[middle], model=model)
    else:
        chain = pause.approve()
    assert face.text(chain) == "done"
    assert [ran.count(said) for said in ("inner was asked", "middle was asked", "outer was asked", "/a")] == [
        2,
        2,
        2,
        1,
    ]
    assert told(model) == ["in order"]
    assert journal is None or pending() == []


@llm.require_approval
def clean_asking(q: str) -> str:
    """Clean with a model of the sync face, in a tool that is the same after a restart."""
    text: str = cleaner(Face())(q)
    return text


@pytest.mark.parametrize("how", ["at once", "after a restart"])
def test_consent_to_the_outer_call_stays_in_force(face: Face, kept: Journal, how: str) -> None:
    model = outer(face, Call("clean_asking", {"q": "all"}, "o1"))
    pause = face.pause_of(model.chain("Tidy up", tools=[clean_asking]))
    assert pause.request.tool_name == "clean_asking"
    pause = face.pause_of(pause.approve())
    assert pause.request.tool_name == "erase"
    if how == "after a restart":
        restart()
        [pause] = llm.pending()
        pause.approve()
        chain = llm.resume(pause.request.id, tools=[clean_asking], model=model)
    else:
        chain = pause.approve()
    assert face.text(chain) == "done"
    assert ran.count("/a") == 1
    assert pending() == []


def test_a_changed_request_asks_anew_and_takes_the_old_question_back(face: Face, journal: Journal | None) -> None:
    asked: list[str] = []

    def chain_of(q: str) -> Any:
        asked.append(q)
        call = Call("erase", {"path": f"/{len(asked)}"}, "i1")
        return answering(face, "inner", asks(call), "erased").chain(f"{q} {len(asked)}", tools=[erase])

    tool = body(face, "clean", chain_of)
    pause = face.pause_of(outer(face).chain("Tidy up", tools=[tool]))
    assert pause.request.arguments == {"path": "/1"}
    later = face.pause_of(pause.approve())
    # What was approved is not what the body asks by now.
    assert later.request.arguments == {"path": "/2"}
    assert "/1" not in ran
    if journal is not None:
        assert [waiting.request.arguments for waiting in llm.pending()] == [{"path": "/2"}]
    asked.pop()
    assert face.text(later.approve()) == "done"
    assert [path for path in ran if path.startswith("/")] == ["/2"]


def test_a_body_that_does_not_wait_takes_its_question_back(face: Face, kept: Journal) -> None:
    def chain_of(q: str) -> Any:
        return answering(face, "inner", asks(Call("erase", {"path": "/a"}, "i1")), "no").chain(q, tools=[erase])

    def clean(q: str) -> str:
        with suppress(llm.PauseChain):
            chain_of(q).text()
        return "gave up"

    async def clean_async(q: str) -> str:
        with suppress(llm.PauseChain):
            await chain_of(q).text()
        return "gave up"

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    model = outer(face)
    assert face.text(model.chain("Tidy up", tools=[tool])) == "done"
    assert told(model) == ["gave up"]
    assert pending() == []


def test_tools_that_the_body_makes_anew_are_asked_about_once(face: Face, journal: Journal | None) -> None:
    def chain_of(q: str) -> Any:
        done: list[str] = []

        @llm.require_approval
        def drop(path: str) -> str:
            done.append(path)
            ran.append(path)
            return f"dropped {len(done)}"

        return answering(face, "inner", asks(Call("drop", {"path": "/a"}, "i1")), "dropped").chain(q, tools=[drop])

    pause = face.pause_of(outer(face).chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    assert face.text(pause.approve()) == "done"
    assert ran.count("/a") == 1


def test_a_tool_of_the_body_that_has_changed_is_asked_about_anew(face: Face, journal: Journal | None) -> None:
    versions = iter((1, 2, 2))

    def chain_of(q: str) -> Any:
        version = next(versions)

        @llm.require_approval
        def drop(path: str) -> str:
            ran.append(f"{path} by version {version}")
            return "dropped"

        return answering(face, "inner", asks(Call("drop", {"path": "/a"}, "i1")), "dropped").chain(q, tools=[drop])

    pause = face.pause_of(outer(face).chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    pause = face.pause_of(pause.approve())
    assert "version: 1 → 2" in pause.request.changed
    assert face.text(pause.approve()) == "done"
    assert [said for said in ran if said.startswith("/a")] == ["/a by version 2"]


def test_edited_arguments_of_an_inner_call_are_checked_and_run(face: Face, journal: Journal | None) -> None:
    pause = face.pause_of(outer(face).chain("Tidy up", tools=[cleaner(face)]))
    with pytest.raises(llm.ToolArgumentError):
        pause.approve({"file": "/b"})
    assert face.text(pause.approve({"path": "/b"})) == "done"
    assert [path for path in ran if path.startswith("/")] == ["/b"]


def test_a_conversation_inside_a_tool_is_the_same_when_it_is_taken_up(face: Face, journal: Journal | None) -> None:
    model = face.rounds("hello", asks(Call("erase", {"path": "/a"}, "i1")), "erased")

    def clean(q: str) -> Any:
        talk = model.conversation(tools=[erase])
        return talk.chain("Hi").text() + talk.chain(q).text()

    async def clean_async(q: str) -> Any:
        talk = model.conversation(tools=[erase])
        return await talk.chain("Hi").text() + await talk.chain(q).text()

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    model_outside = outer(face)
    pause = face.pause_of(model_outside.chain("Tidy up", tools=[tool]))
    assert face.text(pause.approve()) == "done"
    assert told(model_outside) == ["helloerased"]
    assert len(model.requests) == 3


def test_chains_that_a_body_asks_at_the_same_time_are_asked_about_one_after_the_other(kept: Journal) -> None:
    face, inner = Face(), AsyncFace()

    def chain_of(q: str) -> Any:
        model = answering(inner, q, asks(Call("erase", {"path": q}, "i1")), f"{q} is gone")
        return model.chain(q, tools=[erase])

    async def clean(q: str) -> str:
        return "".join(await asyncio.gather(*(chain_of(path).text() for path in ("/1", "/2"))))

    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[clean]))
    for _ in range(4):
        try:
            face.text(pause.approve())
        except llm.PauseChain as later:
            pause = later
        else:
            break
    inner.close()
    assert sorted(said for said in ran if said in ("/1", "/2")) == ["/1", "/2"]
    assert pending() == []


def test_a_prompt_of_the_body_is_answered_once(face: Face, journal: Journal | None) -> None:
    planner = face.rounds("the plan", "another plan")

    def chain_of(plan: str) -> Any:
        model = answering(face, "inner", asks(Call("erase", {"path": "/a"}, "i1")), "erased")
        return model.chain(f"Do {plan}", tools=[erase])

    def clean(q: str) -> Any:
        plan = planner.prompt(f"Plan {q}").text()
        return f"{plan}: {chain_of(plan).text()}"

    async def clean_async(q: str) -> Any:
        plan = await planner.prompt(f"Plan {q}").text()
        return f"{plan}: {await chain_of(plan).text()}"

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[tool]))
    if journal is not None:
        restart()
    assert face.text(pause.approve()) == "done"
    assert told(model) == ["the plan: erased"]
    assert len(planner.requests) == 1
    assert ran.count("/a") == 1


def test_an_answer_that_the_provider_paused_is_gone_on_with_when_the_body_is_entered_again(
    face: Face, journal: Journal | None
) -> None:
    def pauses(response: Any) -> None:
        response.set_finish_reason("pause", "pause_turn")

    made = []

    def chain_of(q: str) -> Any:
        made.append(
            answering(face, "inner", ["I search.", pauses], asks(Call("erase", {"path": "/a"}, "i1")), "cleaned")
        )
        return made[-1].chain(f"Clean {q}", tools=[erase])

    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[body(face, "clean", chain_of)]))
    if journal is not None:
        restart()
    assert face.text(pause.approve()) == "done"
    assert told(model) == ["I search. cleaned"]
    assert (ran.count("/a"), ran.count("inner was asked")) == (1, 3)


def test_an_answer_that_the_provider_paused_last_is_gone_on_with_after_a_restart(kept: Journal) -> None:
    face, presses = Face(), [True]

    def pauses(response: Any) -> None:
        response.set_finish_reason("pause", "pause_turn")

    def stops(response: Any) -> None:
        if presses and presses.pop():
            raise KeyboardInterrupt

    def chain_of(q: str) -> Any:
        return answering(face, "inner", ["I search.", pauses], [stops, "Found."]).chain(f"Clean {q}", tools=[look])

    tool, model = llm.require_approval(body(face, "clean", chain_of)), outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[tool]))
    with pytest.raises(KeyboardInterrupt):
        face.text(pause.approve())
    kept.flush()
    restart()
    [waiting] = llm.pending()
    waiting.approve()
    assert face.text(llm.resume(waiting.request.id, tools=[tool], model=model)) == "done"
    assert told(model) == ["I search. Found."]


def test_chains_in_threads_of_the_body_are_inside_it_too(kept: Journal) -> None:
    face = Face()

    def helper(path: str) -> str:
        model = answering(face, path, asks(Call("erase", {"path": path}, "i1")), f"{path} is gone")
        text: str = model.chain(path, tools=[erase]).text()
        return text

    def clean(q: str) -> str:
        with ThreadPoolExecutor(2) as pool:
            return " ".join(pool.map(helper, ["/1", "/2"]))

    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[clean]))
    assert pause.request.tool_name == "erase"
    for _ in range(4):
        try:
            face.text(pause.approve())
        except llm.PauseChain as later:
            pause = later
        else:
            break
    assert sorted(said for said in ran if said in ("/1", "/2")) == ["/1", "/2"]
    assert told(model) == ["/1 is gone /2 is gone"]
    assert pending() == []


def elsewhere(pause: llm.PauseChain, tool: Any, model: Any) -> llm.PauseChain:
    """Return a pause as another process loads it from JSON."""
    data = json.loads(json.dumps(pause.to_dict()))
    restart()
    process.made.pop(AskedInMemory, None)
    return llm.load_pause(data, tools=[tool], model=model)


def test_a_pause_that_is_kept_as_json_takes_up_its_record_elsewhere(face: Face, isolated: Path) -> None:
    calls = (Call("look", {"path": "/0"}, "i0"), Call("erase", {"path": "/a"}, "i1"))
    later = [asks(*calls), asks(Call("erase", {"path": "/b"}, "i2")), "cleaned"]
    deepest = body(face, "clean", lambda q: answering(face, "inner", *later).chain(f"Clean {q}", tools=[look, erase]))
    middle = body(
        face,
        "middle",
        lambda q: answering(face, "middle", asks(Call("clean", {"q": q}, "m1")), "in order").chain(q, tools=[deepest]),
    )
    model = outer(face, Call("middle", {"q": "all"}, "o1"))
    pause = elsewhere(face.pause_of(model.chain("Tidy up", tools=[middle])), middle, model)
    assert pause.request.arguments == {"path": "/a"}
    pause = elsewhere(face.pause_of(pause.approve()), middle, model)
    assert pause.request.arguments == {"path": "/b"}
    # A decision that was made before the pause was written counts.
    pause.deny("keep it")
    assert face.text(elsewhere(pause, middle, model).resume()) == "done"
    assert [ran.count(said) for said in ("looked at /0", "/a", "/b", "middle was asked", "inner was asked")] == [
        1,
        1,
        0,
        2,
        3,
    ]
    assert told(model) == ["in order"]


def test_an_error_keeps_its_words_however_often_the_pause_travels(face: Face, isolated: Path) -> None:
    def broken(path: str) -> str:
        raise FileNotFoundError(f"no {path}: gone")

    calls = (Call("broken", {"path": "/0"}, "i0"), Call("erase", {"path": "/a"}, "i1"))
    tool, model = cleaner(face, *calls, tools=(broken, erase)), outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[tool]))
    for _ in range(3):
        pause = elsewhere(pause, tool, model)
    [suspended] = pause.to_dict()["suspended"]
    kept = [call["result"]["exception"] for call in suspended["inside"] if call["result"]]
    assert kept == ["FileNotFoundError: no /0: gone"]


def test_a_loaded_pause_that_shows_another_inner_call_runs_nothing(face: Face, isolated: Path) -> None:
    tool, model = cleaner(face), outer(face)
    data = face.pause_of(model.chain("Tidy up", tools=[tool])).to_dict()
    data["request"]["arguments"] = {"path": "/harmless"}
    restart()
    process.made.pop(AskedInMemory, None)
    forged = llm.load_pause(data, tools=[tool], model=model)
    assert forged.request.arguments == {"path": "/harmless"}
    with pytest.raises(ValueError, match="not what is asked"):
        forged.approve()
    assert "/a" not in ran


def test_a_transcript_tells_inner_calls_from_outer_ones_with_the_same_id(kept: Journal) -> None:
    face, view = Face(), TranscriptView("outer")
    calls = (Call("clean", {"q": "all"}, "c1"), Call("look", {"path": "/0"}, "c2"))
    tool = cleaner(face, Call("erase", {"path": "/a"}, "c2"))
    chain = outer(face, *calls).chain("Tidy up", tools=[tool, look])
    chain._chain.log.on_call = view.update_call
    with pytest.raises(llm.PauseChain):
        for event in chain.stream_events():
            view.feed(event, 0)
    view.end("paused", 0)
    assert [(block.name, block.status) for block in view.calls] == [
        ("clean", "suspended"),
        ("look", "queued"),
        ("erase", "waiting"),
    ]
    rounds = kept.chain(chain._chain.log.chain_id)
    inside = {call.call_id: asked_inside(call, kept) for turn in rounds for call in turn.calls}
    reloaded = view_of_turns(rounds, inside=inside)
    assert {(block.name, block.status) for block in reloaded.calls} == {
        (block.name, block.status) for block in view.calls
    }


def test_a_stop_inside_asks_about_both_calls_and_nothing_runs_again_by_itself(kept: Journal) -> None:
    face, presses = Face(), [True]

    @llm.require_approval
    def wipe(path: str) -> str:
        ran.append(path)
        if presses and presses.pop():
            raise KeyboardInterrupt
        return "wiped"

    tool = cleaner(face, Call("wipe", {"path": "/a"}, "i1"), tools=(wipe,))
    model = outer(face)
    pause = face.pause_of(model.chain("Tidy up", tools=[tool]))
    with pytest.raises(KeyboardInterrupt):
        pause.approve().text()
    kept.flush()  # ■ waits for nothing
    assert {(p.request.tool_name, p.request.outcome_unknown) for p in llm.pending()} == {
        ("clean", True),
        ("wipe", True),
    }
    asked = []
    for _ in range(5):
        first = next(iter(llm.pending()), None)
        if first is None:
            break
        asked.append((first.request.tool_name, first.request.outcome_unknown))
        if first.request.tool_name == "clean":
            first.approve()
        else:
            first.answer("it was wiped")
        with suppress(llm.PauseChain):
            llm.resume(first.request.id, tools=[tool], model=model).text()
    assert asked == [("clean", True), ("wipe", True)]
    assert ran.count("/a") == 1
    assert told(model) == ["cleaned"]


def test_a_conversation_that_outlives_the_body_is_the_same_when_it_is_entered_again(face: Face, kept: Journal) -> None:
    model = face.rounds("hello", "ready", asks(Call("erase", {"path": "/a"}, "i1")), "erased", "bye")
    talk = model.conversation(tools=[erase])
    assert face.text(talk.prompt("Hi")) == "hello"

    def clean(q: str) -> Any:
        return talk.prompt("Ready?").text() + talk.chain(q).text()

    async def clean_async(q: str) -> Any:
        return await talk.prompt("Ready?").text() + await talk.chain(q).text()

    tool: Any = clean_async if face.is_async else clean
    tool.__name__ = "clean"
    model_outside = outer(face)
    pause = face.pause_of(model_outside.chain("Tidy up", tools=[tool]))
    assert face.text(pause.approve()) == "done"
    assert told(model_outside) == ["readyerased"]
    assert face.text(talk.prompt("Bye")) == "bye"
    assert len(model.requests) == 5
    parts = [part for message in model.requests[-1].messages for part in message.parts]
    texts = [part.text for part in parts if isinstance(part, llm.TextPart)]
    assert texts == ["Hi", "hello", "Ready?", "ready", "all", "erased", "Bye"]
    assert pending() == []


_INTERRUPTED = """
import os, sys
from pathlib import Path
import llm_notebook as llm
from llm_notebook.journal.operations import CallMoved
from llm_notebook.journal.sqlite import SQLiteJournal
from tests.fakes.faces import Face
from tests.turns.test_nested_chains import cleaner, outer

journal = llm.open_journal(sys.argv[1])
submit = SQLiteJournal.submit

def dying(self, operation):
    done = submit(self, operation)
    if isinstance(operation, CallMoved) and operation.to == "waiting":
        done.result()
        os._exit(9)
    return done

SQLiteJournal.submit = dying
outer(Face()).chain("Tidy up", tools=[cleaner(Face())]).text()
"""


@pytest.mark.parametrize("order", ["outer first", "inner first"])
@pytest.mark.parametrize("at_hand", [True, False])
def test_an_unmarked_tool_that_was_killed_while_a_chain_inside_asked_is_asked_about_once(
    tmp_path: Path, face: Face, order: str, at_hand: bool
) -> None:
    path = tmp_path / "journal.db"
    command = [sys.executable, "-c", _INTERRUPTED, str(path)]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == 9
    journal = llm.open_journal(path)
    model, tool = outer(face), cleaner(face)
    assert sorted(pending()) == ["clean", "erase"]
    asked = []
    while found := llm.pending():
        names = [pause.request.tool_name for pause in found]
        last = found[names.index("erase" if order == "inner first" and "erase" in names else names[0])]
        if at_hand:
            call = journal.call(last.request.id)
            assert call is not None
            last = pause_of(call, journal, tools=[tool], model=model)
        if last.paused.call(last.request).state == "approved":
            # It waits for the other decision.
            last = next(pause for pause in found if pause.request.id != last.request.id)
        asked.append(last.request.tool_name)
        last.approve()
        with suppress(llm.PauseChain):
            face.text(llm.resume(last.request.id, tools=[tool], model=model))
    assert sorted(asked) == ["clean", "erase"]
    assert ran.count("/a") == 1
    assert told(model) == ["cleaned"]
