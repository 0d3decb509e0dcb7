"""Local models: SmolLM2-135M, or any other GGUF file, on llama.cpp in this process. They need no key, no server and no network.

A generation computes in a thread of its engine and puts its outcomes into a queue. `LocalModel` and `AsyncLocalModel` differ only in the
queue; `_Answer` has what they share. It does for them what the decoder does for models over HTTP: it creates the request body and turns chunks
into stream items. llama.cpp's chunks have the shape of Chat Completions, so the same decoder reads them.
"""

from __future__ import annotations

import queue
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.configuration.process import process
from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.models.model import AsyncModel, Model, ModelWithAliases
from llm_notebook.providers.http.models import settle

if TYPE_CHECKING:
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.responses import AsyncResponse, Response
    from llm_notebook.parts.messages import StreamEvent
    from llm_notebook.providers.local.engine import Engine, Outcome
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AsyncLocalModel", "LocalModel", "ModelFile", "local_entry", "local_models"]

_MODEL_ID = "smollm2"
_ALIASES = ("smollm2-135m", "SmolLM2-135M", "SmolLM2")


class ModelFile(Protocol):
    """A GGUF file that exists or could exist."""

    def path(self) -> Path:
        """Return the path of the file, whether it exists or not."""

    def find(self) -> Path:
        """Return the path of the file, or raise a ModelError that says what to do if it does not exist."""


def local_models() -> list[ModelWithAliases]:
    """Return the local models that need no installation by name. This loads nothing and looks for no files."""
    return [ModelWithAliases(LocalModel(), AsyncLocalModel(), _ALIASES)]


def local_entry(model_id: str, file: ModelFile, *, supports_tools: bool) -> ModelWithAliases:
    """Return the model of a GGUF file in both flavours. This loads nothing and looks for no files.

    Args:
        model_id: the model's name or its path.
        file: its file.
        supports_tools: whether its chat template tells the model about tools.
    """
    return ModelWithAliases(
        LocalModel(model_id=model_id, file=file, supports_tools=supports_tools),
        AsyncLocalModel(model_id=model_id, file=file, supports_tools=supports_tools),
    )


class _LocalModel:
    """The part of a local model that is the same with and without `await`.

    Attributes:
        is_smollm2: whether this is SmolLM2-135M, whose options have defaults that suit so small a model.
    """

    can_stream: bool = True
    supports_schema: bool = True
    is_smollm2: bool = True
    _needs_messages = True
    Options = LazyOptions("llm_notebook.providers.local.options", "GGUFOptions", is_smollm2="LocalOptions")

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        model_id: str = _MODEL_ID,
        file: ModelFile | None = None,
        supports_tools: bool = False,
    ) -> None:
        self._engine = engine
        self._file = file
        self.model_id = model_id
        self.supports_tools = supports_tools
        self.is_smollm2 = file is None

    @property
    def file(self) -> ModelFile:
        """The file with the model's weights."""
        from llm_notebook.providers.local.smollm2 import SMOLLM2  # only when it is used

        return self._file or SMOLLM2

    @property
    def engine(self) -> Engine:
        """The engine that computes the answers. The models of a file share one unless they were given another."""
        from llm_notebook.providers.local.engine import Engines  # only where a local model runs

        return self._engine or process.of(Engines).of(self.file.path(), self.file.find)


class LocalModel(_LocalModel, Model):
    """A local model that is used without `await`.

    Args:
        engine: the engine that computes the answers; None means the one of this process for the file.
        model_id: the model's name or its path.
        file: the file with its weights; None means that of SmolLM2-135M.
        supports_tools: whether its chat template tells the model about tools.
    """

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: Response,
        conversation: Conversation | None,
    ) -> Iterator[str | StreamEvent]:
        """Yield the answer as it is computed. Closing the generator stops the computation.

        Raises:
            ModelError: xllamacpp or the weights are missing, or the prompt does not fit into the context.
        """
        answer = _Answer(self, prompt, stream, response)
        del response  # it holds this generator, and in a cycle a dropped response would go on computing
        outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        generation = self.engine.generation(answer.body, outcomes.put)
        try:
            generation.start()
            while not answer.over:
                yield from answer.items(outcomes.get())
        finally:
            generation.cancel()
            answer.settle()


class AsyncLocalModel(_LocalModel, AsyncModel):
    """A local model that is used with `await`. Its arguments are those of `LocalModel`."""

    async def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
    ) -> AsyncIterator[str | StreamEvent]:
        """Do what `LocalModel.execute()` does, without blocking the event loop."""
        import asyncio  # loads ssl, and async code has it loaded

        answer = _Answer(self, prompt, stream, response)
        del response
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def deliver(outcome: Outcome) -> None:
            try:
                loop.call_soon_threadsafe(outcomes.put_nowait, outcome)
            except RuntimeError:  # the loop is closed, so nobody reads the answer
                generation.cancel()

        generation = self.engine.generation(answer.body, deliver)
        try:
            generation.start()
            while not answer.over:
                for item in answer.items(await outcomes.get()):
                    yield item
        finally:
            generation.cancel()
            answer.settle()


class _Answer:
    """One answer of llama.cpp: the request body, and the decoding of its outcomes. No I/O.

    Attributes:
        body: the request body.
        over: whether the answer has ended.
    """

    def __init__(self, model: _LocalModel, prompt: Prompt, stream: bool, response: Response | AsyncResponse) -> None:
        from llm_notebook.providers.openai.chat_answers import ChatDecoder  # loads pydantic_core
        from llm_notebook.providers.openai.chat_requests import chat_body  # loaded with the first request

        self._model_id = model.model_id
        self._resolved_model = model.file.path().stem
        options = prompt.options.request_fields(schema=prompt.schema is not None)
        # Only a stream can be stopped, so an answer that is not streamed is a stream too, and is held back until its end.
        # return_progress lets it be stopped while the prompt is read.
        self.body = chat_body(prompt, self._resolved_model, stream=True, options={**options, "return_progress": True})
        self.over = False
        self._response = weakref.ref(response)
        self._decoder = ChatDecoder(self._model_id)
        self._held_back: list[str | StreamEvent] | None = None if stream else []

    def items(self, outcome: Outcome) -> list[str | StreamEvent]:
        """Return the stream items of the next outcome.

        Raises:
            ModelError: llama.cpp refuses the prompt, or failed.
            IncompleteResponse: the answer ended without a finish reason, or in the middle of a tool call.
        """
        if isinstance(outcome, BaseException):
            raise _as_model_error(outcome, self._model_id)
        if outcome is None:
            return self._last_items()
        if outcome.get("error"):
            raise _refusal(outcome["error"], self._model_id)
        items = self._decoder.decode_object(outcome)
        if self._held_back is None:
            return items
        self._held_back += items
        return []

    def _last_items(self) -> list[str | StreamEvent]:
        if not self._decoder.may_end:
            raise IncompleteResponse(
                f"{self._model_id}: the answer broke off before its end; what arrived is in `.partial`."
            )
        last = self._decoder.end()
        if self._decoder.failure is not None:
            raise self._decoder.failure
        self.over = True
        held_back = [*(self._held_back or []), *last]
        if all(isinstance(item, str) for item in held_back):
            return ["".join(item for item in held_back if isinstance(item, str))] if held_back else []
        return held_back

    def settle(self) -> None:
        """Give the response what is known about the whole answer, unless it has been dropped."""
        response = self._response()
        settle(response, self._decoder)
        if response is not None:
            response.set_resolved_model(self._resolved_model)


def _as_model_error(error: BaseException, model_id: str) -> BaseException:
    """Return the error to raise in the reader's thread for one of llama.cpp's. An interrupt and our own errors are returned unchanged."""
    if isinstance(error, ModelError) or not isinstance(error, Exception):
        return error
    said = " ".join(str(error).split())
    refused = ModelError(f"{model_id}: llama.cpp does not accept this prompt: {said[:300]}")
    refused.__cause__ = error
    return refused


def _refusal(error: dict[str, Any], model_id: str) -> ModelError:
    if error.get("type") == "exceed_context_size_error":
        return ModelError(
            f"{model_id} takes at most {error.get('n_ctx')} tokens, and the prompt with all that goes along has "
            f"{error.get('n_prompt_tokens')}: shorten it or begin a new conversation (`%%llm --new`)."
        )
    return ModelError(f"{model_id}: llama.cpp does not accept this prompt: {error.get('message') or error}")
