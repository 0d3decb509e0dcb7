"""Models, prompts and errors travel to other processes, without keys, and work there."""

from __future__ import annotations

import copy
import importlib.util
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.errors import ChainLimitReached
from llm_notebook.tools.calls import recorded_exception
from tests.fakes.faces import Face, asks
from tests.fakes.openai_server import OpenAIServer, text_reply

KEY = "sk-SECRET-0123456789"
WAYS = ["pickle", *(["cloudpickle"] if importlib.util.find_spec("cloudpickle") else [])]
_WORKER = """
import asyncio, pickle, sys
thing = pickle.loads(sys.stdin.buffer.read())
if hasattr(thing, "prompt") and callable(thing.prompt):
    thing = thing.prompt("Hi")
text = thing.text()
print(asyncio.run(text) if asyncio.iscoroutine(text) else text)
"""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param)


def _travelled(way: Any, thing: Any) -> Any:
    data = way.dumps(thing)
    assert b"SECRET" not in data
    return pickle.loads(data)


def _text_in_another_process(way: Any, thing: Any, **environment: str) -> str:
    data = way.dumps(thing)
    assert b"SECRET" not in data
    done = subprocess.run(
        [sys.executable, "-c", _WORKER], input=data, capture_output=True, check=True, env=os.environ | environment
    )
    return done.stdout.decode().strip()


@pytest.mark.parametrize("wire", ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel"])
def test_a_model_of_any_wire_travels_without_its_key(face: Face, way: Any, wire: str) -> None:
    model = face.of(
        wire, "http://127.0.0.1:9/v1", "m", key=KEY, headers={"Authorization": f"Bearer {KEY}", "X-Title": "Mine"}
    )
    again = _travelled(way, model)
    assert type(again) is type(model)
    assert (again.model_id, again.base_url, again.key) == ("m", model.base_url, None)
    assert again.headers == {"X-Title": "Mine"}


def test_an_address_travels_without_what_is_secret_in_it(face: Face, way: Any) -> None:
    model = face.openai("https://me:SECRET@host.example/v1?api-version=2&api_key=SECRET")
    assert _travelled(way, model).base_url == "https://host.example/v1?api-version=2"
    assert _travelled(way, face.openai("http://127.0.0.1:9/v1")).base_url == "http://127.0.0.1:9/v1"


def test_a_copy_within_the_process_keeps_the_key(face: Face) -> None:
    model = face.openai("http://127.0.0.1:9/v1", key=KEY)
    for copied in (copy.copy(model), copy.deepcopy(model)):
        assert (copied.key, copied.base_url) == (KEY, model.base_url)


@pytest.mark.parametrize("kind", ["model", "prompt", "turn", "chain"])
def test_what_was_not_sent_yet_is_sent_where_it_is_loaded(
    face: Face, way: Any, kind: str, openai_server: OpenAIServer
) -> None:
    openai_server.play(text_reply("Hello"), text_reply("Hello"))
    model = face.openai(openai_server.base_url, key=KEY, key_env_var="WORKER_KEY")
    conversation = model.conversation()
    things = {
        "model": lambda: model,
        "prompt": lambda: model.prompt("Hi", key=KEY),
        "turn": lambda: conversation.prompt("Hi"),
        "chain": lambda: model.chain("Hi", key=KEY),
    }
    if kind == "turn":
        face.text(conversation.prompt("Before"))
    assert _text_in_another_process(way, things[kind](), WORKER_KEY="worker-key") == "Hello"
    request = openai_server.requests[-1]
    assert request.headers["authorization"] == "Bearer worker-key"
    expected = ["Before", "Hello", "Hi"] if kind == "turn" else ["Hi"]
    assert [message["content"] for message in request.json()["messages"]] == expected


def test_a_finished_response_travels_with_what_it_said(face: Face, way: Any) -> None:
    model = face.model("Hello", lambda response: response.set_usage(input=3), supports_tools=True)
    response = model.prompt("Hi")
    face.text(response)
    again = _travelled(way, _without_functions(response))
    assert face.text(again) == "Hello"
    assert face.do(again.usage()).input == 3
    assert again.prompt.messages == [llm.user("Hi")]


def test_a_turn_of_a_conversation_travels_without_what_was_said_after_it(face: Face, way: Any) -> None:
    model = face.model("Hello")
    # Hooks are often functions without a name, which no pickle takes.
    talk = model.conversation(before_call=lambda tool, call: None)
    first, second = talk.prompt("Hi"), talk.prompt("My PIN is 1234")
    face.text(first)
    face.text(second)
    model.requests.clear()
    assert b"1234" not in way.dumps(first)
    assert _travelled(way, second).prompt.messages == [
        llm.user("Hi"),
        llm.assistant("Hello"),
        llm.user("My PIN is 1234"),
    ]


def test_an_unsent_turn_travels_with_what_its_conversation_has_to_tell(face: Face, way: Any) -> None:
    model = face.rounds(asks(llm.ToolCall("_delete", {"path": "a"}, "1")), "meanwhile", "then")
    talk = model.conversation(tools=[llm.require_approval(_delete)])
    pause = face.pause_of(talk.chain("Delete a"))
    waiting = talk.prompt("How are you?", tools=[])
    model.requests.clear()
    assert _travelled(way, waiting).prompt.messages == waiting.prompt.messages
    face.text(waiting)
    face.text(pause.approve())
    later = talk.prompt("And now?", tools=[])
    model.requests.clear()
    sent = _travelled(way, later).prompt.messages
    assert "deleted a" in sent[-1].parts[0].text
    assert sent == later.prompt.messages


def _without_functions(response: Any) -> Any:
    # The script of a scripted model holds functions that no pickle takes.
    response.model.script = ("More",)
    return response


def test_a_response_that_is_being_read_says_so(face: Face, way: Any) -> None:
    response = face.model("a", "b").prompt("Hi")
    next(face.chunks(response))
    with pytest.raises(TypeError, match="cannot be pickled while it is read"):
        way.dumps(response)
    chain = face.model("a", "b").chain("Hi")
    face.text(chain)
    with pytest.raises(TypeError, match="cannot be pickled once it has begun"):
        way.dumps(chain)


@pytest.mark.parametrize(
    "error",
    [
        llm.ModelError("no"),
        llm.NeedsKeyException("no"),
        llm.IncompleteResponse("no", partial=[llm.assistant("par")], partial_text="par"),
        llm.ToolArgumentError("no", tool_name="f", raw="{"),
        llm.UnknownModelError("no"),
        llm.PauseChain("no"),
        llm.CancelToolCall("no"),
        ChainLimitReached(3, ["look", "erase"]),
    ],
)
def test_errors_travel_whole(error: Exception, way: Any) -> None:
    again = _travelled(way, error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_an_error_that_was_read_from_a_record_travels_under_its_name(way: Any) -> None:
    again = _travelled(way, recorded_exception("FileNotFoundError", "no a.txt"))
    assert (type(again).__name__, str(again)) == ("FileNotFoundError", "no a.txt")


def test_the_error_of_a_request_leaves_the_response_behind(face: Face, way: Any) -> None:
    model = face.openai("http://127.0.0.1:9/v1", key=KEY, max_retries=0)
    error = face.error_of(model)
    assert error.response is not None
    again = _travelled(way, error)
    assert (type(again), str(again), again.response) == (type(error), str(error), None)


def test_an_error_with_a_constructor_of_its_own_travels() -> None:
    error = _OwnError(3, why="full")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.why) == (str(error), "full")


class _OwnError(llm.ModelError):
    def __init__(self, number: int, *, why: str) -> None:
        super().__init__(f"{number} is too much")
        self.why = why


def _delete(path: str) -> str:
    return f"deleted {path}"


def test_a_pause_travels_and_is_decided_where_it_is_loaded(face: Face) -> None:
    tool = llm.require_approval(_delete)
    model = face.rounds(asks(llm.ToolCall("_delete", {"path": "a"}, "1")), "done")
    with pytest.raises(llm.PauseChain) as caught:
        face.text(model.chain("Hi", tools=[tool]))
    # The prompts that a scripted model keeps hold the marked function, which a pickle finds by its name only.
    model.requests.clear()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.request.arguments == {"path": "a"}
    assert again.request.tool_name == "_delete"
