"""Toolboxes: public methods are tools, the constructor's arguments are kept, and set-up happens once."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import json
import pickle
import threading
from typing import Any

import llm as original
import pytest

from llm_notebook.configuration.keys import Secret
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.collecting import as_tools
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox


class Memory(Toolbox):
    _memory: dict[str, str] | None = None

    def _get_memory(self) -> dict[str, str]:
        if self._memory is None:
            self._memory = {}
        return self._memory

    def set(self, key: str, value: str) -> None:
        "Set something as a key"
        self._get_memory()[key] = value

    def get(self, key: str) -> str:
        "Get something from a key"
        return self._get_memory().get(key) or ""

    def keys(self) -> list[str]:
        "Return a list of keys"
        return list(self._get_memory().keys())


class Mixed(Memory):
    attribute = 5

    class Inner:
        pass

    @property
    def dangerous(self) -> int:
        raise AssertionError("evaluated")

    @functools.cached_property
    def costly(self) -> int:
        raise AssertionError("evaluated")

    @staticmethod
    def fixed(n: int) -> int:
        return n

    @classmethod
    def made(cls, n: int) -> str:
        return cls.__name__

    @functools.lru_cache  # noqa: B019  as people write it
    def cached(self, n: int) -> int:
        return n

    async def later(self, n: int) -> int:
        return n

    def prepare(self) -> None: ...


def greet(name: str) -> str:
    """Greet."""
    return f"Hello {name}"


def whose(box: Any, name: str) -> Any:
    """Tell whose."""
    return box, name


def named(tools: list[Tool]) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools}


def test_public_methods_are_tools_and_share_state() -> None:
    memory = Memory()
    tools = named(memory.tools())
    assert list(tools) == ["Memory_get", "Memory_keys", "Memory_set"]
    assert tools["Memory_set"].description == "Set something as a key"
    for name, arguments in [("Memory_set", {"key": "name", "value": "Simon"}), ("Memory_keys", {})]:
        tool = tools[name]
        assert tool.implementation is not None
        tool.implementation(**tool.arguments_for(ToolCall(name, arguments)))
    assert memory._memory == {"name": "Simon"}
    assert all(tool.toolbox is memory for tool in tools.values())


def test_tools_are_those_that_llm_finds() -> None:
    namespace = {name: value for name, value in vars(Memory).items() if not name.startswith("__")}
    theirs = type("Memory", (original.Toolbox,), namespace)().tools()
    assert [(tool.name, tool.description, tool.input_schema) for tool in Memory().tools()] == [
        (tool.name, tool.description, tool.input_schema) for tool in theirs
    ]


def test_all_kinds_of_methods_are_tools_and_nothing_is_evaluated() -> None:
    tools = named(Mixed().tools())
    assert list(tools) == [f"Mixed_{name}" for name in ("cached", "fixed", "get", "keys", "later", "made", "set")]
    assert [
        list(tools[f"Mixed_{name}"].input_schema["properties"]) for name in ("cached", "fixed", "later", "made")
    ] == [["n"]] * 4
    assert tools["Mixed_later"].is_async


def test_tools_are_the_same_objects_every_time() -> None:
    memory = Memory()
    first = memory.tools()
    memory.add_tool(greet)
    assert all(old is new for old, new in zip(first, memory.tools(), strict=False))
    assert len(as_tools([memory, *memory.tools()])) == 4


def test_class_describes_its_tools_without_an_object() -> None:
    described = Mixed.method_tools()
    assert [(tool.name, tool.input_schema, tool.hash()) for tool in described] == [
        (tool.name, tool.input_schema, tool.hash()) for tool in Mixed().tools()
    ]
    assert all(tool.implementation is None for tool in described)


def test_added_tools_keep_their_names() -> None:
    memory = Memory()
    memory.add_tool(greet)
    memory.add_tool(whose, pass_self=True)
    memory.add_tool(Tool.function(greet, name="greet_again"))
    memory.add_tool(Tool.function(whose, name="whose_again"), pass_self=True)
    added = memory.tools()[3:]
    assert [tool.name for tool in added] == ["greet", "whose", "greet_again", "whose_again"]
    assert [list(tool.input_schema["properties"]) for tool in added] == [["name"]] * 4
    for tool in (added[1], added[3]):
        assert tool.implementation is not None
        assert tool.implementation(**tool.arguments_for(ToolCall(tool.name, {"name": "x"}))) == (memory, "x")
    assert all(tool.toolbox is memory for tool in added)
    with pytest.raises(TypeError, match="takes a Tool or a function"):
        memory.add_tool("greet")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="A lambda needs a name"):
        memory.add_tool(lambda: 1)
    assert len(memory.tools()) == 7


class Base(Toolbox):
    def __init__(self, path: str, depth: int = 2) -> None:
        """Open a path."""
        self.path = path

    def look(self) -> str:
        return self.path


class Derived(Base):
    def __init__(self, folder: str, *rest: int, key: str | None = None, **more: Any) -> None:
        super().__init__(folder + "/below")


def test_constructor_arguments_are_remembered_as_json_values() -> None:
    assert Base("a").configuration == {"path": "a", "depth": 2}
    derived = Derived("a", 1, 2, key=Secret("sk-very-secret"), object=Memory, when={3})
    assert derived.path == "a/below"
    assert derived.configuration.keys() == {"folder", "rest", "key", "object", "when"}
    assert derived.configuration["rest"] == [1, 2]
    assert derived.configuration["when"] == [3]
    assert "very-secret" not in json.dumps(derived.configuration)
    assert Memory().configuration == {}


def test_configuration_is_free_for_subclasses_to_use() -> None:
    class Own(Toolbox):
        def __init__(self) -> None:
            self.configuration = "mine"  # type: ignore[assignment]

    class Method(Toolbox):
        def configuration(self) -> str:  # type: ignore[override]
            return "told"

    assert Own().configuration == "mine"  # type: ignore[comparison-overlap]
    assert [tool.name for tool in Method().tools()] == ["Method_configuration"]


def test_constructors_keep_their_signature_and_their_errors() -> None:
    assert str(inspect.signature(Base)) == "(path: 'str', depth: 'int' = 2)"
    assert inspect.getdoc(Base.__init__) == "Open a path."
    assert str(inspect.signature(Memory)) == "()"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'path'"):
        Base()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        Memory(3)  # type: ignore[call-arg]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda box: pickle.loads(pickle.dumps(box))])
def test_copies_have_tools_of_their_own(copied: Any) -> None:
    box = Base("here")
    box.add_tool(greet)
    before = box.tools()
    other = copied(box)
    other.path = "there"
    look = named(other.tools())["Base_look"]
    assert look.implementation is not None
    assert look.implementation() == "there"
    assert other.configuration == box.configuration
    assert [tool.name for tool in other.tools()] == [tool.name for tool in before]
    assert all(tool.toolbox is box for tool in box.tools())


class Prepared(Toolbox):
    def __init__(self) -> None:
        self.times = 0
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def prepare(self) -> None:
        self.entered.set()
        self.go_on.wait(30)
        self.times += 1
        self.add_tool(greet)


def test_prepare_runs_once_even_if_several_threads_call_it() -> None:
    box = Prepared()
    pending = [box.pending_preparations() for _ in range(8)]
    threads = [threading.Thread(target=preparation) for (preparation,) in pending]
    for thread in threads:
        thread.start()
    box.entered.wait(30)
    box.go_on.set()
    for thread in threads:
        thread.join(30)
    assert box.times == 1
    assert box.pending_preparations() == []
    assert [tool.name for tool in box.tools()] == ["greet"]
    assert Memory().pending_preparations() == []


class PreparedAsync(Toolbox):
    def __init__(self) -> None:
        self.times = 0

    async def prepare_async(self) -> None:
        await asyncio.sleep(0)
        self.times += 1


def test_prepare_async_runs_once_and_a_cancelled_waiter_spoils_nothing() -> None:
    async def main() -> int:
        box = PreparedAsync()
        tasks = [asyncio.ensure_future(box.pending_preparations()[0]()) for _ in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(asyncio.CancelledError) == 1
        return box.times

    assert asyncio.run(main()) == 1


def test_cancelled_preparation_is_done_by_the_next() -> None:
    async def main() -> int:
        box = PreparedAsync()
        first, second = (asyncio.ensure_future(box.pending_preparations()[0]()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        return box.times

    assert asyncio.run(main()) == 1


def test_failed_preparation_raises_and_is_tried_again() -> None:
    class Flaky(Toolbox):
        tries = 0

        def prepare(self) -> None:
            self.tries += 1
            if self.tries == 1:
                raise OSError("no connection")

    box = Flaky()
    with pytest.raises(OSError, match="no connection"):
        box.pending_preparations()[0]()
    box.pending_preparations()[0]()
    assert (box.tries, box.pending_preparations()) == (2, [])


def test_preparation_that_uses_its_own_tools_does_not_wait_for_itself() -> None:
    class Inward(Toolbox):
        seen: list[str]

        def prepare(self) -> None:
            for preparation in self.pending_preparations(is_async=False):
                preparation()
            self.seen = ["prepared"]

        async def prepare_async(self) -> None:
            await asyncio.gather(*(preparation() for preparation in self.pending_preparations(is_async=True)))
            self.seen.append("prepared again")

    box = Inward()
    box.pending_preparations(is_async=False)[0]()
    asyncio.run(box.pending_preparations(is_async=True)[0]())
    assert box.seen == ["prepared", "prepared again"]


def test_waiting_for_the_event_loop_of_the_same_thread_is_refused() -> None:
    class Both(PreparedAsync):
        def start(self) -> None: ...

    async def main() -> None:
        box = Both()
        task = asyncio.ensure_future(box.pending_preparations()[0]())
        await asyncio.sleep(0)
        _, awaited = box.__dict__["_toolbox"].preparations
        with pytest.raises(RuntimeError, match=r"Both\.prepare_async\(\) is still running on this thread's event loop"):
            awaited.ensure(lambda: None)
        await task

    asyncio.run(main())


def test_sync_and_async_code_each_take_their_own_preparation() -> None:
    class Both(Toolbox):
        def prepare(self) -> None: ...
        async def prepare_async(self) -> None: ...

    box = Both()
    assert [inspect.iscoroutinefunction(f) for f in box.pending_preparations(is_async=True)] == [True]
    assert [inspect.iscoroutinefunction(f) for f in box.pending_preparations(is_async=False)] == [False]
    assert [inspect.iscoroutinefunction(f) for f in box.pending_preparations()] == [False, True]


def test_async_prepare_is_named() -> None:
    class Misnamed(Toolbox):
        async def prepare(self) -> None:  # type: ignore[override]
            ...

    with pytest.raises(TypeError, match=r"Misnamed\.prepare\(\) is async: name the method prepare_async\(\)"):
        Misnamed().pending_preparations()[0]()


def test_tools_learn_their_plugin_from_the_class() -> None:
    class Plugged(Memory):
        plugin = "llm-notebook-memory"

    assert {tool.plugin for tool in [*Plugged().tools(), *Plugged.method_tools()]} == {"llm-notebook-memory"}
