"""Tab shows what the page on the Python API documents, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"
ASYNC_NAMES = {"stream_events": "astream_events", "close": "aclose"}


class _Model(llm.Model):
    model_id = "some"
    supports_tools = True

    def execute(self, prompt: Any, stream: Any, response: Any, conversation: Any) -> Any:
        yield "yes"


class _AsyncModel(llm.AsyncModel):
    model_id = "some"
    supports_tools = True

    async def execute(self, prompt: Any, stream: Any, response: Any, conversation: Any) -> Any:
        yield "yes"


def documented(name: str) -> set[str]:
    """The names that the page lists for a class, or for the sync class that this is the twin of, with those that only the twin has."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    (row,) = [row for row in rows if f"`{name.removeprefix('Async')}`" in row.split("|")[1] and row.count("|") == 5]
    names = set(re.findall(r"`(\w+)`", row.split("|", 2)[2]))
    if not name.startswith("Async"):
        return names
    return {ASYNC_NAMES.get(shared, shared) for shared in names} | set(re.findall(rf"`{name}\.(\w+)\(\)`", page))


@pytest.mark.parametrize("make", [_Model, _AsyncModel])
@pytest.mark.parametrize("attribute", ["prompt", "chain", "conversation", ""])
def test_tab_shows_the_documented_names(make: Any, attribute: str) -> None:
    model = make()
    thing = (
        model
        if not attribute
        else model.conversation()
        if attribute == "conversation"
        else getattr(model, attribute)("Hi")
    )
    name = type(thing).__mro__[1].__name__ if thing is model else type(thing).__name__
    assert {shown for shown in dir(thing) if not shown.startswith("_")} == documented(name)


@pytest.mark.parametrize("cls", [llm.KeyModel, llm.AsyncKeyModel])
def test_models_with_a_key_have_the_same_names(cls: type[Any]) -> None:
    assert {shown for shown in dir(cls) if not shown.startswith("_")} == documented(cls.__name__) - {"model_id"}
