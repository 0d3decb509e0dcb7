"""Marks: every form of marking asks, in this process and in the next; marks only add up; what cannot ask is refused."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.approvals.marks import policy_of
from llm_notebook.approvals.policy import ApprovalPolicy, ChainPolicy
from llm_notebook.tools.collecting import as_tools
from tests.approvals.forms import COLUMNS, FORMS, table
from tests.fakes.faces import Face, asks

ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    return table(tmp_path_factory.mktemp("forms"))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_marking_holds_here_and_after_a_restart(
    seen: dict[str, dict[str, bool]], form: str, column: str
) -> None:
    assert seen[form][column]


def delete(path: str) -> str:
    """Delete a file."""
    ran.append(path)
    return "deleted"


def policy(tool: Any) -> ApprovalPolicy:
    [made] = as_tools([tool])
    assert isinstance(made, llm.Tool)
    found = policy_of(made)
    assert found is not None
    return found


def pause_of(face: Face, chain: Any) -> llm.PauseChain:
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain)
    return caught.value


def calling(face: Face, *paths: str, name: str = "delete") -> Any:
    calls = [llm.ToolCall(name, {"path": path}, f"c{number}") for number, path in enumerate(paths)]
    return face.rounds(asks(*calls), "done")


def test_policies_only_get_stricter_when_they_meet() -> None:
    never = {"when": lambda path: False}
    assert policy(llm.require_approval(llm.require_approval(delete), **never)).asks == "always"
    assert policy(llm.require_approval(llm.require_approval(delete, **never))).asks == "always"
    assert policy(llm.require_approval(llm.require_approval(delete, destructive=True))).destructive
    twice = policy(llm.require_approval(llm.require_approval(delete, **never), when=lambda path: True))
    assert (twice.asks, len(twice.conditions)) == ("sometimes", 2)


def test_a_condition_of_any_mark_asks(face: Face) -> None:
    tool = llm.require_approval(
        llm.require_approval(delete, when=lambda path: path == "/a"), when=lambda path: path == "/b"
    )
    assert face.text(calling(face, "/c").chain("Hi", tools=[tool])) == "done"
    for path in ("/a", "/b"):
        assert pause_of(face, calling(face, path).chain("Hi", tools=[tool])).request.arguments == {"path": path}
    assert ran == ["/c"]


def test_marking_a_toolbox_twice_keeps_both_marks() -> None:
    box = llm.require_approval(llm.require_approval(llm.Toolbox(), destructive=True))
    box.add_tool(delete)
    assert policy(box) == ApprovalPolicy("always", destructive=True)


def test_a_decorator_that_hides_the_mark_is_covered_by_asking_always(face: Face) -> None:
    marked = llm.require_approval(delete)

    def hidden(path: str) -> str:
        return marked(path)

    chain = calling(face, "/a", name="hidden").chain("Hi", tools=[hidden])
    chain._chain.plan.policy = ChainPolicy(always=True)
    assert pause_of(face, chain).request.tool_name == "hidden"
    assert ran == []


def test_a_toolbox_whose_tools_say_not_whose_they_are_asks_too(face: Face) -> None:
    @llm.require_approval
    class Files(llm.Toolbox):
        def tools(self) -> list[llm.Tool]:
            return [llm.Tool.function(delete)]

    pause_of(face, calling(face, "/a").chain("Hi", tools=[Files()]))
    assert ran == []


def test_a_named_tool_that_there_is_none_of_is_an_error_and_nothing_is_sent(face: Face) -> None:
    model = calling(face, "/a")
    chain = model.chain("Hi", tools=[delete])
    chain._chain.plan.policy = ChainPolicy(named=frozenset({"erase"}))
    with pytest.raises(llm.ModelError, match=r"Calls of erase .* no such tool\. The tools are delete"):
        face.text(chain)
    assert model.requests == ran == []


class Kept:
    @staticmethod
    @llm.require_approval
    def erase(path: str) -> None: ...

    @llm.require_approval
    def wipe(self, path: str) -> None: ...


class Overriding(Kept):
    @staticmethod
    def erase(path: str) -> None:
        ran.append(path)

    def wipe(self, path: str) -> None:
        ran.append(path)


class MarkedCalls(type):
    @llm.require_approval
    def __call__(cls, path: str) -> None:
        ran.append(path)


class Made(metaclass=MarkedCalls):
    """Make."""


class Decorator:
    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)

    def __get__(self, held: object, kind: type | None = None) -> Any:
        return self

    @llm.require_approval
    def __call__(self, path: str) -> None:
        ran.append(path)


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        (Overriding.erase, "erase"),
        (Overriding().erase, "erase"),
        (functools.partial(Overriding.wipe, Overriding()), "wipe"),
        (Made, "Made"),
        (Decorator(delete), "delete"),
    ],
)
def test_what_python_calls_by_way_of_a_class_asks_like_the_class(face: Face, tool: Any, name: str) -> None:
    pause_of(face, calling(face, "/a", name=name).chain("Hi", tools=[tool]))
    assert ran == []


class NoMarks(llm.Toolbox):
    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):
            super().__setattr__(name, value)


@pytest.mark.parametrize(
    "wrong", [llm.OpenAIWebSearch, int, property(delete), [delete], functools.singledispatchmethod(delete), NoMarks()]
)
def test_what_could_run_unasked_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError):
        llm.require_approval(wrong)
