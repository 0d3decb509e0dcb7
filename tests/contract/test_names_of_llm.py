"""Every public name of the installed `llm` package is here, with the same parameters and defaults, but for a few with a reason."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import llm as theirs
import pytest

import llm_notebook as ours

# What belongs to the `llm` command, to its log and to its collections of embeddings.
_OF_ITS_LOG = {"Collection", "from_row", "log_to_db", "instance_id", "load_plugins", "DEFAULT_MODEL"}
# What its own code passes around.
_OF_ITS_OWN = {"_id", "_skip_async", "filename", "prompt_json"}
# Ours take more, or say it in another way.
_OTHER_DEFAULTS = {
    # Which model is the default is each package's own choice.
    ("get_default_model", "default"),
    # Ids are made where they are first needed.
    ("Conversation", "id"),
    ("Conversation", "responses"),
    ("AsyncConversation", "id"),
    ("AsyncConversation", "responses"),
    # These may be left out.
    ("AsyncResponse.fake", "system"),
    ("AsyncResponse.fake", "response"),
    ("get_embedding_model", "name"),
    ("ModelWithAliases", "aliases"),
    ("EmbeddingModelWithAliases", "aliases"),
}
# A chain is made by a model or a conversation. A fragment is a `str`, whose constructor passes on whatever it is given.
_MADE_OTHERWISE = {"ChainResponse", "AsyncChainResponse", "Fragment"}


def _public() -> Iterator[tuple[str, Any]]:
    for name in theirs.__all__:
        if name not in _OF_ITS_LOG:
            yield name, getattr(theirs, name)


def _callables() -> Iterator[tuple[str, Any, Any]]:
    """Yield each public function, class and public method of theirs, with its name and ours."""
    for name, found in _public():
        if not callable(found):
            continue
        # Python does not say what exceptions without a constructor of their own take.
        if name not in _MADE_OTHERWISE and not (inspect.isclass(found) and issubclass(found, Exception)):
            yield name, found, getattr(ours, name)
        if inspect.isclass(found):
            for method, of_theirs in inspect.getmembers(found, inspect.isroutine):
                if not method.startswith("_") and method not in _OF_ITS_LOG and method in _defined(found):
                    yield f"{name}.{method}", of_theirs, getattr(getattr(ours, name), method, None)


def _defined(kind: type[Any]) -> set[str]:
    return {name for base in kind.__mro__ if base.__module__.startswith("llm") for name in vars(base)}


def test_no_public_name_is_missing() -> None:
    assert [name for name, _ in _public() if not hasattr(ours, name)] == []


@pytest.mark.parametrize(
    ("name", "of_theirs", "of_ours"), [pytest.param(*found, id=found[0]) for found in _callables()]
)
def test_the_parameters_are_the_same(name: str, of_theirs: Any, of_ours: Any) -> None:
    assert of_ours is not None
    wanted, given = (inspect.signature(found).parameters for found in (of_theirs, of_ours))
    takes_any = {parameter.kind for parameter in given.values()}
    for parameter in wanted.values():
        if parameter.name in {"self", *_OF_ITS_OWN}:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            assert parameter.kind in takes_any
            continue
        mine = given.get(parameter.name)
        if mine is None:
            assert {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD} <= takes_any, parameter.name
            continue
        assert mine.kind == parameter.kind, parameter.name
        if (name, parameter.name) not in _OTHER_DEFAULTS:
            assert mine.default == parameter.default, parameter.name


def test_what_a_response_and_a_conversation_hold_is_the_same() -> None:
    class Simple(ours.Model):
        model_id = "simple"

        def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
            yield "Fine."

    response, conversation = Simple().prompt("Hi"), Simple().conversation()
    for kind, one in (
        (theirs.Response, response),
        (theirs.Prompt, response.prompt),
        (theirs.Conversation, conversation),
    ):
        names = {name for name in dir(kind) if not name.startswith("_")} | set(getattr(kind, "__annotations__", {}))
        public = {name for name in names if not name.startswith("_")} - _OF_ITS_LOG - _OF_ITS_OWN
        assert sorted(name for name in public if not hasattr(one, name)) == []
