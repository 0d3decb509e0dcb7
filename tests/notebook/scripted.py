"""Small models that answer by a script, for tests of the notebook that need no real model.

`%load_ext tests.notebook.scripted` registers them in a kernel; the prompts that they were sent are in `sent`.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_notebook import (
    IncompleteResponse,
    KeyModel,
    Model,
    ModelError,
    ModelWithAliases,
    Options,
    Prompt,
    StreamEvent,
    TextPart,
    ToolCall,
    ToolResultPart,
)
from llm_notebook.configuration.process import process
from llm_notebook.errors import ProviderError
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.installed import remember
from llm_notebook.providers.registry import Registry
from tests.fakes.gguf_files import gguf_bytes

__all__ = ["ANSI", "ODD_ID", "SCRIPT_TAG", "install_echo", "load_ipython_extension", "register_models", "sent", "texts"]

ODD_ID = "a*b*_c_`d|<img src=x onerror=alert(1)>$x$"
ANSI = "\x1b]0;owned\x07\x1b[2J\x9b31m\r"
SCRIPT_TAG = "<script>alert(1)</script>"

sent: list[Prompt] = []


def texts(prompt: Prompt) -> list[str]:
    """Return what a model was sent, as `role: text` lines."""
    return [
        f"{message.role}: {''.join(getattr(part, 'text', '') for part in message.parts)}" for message in prompt.messages
    ]


class _Scripted(Model):
    can_stream = True
    script = "Fine."

    def execute(self, prompt: Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str | StreamEvent]:
        sent.append(prompt)
        yield from self.answer(prompt, response)

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield self.script


class Echo(_Scripted):
    """Answers `You said: …` with the prompt; `-o shout true` in capitals."""

    model_id = "echo"

    class Options(Options):
        shout: bool | None = None
        temperature: float | None = None

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        said = f"You said: {prompt.prompt}"
        yield said.upper() if prompt.options.shout else said
        response.set_usage(input=1234, output=5)


class Novel(_Scripted):
    """Writes as many megabytes as the prompt says, in pieces of 200 characters."""

    model_id = "novel"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        for number in range(int(prompt.prompt) * 5_000):
            yield f"The price of order {number:6} fell in *August*, and so did the others. ".ljust(199, ".") + "\n"


class Torrent(_Scripted):
    """Sends a megabyte at once, and the last word when the file exists that the prompt names."""

    model_id = "torrent"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "All of it at once. " * 50_000
        while not Path(prompt.prompt).exists():
            time.sleep(0.01)
        yield "The end."


class Faltering(_Scripted):
    """Says two words, and the rest when the file exists that the prompt names."""

    model_id = "faltering"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "So far"
        while not Path(prompt.prompt).exists():
            time.sleep(0.01)
        yield " so good."


class Other(Echo):
    """The same under another name."""

    model_id = "other"


class Asker(_Scripted):
    """Calls `erase(path)`, or the tool whose name ends so, for each word of the prompt that begins with a slash, one after the other.

    Then it repeats the results. Where there is no such tool, it calls the first that it is given in its place.
    """

    model_id = "asker"
    supports_tools = True

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        said = [part for message in prompt.messages for part in message.parts]
        words = [word for part in said if isinstance(part, TextPart) for word in part.text.split()]
        results = [part.output for part in said if isinstance(part, ToolResultPart)]
        left = [word for word in words if word.startswith("/")][len(results) :]
        if left:
            names = [tool.name for tool in prompt.tools]
            name = next((name for name in names if name.endswith("erase")), names[0] if names else "erase")
            response.add_tool_call(ToolCall(name, {"path": left[0]}, f"call {left[0]}"))
        else:
            yield f"All done: {', '.join(results)}."


class Hasty(_Scripted):
    """Calls a tool for each word of the prompt such as `erase=/a`, all in one answer. Then it repeats the results."""

    model_id = "hasty"
    supports_tools = True

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        said = [part for message in prompt.messages for part in message.parts]
        results = [part.output for part in said if isinstance(part, ToolResultPart)]
        if results:
            yield f"All done: {', '.join(results)}."
            return
        words = [word for part in said if isinstance(part, TextPart) for word in part.text.split() if "=/" in word]
        for name, _, path in (word.partition("=") for word in words):
            response.add_tool_call(ToolCall(name, {"path": path}, f"call {path}"))


class Caller(_Scripted):
    """Makes the call that is its prompt, such as `moon_age {"date": "2026-03-01"}`, and repeats the result."""

    model_id = "caller"
    supports_tools = True

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        results = [part for part in prompt.messages[-1].parts if isinstance(part, ToolResultPart)]
        if results:
            yield f"All done: {results[0].output}."
        else:
            name, _, arguments = prompt.prompt.partition(" ")
            response.add_tool_call(ToolCall(name, json.loads(arguments), "call 1"))


class Viewer(_Scripted):
    """Reads pictures, and says which it was sent."""

    model_id = "viewer"
    attachment_types = frozenset({"image/png", "image/jpeg"})

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        files = [attachment.resolve_type() for attachment in prompt.attachments]
        yield f"I see {', '.join(files) or 'nothing'}."


class Mender(_Scripted):
    """Proposes the failed cell with `n` in the place of `count`."""

    model_id = "mender"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        cell = texts(prompt)[-1].split("```\n")[1]
        code = "\n".join(line[2:] for line in cell.splitlines()).replace("count", "n")
        yield f"**No such key.** `orders` has only `n`.\n\n```python\n{code}\n```"


class Odd(_Scripted):
    """Has an id with everything that Markdown, HTML and formulas give a meaning to."""

    model_id = ODD_ID


class Flood(_Scripted):
    """Sends 5,000 chunks as fast as possible."""

    model_id = "flood"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        for number in range(5000):
            yield f"word{number} "


class Steady(_Scripted):
    """Sends a word every millisecond for a minute, unless it is stopped or the prompt asks for little."""

    model_id = "steady"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        for _ in range(3 if prompt.prompt == "little" else 60_000):
            yield "word "
            time.sleep(0.001)


class Announcing(_Scripted):
    """Prints that it has begun, and says nothing for two minutes unless it is stopped."""

    model_id = "announcing"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        time.sleep(120)
        yield "At last."


class StoppedAtTheEnd(_Scripted):
    """Presses ■ when the answer is complete and its turn is being settled."""

    model_id = "stopped-at-the-end"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "All of it."
        response.response_json = _PressesStop(choices=[])


class StoppedThrice(_Scripted):
    """Presses ■ while it answers, while it is closed, and while its turn is being settled."""

    model_id = "stopped-thrice"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "Some of it."
        response.response_json = _PressesStop(choices=[])
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)


class _PressesStop(dict[str, Any]):
    """Raw JSON that presses ■ when it is read while the magics take what outlives the turn."""

    def get(self, *arguments: Any) -> Any:
        if any(frame.f_code.co_name == "_keep_outcome" for frame, _ in traceback.walk_stack(None)):
            signal.raise_signal(signal.SIGINT)
        return super().get(*arguments)


class Patter(_Scripted):
    """Sends 5,000 chunks in a few seconds."""

    model_id = "patter"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        for number in range(5000):
            yield f"word{number} "
            time.sleep(0.0005)


class Silent(_Scripted):
    """Says nothing for a minute, unless it is stopped."""

    model_id = "silent"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        time.sleep(60)
        yield "Too late."


class Slow(_Scripted):
    """Takes a moment for its first word, and sends an event without text before it."""

    model_id = "slow"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield StreamEvent("text", "")
        time.sleep(1.5)
        yield "At last."


class Thinker(_Scripted):
    """Reasons for a moment, then answers."""

    model_id = "thinker"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield StreamEvent("reasoning", "Hmm, let me see.")
        if prompt.prompt == "slowly":
            time.sleep(1.5)
        yield StreamEvent("text", "Forty-two.")


class Buggy(_Scripted):
    """Has a bug."""

    model_id = "buggy"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "So far "
        raise ZeroDivisionError("a bug in a plugin")


class Refusing(_Scripted):
    """Fails with an expected error before it says anything."""

    model_id = "refusing"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        raise ModelError("The quota is used up: wait until tomorrow.")
        yield ""


class Breaking(_Scripted):
    """Breaks off in the middle of its answer."""

    model_id = "breaking"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "Half an ans"
        raise IncompleteResponse("The connection closed before the answer's end.")


class Empty(_Scripted):
    """Answers nothing."""

    model_id = "empty"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield from ()


class CutShort(_Scripted):
    """Stops at its token limit; for another prompt, its raw JSON has an unknown shape."""

    model_id = "cut-short"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        yield "Once upon a"
        response.response_json = {"choices": [{"finish_reason": "length"}]} if prompt.prompt == "long" else ["odd"]


class Hostile(_Scripted):
    """Sends control characters to the terminal and a script to the page."""

    model_id = "hostile"
    script = f"before{ANSI}after {SCRIPT_TAG} ![x](http://example.invalid/x.png)"


@dataclass(slots=True)
class _Retry:
    reason: str = "The server is busy"
    delay: float = 4.0
    attempt: int = 2
    of: int = 3


class Retrying(_Scripted):
    """Gets its answer at the second request."""

    model_id = "retrying"

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        response._turn.note_retry(_Retry())
        if "patiently" in prompt.prompt:
            time.sleep(1.5)
        yield "Finally."


class Single(_Scripted):
    """Cannot continue a conversation."""

    model_id = "single"
    supports_conversation = False


class Data(_Scripted):
    """Answers with its first prompt, in pieces of 20 characters. What follows `then:` is for when it is told that something does not fit.

    If it is given a tool, it calls that first.
    """

    model_id = "data"
    supports_schema = supports_tools = True

    def answer(self, prompt: Prompt, response: Any) -> Iterator[str | StreamEvent]:
        said = [part for message in prompt.messages for part in message.parts]
        if prompt.tools and not any(isinstance(part, ToolResultPart) for part in said):
            response.add_tool_call(ToolCall(prompt.tools[0].name, {"path": "/x"}, "call 1"))
            return
        asked = [text.removeprefix("user: ") for text in texts(prompt) if text.startswith("user: ")]
        tries = asked[0].split("then:")
        told = sum(text.startswith("Your answer does not fit") for text in asked)
        text = tries[min(told, len(tries) - 1)].strip()
        yield from (text[at : at + 20] for at in range(0, len(text), 20))


class Keyed(KeyModel):
    """Needs a key and refuses the key `wrong`; a certain prompt makes it fail with an unexpected error while it has one."""

    model_id = "keyed"
    needs_key = "scripted"
    key_env_var = "SCRIPTED_API_KEY"

    def execute(
        self, prompt: Prompt, stream: bool, response: Any, conversation: Any, key: str | None
    ) -> Iterator[str | StreamEvent]:
        sent.append(prompt)
        if key == "wrong":
            raise ProviderError("keyed: invalid x-api-key", status=401)
        if prompt.prompt == "bug":
            raise ZeroDivisionError("a bug with a key at hand")
        yield f"A key of {len(key or '')} characters."


MODELS: list[type[Model] | type[KeyModel]] = [
    Echo,
    Asker,
    Hasty,
    Caller,
    Mender,
    Other,
    Viewer,
    Odd,
    Flood,
    Steady,
    Announcing,
    StoppedAtTheEnd,
    StoppedThrice,
    Patter,
    Silent,
    Slow,
    Thinker,
    Buggy,
    Refusing,
    Breaking,
    Empty,
    CutShort,
    Hostile,
    Retrying,
    Single,
    Data,
    Novel,
    Torrent,
    Faltering,
    Keyed,
]


def install_echo(folder: Path) -> None:
    """Install a file of the user's as a local model that is called `echo`, so that what is installed here can be asked at once."""
    file = folder / "echo.gguf"
    file.write_bytes(gguf_bytes())
    remember("echo", file, read_facts(file))


def register_models(registry: Registry) -> None:
    """Register the models above, so that `get_model()` finds them."""
    registry._builtin += [ModelWithAliases(model(), None) for model in MODELS]
    registry._builtin[-1].aliases.append("needs_a_key")


def load_ipython_extension(shell: Any) -> None:
    """Register the models in this kernel, with `echo` as the default."""
    register_models(process.of(Registry))
    shell.user_ns["sent"] = sent
    shell.user_ns["texts"] = texts
