"""A conversation that goes on while a call has no result: what the model is told then, and once the call has run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.journal.protocol import Journal
from llm_notebook.providers.anthropic.requests import messages_body_text
from llm_notebook.providers.gemini.requests import gemini_body_text
from llm_notebook.providers.ollama.requests import ollama_body_text
from llm_notebook.providers.openai.chat_requests import chat_body, chat_body_text
from llm_notebook.providers.openai.dialects import DIALECTS
from llm_notebook.providers.openai.responses_requests import responses_body_text
from tests.fakes.faces import Face, asks

Call = llm.ToolCall
ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture(params=["journal", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal | None:
    """Run the test with a journal and without one."""
    return llm.open_journal(tmp_path / "journal.db") if request.param == "journal" else None


@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    ran.append(path)
    return f"erased {path}"


def look(path: str) -> str:
    ran.append(f"looked at {path}")
    return "seen"


def results(prompt: llm.Prompt) -> dict[str | None, str]:
    parts = [part for message in prompt.messages for part in message.parts]
    return {part.tool_call_id: part.output for part in parts if isinstance(part, llm.ToolResultPart)}


def said(prompt: llm.Prompt) -> list[str]:
    """What the user says last."""
    return [part.text for part in prompt.messages[-1].parts if isinstance(part, llm.TextPart)]


def talking(face: Face, *calls: llm.ToolCall) -> tuple[Any, Any, llm.PauseChain]:
    """Return a model, its conversation, and the pause of the call that waits in it."""
    calls = calls or (Call("erase", {"path": "/a"}, "c1"),)
    model = face.rounds(asks(*calls), "meanwhile", "then", "later")
    talk = model.conversation(tools=[erase, look])
    return model, talk, face.pause_of(talk.chain("Erase /a"))


def test_the_model_is_told_that_a_call_waits_and_later_what_came_of_it(face: Face, journal: Journal | None) -> None:
    model, talk, pause = talking(face)
    assert face.text(talk.prompt("How are you?")) == "meanwhile"
    assert results(model.requests[1])["c1"].startswith("Waiting: a human has not decided")
    chain = pause.approve()
    assert face.text(chain) == ""
    assert ran == ["/a"]
    [result] = face.do(chain.messages())[-1].parts
    assert result.output == "erased /a"
    # The model was not asked about what it has left behind.
    assert len(model.requests) == 2
    assert face.text(talk.prompt("And now?")) == "then"
    before, after = model.requests[1].messages, model.requests[2].messages
    assert after[: len(before)] == before
    note, prompt = said(model.requests[2])
    assert all(part in note for part in ("Name: erase", "Id: c1", "erased /a"))
    assert prompt == "And now?"
    # It is told once.
    face.text(talk.prompt("Bye"))
    assert model.requests[3].messages[: len(after)] == after
    assert said(model.requests[3]) == ["Bye"]


def test_a_denial_is_told_like_a_result(face: Face, journal: Journal | None) -> None:
    model, talk, pause = talking(face)
    face.text(talk.prompt("How are you?"))
    assert face.text(pause.deny("too late")) == ""
    face.text(talk.prompt("And now?"))
    assert "Denied by the user: too late" in said(model.requests[2])[0]
    assert ran == []


def test_a_call_that_is_queued_behind_the_question_is_told_apart(face: Face, journal: Journal | None) -> None:
    calls = (
        Call("look", {"path": "/0"}, "c0"),
        Call("erase", {"path": "/a"}, "c1"),
        Call("look", {"path": "/b"}, "c2"),
    )
    model, talk, pause = talking(face, *calls)
    face.text(talk.prompt("How are you?"))
    told = results(model.requests[1])
    assert told["c0"] == "seen"
    assert told["c1"].startswith("Waiting")
    assert not told["c2"].startswith("Not run")
    face.text(pause.approve())
    face.text(talk.prompt("And now?"))
    notes = said(model.requests[2])
    assert ["Id: c1" in notes[0], "erased /a" in notes[0]] == [True, True]
    if not face.is_async:
        assert "Id: c2" in notes[1]


def test_without_a_prompt_in_between_the_chain_asks_as_ever(face: Face, journal: Journal | None) -> None:
    model, talk, pause = talking(face)
    assert face.text(pause.approve()) == "meanwhile"
    assert results(model.requests[1]) == {"c1": "erased /a"}
    assert face.text(talk.prompt("Thanks")) == "then"
    assert said(model.requests[2]) == ["Thanks"]


def test_a_prompt_that_failed_has_not_gone_on(face: Face, journal: Journal | None) -> None:
    model = face.rounds(asks(Call("erase", {"path": "/a"}, "c1")), [ValueError("busy")], "done")
    talk = model.conversation(tools=[erase])
    pause = face.pause_of(talk.chain("Erase /a"))
    with pytest.raises(ValueError, match="busy"):
        face.text(talk.prompt("How are you?"))
    assert face.text(pause.approve()) == "done"


def test_a_later_process_tells_what_came_of_it(face: Face, tmp_path: Path) -> None:
    llm.open_journal(tmp_path / "journal.db")
    _, talk, _ = talking(face)
    face.text(talk.prompt("How are you?"))
    del talk
    later = face.rounds("then")
    [pause] = llm.pending()
    pause.approve()
    assert face.text(llm.resume(pause.request.id, tools=[erase], model=later)) == ""
    assert ran == ["/a"]
    assert later.requests == []
    name = llm.history(limit=1)[0].begun.conversation_id
    again = llm.load_conversation(name, model=later)
    assert face.text(again.prompt("And now?")) == "then"
    assert said(later.requests[0])[0].count("erased /a") == 1
    assert results(later.requests[0])["c1"].startswith("Waiting")


def test_a_call_that_was_interrupted_is_told_as_started(tmp_path: Path) -> None:
    face = Face()

    def send(to: str) -> str:
        ran.append(to)
        raise KeyboardInterrupt

    model = face.rounds(asks(Call("send", {"to": "bob"}, "c1")), "hm")
    talk = model.conversation(tools=[send])
    with pytest.raises(KeyboardInterrupt):
        talk.chain("Mail bob").text()
    talk.prompt("Go on").text()
    assert "started, outcome unknown" in results(model.requests[1])["c1"]


def gone_on() -> llm.Prompt:
    """Return the prompt of a conversation that went on past a call, after the call has run."""
    face = Face()
    model, talk, pause = talking(face)
    face.text(talk.prompt("How are you?"))
    face.text(pause.approve())
    face.text(talk.prompt("And now?"))
    return model.requests[2]  # type: ignore[no-any-return]


def test_every_wire_sends_one_result_for_the_call_and_the_late_one_as_text_of_the_user() -> None:
    encoders: dict[str, Callable[[llm.Prompt], str]] = {
        "chat": lambda prompt: chat_body_text(prompt, "m", stream=False),
        "responses": lambda prompt: responses_body_text(prompt, "m", stream=False, options={}, reasoning=False),
        "anthropic": lambda prompt: messages_body_text(prompt, "m", {"max_tokens": 10}),
        "gemini": lambda prompt: gemini_body_text(prompt, {}),
        "ollama": lambda prompt: ollama_body_text(prompt, "m", stream=False, fields={}),
    }
    for wire, encode in encoders.items():
        # Each wire gets a prompt of its own, since a prompt remembers how its messages were encoded.
        text = encode(gone_on())
        body = json.loads(text)
        items = body.get("messages") or body.get("input") or body.get("contents")
        assert text.count("Waiting: a human") == 1, wire
        assert items[-1]["role"] == "user", wire
        last = json.dumps(items[-1])
        assert "Id: c1" in last, wire
        assert last.index("erased /a") < last.index("And now?"), wire
        assert "llm_notebook" not in text, wire


def test_mistral_gets_an_answer_between_results_and_what_the_user_says() -> None:
    prompt = gone_on()
    for body in (
        json.loads(chat_body_text(prompt, "m", stream=False, dialect=DIALECTS["mistral"])),
        chat_body(prompt, "m", stream=False, dialect=DIALECTS["mistral"]),
    ):
        roles = [message["role"] for message in body["messages"]]
        assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant", "user"]
        assert body["messages"][3]["content"]


def test_a_chain_that_goes_on_with_the_waiting_call_asks_about_the_same_call(
    face: Face, journal: Journal | None
) -> None:
    _, talk, pause = talking(face)
    again = face.pause_of(talk.chain())
    assert again.request.id == pause.request.id
    assert journal is None or len(llm.pending()) == 1
    assert face.text(again.approve()) == "meanwhile"
    # The same call is not run a second time by the pause of before.
    face.text(pause.approve())
    assert ran == ["/a"]


def test_a_decision_about_the_first_pause_counts_for_the_chain_that_goes_on(
    face: Face, journal: Journal | None
) -> None:
    model, talk, pause = talking(face)
    pause.deny("no")
    assert face.text(talk.chain()) == "meanwhile"
    assert results(model.requests[1]) == {"c1": "Denied by the user: no"}
    assert ran == []


@pytest.mark.parametrize("how", ["policy", "mark"])
def test_a_chain_that_goes_on_asks_as_the_one_before_did(face: Face, journal: Journal | None, how: str) -> None:
    plain = erase.__wrapped__
    first, later = Call("erase", {"path": "/a"}, "c1"), Call("erase", {"path": "/b"}, "c2")
    model = face.rounds(asks(first), asks(later), "done")
    talk = model.conversation(tools=[plain])
    chain = talk.chain("Erase", tools=[erase] if how == "mark" else None)
    chain._chain.plan.policy.always = how == "policy"
    face.pause_of(chain)
    again = face.pause_of(talk.chain())
    assert ran == []
    # Later rounds as well.
    assert face.pause_of(again.approve()).request.arguments == {"path": "/b"}
    assert ran == ["/a"]


def test_a_conversation_that_is_loaded_goes_on_with_the_call_that_waits(face: Face, tmp_path: Path) -> None:
    llm.open_journal(tmp_path / "journal.db")
    model, talk, pause = talking(face)
    loaded = llm.load_conversation(talk.conversation_id, model=model)
    again = face.pause_of(loaded.chain(tools=[erase]))
    assert again.request.id == pause.request.id
    assert face.text(again.approve()) == "meanwhile"
    assert ran == ["/a"]
