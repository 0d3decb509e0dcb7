"""`map_rows()` and `amap_rows()`: one prompt for every row of a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from llm_notebook.configuration.process import process
from llm_notebook.rows.job import Job
from llm_notebook.rows.wanted import Wanted
from llm_notebook.turns.concurrency.event_loop import EventLoopThread
from llm_notebook.turns.concurrency.interrupts import stoppable

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Unpack

    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.rows.flavours import AnyModel
    from llm_notebook.rows.options import Frame, Row, RowOptions
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["amap_rows", "map_rows", "perform"]

_LONGEST_STOP = 0.8  # seconds

T = TypeVar("T")
FrameT = TypeVar("FrameT", bound="Frame")


@overload
def map_rows(rows: Iterator[Row], prompt: str, **arguments: Unpack[RowOptions]) -> Iterator[dict[str, Any]]: ...
@overload
def map_rows(rows: Sequence[Row], prompt: str, **arguments: Unpack[RowOptions]) -> list[dict[str, Any]]: ...
@overload
def map_rows(rows: FrameT, prompt: str, **arguments: Unpack[RowOptions]) -> FrameT: ...


def map_rows(
    rows: object,
    prompt: str,
    *,
    schema: object = None,
    model: AnyModel | str | None = None,
    system: str | None = None,
    options: Mapping[str, Any] | None = None,
    attachments: str | None = None,
    concurrency: int = 16,
    limit_cost: float | None = None,
    dedupe: bool = True,
    resume: bool = True,
    retry: str | None = None,
    keep: bool = True,
    key: KeySource | None = None,
    progress: bool = True,
    sample: int | None = None,
    tools: Sequence[ToolLike] = (),
    executor: Executor | None = None,
    send_keys: bool = False,
) -> object:
    """Ask a model one prompt for every row of a table, many rows at a time.

    Every answer is written to the journal before it counts. After an interrupt or a crash, the same call asks only the rows that are not
    answered yet. A row that fails does not end the run: it gets missing values, and a sentence in the column `error`.

    Args:
        rows: a data frame of pandas, or of another library that narwhals knows; a list of dicts or texts; or an iterator of them. Texts
            form the column `text`.
        prompt: the prompt, with columns in double braces, such as `Classify: {{ text }}`, or any other expression over the row.
        schema: what each answer must fit, such as `"label, score float"`: each field becomes a column. Without one, there is the column
            `answer`.
        model: a model or its name; the default model if not given.
        system: the system prompt, the same for every row.
        options: the model's options.
        attachments: the column whose values are attached to the prompts: paths, addresses or bytes of pictures and other files.
        concurrency: how many rows are asked at the same time.
        limit_cost: the most that the run may cost, in US dollars. A run that is expected to cost more is refused, and one that would go
            over the limit is stopped.
        dedupe: ask equal rows only once.
        resume: use earlier answers to the same request; if False, everything is asked again.
        retry: `"failed"` asks rows again that have failed for good, such as those whose answers did not fit.
        keep: keep what is asked in the journal; if False, the run cannot be resumed.
        key: an API key, the name of a stored one, or a function that returns one for each request.
        progress: say beforehand how much the run is expected to take, and show a progress bar.
        sample: ask only this many rows, spread evenly, and return only these. The same call without `sample` then asks the others, and
            none of these again.
        tools: functions, Tools and Toolboxes that the model may call for each row; none that asks for approval.
        executor: an executor that asks the rows in its threads or processes or on its machines, such as a process pool or
            `client.get_executor()` of `dask.distributed`. The answers are kept in this process's journal.
        send_keys: send keys to workers in other processes; otherwise they use the keys of their own environment.

    Returns:
        A table of the same kind, in the same order, with the new columns and with `error`, `cost` (in US dollars) and `turn` (the id of
        the turn in the journal). For an iterator: an iterator of dicts, which asks rows as it is read.

    Raises:
        RowsError: something is wrong with the rows, the prompt or the schema, and nothing was sent; or every row fails in the same way.
            Its attribute `partial` is then the table as far as the run got.
    """
    wanted = Wanted(
        schema,
        system,
        options,
        attachments,
        concurrency,
        limit_cost,
        dedupe,
        resume,
        retry,
        keep,
        key,
        progress,
        sample,
        tools,
        executor=executor,
        send_keys=send_keys,
    )
    job = Job(rows, prompt, model, wanted)
    return _each(job) if job.table.count is None else perform(job)


def perform(job: Job) -> object:
    """Perform a run over a table of a known length, and return the table.

    Raises:
        RowsError: every row fails in the same way, or the same run is under way in another process.
        KeyboardInterrupt: the run was stopped. `job.partial()` is then the table as far as the run got.
    """
    with _shown(job):
        try:
            return _wait(process.of(EventLoopThread), job.collect())
        except KeyboardInterrupt:
            # The other loop is cancelling what is under way.
            job.over.wait(_LONGEST_STOP)
            raise


@overload
async def amap_rows(
    rows: Iterator[Row], prompt: str, **arguments: Unpack[RowOptions]
) -> AsyncIterator[dict[str, Any]]: ...
@overload
async def amap_rows(rows: Sequence[Row], prompt: str, **arguments: Unpack[RowOptions]) -> list[dict[str, Any]]: ...
@overload
async def amap_rows(rows: FrameT, prompt: str, **arguments: Unpack[RowOptions]) -> FrameT: ...


async def amap_rows(
    rows: object,
    prompt: str,
    *,
    schema: object = None,
    model: AnyModel | str | None = None,
    system: str | None = None,
    options: Mapping[str, Any] | None = None,
    attachments: str | None = None,
    concurrency: int = 16,
    limit_cost: float | None = None,
    dedupe: bool = True,
    resume: bool = True,
    retry: str | None = None,
    keep: bool = True,
    key: KeySource | None = None,
    progress: bool = True,
    sample: int | None = None,
    tools: Sequence[ToolLike] = (),
    executor: Executor | None = None,
    send_keys: bool = False,
) -> object:
    """Do what `map_rows()` does on the running event loop. For an iterator, an async iterator is returned."""
    wanted = Wanted(
        schema,
        system,
        options,
        attachments,
        concurrency,
        limit_cost,
        dedupe,
        resume,
        retry,
        keep,
        key,
        progress,
        sample,
        tools,
        executor=executor,
        send_keys=send_keys,
    )
    job = Job(rows, prompt, model, wanted)
    if job.table.count is None:
        return _aeach(job)
    with _shown(job):
        return await job.collect()


@contextmanager
def _shown(job: Job) -> Iterator[None]:
    """Begin a run and show it; at the end of the block, show how the run ended."""
    job.begin()
    try:
        yield
    except BaseException as error:
        job.end(error)
        raise
    job.end()


def _wait(loop: EventLoopThread, awaitable: Awaitable[T]) -> T:
    """Wait for work on another loop, in such a way that ■ stops it even in a cell with `await`."""
    with stoppable():
        return loop.run(awaitable)


def _each(job: Job) -> Iterator[dict[str, Any]]:
    """Perform a run on an event loop of its own, and yield its rows."""
    loop, rows, turn = process.of(EventLoopThread), job.each(), asyncio.Lock()

    async def following() -> dict[str, Any]:
        async with turn:
            return await anext(rows)

    async def close() -> None:
        # After ■, it takes the other loop a moment to cancel what is under way, and until then the rows cannot be closed.
        async with turn:
            await rows.aclose()

    with _shown(job):
        try:
            while True:
                try:
                    row = _wait(loop, following())
                except StopAsyncIteration:
                    return
                yield row
        finally:
            loop.run(close())


async def _aeach(job: Job) -> AsyncGenerator[dict[str, Any], None]:
    """Do what `_each()` does on the running event loop."""
    with _shown(job):
        async with aclosing(job.each()) as rows:
            async for row in rows:
                yield row
