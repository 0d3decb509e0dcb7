"""A plugin of the `llm` package that does what the small real ones do not. The fixture `bridge` registers it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import llm
from llm.parts import StreamEvent
from pydantic import Field

SENT: list[llm.Prompt] = []
"""The prompts that the model `scripted` has received."""

SCRIPT: list[Any] = []
"""What the model yields. An exception in the list is raised."""

ENDED: list[str] = []
"""One entry for each of its generators that was closed early."""


class Search(llm.ServerSideTool):
    """Searches the web."""

    name = "search"


class DeepSearch(Search):
    """Searches the web for a long time."""


class _Scripted:
    model_id = "scripted"
    can_stream = True
    supports_tools = True
    supports_schema = True
    attachment_types = frozenset({"image/png"})
    supported_server_side_tools = (Search,)

    class Options(llm.Options):
        temperature: float | None = Field(default=None, ge=0, le=2)

    def played(self, prompt: llm.Prompt, response: Any, conversation: Any) -> Iterator[Any]:
        prompt.seen_before = [  # type: ignore[attr-defined]
            (past.prompt.prompt, past.text_or_raise(), [call.name for call in past.tool_calls_or_raise()])
            for past in (conversation.responses if conversation else [])
        ]
        SENT.append(prompt)
        for step in SCRIPT:
            if isinstance(step, BaseException):
                raise step
            try:
                yield step
            except GeneratorExit:
                ENDED.append("closed")
                raise
        response.set_usage(input=7, output=5, details={"cached": 2})
        response.set_resolved_model("scripted-2026")
        response.response_json = {"id": "r1"}


class Scripted(_Scripted, llm.Model):
    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[Any]:
        yield from self.played(prompt, response, conversation)


class AsyncScripted(_Scripted, llm.AsyncModel):
    async def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> AsyncIterator[Any]:
        for step in self.played(prompt, response, conversation):
            await asyncio.sleep(0)
            yield step


class SingleTurn(llm.Model):
    model_id = "single-turn"
    supports_conversation = False

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        yield "once"


class Lengths(llm.EmbeddingModel):
    model_id = "lengths"
    needs_key = "lengths"
    batch_size = 2

    def embed_batch(self, items: Any, *, key: str | None = None) -> Iterator[list[float]]:
        if key == "wrong-key":
            raise llm.ModelError("This key is wrong.")
        return ([float(len(item)), 1.0] for item in items)


class Notes(llm.Toolbox):
    """Notes in a folder."""

    def __init__(self, folder: str, limit: int = 3) -> None:
        self.folder, self.limit = folder, limit
        self.prepared = 0

    def prepare(self) -> None:
        self.prepared += 1
        self.add_tool(count_notes)

    def read(self, name: str) -> str:
        """Read a note."""
        return f"{self.folder}/{name} ({self.limit})"

    async def write(self, name: str, text: str) -> dict[str, Any]:
        """Write a note."""
        await asyncio.sleep(0)
        return {"written": name, "characters": len(text)}


def count_notes() -> int:
    """How many notes there are."""
    return 2


def picture(llm_tool_call: llm.ToolCall) -> llm.ToolOutput:
    """Take a picture."""
    return llm.ToolOutput(
        f"taken by {llm_tool_call.name}", [llm.Attachment(type="image/png", content=b"\x89PNG\r\n\x1a\n")]
    )


def hesitant(path: str) -> str:
    """Pause in the way of the `llm` package."""
    from llm_notebook import approved  # a plugin of llm need not know this package

    if not approved():
        raise llm.PauseChain(f"may I erase {path}?")
    return f"erased {path}"


@llm.hookimpl
def register_models(register: Any) -> None:
    register(Scripted(), AsyncScripted(), aliases=("script",))
    register(SingleTurn())


@llm.hookimpl
def register_tools(register: Any) -> None:
    register(picture)
    register(hesitant)
    register(Notes)
    register(llm.Tool("ping", "Answers.", {"type": "object", "properties": {}}, lambda: "pong"))


@llm.hookimpl
def register_embedding_models(register: Any) -> None:
    register(Lengths(), aliases=("len",))


@llm.hookimpl
def register_fragment_loaders(register: Any) -> None:
    register("book", _book)


@llm.hookimpl
def register_template_loaders(register: Any) -> None:
    register("shelf", _shelf)


def _book(argument: str) -> list[Any]:
    if argument == "lost":
        raise llm.ModelError("That book is lost.")
    return [
        llm.Fragment("Chapter one", f"book/{argument}/1"),
        "Chapter two",
        llm.Attachment(type="image/png", content=b"\x89PNG"),
    ]


def _shelf(argument: str) -> llm.Template:
    attachment = {"type": "image/png", "value": "cover.png"}
    return llm.Template(
        name=argument, prompt="About $title: $input", defaults={"title": argument}, attachment_types=[attachment]
    )


def call_events(name: str, arguments: dict[str, Any], call_id: str, **more: Any) -> list[StreamEvent]:
    """Return a tool call as the events of a stream."""
    return [
        StreamEvent("tool_call_name", name, tool_call_id=call_id, **more),
        StreamEvent("tool_call_args", json.dumps(arguments), tool_call_id=call_id),
    ]
