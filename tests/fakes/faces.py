"""The sync and the async face of responses, behind one set of blocking methods so that a test is written once for both."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import llm_notebook as llm

__all__ = ["AsyncFace", "Face", "Script", "asks"]

Script = str | int | llm.StreamEvent | list[Any] | BaseException | Callable[[Any], object]


def asks(*calls: llm.ToolCall) -> list[Any]:
    """Return the script of a round in which the model asks for these calls."""
    script: list[Any] = []
    for call in calls:
        script.append(llm.StreamEvent("tool_call_name", call.name, tool_call_id=call.tool_call_id))
        script.append(llm.StreamEvent("tool_call_args", json.dumps(call.arguments), tool_call_id=call.tool_call_id))
    return script


class _Scripted:
    """The part of a scripted model that is the same with and without `await`: its flags, and the prompts that it was sent.

    Attributes:
        requests: the prompts, oldest first.
        conversations: for each request what its conversation had said before, as texts; None without a conversation.
    """

    def __init__(self, script: tuple[Script, ...], flags: dict[str, Any]) -> None:
        self.model_id = "scripted"
        self.can_stream = True
        self.script = script
        self.requests: list[llm.Prompt] = []
        self.conversations: list[Any] = []
        self.closed = 0
        self.rounds: tuple[Any, ...] = ()
        for name, value in flags.items():
            setattr(self, name, value)

    def note(self, conversation: Any) -> None:
        before = None if conversation is None else [each.text_or_raise() for each in conversation.responses]
        self.conversations.append(before)

    def played(self, prompt: llm.Prompt, response: Any) -> Iterator[Any]:
        self.requests.append(prompt)
        try:
            for step in self.rounds[min(len(self.requests), len(self.rounds)) - 1] if self.rounds else self.script:
                if isinstance(step, BaseException):
                    raise step
                if not callable(step):
                    yield step
                elif inspect.isawaitable(outcome := step(response)):
                    yield outcome
        finally:
            self.closed += 1


class ScriptedModel(_Scripted, llm.Model):
    """A model that yields the strings and events of its script, raises its exceptions, and calls its functions with the response.

    What such a function returns is awaited on the async face, if it is to be awaited.
    """

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[Any]:
        self.note(conversation)
        yield from self.played(prompt, response)


class AsyncScriptedModel(_Scripted, llm.AsyncModel):
    """`ScriptedModel`, used with `await`."""

    async def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> AsyncIterator[Any]:
        self.note(conversation)
        for item in self.played(prompt, response):
            await asyncio.sleep(0)
            if inspect.isawaitable(item):
                await item
            else:
                yield item


class Face:
    """The sync face, whose methods need no event loop."""

    is_async = False
    response_class: type = llm.Response

    def model(self, *script: Script, **flags: Any) -> Any:
        return ScriptedModel(script, flags)

    def rounds(self, *rounds: list[Any] | str, **flags: Any) -> Any:
        """Return a model that plays one script for each request, and then repeats the last."""
        scripts = tuple([script] if isinstance(script, str) else script for script in rounds)
        return self.model(rounds=scripts, **{"supports_tools": True, **flags})

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as a tool for this face: as a coroutine function for the async one."""
        return function

    def openai(self, base_url: str | None, model_id: str = "gpt-test", **arguments: Any) -> Any:
        return llm.OpenAIChat(model_id, base_url=base_url, **arguments)

    def of(self, class_name: str, base_url: str | None, model_id: str = "gpt-test", **arguments: Any) -> Any:
        """Return a model of any wire format: the public class with this name, or its async twin."""
        return getattr(llm, class_name)(model_id, base_url=base_url, **arguments)

    def get_model(self, name: str | None = None) -> Any:
        return llm.get_model(name)

    def do(self, result: Any) -> Any:
        """Return the outcome of a method that has to be awaited on async responses."""
        return result

    def chunks(self, response: Any) -> Iterator[str]:
        return iter(response)

    def events(self, response: Any) -> Iterator[llm.StreamEvent]:
        return iter(response.stream_events())

    def responses(self, chain: Any) -> Iterator[Any]:
        """Yield the responses of a chain. Each is read to its end before the next is yielded."""
        return iter(chain.responses())

    def text(self, response: Any) -> str:
        text: str = self.do(response.text())
        return text

    def texts(self, responses: list[Any]) -> list[str]:
        """Return the texts of responses that are read all at once."""
        with ThreadPoolExecutor(len(responses)) as threads:
            return list(threads.map(self.text, responses))

    def pause_of(self, chain: Any) -> llm.PauseChain:
        """Return the pause that a chain ends in."""
        with pytest.raises(llm.PauseChain) as caught:
            self.text(chain)
        return caught.value

    def error_of(self, model: Any) -> llm.ModelError:
        """Return the error that a prompt ends in."""
        with pytest.raises(llm.ModelError) as caught:
            self.text(model.prompt("Hi"))
        return caught.value

    def close(self) -> None:
        """Do nothing, as there is nothing to close."""


class AsyncFace(Face):
    """The async face, which runs its own event loop."""

    is_async = True
    response_class = llm.AsyncResponse

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def model(self, *script: Script, **flags: Any) -> Any:
        return AsyncScriptedModel(script, flags)

    def tool(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def tool(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            return function(*args, **kwargs)

        return tool

    def openai(self, base_url: str | None, model_id: str = "gpt-test", **arguments: Any) -> Any:
        return llm.AsyncOpenAIChat(model_id, base_url=base_url, **arguments)

    def of(self, class_name: str, base_url: str | None, model_id: str = "gpt-test", **arguments: Any) -> Any:
        return super().of(f"Async{class_name}", base_url, model_id, **arguments)

    def get_model(self, name: str | None = None) -> Any:
        return llm.get_async_model(name)

    def do(self, result: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(result)

    def texts(self, responses: list[Any]) -> list[str]:
        async def all_texts() -> list[str]:
            return await asyncio.gather(*[response.text() for response in responses])

        return self.do(all_texts())

    def chunks(self, response: Any) -> Iterator[str]:
        return self._blocking(response)

    def events(self, response: Any) -> Iterator[llm.StreamEvent]:
        return self._blocking(response.astream_events())

    def responses(self, chain: Any) -> Iterator[Any]:
        return self._blocking(chain.responses())

    def _blocking(self, items: Any) -> Iterator[Any]:
        async def following(iterator: AsyncIterator[Any]) -> Any:
            return await anext(iterator)

        iterator = aiter(items)
        while True:
            try:
                item = self.do(following(iterator))
            except StopAsyncIteration:
                return
            yield item

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """Run the test with each of the two faces."""
    chosen = Face() if request.param == "sync" else AsyncFace()
    yield chosen
    chosen.close()
