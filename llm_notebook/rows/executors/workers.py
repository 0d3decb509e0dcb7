"""What happens on a worker: it asks one question and sends back the outcome. It keeps nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.models.model import AsyncKeyModel, AsyncModel
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import StreamEvent, Usage
from llm_notebook.providers.http.models import HTTPModel
from llm_notebook.providers.http.rate_limits.limiter import Limits
from llm_notebook.providers.registry import Registry, get_async_model, get_model
from llm_notebook.turns.concurrency.event_loop import EventLoopThread
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.plan import ChainPlan
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.models.model import KeyModel, Model

__all__ = ["Answered", "Task", "Traveller", "ask_here", "this_process"]


@dataclass(slots=True)
class Traveller:
    """A model in the form in which it is sent to a worker.

    A model of a server is sent with its settings, another model of the registry by its name, and any other as it is.

    The pickle of a model contains no key, and no header that may hold one.

    Attributes:
        model: the model; None if it is sent by its name.
        name: its name.
        headers, base_url: settings that may hold a key; None if they are not sent.
    """

    model: Model | KeyModel | AsyncModel | AsyncKeyModel | None
    name: str
    headers: Mapping[str, str] | None = None
    base_url: str | None = None

    @classmethod
    def of(cls, model: Model | KeyModel | AsyncModel | AsyncKeyModel, *, send_keys: bool) -> Traveller:
        """Return a model in the form in which it is sent."""
        if isinstance(model, HTTPModel):
            return cls(model, model.model_id, dict(model.headers), model.base_url) if send_keys else cls(model, "")
        entry = process.of(Registry).find(model.model_id)
        is_named = entry is not None and model in (entry.model, entry.async_model)
        return cls(None, model.model_id) if is_named else cls(model, "")

    def arrive(self) -> Model | KeyModel | AsyncModel | AsyncKeyModel:
        """Return the model, on the worker."""
        if self.model is None:
            try:
                return get_async_model(self.name)
            except UnknownModelError:
                return get_model(self.name)
        if self.headers is not None and isinstance(self.model, HTTPModel):
            vars(self.model).update(headers=dict(self.headers), base_url=self.base_url)
        return self.model


@dataclass(slots=True)
class Task:
    """One question in the form in which a worker receives it.

    Attributes:
        model: the model.
        prompt: what it is asked.
        key: the key; a pickle contains it only with `send_keys`.
        send_keys: whether the key may leave this process.
        processes: how many processes use the same key.
        home: the process that keeps the answers.
    """

    model: Traveller
    prompt: Prompt
    key: KeySource | None
    send_keys: bool
    processes: int
    home: str

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle."""
        state = {name: getattr(self, name) for name in ("model", "send_keys", "processes", "home")}
        # The model is sent once, in a form of its own.
        prompt = self.prompt.__getstate__() | {"model": None}
        return state | {"prompt": prompt, "key": self.key if self.send_keys else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__()` returned."""
        prompt = Prompt.__new__(Prompt)
        prompt.__setstate__(state["prompt"] | {"model": state["model"].arrive()})
        for name, value in (state | {"prompt": prompt}).items():
            setattr(self, name, value)


@dataclass(slots=True)
class Answered:
    """The outcome of a question.

    Attributes:
        events: the events of the model's answer.
        usage, response_json, finish, resolved_model: what is known about the answer as a whole.
        error: why there is no answer, or only part of one.
        worker: the process that asked.
    """

    events: list[StreamEvent]
    usage: Usage
    response_json: dict[str, Any] | None
    finish: Finish | None
    resolved_model: str | None
    error: ModelError | None
    worker: str


def this_process() -> str:
    """Return a name for this process that no other process has, on any machine."""
    return f"{socket.gethostname()} {os.getpid()}"


def ask_here(task: Task) -> Answered:
    """Ask a question in this process, and return its outcome."""
    worker = this_process()
    if worker != task.home:
        process.of(Limits).divide(task.processes)
    model: Any = task.prompt.model
    # Nothing is kept here: the process that sent the task does that.
    response = model._respond(task.prompt, ChainPlan(model, stream=False, key=task.key), ChainLog())
    error: ModelError | None = None
    try:
        if isinstance(model, AsyncModel | AsyncKeyModel):
            process.of(EventLoopThread).run(response._read_all())
        else:
            response._read_all()
    except ModelError as failure:
        error = failure
    except Exception as failure:
        # Not every error survives a pickle.
        error = ModelError(f"{type(failure).__name__}: {failure}")
    state = response._turn.state
    events = [] if error is not None else list(state.events())
    return Answered(events, state.usage, state.response_json, state.ending, state.resolved_model, error, worker)
