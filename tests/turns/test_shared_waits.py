"""Work that only waits may give its turn to other work, and only in the task that was told how."""

from __future__ import annotations

import asyncio

from llm_notebook.turns.concurrency.waits import wait, waiting_by


def test_a_task_waits_as_it_is_told_and_its_own_tasks_as_usual() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def run() -> None:
        with waiting_by(note):
            await wait(1000)
            # A task inherits the context, but has nothing to give away.
            await asyncio.create_task(wait(0))
            await asyncio.gather(wait(0), wait(0))
        await wait(0)

    asyncio.run(run())
    assert waits == [1000]
