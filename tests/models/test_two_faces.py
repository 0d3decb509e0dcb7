"""The sync and the async face agree but for `async`, and what they do is written once."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import llm_notebook as llm
from tests.models.twin_lines import TWINS, share_repeated

# What the async face calls otherwise, and what only one of them can have.
OTHER_NAMES = {"stream_events": "astream_events", "close": "aclose", "__iter__": "__aiter__"}
ONLY_ONE = {"__str__", "__await__", "to_sync_response", "to_sync_conversation"}
PROMPT_TAKES = {
    "self": inspect.Parameter.empty,
    "prompt": None,
    "fragments": None,
    "attachments": None,
    "system": None,
    "system_fragments": None,
    "messages": None,
    "stream": True,
    "schema": None,
    "tools": None,
    "tool_results": None,
    "options": None,
    "hide_reasoning": False,
    "key": None,
    "option_keywords": inspect.Parameter.empty,
}
IDS = [sync.__name__ for sync, _ in TWINS]


def public(cls: type[Any]) -> set[str]:
    """Names of methods and properties, those that the language calls included."""
    spoken = {"__iter__", "__aiter__", "__str__", "__await__", "__repr__"}
    return {
        name
        for name in dir(cls)
        if (not name.startswith("_") or (name in spoken and getattr(object, name, None) is not getattr(cls, name)))
    }


def signature_of(method: Any) -> str:
    """Parameters and what is returned, as they read without async."""
    text = str(inspect.signature(method))
    text = re.sub(r"(?:collections\.abc\.)?Awaitable\[(.*)\]$", r"\1", text)
    return re.sub(r"Async(?=[A-Z])", "", text)


@pytest.mark.parametrize(("sync", "twin"), TWINS, ids=IDS)
def test_they_have_the_same_methods(sync: type[Any], twin: type[Any]) -> None:
    expected = {OTHER_NAMES.get(name, name) for name in public(sync) - ONLY_ONE}
    assert public(twin) - ONLY_ONE == expected


@pytest.mark.parametrize(("sync", "twin"), TWINS, ids=IDS)
def test_their_methods_have_the_same_signatures(sync: type[Any], twin: type[Any]) -> None:
    compared = 0
    for name in public(sync) - ONLY_ONE:
        method, other = getattr(sync, name), getattr(twin, OTHER_NAMES.get(name, name))
        if inspect.isfunction(method) or inspect.ismethod(method):
            assert signature_of(method) == signature_of(other), name
            compared += 1
        else:
            assert not inspect.isfunction(other), name
    assert compared
    assert str(inspect.signature(sync)) == str(inspect.signature(twin)).replace("Async", "")


@pytest.mark.parametrize("prefix", ["", "Async"])
def test_models_and_conversations_take_the_same_arguments_and_chains_those_of_prompts(prefix: str) -> None:
    model, conversation = getattr(llm, f"{prefix}Model"), getattr(llm, f"{prefix}Conversation")
    asked, chained = (
        {str(inspect.signature(getattr(owner, name))) for owner in (model, conversation)}
        for name in ("prompt", "chain")
    )
    assert len(asked) == len(chained) == 1
    of_prompt, of_chain = (inspect.signature(getattr(model, name)).parameters for name in ("prompt", "chain"))
    assert of_chain.keys() - of_prompt.keys() == {"before_call", "after_call", "chain_limit", "parallel_tools"}
    assert of_prompt.keys() <= of_chain.keys()
    assert set(of_prompt) == PROMPT_TAKES.keys()
    assert {name: of_prompt[name].default for name in PROMPT_TAKES} == PROMPT_TAKES


@pytest.mark.parametrize(("sync", "twin"), TWINS, ids=IDS)
def test_less_than_three_tenths_is_written_twice(sync: type[Any], twin: type[Any]) -> None:
    assert share_repeated(sync, twin) < 0.3


def test_the_measure_sees_what_is_written_twice() -> None:
    assert share_repeated(llm.ChainResponse, llm.AsyncChainResponse) > 0


@pytest.mark.parametrize("name", ["text", "usage", "execute_tool_calls", "reply", "to_dict", "on_done"])
def test_what_they_share_is_documented_on_both(name: str) -> None:
    assert inspect.getdoc(getattr(llm.Response, name))
    assert inspect.getdoc(getattr(llm.AsyncResponse, name))
    assert getattr(llm.Response, name).__name__ == getattr(llm.AsyncResponse, name).__name__ == name
