"""Responses: lazy, replayable readers of one stream. A second read never sends a second request."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from llm_notebook.models.lookup import model_source
from llm_notebook.models.response_base import BaseResponse
from llm_notebook.parts.messages import Message, StreamEvent
from llm_notebook.turns.drivers import run_async, run_sync
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.state import Items, advance, advance_async, as_event

if TYPE_CHECKING:
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
    from llm_notebook.serialization import ResponseDict

__all__ = ["AsyncResponse", "Response", "when_read", "when_read_async"]

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=BaseResponse)


def _prepared(steps: Generator[Any, Any, None], begin: Callable[[], Any]) -> Iterator[Items]:
    """The stream of a response once its steps are done.

    It lets go of the response, which holds it: in a cycle of references an abandoned response would keep its connection open.
    """
    run_sync(steps)
    stream = begin()
    del steps, begin
    yield from stream


async def _prepared_async(steps: Generator[Any, Any, None], begin: Callable[[], Any]) -> AsyncIterator[Items]:
    """`_prepared()` with `await`."""
    await run_async(steps)
    stream = begin()
    del steps, begin
    try:
        async for items in stream:
            yield items
    finally:
        # Closing this generator does not close the one it reads, as `yield from` would.
        if hasattr(stream, "aclose"):
            await stream.aclose()


def _named(method: Any, compute: Callable[..., Any]) -> Any:
    functools.update_wrapper(method, compute)
    method.__name__ = compute.__name__.removeprefix("_").removesuffix("_steps")
    method.__qualname__ = method.__name__
    signature = inspect.signature(compute)
    returned = str(signature.return_annotation)
    if returned.startswith("Generator["):
        returned = returned.rpartition(", ")[2].removesuffix("]")
    method.__signature__ = signature.replace(return_annotation=returned)
    return method


def when_read(compute: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """The sync method that reads the response to its end and then computes its answer."""

    def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        self.read_all()
        return compute(self, *args, **kwargs)

    return _named(method, compute)  # type: ignore[no-any-return]


def when_read_async(
    compute: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate[Any, P], Awaitable[T]]:
    """The async method that reads the response to its end and then computes its answer."""

    async def method(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        await self.read_all()
        return compute(self, *args, **kwargs)

    return _named(method, compute)  # type: ignore[no-any-return]


def _driven(
    steps: Callable[Concatenate[Any, P], Generator[Any, Any, T]],
) -> Callable[Concatenate[Response, P], T]:
    """The sync method that performs these steps."""

    def method(self: Response, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_sync(steps(self, *args, **kwargs))

    return _named(method, steps)  # type: ignore[no-any-return]


def _driven_async(
    steps: Callable[Concatenate[Any, P], Generator[Any, Any, T]],
) -> Callable[Concatenate[AsyncResponse, P], Awaitable[T]]:
    """The async method that performs these steps."""

    async def method(self: AsyncResponse, *args: P.args, **kwargs: P.kwargs) -> T:
        return await run_async(steps(self, *args, **kwargs))

    return _named(method, steps)  # type: ignore[no-any-return]


def _replying(
    steps: Callable[Concatenate[Any, P], Generator[Any, Any, Any]],
    kind: Callable[[], type[T]],  # noqa: ARG001  for type checkers
) -> Callable[Concatenate[Response, P], T]:
    """`_driven()` for steps that return a response; type checkers learn from `kind` that it is of the same face."""
    return _driven(steps)


def _replying_async(
    steps: Callable[Concatenate[Any, P], Generator[Any, Any, Any]],
    kind: Callable[[], type[T]],  # noqa: ARG001  for type checkers
) -> Callable[Concatenate[AsyncResponse, P], Awaitable[T]]:
    """`_driven_async()` for steps that return a response."""
    return _driven_async(steps)


def _from_dict(response_class: type[R], data: ResponseDict, model: Any) -> R:
    prompt = Prompt(
        None,
        model,
        messages=[Message.from_dict(message) for message in data["prompt"]["messages"]],
        options=model.Options(**data["prompt"].get("options", {})),
    )
    response = response_class(prompt, model, stream=False)
    messages = [Message.from_dict(message) for message in data["messages"]]
    return response._restored(messages, data.get("usage"), data.get("datetime_utc", ""))


class Response(BaseResponse):
    """A model's answer, read when it is first needed.

    Iterate it for text as it comes, `stream_events()` for everything as it comes, or ask for `text()`, `messages()`,
    `usage()` and so on, which read to the end. All of them read the same one stream, in any order and any number of times.
    A stream that broke off raises the same error again and keeps what arrived in `partial`.
    """

    model: Model | KeyModel
    conversation: Conversation | None

    def __init__(
        self,
        prompt: Prompt,
        model: Any,
        stream: bool,
        conversation: Any = None,
        key: str | None = None,
        log: ChainLog | None = None,
    ) -> None:
        super().__init__(prompt, model, stream, conversation, key, log)
        self._lock = threading.RLock()

    text = when_read(BaseResponse._text)
    messages = when_read(BaseResponse._messages)
    tool_calls = when_read(BaseResponse._tool_calls)
    json = when_read(BaseResponse._json)
    usage = when_read(BaseResponse._usage)
    duration_ms = when_read(BaseResponse._duration_ms)
    datetime_utc = when_read(BaseResponse._datetime_utc)
    to_dict = when_read(BaseResponse._to_dict)
    execute_tool_calls = _driven(BaseResponse._execute_tool_calls_steps)
    execute_tool_call = _driven(BaseResponse._execute_tool_call_steps)
    reply = _replying(BaseResponse._reply_steps, lambda: Response)

    @property
    def parsed(self) -> Any:
        """The answer as the schema it was asked for: an object of the pydantic class where one was given, else parsed JSON."""
        self.read_all()
        return self._parsed()

    @classmethod
    def from_dict(cls, data: ResponseDict, *, model: Any = None) -> Response:
        """The response that `to_dict()` wrote: finished, and able to `reply()`. Its tools are not in it: pass them to `reply()`.

        Args:
            data: what `to_dict()` returned.
            model: the model to go on with; the one named in the data if not given.
        """
        return _from_dict(cls, data, model or model_source().model(data["model"]))

    def __iter__(self) -> Iterator[str]:
        """The text, chunk by chunk, as it arrives."""
        log, position = self.record.log, 0
        while position < len(log) or self._advance(position):
            item = log[position]
            position += 1
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    def stream_events(self) -> Iterator[StreamEvent]:
        """Every event as it arrives: text, reasoning, tool calls. A replay gives the same events."""
        log, position, event = self.record.log, 0, None
        while position < len(log) or self._advance(position):
            event = as_event(log[position], event)
            position += 1
            yield event

    def on_done(self, callback: Callable[[Response], Any]) -> None:
        """Call `callback(response)` when the response is complete; at once if it is already.

        A callback that raises does so in the reader that completed the response; the response is kept.
        """
        self._callbacks.append(callback)
        if self.record.status == "done":
            self._conclude()

    def close(self) -> None:
        """Stop reading: the connection is closed, and what arrived is kept and marked as interrupted."""
        with self._lock:
            if hasattr(self._source, "close"):
                self._source.close()
            self.record.stop()
            self._end_unwaited()

    def _prepared_stream(self, steps: Generator[Any, Any, None]) -> Iterator[Items]:
        return _prepared(steps, self._stream)

    def _advance(self, position: int) -> bool:
        try:
            more = advance(self.record, position, self._lock, self._started)
        except BaseException as error:
            if close := self._broke_off(error, "close"):
                close()
            raise
        if not more:
            self._conclude()
        return more

    def read_all(self) -> None:
        log = self.record.log
        while self._advance(len(log)):
            pass

    def _conclude(self) -> None:
        run_sync(self._conclude_steps())

    def __str__(self) -> str:
        return self.text()


class AsyncResponse(BaseResponse):
    """`Response`, read with `await` and `async for`. `await response` gives the response itself, complete."""

    model: AsyncModel | AsyncKeyModel
    conversation: AsyncConversation | None

    def __init__(
        self,
        prompt: Prompt,
        model: Any,
        stream: bool,
        conversation: Any = None,
        key: str | None = None,
        log: ChainLog | None = None,
    ) -> None:
        import asyncio  # loads ssl; whoever awaits has it loaded

        super().__init__(prompt, model, stream, conversation, key, log)
        self._lock = asyncio.Lock()

    text = when_read_async(BaseResponse._text)
    messages = when_read_async(BaseResponse._messages)
    tool_calls = when_read_async(BaseResponse._tool_calls)
    json = when_read_async(BaseResponse._json)
    usage = when_read_async(BaseResponse._usage)
    duration_ms = when_read_async(BaseResponse._duration_ms)
    datetime_utc = when_read_async(BaseResponse._datetime_utc)
    execute_tool_calls = _driven_async(BaseResponse._execute_tool_calls_steps)
    execute_tool_call = _driven_async(BaseResponse._execute_tool_call_steps)
    reply = _replying_async(BaseResponse._reply_steps, lambda: AsyncResponse)

    def to_dict(self) -> ResponseDict:
        """`Response.to_dict()` of a response that has been awaited.

        Raises:
            ValueError: it has not.
        """
        if not self._done:
            raise ValueError("This response is not complete: await it before to_dict().")
        return self._to_dict()

    @property
    def parsed(self) -> Any:
        """`Response.parsed` of a response that has been awaited."""
        if not self._done:
            raise ValueError("This response is not complete: await it before .parsed.")
        return self._parsed()

    @classmethod
    def from_dict(cls, data: ResponseDict, *, model: Any = None) -> AsyncResponse:
        """`Response.from_dict()`."""
        return _from_dict(cls, data, model or model_source().async_model(data["model"]))

    async def __aiter__(self) -> AsyncIterator[str]:
        """The text, chunk by chunk, as it arrives."""
        log, position = self.record.log, 0
        while position < len(log) or await self._advance(position):
            item = log[position]
            position += 1
            if isinstance(item, str):
                yield item
            elif item.type == "text":
                yield item.chunk

    async def astream_events(self) -> AsyncIterator[StreamEvent]:
        """Every event as it arrives: text, reasoning, tool calls. A replay gives the same events."""
        log, position, event = self.record.log, 0, None
        while position < len(log) or await self._advance(position):
            event = as_event(log[position], event)
            position += 1
            yield event

    async def on_done(self, callback: Callable[[AsyncResponse], Any]) -> None:
        """Call `callback(response)` when the response is complete, awaiting it where it is async; at once if it is already."""
        self._callbacks.append(callback)
        if self.record.status == "done":
            await self._conclude()

    async def aclose(self) -> None:
        """Stop reading: the connection is closed, and what arrived is kept and marked as interrupted."""
        async with self._lock:
            if hasattr(self._source, "aclose"):
                await self._source.aclose()
            self.record.stop()
            self._end_unwaited()

    def _prepared_stream(self, steps: Generator[Any, Any, None]) -> AsyncIterator[Items]:
        return _prepared_async(steps, self._stream)

    async def _advance(self, position: int) -> bool:
        try:
            more = await advance_async(self.record, position, self._lock, self._started)
        except BaseException as error:
            if aclose := self._broke_off(error, "aclose"):
                await aclose()
            raise
        if not more:
            await self._conclude()
        return more

    async def read_all(self) -> None:
        while await self._advance(len(self.record.log)):
            pass

    async def _conclude(self) -> None:
        await run_async(self._conclude_steps())

    def __await__(self) -> Generator[Any, None, AsyncResponse]:
        yield from self.read_all().__await__()
        return self
