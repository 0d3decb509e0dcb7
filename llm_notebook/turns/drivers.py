"""The only places where a step is performed: one sync, one async, for streams, for tools and for chains."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Generator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar, cast

from llm_notebook.approvals.policy import under_approval
from llm_notebook.configuration.process import process
from llm_notebook.turns.chain import Ask, Outcome, PlannedCall, Prepare, Run, Step
from llm_notebook.turns.log import Note
from llm_notebook.turns.tool_run import Invoke

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["run_async", "run_sync"]

T = TypeVar("T")
Steps = Generator[Any, Any, T]


def run_sync(steps: Steps[T], *, parallel: int | None = None) -> T:
    """Perform the steps of a chain or a batch of calls to their end.

    Args:
        steps: the generator.
        parallel: run so many tool calls of a batch at once, in threads; None runs them in order.
    """
    outcome: Any = None
    failure: BaseException | None = None
    while True:
        try:
            step = steps.throw(failure) if failure is not None else steps.send(outcome)
        except StopIteration as finished:
            return cast("T", finished.value)
        try:
            outcome, failure = perform_sync(step, parallel), None
        except BaseException as error:
            outcome, failure = None, error


async def run_async(steps: Steps[T], *, parallel: int | None = None) -> T:
    """`run_sync()` on the running event loop: coroutine tools of a batch run together.

    Args:
        steps: the generator.
        parallel: run so many sync tools of a batch at once, in threads; None runs them in order, on the event loop.
    """
    outcome: Any = None
    failure: BaseException | None = None
    while True:
        try:
            step = steps.throw(failure) if failure is not None else steps.send(outcome)
        except StopIteration as finished:
            return cast("T", finished.value)
        try:
            outcome, failure = await perform_async(step, parallel), None
        except BaseException as error:
            outcome, failure = None, error


def perform_sync(step: Step, parallel: int | None = None) -> Any:
    """One step, waiting for it."""
    from llm_notebook.turns.event_loop import EventLoopThread  # loads asyncio

    if isinstance(step, Invoke):
        with under_approval(step.consent):
            result = step.function(*step.args, **step.kwargs)
            if not inspect.isawaitable(result):
                return result
            if step.hook is not None:
                if inspect.iscoroutine(result):
                    result.close()
                raise _async_hook(step.hook)
            # Inside Jupyter a loop is always running in this thread, so the coroutine gets a loop of its own elsewhere.
            return process.of(EventLoopThread).run(result)
    if isinstance(step, Note):
        return step.journal.submit(step.operation).result()
    if isinstance(step, Ask):
        return step.response.read_all()
    if isinstance(step, Prepare):
        for toolbox in step.toolboxes:
            for function in toolbox.pending_preparations(is_async=False):
                perform_sync(Invoke(function))
        return None
    return _batch_sync(step, parallel)


async def perform_async(step: Step, parallel: int | None = None) -> Any:
    """One step, awaited."""
    import asyncio  # loads ssl; whoever awaits has it loaded

    if isinstance(step, Invoke):
        with under_approval(step.consent):
            if parallel and step.hook is None and not inspect.iscoroutinefunction(inspect.unwrap(step.function)):
                result = await asyncio.to_thread(step.function, *step.args, **step.kwargs)
            else:
                result = step.function(*step.args, **step.kwargs)
            if not inspect.isawaitable(result):
                return result
            try:
                return await result
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Not we are cancelled: something that the tool waited for was.
                from concurrent.futures import CancelledError  # asyncio has it loaded

                raise CancelledError from None
    if isinstance(step, Note):
        kept = step.journal.submit(step.operation)
        return kept.result() if kept.done() else await asyncio.wrap_future(cast("Future[Any]", kept))
    if isinstance(step, Ask):
        return await step.response.read_all()
    if isinstance(step, Prepare):
        for toolbox in step.toolboxes:
            for function in toolbox.pending_preparations(is_async=True):
                await perform_async(Invoke(function))
        return None
    return await _batch_async(step, parallel)


def _batch_sync(batch: Run, parallel: int | None) -> list[Outcome]:
    for name, hook in batch.hooks.items():
        # Before any tool has run for nothing.
        if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(getattr(hook, "__call__", None)):  # noqa: B004  the method itself is asked
            raise _async_hook(name)
    if parallel and parallel > 1 and len(batch.calls) > 1:
        return _batch_in_threads(batch, parallel)
    outcomes: list[Outcome] = []
    for call in batch.calls:
        outcomes.append(_outcome_of(call))
        if isinstance(outcomes[-1], Exception):
            # A pause or a failing hook: later calls are not started.
            break
    return outcomes + [None] * (len(batch.calls) - len(outcomes))


def _async_hook(name: str) -> TypeError:
    return TypeError(f"{name} is async: a sync chain needs a plain function. Use an async model for async hooks.")


def _batch_in_threads(batch: Run, parallel: int) -> list[Outcome]:
    from concurrent.futures import ThreadPoolExecutor  # most chains run one call at a time

    stopped = threading.Event()

    def run(call: PlannedCall) -> Outcome:
        if stopped.is_set():
            return None
        outcome = _outcome_of(call)
        if isinstance(outcome, Exception):
            stopped.set()
        return outcome

    pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="llm_notebook tool")
    try:
        started = [pool.submit(copy_context().run, run, call) for call in batch.calls]
        return [future.result() for future in started]
    finally:
        # An interrupt does not wait for tools that are running; those that have not begun never do.
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome_of(call: PlannedCall) -> Outcome:
    try:
        return run_sync(call.steps)
    except Exception as error:
        return error


async def _batch_async(batch: Run, parallel: int | None) -> list[Outcome]:
    import asyncio  # loads ssl; whoever awaits has it loaded

    outcomes: list[Outcome] = [None] * len(batch.calls)
    waiting = iter([position for position, call in enumerate(batch.calls) if not call.is_async])

    async def one(position: int) -> bool:
        try:
            outcomes[position] = await run_async(batch.calls[position].steps, parallel=parallel)
        except Exception as error:
            outcomes[position] = error
        return isinstance(outcomes[position], Exception)

    async def in_order() -> None:
        nonlocal waiting
        for position in waiting:
            if await one(position):
                # A pause or a failing hook: sync calls after it are not started.
                waiting = iter(())
                break

    tasks = [asyncio.create_task(one(position)) for position, call in enumerate(batch.calls) if call.is_async]
    lanes = [asyncio.create_task(in_order()) for _ in range(min(parallel or 1, len(batch.calls)))]
    try:
        await asyncio.gather(*tasks, *lanes)
    finally:
        for task in [*tasks, *lanes]:
            task.cancel()
        await asyncio.gather(*tasks, *lanes, return_exceptions=True)
    return outcomes
