"""Event loops that end while answers are still arriving: the connections are closed, and asyncio complains about nothing."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.openai_server import OpenAIServer, Reply, UntilClosed, sse, text_chunk


async def _one_piece(model: Any) -> None:
    async for _ in model.prompt("Hi"):
        break


async def _one_piece_of_a_chain(model: Any) -> None:
    async for _ in model.chain("Hi"):
        break


async def _one_event(model: Any) -> None:
    await anext(model.prompt("Hi").astream_events())


async def _a_task_that_is_left(model: Any) -> None:
    response = model.prompt("Hi")
    await anext(aiter(response))
    model.left = asyncio.create_task(response.text())
    await asyncio.sleep(0)


async def _a_task_that_is_cancelled(model: Any) -> None:
    response = model.prompt("Hi")
    await anext(aiter(response))
    task = asyncio.create_task(response.text())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("with_journal", [False, True])
@pytest.mark.parametrize(
    "use", [_one_piece, _one_piece_of_a_chain, _one_event, _a_task_that_is_left, _a_task_that_is_cancelled]
)
def test_a_loop_that_ends_closes_the_connection_without_a_complaint(
    use: Callable[[Any], Awaitable[None]], with_journal: bool, openai_server: OpenAIServer, tmp_path: Path
) -> None:
    if with_journal:
        llm.open_journal(tmp_path / "journal.db")
    closed = threading.Event()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilClosed(closed)]))
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        await use(llm.AsyncOpenAIChat("m", base_url=openai_server.base_url, max_retries=0))

    asyncio.run(main())
    gc.collect()
    assert complaints == []
    assert closed.wait(30)
