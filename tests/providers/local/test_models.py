"""The local model: its answers streamed, interrupted, in threads, after a fork, and in an event loop."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pydantic
import pytest

import llm_notebook
from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.providers.local.engine import Engine
from llm_notebook.providers.local.models import AsyncLocalModel, LocalModel, local_models

ROOT = Path(llm_notebook.__file__).parent.parent
# The length is limited, because the small model may go on with a name until its answer is as long as it may be.
DOG = {
    "title": "dog",
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
# An answer that fits this takes minutes unless it is stopped.
ENDLESS = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 2000}
LONG = "Tell me a very long story about a pelican who travels around the world."


@pytest.fixture(scope="module")
def engine(weights) -> Engine:
    return Engine(lambda: weights)


@pytest.fixture
def model(engine) -> LocalModel:
    return LocalModel(engine)


@pytest.fixture
def async_model(engine) -> AsyncLocalModel:
    return AsyncLocalModel(engine)


@pytest.fixture
def without_garbage_collection():
    gc.disable()
    yield
    gc.enable()


def _run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that gets the model as users' programs do."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_registering_loads_nothing():
    code = (
        "import sys; from llm_notebook.providers.local.models import local_models; local_models();"
        "print([name for name in ('xllamacpp', 'pydantic', 'pydantic_core', 'httpx') if name in sys.modules])"
    )
    assert _run(code).stdout.strip() == "[]"


def test_both_flavours_are_registered_together():
    (entry,) = local_models()
    assert entry.model_id == "smollm2"
    assert "smollm2-135m" in entry.aliases
    assert isinstance(entry.model, LocalModel)
    assert isinstance(entry.async_model, AsyncLocalModel)


def test_missing_weights_are_explained_when_the_answer_is_read():
    pytest.importorskip("xllamacpp")
    response = LocalModel(Engine()).prompt("Hi")
    for _ in range(2):
        with pytest.raises(ModelError, match="run `%llm local install` once"):
            response.text()


def test_the_missing_extra_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError, match=r'pip install "jupyter-llm-notebook\[local\]"'):
        LocalModel(Engine()).prompt("Hi").text()


def test_a_file_that_is_no_model_is_explained(tmp_path):
    pytest.importorskip("xllamacpp")
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF and then nothing of use")
    with pytest.raises(ModelError, match=r"cannot be loaded from .*damaged\.gguf"):
        LocalModel(Engine(lambda: damaged)).prompt("Hi").text()


@pytest.mark.parametrize(
    "option", [{"temperature": -1}, {"top_p": 2}, {"max_tokens": 0}, {"seed": -1}, {"top_k": -1}, {"colour": "red"}]
)
def test_options_are_checked_before_anything_is_computed(option):
    with pytest.raises(pydantic.ValidationError, match=next(iter(option))):
        LocalModel(Engine()).prompt("Hi", **option)


def test_every_option_says_what_it_does():
    assert all(field.description for field in LocalModel().Options.model_fields.values())


@pytest.mark.model
def test_an_answer_arrives_in_pieces_with_its_usage(model):
    response = model.prompt("Three names for a pelican, with a reason for each.", max_tokens=40)
    pieces = list(response)
    assert len(pieces) > 10
    assert "".join(pieces) == response.text()
    assert response.usage().input > 10
    assert 10 < response.usage().output <= 40
    assert response.resolved_model == "SmolLM2-135M-Instruct.Q4_1"
    answer = response.json()
    assert answer["choices"][0]["message"]["content"] == response.text()
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")


@pytest.mark.model
def test_the_same_seed_gives_the_same_answer_streamed_or_not(model):
    streamed = model.prompt("Say something.", seed=7, temperature=1, max_tokens=20)
    whole = model.prompt("Say something.", seed=7, temperature=1, max_tokens=20, stream=False)
    assert len(list(whole)) == 1
    assert streamed.text() == whole.text()
    assert streamed.usage().output == whole.usage().output


@pytest.mark.model
def test_options_reach_the_model(model):
    counted = model.prompt(LONG, max_tokens=5)
    counted.text()
    assert counted.usage().output == 5
    assert counted.json()["choices"][0]["finish_reason"] == "length"
    stopped = model.prompt(LONG, stop='["a", "e"]', max_tokens=50).text()
    assert not set("ae") & set(stopped)


@pytest.mark.model
def test_a_schema_shapes_the_answer(model):
    dog = json.loads(model.prompt("Describe a dog.", schema=DOG).text())
    assert isinstance(dog["name"], str)
    assert isinstance(dog["age"], int)


@pytest.mark.model
def test_an_impossible_schema_is_explained(model):
    with pytest.raises(ModelError, match=r"does not accept this prompt.*unrecognized type"):
        model.prompt("Describe a dog.", schema={"type": "nonsense"}).text()
    assert model.prompt("Hi", max_tokens=3).text()


@pytest.mark.model
def test_a_conversation_is_sent_with_the_turns_before_it(model):
    conversation = model.conversation()
    first = conversation.prompt("My name is Ada.", max_tokens=10)
    first.text()
    second = conversation.prompt("What is my name?", max_tokens=10)
    second.text()
    assert second.usage().input > first.usage().input + first.usage().output
    roles = [message.role for message in second.prompt.messages]
    assert roles == ["user", "assistant", "user"]


@pytest.mark.model
def test_a_prompt_that_does_not_fit_says_so_and_what_to_do(weights):
    small = LocalModel(Engine(lambda: weights, context_tokens=256))
    with pytest.raises(ModelError, match=r"at most 256 tokens, .* has \d{3}: shorten it or begin a new conversation"):
        small.prompt("hello " * 600).text()
    assert small.prompt("Hi", max_tokens=3).text()


@pytest.mark.model
def test_text_that_is_not_unicode_is_refused_in_one_sentence(model):
    with pytest.raises(ModelError, match="does not accept this prompt"):
        model.prompt("half a character: \ud800").text()


@pytest.mark.model
def test_a_response_that_is_dropped_stops_computing(model, engine, without_garbage_collection):
    """Otherwise the next answer would wait for the rest of a long one."""
    response = model.prompt("Count.", schema=ENDLESS, max_tokens=8000)
    stream = iter(response)
    next(stream)
    (generation,) = engine.running
    del response, stream
    generation.wait(30)
    assert not engine.running


@pytest.mark.model
def test_several_threads_get_an_answer_each(model):
    alone = [
        model.prompt(f"Name {thing}.", temperature=0, max_tokens=16).text() for thing in ("a bird", "a fish", "a tree")
    ]
    together: dict[str, str] = {}

    def ask(thing: str) -> None:
        together[thing] = model.prompt(f"Name {thing}.", temperature=0, max_tokens=16).text()

    threads = [threading.Thread(target=ask, args=(thing,)) for thing in ("a bird", "a fish", "a tree")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[thing] for thing in ("a bird", "a fish", "a tree")] == alone


@pytest.mark.model
def test_many_threads_share_one_loaded_model(weights):
    """All threads ask before the model is loaded."""
    found: list[Path] = []

    def find() -> Path:
        found.append(weights)
        return weights

    model = LocalModel(Engine(find, context_tokens=256))
    threads = [threading.Thread(target=model.prompt("Hi", max_tokens=2).text) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [weights]


@pytest.mark.model
def test_awaiting_an_answer_leaves_the_loop_free(async_model):
    async def ask() -> tuple[list[str], int, int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(count())
        response = async_model.prompt("Name a bird.", max_tokens=20)
        pieces = [piece async for piece in response]
        counting.cancel()
        usage = await response.usage()
        return pieces, usage.output, turns

    pieces, tokens, turns = asyncio.run(ask())
    assert len(pieces) > 1
    assert 1 < tokens <= 20
    assert turns > len(pieces)


@pytest.mark.model
def test_both_flavours_answer_alike(model, async_model):
    async def ask() -> str:
        return await async_model.prompt("Name a bird.", temperature=0, max_tokens=20).text()

    assert asyncio.run(ask()) == model.prompt("Name a bird.", temperature=0, max_tokens=20).text()


@pytest.mark.model
def test_a_cancelled_task_stops_computing_and_keeps_what_arrived(async_model, engine):
    async def ask() -> tuple[str, list]:
        response = async_model.prompt("Count.", schema=ENDLESS, max_tokens=8000)
        arrived = asyncio.Event()

        async def read() -> None:
            async for _ in response:
                arrived.set()

        reading = asyncio.create_task(read())
        await arrived.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        with pytest.raises(IncompleteResponse) as told:
            await response.text()
        return told.value.partial_text, response.partial

    partial_text, messages = asyncio.run(ask())
    assert partial_text
    assert messages[0].parts[0].text == partial_text
    for generation in list(engine.running):
        generation.wait(30)
    assert not engine.running


@pytest.mark.model
def test_a_loop_that_is_closed_midway_stops_computing(async_model, engine):
    loop = asyncio.new_event_loop()
    stream = aiter(async_model.prompt("Count.", schema=ENDLESS, max_tokens=8000))
    loop.run_until_complete(anext(stream))
    (generation,) = engine.running
    loop.close()
    generation.wait(30)
    assert not engine.running


INTERRUPTED = """
import threading, time
from llm_notebook.errors import IncompleteResponse
from llm_notebook.providers.local.models import local_models
from llm_notebook.configuration.process import process
model = local_models()[0].model
response = model.prompt({prompt!r}, schema={schema!r}, max_tokens=8000)
def tell_when_it_computes():
    while not model.engine.running:
        time.sleep(0.01)
    print("begins", flush=True)

threading.Thread(target=tell_when_it_computes).start()
try:
    for piece in response:
        print("piece", flush=True)
except KeyboardInterrupt:
    response.close()
    print("interrupted", bool(response.partial), response.interrupted, flush=True)
try:
    response.text()
except IncompleteResponse as error:
    print("incomplete", bool(error.partial_text))
again = model.prompt("Name a bird.", max_tokens=5)
again.text()
print("again", again.usage().output, flush=True)
"""


@pytest.mark.model
@pytest.mark.parametrize(
    ("prompt", "moment"),
    [("Count.", "piece"), ("pelican " * 2500, "begins")],
    ids=["while it answers", "while it reads a long prompt"],
)
def test_interrupt_stops_at_once_and_the_next_prompt_is_answered(weights, prompt, moment):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED.format(prompt=prompt, schema=ENDLESS)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline().strip() != moment:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=120)
    got_text = moment == "piece"
    assert f"interrupted {got_text} True\nincomplete {got_text}\nagain 5\n" in said
    assert complaints == ""
    assert process.returncode == 0


FORKED = """
import os, sys
from llm_notebook.providers.local.models import local_models
model = local_models()[0].model
stream = iter(model.prompt({prompt!r}, max_tokens=60, temperature=1.5))
next(stream)
pid = os.fork()
if pid == 0:
    if {leave} == "with an answer":
        answer = model.prompt("Name a bird.", max_tokens=5)
        answer.text()
        print("child", answer.usage().output, flush=True)
    try:
        list(stream)
    except Exception as error:
        print(type(error).__name__, flush=True)
    sys.exit(3)
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print("parent", len(list(stream)) > 10)
"""


@pytest.mark.model
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.skipif(
    sys.platform == "darwin", reason="a child that has threads in its C++ libraries must use os._exit() there"
)
@pytest.mark.parametrize("leave", ["with an answer", "at once"])
def test_a_forked_child_loads_its_own_model_and_both_can_leave(weights, leave):
    done = _run(FORKED.format(prompt=LONG, leave=repr(leave)))
    child = "child 5\n" if leave == "with an answer" else ""
    assert done.stdout == f"{child}IncompleteResponse\nstatus 3\nparent True\n"
    assert done.stderr == ""


@pytest.mark.model
def test_leaving_the_process_while_it_answers_is_quiet(weights):
    code = (
        "from llm_notebook.providers.local.models import local_models\n"
        f"stream = iter(local_models()[0].model.prompt('Count.', schema={ENDLESS!r}, max_tokens=8000))\n"
        "print(bool(next(stream)))"
    )
    done = _run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


@pytest.mark.model
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's list of sockets")
def test_no_port_is_opened(weights):
    code = (
        "import os; from pathlib import Path\n"
        "from llm_notebook.providers.local.models import local_models\n"
        "local_models()[0].model.prompt('Hi', max_tokens=1).text()\n"
        "mine = {os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')"
        " or os.path.islink(f'/proc/self/fd/{fd}')}\n"
        "tcp = [line.split()[9] for name in ('tcp', 'tcp6') for line in Path('/proc/net', name).read_text().splitlines()[1:]]\n"
        "print([inode for inode in tcp if f'socket:[{inode}]' in mine])"
    )
    assert _run(code).stdout == "[]\n"
