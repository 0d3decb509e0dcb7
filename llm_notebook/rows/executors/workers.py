"""What happens on a worker: one question is asked there, and what came of it goes back. Nothing is kept there."""

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
    """A model on its way: a model of a server with its settings, another one of the registry's by its name, and any other as it is.

    A pickle of a model has no key, and no header that may be one.

    Attributes:
        model: the model; None if it travels by its name.
        name: its name.
        headers, base_url: what may hold a key; None if it stays behind.
    """

    model: Model | KeyModel | AsyncModel | AsyncKeyModel | None
    name: str
    headers: Mapping[str, str] | None = None
    base_url: str | None = None

    @classmethod
    def of(cls, model: Model | KeyModel | AsyncModel | AsyncKeyModel, *, send_keys: bool) -> Traveller:
        """Return a model in the form in which it travels."""
        if isinstance(model, HTTPModel):
            return cls(model, model.model_id, dict(model.headers), model.base_url) if send_keys else cls(model, "")
        entry = process.of(Registry).find(model.model_id)
        is_named = entry is not None and model in (entry.model, entry.async_model)
        return cls(None, model.model_id) if is_named else cls(model, "")

    def arrive(self) -> Model | KeyModel | AsyncModel | AsyncKeyModel:
        """Return the model where it has arrived."""
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
    """One question, as a worker gets it.

    Attributes:
        model: the model.
        prompt: what it is asked.
        key: the key; a pickle has it only with `send_keys`.
        send_keys: the key may leave this process.
        processes: how many processes ask with the same key.
        home: the process that keeps the answers.
    """

    model: Traveller
    prompt: Prompt
    key: KeySource | None
    send_keys: bool
    processes: int
    home: str

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle takes along."""
        state = {name: getattr(self, name) for name in ("model", "send_keys", "processes", "home")}
        # The model travels once, in its own form.
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
    """What came of a question.

    Attributes:
        events: what the model said.
        usage, response_json, finish, resolved_model: what is known of the whole answer.
        error: why there is none, or no whole one.
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
    """Return a name of this process that no other one has, on any machine."""
    return f"{socket.gethostname()} {os.getpid()}"


def ask_here(task: Task) -> Answered:
    """Ask a question in this process, and return what came of it."""
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
