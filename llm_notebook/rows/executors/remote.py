"""A model that hands its questions to an executor, which asks them in its threads or processes, or on its machines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import TYPE_CHECKING, Any

from llm_notebook.models.model import AsyncKeyModel, AsyncModel
from llm_notebook.rows.errors import WorkerLost, WorkersGone
from llm_notebook.rows.executors.workers import Answered, Task, Traveller, ask_here, this_process
from llm_notebook.turns.concurrency.arrivals import outcome_of

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.models.conversations import AsyncConversation
    from llm_notebook.models.model import KeyModel, Model
    from llm_notebook.models.responses import AsyncResponse
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.state import Items

__all__ = ["RemoteModel"]

_GONE = "The executor takes no more rows{}: make a new one."
_DIED = ", because a worker has died ({})"


class RemoteModel(AsyncModel):
    """A model that is asked by the workers of an executor. Each question is a task of its own, with an answer of its own.

    Args:
        model: the model that they ask.
        executor: runs the tasks.
        key: the key, if the model has none of its own.
        send_keys: whether the key may leave this process; otherwise workers use keys of their own.
    """

    can_stream = False

    def __init__(
        self,
        model: Model | KeyModel | AsyncModel | AsyncKeyModel,
        executor: Executor,
        key: KeySource | None,
        *,
        send_keys: bool,
    ) -> None:
        self.model_id = model.model_id
        self._model = model
        self._traveller = Traveller.of(model, send_keys=send_keys)
        self._executor = executor
        self._key_source = key
        self._send_keys = send_keys
        self._home = this_process()
        self._workers: set[str] = set()

    async def execute(
        self, prompt: Prompt, stream: bool, response: AsyncResponse, conversation: AsyncConversation | None
    ) -> AsyncIterator[Items]:
        """Hand the question to a worker, and yield its answer."""
        task = Task(
            self._traveller,
            prompt,
            await self._key_to_send(),
            self._send_keys,
            max(1, len(self._workers - {self._home})),
            self._home,
        )
        answered = await self._answered(task)
        self._workers.add(answered.worker)
        usage = answered.usage
        response.set_usage(input=usage.input, output=usage.output, details=usage.details)
        response.response_json = answered.response_json
        if answered.finish is not None:
            response.set_finish_reason(answered.finish.reason, answered.finish.said)
        if answered.resolved_model:
            response.set_resolved_model(answered.resolved_model)
        if answered.error is not None:
            raise answered.error
        yield list(answered.events)

    async def _answered(self, task: Task) -> Answered:
        """Wait for a worker.

        Raises:
            WorkersGone: the executor has broken down, or was shut down.
            WorkerLost: the task was lost.
        """
        try:
            future: Future[Answered] = self._executor.submit(ask_here, task)
        except BrokenExecutor as error:
            raise WorkersGone(_GONE.format(_DIED.format(type(error).__name__))) from None
        except RuntimeError as error:
            raise WorkersGone(_GONE.format(f" ({error})")) from None
        try:
            return await outcome_of(future)
        except BrokenExecutor as error:
            raise WorkersGone(_GONE.format(_DIED.format(type(error).__name__))) from None
        except CancelledError:
            raise WorkerLost("The executor has dropped the row.") from None
        except Exception as error:
            raise WorkerLost(f"No worker could ask the row ({type(error).__name__}: {error}).") from None
        finally:
            # A task that no worker has begun need not be done once nobody waits for it.
            future.cancel()

    async def _key_to_send(self) -> KeySource | None:
        """Return the key as it was given; for other processes, the key itself, since they may not be able to look it up."""
        if not self._send_keys:
            return self._key_source
        found: Any = self._model.get_key(self._key_source)
        if isinstance(found, Awaitable) and isinstance(self._model, AsyncKeyModel):
            found = await self._model._awaited_key(found)  # type: ignore[attr-defined]
        key: str | None = found
        return key
