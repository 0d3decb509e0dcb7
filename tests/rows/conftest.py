"""A model on a server that answers each row by its text, and both faces of `map_rows()`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.openai_server import OpenAIServer, Reply, Request

__all__ = ["Rows", "answer_of"]


def answer_of(text: str) -> Reply:
    """Return a whole answer, as OpenAI sends one that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return Reply.of_json({"id": "x", "model": "m", "choices": [choice], "usage": usage})


@dataclass(slots=True)
class Rows:
    """Asks rows on one face, and remembers what was sent.

    Attributes:
        server: who plays the model. It answers each prompt with its last word, unless `replies` says something else.
        face: `sync` or `async`.
        replies: makes the reply to a prompt; None for the usual answer.
    """

    server: OpenAIServer
    face: str
    replies: Callable[[str], Reply | None] = lambda _: None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.answer = self._answer

    @property
    def model(self) -> Any:
        """The model in the flavour of the face."""
        kind = llm.OpenAIChat if self.face == "sync" else llm.AsyncOpenAIChat
        return kind("m", base_url=self.server.base_url)

    @property
    def priced_model(self) -> Any:
        """The same under the name of a model whose price is known: $0.25 and $2 for a million tokens in and out."""
        model = self.model
        model.provider, model.model_name = "openai", "gpt-5-mini"
        return model

    def map(self, rows: Any, prompt: str = "Say {{ text }}", **settings: Any) -> Any:
        """Ask all rows and return what comes of them; the rows of an iterator as a list."""
        settings = {"model": self.model, "progress": False, **settings}
        if self.face == "sync":
            found = llm.map_rows(rows, prompt, **settings)
            return list(found) if hasattr(found, "__next__") else found
        return asyncio.run(self._amap(rows, prompt, settings))

    async def _amap(self, rows: Any, prompt: str, settings: dict[str, Any]) -> Any:
        found = await llm.amap_rows(rows, prompt, **settings)
        return [row async for row in found] if hasattr(found, "__anext__") else found

    def take_asked(self) -> list[str]:
        """Return the prompts that were sent since the last time, sorted."""
        asked, self.asked = sorted(self.asked), []
        return asked

    def _answer(self, request: Request) -> Reply:
        body = request.json()
        text = body["messages"][-1]["content"]
        self.asked.append(text)
        usual = text.rpartition(" ")[2]
        if "response_format" in body:
            usual = json.dumps({"label": usual, "score": len(text)})
        return self.replies(text) or answer_of(usual)


@pytest.fixture(params=["sync", "async"])
def rows(request: pytest.FixtureRequest, openai_server: OpenAIServer) -> Rows:
    """Both faces of `map_rows()`, with a journal of the test's own."""
    return Rows(openai_server, request.param)
