"""Performs steps, which happens nowhere else: once sync and once async, for responses, for tools and for chains.

How it works. Chains, responses and calls are generators that yield steps and know nothing about threads or event loops. A driver sends the
outcome of each step back, or throws what the step raised. `run_sync()` and `run_async()` differ only in how they perform a step. Inside Jupyter
an event loop is always running, so `asyncio.run()` is not an option: the async tools of a sync chain run on a loop in a separate thread.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from llm_notebook.approvals.running import in_tool, under_approval
from llm_notebook.configuration.process import process
from llm_notebook.tools.callables import is_coroutine_callable
from llm_notebook.turns.calls.invoking import Invoke
from llm_notebook.turns.calls.nesting import inside
from llm_notebook.turns.calls.noting import Note
from llm_notebook.turns.calls.printing import printing_to
from llm_notebook.turns.concurrency.withdrawal import current_withdrawal
from llm_notebook.turns.steps import Ask, Outcome, PlannedCall, Prepare, Run, Step

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from concurrent.futures import Future

__all__ = ["run_async", "run_sync"]

T = TypeVar("T")
# Steps of a chain, of a response or of one call: each kind is performed in the same way.
AnySteps = Generator[Any, Any, T]


def run_sync(steps: AnySteps[T], *, parallel: int | None = None, is_call: bool = False) -> T:
    """Perform the steps of a chain, a response or a call to their end.

    Args:
        steps: the generator.
        parallel: how many tool calls of a batch run at once, in threads; None runs them in order.
        is_call: they are the steps of one call.
    """
    try:
        return _run_sync(steps, parallel, is_call)
    finally:
        # ■ may strike between two steps as well. The generator that yields them has to learn that the rest is not performed.
        steps.close()


def _run_sync(steps: AnySteps[T], parallel: int | None, is_call: bool) -> T:
    send, throw = _ways_on(steps, is_call)
    outcome: object = None
    failure: BaseException | None = None
    while True:
        try:
            step = throw(failure) if failure is not None else send(outcome)
        except StopIteration as finished:
            return cast("T", finished.value)
        try:
            outcome, failure = perform_sync(step, parallel), None
        except BaseException as error:
            outcome, failure = None, error


async def run_async(steps: AnySteps[T], *, parallel: int | None = None, is_call: bool = False) -> T:
    """Do what `run_sync()` does on the running event loop, where coroutine tools of a batch run together.

    Args:
        steps: the generator.
        parallel: how many sync tools of a batch run at once, in threads; None runs them in order, on the event loop.
        is_call: they are the steps of one call.
    """
    try:
        return await _run_async(steps, parallel, is_call)
    finally:
        steps.close()


async def _run_async(steps: AnySteps[T], parallel: int | None, is_call: bool) -> T:
    send, throw = _ways_on(steps, is_call)
    outcome: object = None
    failure: BaseException | None = None
    while True:
        try:
            step = throw(failure) if failure is not None else send(outcome)
        except StopIteration as finished:
            return cast("T", finished.value)
        try:
            outcome, failure = await perform_async(step, parallel), None
        except BaseException as error:
            outcome, failure = None, error


def _ways_on(steps: AnySteps[T], is_call: bool) -> tuple[Callable[[object], Any], Callable[[BaseException], Any]]:
    """Return the functions that send the steps an outcome and throw a failure into them.

    The steps of a call check arguments and look at the tool, which may run code of the tool. It decides about nothing.
    """
    if not is_call:
        return steps.send, steps.throw
    # Nothing has to be set back in a copy, where ■ could keep it from happening.
    context = copy_context()
    context.run(in_tool.set, False)
    run: Callable[..., Any] = context.run
    return partial(run, steps.send), partial(run, steps.throw)


def perform_sync(step: Step, parallel: int | None = None) -> object:
    """Perform one step and wait for it."""
    if (withdrawal := current_withdrawal.get()) is not None and isinstance(step, Invoke | Ask):
        withdrawal.refuse()
    if isinstance(step, Invoke):
        # ■ may strike anywhere. Context variables that are set for a tool end with this context, even if the tool's own clean-up is never
        # reached.
        return copy_context().run(_invoke_sync, step)
    if isinstance(step, Note):
        return step.journal.submit(step.operation).result()
    if isinstance(step, Ask):
        return step.response._read_all()
    if isinstance(step, Prepare):
        for toolbox in step.toolboxes:
            for function in toolbox.pending_preparations(is_async=False):
                perform_sync(Invoke(function))
        return None
    return _batch_sync(step, parallel)


def _invoke_sync(step: Invoke) -> object:
    with _leaving_forks(), under_approval(step.consent), inside(step.nest), printing_to(step.printed):
        result = step.function(*step.args, **step.kwargs)
        if inspect.isawaitable(result):
            if step.hook is not None:
                if inspect.iscoroutine(result):
                    result.close()
                raise _async_hook(step.hook)
            from llm_notebook.turns.concurrency.event_loop import EventLoopThread  # loads asyncio

            result = process.of(EventLoopThread).run(result)
        return result if step.read is None else step.read(result)


async def perform_async(step: Step, parallel: int | None = None) -> object:
    """Perform one step and await it."""
    import asyncio  # loads ssl; code that awaits has it loaded

    if (withdrawal := current_withdrawal.get()) is not None and isinstance(step, Invoke | Ask):
        withdrawal.refuse()
    if isinstance(step, Invoke):
        with _leaving_forks(), under_approval(step.consent), inside(step.nest), printing_to(step.printed):
            if parallel and step.hook is None and not inspect.iscoroutinefunction(inspect.unwrap(step.function)):
                result = await asyncio.to_thread(step.function, *step.args, **step.kwargs)
            else:
                result = step.function(*step.args, **step.kwargs)
            try:
                result = await result if inspect.isawaitable(result) else result
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Something for which the tool waited was cancelled, not this task.
                from concurrent.futures import CancelledError  # asyncio has it loaded

                raise CancelledError from None
            return result if step.read is None else step.read(result)
    if isinstance(step, Note):
        kept = step.journal.submit(step.operation)
        if kept.done():
            return kept.result()
        from llm_notebook.turns.concurrency.arrivals import outcome_of  # loads asyncio

        return await outcome_of(cast("Future[Any]", kept))
    if isinstance(step, Ask):
        return await cast("Awaitable[object]", step.response._read_all())
    if isinstance(step, Prepare):
        for toolbox in step.toolboxes:
            for function in toolbox.pending_preparations(is_async=True):
                await perform_async(Invoke(function))
        return None
    return await _batch_async(step, parallel)


@contextmanager
def _leaving_forks() -> Iterator[None]:
    """End a process that was forked in the `with` block when the block ends.

    A tool may fork. The child process must not continue the parent's chain: it would record the parent's calls, and the model would be asked
    twice. So the child exits as its own code says, by `sys.exit()`, an error or the end of the tool, and nothing above it runs.
    """
    parent = os.getpid()
    try:
        yield
    except BaseException as error:
        if os.getpid() != parent:
            _leave(error)
        raise
    if os.getpid() != parent:
        _leave(None)


def _leave(error: BaseException | None) -> NoReturn:
    """End this process, and say why if it was an error."""
    code = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        import traceback  # only where something has gone wrong

        traceback.print_exception(error)
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _batch_sync(batch: Run, parallel: int | None) -> list[Outcome]:
    for name, hook in batch.hooks.items():
        # This is checked before any tool has run in vain.
        if hook is not None and is_coroutine_callable(hook):
            raise _async_hook(name)
    # Calls after one that waits for a human wait too.
    calls = list(takewhile(lambda call: not call.waits, batch.calls))
    outcomes: list[Outcome] = []
    if parallel and parallel > 1 and len(calls) > 1:
        outcomes = _batch_in_threads(calls, parallel)
    else:
        for call in calls:
            outcomes.append(_outcome_of(call))
            if isinstance(outcomes[-1], Exception):
                # A pause, or a hook that failed: later calls are not started.
                break
    return outcomes + [None] * (len(batch.calls) - len(outcomes))


def _async_hook(name: str) -> TypeError:
    return TypeError(f"{name} is async: a sync chain needs a plain function. Use an async model for async hooks.")


def _batch_in_threads(calls: list[PlannedCall], parallel: int) -> list[Outcome]:
    from concurrent.futures import ThreadPoolExecutor  # most chains run one call at a time

    # The position of the first call that has stopped the batch. Earlier calls run all the same, even if their threads begin later.
    stops = [len(calls)]

    def run(position: int, call: PlannedCall) -> Outcome:
        if position > min(stops):
            return None
        outcome = _outcome_of(call)
        if isinstance(outcome, Exception):
            stops.append(position)
        return outcome

    pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="llm_notebook tool")
    try:
        started = [pool.submit(copy_context().run, run, position, call) for position, call in enumerate(calls)]
        return [future.result() for future in started]
    finally:
        # After an interrupt nobody waits for running tools, and no further tool begins.
        stops.append(-1)
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome_of(call: PlannedCall) -> Outcome:
    try:
        return run_sync(call.steps, is_call=True)
    except Exception as error:
        return error


async def _batch_async(batch: Run, parallel: int | None) -> list[Outcome]:
    import asyncio  # loads ssl; code that awaits has it loaded

    outcomes: list[Outcome] = [None] * len(batch.calls)
    are_async = [call.tool is not None and call.tool.is_async for call in batch.calls]
    waiting = iter([position for position, is_async in enumerate(are_async) if not is_async])

    async def one(position: int) -> bool:
        try:
            outcomes[position] = await run_async(batch.calls[position].steps, parallel=parallel, is_call=True)
        except Exception as error:
            outcomes[position] = error
        return isinstance(outcomes[position], Exception)

    async def in_order() -> None:
        nonlocal waiting
        for position in waiting:
            if batch.calls[position].waits or await one(position):
                # A question, a pause, or a hook that failed: the sync calls after it are not started.
                waiting = iter(())
                break

    together = [position for position, call in enumerate(batch.calls) if are_async[position] and not call.waits]
    tasks = [asyncio.create_task(one(position)) for position in together]
    lanes = [asyncio.create_task(in_order()) for _ in range(min(parallel or 1, len(batch.calls)))]
    try:
        await asyncio.gather(*tasks, *lanes)
    finally:
        for task in [*tasks, *lanes]:
            task.cancel()
        await asyncio.gather(*tasks, *lanes, return_exceptions=True)
    return outcomes
