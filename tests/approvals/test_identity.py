"""What a tool is: its loaded code and its state. Consent to one thing never covers another, and survives a new process where it can."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import importlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import llm_notebook as llm
from llm_notebook.approvals.identity import identify
from llm_notebook.tools.collecting import as_tools
from llm_notebook.turns.origin import Origin
from tests.fakes.faces import Face, asks


def digest(tool: Any) -> str:
    [made] = as_tools([tool])
    assert isinstance(made, llm.Tool)
    return identify(made).digest


def made(source: str, name: str = "tool") -> Any:
    """Return what a piece of code defines that is in no file, as `exec` does."""
    scope: dict[str, Any] = {"__name__": "__main__", "llm": llm, "functools": functools}
    exec(source, scope)
    return scope[name]


def pause_of(face: Face, chain: Any) -> llm.PauseChain:
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain)
    return caught.value


class DB:
    def __init__(self, name: str) -> None:
        self.name = name

    def drop(self, table: str) -> str:
        return self.name


class Slotted:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def drop(self, table: str) -> str:
        return self._name


@dataclasses.dataclass
class Data:
    name: str

    def drop(self, table: str) -> str:
        return self.name


class Model(pydantic.BaseModel):
    name: str

    def drop(self, table: str) -> str:
        return self.name


class Wipe:
    """Wipe."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, table: str) -> str:
        return self._name


class Holder:
    def __init__(self, name: str) -> None:
        self.db = DB(name)

    def drop(self, table: str) -> str:
        return self.db.name


class Files(llm.Toolbox):
    def __init__(self, root: str) -> None:
        self.root = root

    def delete(self, path: str) -> str:
        return self.root


class Connected(llm.Toolbox):
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def query(self, sql: str) -> str:
        return sql


def closing_over(value: Any) -> Callable[..., Any]:
    def tool(path: str) -> Any:
        return value

    return tool


def decorated(value: Any) -> Callable[..., Any]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs) if value == "TEST" else None

        return inner

    @decorate
    def tool(path: str) -> str:
        return path

    return tool


def partial(value: Any) -> Any:
    def tool(path: str, root: Any) -> Any:
        return root

    return llm.Tool.function(functools.partial(tool, root=value), name="tool")


def default(value: Any) -> Callable[..., Any]:
    def tool(path: str, *, root: str = value) -> str:
        return root

    return tool


CODE = {
    "the value of an enum": "import enum\nclass E(enum.Enum):\n    A = VALUE\nclass C:\n    e = E.A\n    def go(self, path): return self.e.value\ntool = C().go",
    "an enum in a partial": "import enum\nclass E(enum.Enum):\n    A = VALUE\ndef f(path, root): return root.value\ntool = llm.Tool.function(functools.partial(f, root=E.A), name='tool')",
    "a method of a text": "class T(str):\n    def root(self): return VALUE\ndef f(path, root): return root.root()\ntool = llm.Tool.function(functools.partial(f, root=T()), name='tool')",
    "an attribute of a text": "class T(str): ...\ntext = T('x')\ntext.root = VALUE\ndef f(path, root): return root.root\ntool = llm.Tool.function(functools.partial(f, root=text), name='tool')",
    "an attribute of a dict": "class D(dict): ...\nheld = D()\nheld.root = VALUE\ndef f(path, root): return root.root\ntool = llm.Tool.function(functools.partial(f, root=held), name='tool')",
    "an attribute of a path": "import pathlib\nclass P(type(pathlib.Path())): ...\nheld = P('/a')\nheld.root_ = VALUE\ndef f(path, root): return root.root_\ntool = llm.Tool.function(functools.partial(f, root=held), name='tool')",
    "a named tuple": "import collections\nN = collections.namedtuple('N', 'root')\ndef f(path, root): return root.root\ntool = llm.Tool.function(functools.partial(f, root=N(VALUE)), name='tool')",
    "a method of a tuple": "class N(tuple):\n    def root(self): return VALUE\ndef f(path, root): return root.root()\ntool = llm.Tool.function(functools.partial(f, root=N()), name='tool')",
    "an attribute of a function": "def tool(path): return tool.root\ntool.root = VALUE",
    "a private attribute of pydantic": "import pydantic\nclass C(pydantic.BaseModel):\n    _root: str = pydantic.PrivateAttr('')\n    def go(self, path): return self._root\nheld = C()\nheld._root = VALUE\ntool = held.go",
    "a field that pydantic allows": "import pydantic\nclass C(pydantic.BaseModel, extra='allow'):\n    def go(self, path): return self.root\ntool = C(root=VALUE).go",
    "a metaclass": "class M(type):\n    root = VALUE\nclass C(metaclass=M):\n    @classmethod\n    def go(cls, path): return cls.root\ntool = C.go",
    "what calling a class does": "class M(type):\n    def __call__(cls, path): return VALUE\nclass C(metaclass=M):\n    'C.'\ntool = C",
    "a special name": "class C:\n    __root__ = VALUE\n    def go(self, path): return self.__root__\ntool = C().go",
    "a descriptor": "class D:\n    def __init__(self, root): self.root = root\n    def __get__(self, held, kind=None): return self.root\nclass C:\n    root = D(VALUE)\n    def go(self, path): return self.root\ntool = C().go",
    "a decorator that is a class": "class D:\n    def __init__(self, function): functools.update_wrapper(self, function)\n    def __get__(self, held, kind=None): return self\n    def __call__(self, path): return self.root\n@D\ndef tool(path): ...\ntool.root = VALUE",
    "a method for each type": "class C:\n    @functools.singledispatchmethod\n    def of(self, path): return VALUE\n    def go(self, path): return self.of(path)\ntool = C().go",
    "a class with the name of one of Python": "class C:\n    __module__, __qualname__ = 'profile', 'Profile'\n    root = VALUE\n    def go(self, path): return self.root\nimport profile\ntool = C().go",
    "a list of the class of an argument": "class A:\n    def __init__(self, path: str): self.path = path\n    def where(self): return self.roots\nimport pydantic\nclass A(pydantic.BaseModel):\n    path: str\nA.roots = [VALUE]\ndef tool(path: A): return path.roots",
}


@pytest.mark.parametrize("kind", CODE)
def test_a_value_counts_wherever_it_is_kept(kind: str) -> None:
    test, again, other = (digest(made(CODE[kind].replace("VALUE", repr(value)))) for value in ("TEST", "TEST", "PROD"))
    assert test == again
    assert test != other


def test_what_shows_the_class_of_another_object_is_no_function_itself() -> None:
    source = """
class Proxy:
    def __init__(self, function, root): self.function, self.root = function, root
    __class__ = property(lambda self: type(self.function))
    __get__ = lambda self, held, kind=None: self
    __getattr__ = lambda self, name: getattr(self.function, name)
    def __call__(self, path): return self.root
def tool(path): ...
tool = Proxy(tool, VALUE)"""
    test, other = (digest(made(source.replace("VALUE", repr(value)))) for value in ("TEST", "PROD"))
    assert test != other


def test_a_module_that_only_has_the_name_of_another_is_that_very_module() -> None:
    modules = [types.ModuleType("tested"), types.ModuleType("tested")]
    assert len({digest(closing_over(module)) for module in modules}) == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda value: DB(value).drop,
        lambda value: Slotted(value).drop,
        lambda value: Data(value).drop,
        lambda value: Model(name=value).drop,
        lambda value: Holder(value).drop,
        Wipe,
        Files,
        closing_over,
        decorated,
        partial,
        default,
        lambda value: partial([value]),
        lambda value: closing_over(Path(value)),
        lambda value: closing_over((1, frozenset({value}))),
        lambda value: closing_over(closing_over(value)),
        lambda value: made(f"def tool(path): return {value!r}"),
        lambda value: made(f"def tool(path): return [n for n in {{{value!r}, 'b'}} if n in ('x', 'y')]"),
        lambda value: made(f"class Tool:\n    'T.'\n    def __call__(self, path): return {value!r}\ntool = Tool()"),
        lambda value: made(f"class Tool:\n    root = {value!r}\n    def go(self, path): ...\ntool = Tool().go"),
    ],
)
def test_another_value_is_another_tool_and_the_same_value_the_same(make: Callable[[str], Any]) -> None:
    assert digest(make("TEST")) == digest(make("TEST"))
    assert digest(make("TEST")) != digest(make("PROD"))


def test_where_code_is_written_does_not_matter() -> None:
    below = compile("\n\n\ndef tool(path): return 1", "elsewhere.py", "exec")
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(below, scope)
    assert digest(scope["tool"]) == digest(made("def tool(path): return 1"))


def test_an_attribute_that_is_changed_later_is_another_tool() -> None:
    box = Files("/test")
    before = digest(box)
    box.root = "/PROD"
    assert digest(box) != before
    box.root = "/test"
    assert digest(box) == before


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ("a", b"a"), (0.0, -0.0), (None, ...), ((), "")])
def test_values_of_another_type_are_other_values(one: Any, other: Any) -> None:
    assert digest(closing_over(one)) != digest(closing_over(other))


@pytest.mark.parametrize(
    "make",
    [
        lambda: closing_over(threading.Lock()),
        lambda: closing_over([]),
        lambda: Connected(sqlite3.connect(":memory:")),
        lambda: made(
            "import threading\nclass T:\n    def go(self, path): ...\n    def __init__(self): self.l = threading.Lock()\ntool = T().go"
        ),
    ],
)
def test_what_cannot_be_described_is_that_very_object(make: Callable[[], Any]) -> None:
    tool = make()
    assert digest(tool) == digest(tool)
    assert digest(tool) != digest(make())


def test_an_object_that_is_gone_gives_its_place_to_no_other() -> None:
    seen = {digest(closing_over(threading.Lock())) for _ in range(50)}
    assert len(seen) == 50


def test_what_a_toolbox_holds_beside_its_constructor_s_arguments_and_cannot_be_described_is_left_out() -> None:
    def make() -> Files:
        box = Files("/test")
        box.lock = threading.Lock()  # type: ignore[attr-defined]
        box.log = []  # type: ignore[attr-defined]
        return box

    assert digest(make()) == digest(make())


def test_descriptions_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = ()
    for _ in range(5_000):
        deep = (deep,)
    for value in (endless, deep, "x" * 10_000_000, tuple(range(1_000_000)), 10**6_000, "\ud800"):
        tool = closing_over(value)
        assert digest(tool) == digest(tool)


def test_the_same_tool_is_the_same_in_another_process(tmp_path: Path) -> None:
    (tmp_path / "tools_of_identity.py").write_text(
        "import functools, llm_notebook as llm\n"
        "class Files(llm.Toolbox):\n"
        "    def __init__(self, root): self.root, self.names = root, {'x', 'y', 'zz'}\n"
        "    def delete(self, path: str): return {'a', 'b', 'c', path} & {'a', 'd', 'e'}\n"
        "def make(kinds):\n"
        "    def tool(path: str, *, mode='x'): return path in {'one', 'two', 'three', 'four'} and kinds\n"
        "    return tool\n"
        "tools = [Files('/r').tools()[0], make(frozenset('abcdef')), functools.partial(make(2.5), mode='y')]\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tools_of_identity as t\n"
        "from llm_notebook.tools.collecting import as_tools; from llm_notebook.approvals.identity import identify\n"
        "print([identify(as_tools([tool])[0]).digest for tool in t.tools])"
    )

    def run(seed: str) -> str:
        command = [sys.executable, "-c", code, str(tmp_path)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    assert run("1") == run("2")


def test_a_grant_covers_no_other_object_of_the_class(face: Face, tmp_path: Path) -> None:
    with llm.open_journal(tmp_path / "journal.db"):
        pause = pause_of(face, _asked(face, DB("TEST").drop))
        assert pause.paused is not None
        pause.paused.log.origin = Origin(session="here")
        pause.paused.settle(pause.request, "approved", scope="session")
        for name, runs in (("TEST", True), ("PROD", False)):
            chain = _asked(face, DB(name).drop)
            chain._chain.log.origin = Origin(session="here")
            if runs:
                assert face.text(chain) == "done"
            else:
                pause_of(face, chain)


def _redefined() -> Any:
    """Return a Toolbox of a class with the same name whose other method does something else."""

    class Files(llm.Toolbox):
        def __init__(self, root: str) -> None:
            self.root = root

        def delete(self, path: str) -> str:
            return self.root

        def look(self, path: str) -> str:
            return "another look"

    Files.__module__, Files.__qualname__ = __name__, "Files"
    return llm.require_approval(Files("/test"))


@pytest.mark.parametrize("how", ["attribute", "class", "name", "description", "schema", "package"])
def test_a_grant_ends_when_what_the_tool_is_changes(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Also where all that changes is the same object's attribute, its class, or a single word about it."""
    monkeypatch.setattr("importlib.metadata.version", lambda _: "1.0")
    box = llm.require_approval(Files("/test"))
    [tool] = box.tools()
    tool.plugin = "llm-tools-files" if how == "package" else None
    given: list[Any] = [box if how in ("attribute", "class") else tool]

    def chain(name: str = "Files_delete") -> Any:
        model = face.rounds(asks(llm.ToolCall(name, {"path": "a"}, "c1")), "done")
        made = model.chain("Hi", tools=given)
        made._chain.log.origin = Origin(session="here")
        return made

    with llm.open_journal(tmp_path / "journal.db"):
        pause = pause_of(face, chain())
        assert pause.paused is not None
        assert pause.paused.settle(pause.request, "approved", scope="session")
        assert face.text(chain()) == "done"
        name = "Files_delete"
        if how == "attribute":
            box.root = "/PROD"
        elif how == "class":
            given[:] = [_redefined()]
        elif how == "name":
            name = tool.name = "delete"
        elif how == "description":
            tool.description = "Look at a file."
        elif how == "schema":
            tool.input_schema = {**tool.input_schema, "title": "Look"}
        else:
            monkeypatch.setattr("importlib.metadata.version", lambda _: "1.1")
        again = pause_of(face, chain(name))
        assert again.request.arguments == {"path": "a"}
        facts = {one for one, digest in again.request.facts.items() if pause.request.facts[one] != digest}
        named = {"attribute": "state", "package": "plugin"}.get(how, how)
        assert facts - {"code"} == {named}


def _asked(face: Face, function: Any) -> Any:
    model = face.rounds(asks(llm.ToolCall("drop", {"table": "a"}, "c1")), "done")
    return model.chain("Hi", tools=[llm.require_approval(function)])


def test_what_changed_is_named_with_its_values(face: Face) -> None:
    box = llm.require_approval(Files("/test"))
    model = face.rounds(asks(llm.ToolCall("Files_delete", {"path": "a"}, "c1")), "done")
    pause = pause_of(face, model.chain("Hi", tools=[box]))
    assert "toolbox Files(root='/test')" in pause.request.origin
    box.root = "/PROD"
    assert pause.paused is not None
    anew = pause.paused.renew(pause.request)
    assert anew.changed == 'This was asked before. Since then what it runs with changed: root: "/test" → "/PROD".'
    assert 'with root = "/PROD"' in anew.origin
    with pytest.raises(ValueError, match="not what is asked any more"):
        pause.approve()
    # Looking again at what has not changed asks nothing new, and the sentence stays.
    assert pause.paused.renew(anew) == anew


def test_secrets_and_private_values_are_named_and_not_recorded(face: Face) -> None:
    class Client:
        def __init__(self, number: int) -> None:
            self.api_key = f"s3cret {number}"
            self._inner = f"s3cret {number}"
            self.address = f"https://ana:s3cret{number}@host"
            self.options = {"token": f"s3cret {number}"}

        def drop(self, table: str) -> None: ...

    client = Client(1)
    pause = pause_of(face, _asked(face, client.drop))
    client.api_key, client._inner = "s3cret 2", "s3cret 2"
    assert pause.paused is not None
    anew = pause.paused.renew(pause.request)
    assert anew.changed.endswith("changed: api_key: another value; _inner: another value.")
    assert "s3cret" not in json.dumps([pause.request.to_dict(), anew.to_dict()])


def test_a_tool_that_is_redefined_says_so(face: Face) -> None:
    source = "def tool(path: str): return {}"
    model = face.rounds(asks(llm.ToolCall("tool", {"path": "a"}, "c1")), "done")
    pause = pause_of(face, model.chain("Hi", tools=[llm.require_approval(made(source.format(1)))]))
    pause.approve()
    again = pause_of(face, pause.resume(tools=[made(source.format(2))]))
    assert again.request.changed == "You decided about this before. Since then its code changed."


FILE = '''ran = []
def wipe(path: str) -> str:
    """Wipe."""
    ran.append("really wiped " + path)
    return "x"
'''


def source_in(face: Face, tool: Any) -> dict[str, str]:
    pause = pause_of(
        face,
        face.rounds(asks(llm.ToolCall("wipe", {"path": "a"}, "c1"))).chain("Hi", tools=[llm.require_approval(tool)]),
    )
    assert pause.request.source is not None
    return pause.request.source


def test_the_source_shown_is_that_of_the_loaded_code(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / f"wiping_{'async' if face.is_async else 'sync'}.py"
    module.write_text(FILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    wipe = importlib.import_module(module.stem).wipe
    assert source_in(face, wipe) == {"title": "wipe", "code": FILE[FILE.index("def") :]}
    # Lines that move change nothing.
    _rewrite(module, "# A comment.\n\n\n" + FILE)
    assert source_in(face, wipe) == {"title": "wipe", "code": FILE[FILE.index("def") :]}
    _rewrite(module, FILE.replace('ran.append("really wiped " + path)', "pass"))
    source = source_in(face, wipe)
    assert "has changed since" in source["note"]
    assert "really wiped" in source["code"]


CELL = """import json

def wipe(path: str) -> str:
    return json.dumps(path)
"""


def test_the_source_of_a_function_is_shown_whose_cell_imports_what_it_calls(face: Face) -> None:
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    assert shell.run_cell(CELL).success
    assert source_in(face, shell.user_ns["wipe"]) == {"title": "wipe", "code": CELL[CELL.index("def") :]}


def _rewrite(module: Path, text: str) -> None:
    module.write_text(text)
    later = time.time() + 5 + len(text)
    os.utime(module, (later, later))


def test_the_source_of_a_decorator_is_shown_as_well(face: Face) -> None:
    code = source_in(face, llm.Tool.function(decorated("TEST"), name="wipe"))["code"]
    assert "def tool(path: str)" in code
    assert "What wraps it" in code
    assert 'if value == "TEST"' in code


def test_a_date_is_shown_as_iso_and_given_as_a_date(face: Face) -> None:
    got: list[Any] = []

    @llm.require_approval
    def book(on: datetime.date, ids: set[int], path: Path) -> None:
        got.append((on, ids, path))

    arguments = {"on": 1704067200, "ids": [3, "1", 1], "path": "/a"}
    model = face.rounds(asks(llm.ToolCall("book", arguments, "c1")), "done")
    pause = pause_of(face, model.chain("Hi", tools=[book]))
    assert pause.request.arguments == {"on": "2024-01-01", "ids": [1, 3], "path": "/a"}
    assert face.text(pause.approve()) == "done"
    assert got == [(datetime.date(2024, 1, 1), {1, 3}, Path("/a"))]
    # History keeps what the model wrote.
    [part] = [part for message in model.requests[-1].messages for part in message.parts if hasattr(part, "arguments")]
    assert part.arguments == arguments


_ARGUMENTS = """
import dataclasses
import functools
from typing import Annotated, Literal

import pydantic

@dataclasses.dataclass
class Place:
    root: str = "/test"

    def join(self, path):
        return self.root + path

@dataclasses.dataclass
class Job:
    path: str
    place: Place = dataclasses.field(default_factory=Place)

    def __post_init__(self):
        self.path = "/tmp/" + self.path

class Model(pydantic.BaseModel):
    path: str

    @pydantic.field_validator("path")
    @classmethod
    def _below(cls, path):
        return "/tmp/" + path

    @property
    def whole(self):
        return "/test" + self.path

def below(path):
    return "/tmp/" + path

class Made(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(str_to_lower=True)
    path: str = pydantic.Field(default_factory=lambda: "/made")

class Prefix:
    def __init__(self, root):
        self.root = root

    def __call__(self, path):
        return self.root + path

class Rooted:
    def __init__(self, root):
        self.root = root

    def __get_pydantic_core_schema__(self, source, handler):
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(lambda path: self.root + path, handler(source))

def joined(root, path):
    return root + path

def erase_made(made: Made): ...
def erase_default(path: Annotated[str, pydantic.Field(default_factory=lambda: "/made")]): ...
def erase_called(path: Annotated[str, pydantic.BeforeValidator(Prefix("/test"))]): ...
def erase_partial(path: Annotated[str, pydantic.BeforeValidator(functools.partial(joined, "/bound"))]): ...
def erase_rooted(path: Annotated[str, Rooted("/rooted")]): ...
def erase_job(job: Job): ...
def erase_jobs(jobs: list[Job] | None = None): ...
def erase_model(model: Model): ...
def erase_path(path: Annotated[str, pydantic.AfterValidator(below)]): ...
"""


def _arguments(name: str, before: str = "", after: str = "") -> dict[str, str]:
    """Return the facts about a tool whose argument types are those above, with something replaced."""
    names: dict[str, Any] = {"__name__": "__main__"}
    source = _ARGUMENTS.replace(before, after) if before else _ARGUMENTS
    exec(compile(source, "<cell>", "exec", dont_inherit=True), names)
    return identify(llm.Tool.function(names[name])).facts


@pytest.mark.parametrize(
    "name",
    [
        "erase_job",
        "erase_jobs",
        "erase_model",
        "erase_path",
        "erase_made",
        "erase_default",
        "erase_called",
        "erase_partial",
        "erase_rooted",
    ],
)
def test_the_same_types_of_arguments_defined_again_are_the_same(name: str) -> None:
    assert _arguments(name) == _arguments(name)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("erase_job", '"/tmp/" + self', '"/PROD/" + self'),
        ("erase_jobs", '"/tmp/" + self', '"/PROD/" + self'),
        ("erase_job", 'root: str = "/test"', 'root: str = "/PROD"'),
        ("erase_job", "self.root + path", "self.root + '/PROD' + path"),
        ("erase_model", '"/tmp/" + path', '"/PROD/" + path'),
        ("erase_model", '"/test" + self', '"/PROD" + self'),
        ("erase_made", '"/made"', '"/PROD"'),
        ("erase_made", "str_to_lower=True", "str_to_upper=True"),
        ("erase_default", '"/made"', '"/PROD"'),
        ("erase_called", 'Prefix("/test")', 'Prefix("/PROD")'),
        ("erase_called", "return self.root + path", "return '/PROD' + path"),
        ("erase_partial", '"/bound"', '"/PROD"'),
        ("erase_partial", "return root + path", "return '/PROD' + path"),
        ("erase_rooted", 'Rooted("/rooted")', 'Rooted("/PROD")'),
        ("erase_rooted", "lambda path: self.root + path", "lambda path: '/PROD' + path"),
        ("erase_path", 'def below(path):\n    return "/tmp/"', 'def below(path):\n    return "/PROD/"'),
    ],
)
def test_consent_is_to_the_code_that_makes_the_arguments(name: str, before: str, after: str) -> None:
    assert _arguments(name) != _arguments(name, before, after)


def test_a_tool_whose_type_of_argument_was_defined_anew_is_asked_about_anew(face: Face) -> None:
    paths: list[str] = []

    def tool(prefix: str) -> Any:
        @dataclasses.dataclass
        class Job:
            path: str

            def __post_init__(self) -> None:
                self.path = prefix + self.path

        def erase(job: Job) -> None:
            paths.append(job.path)

        erase.__annotations__["job"] = Job
        return llm.require_approval(erase)

    model = face.rounds(asks(llm.ToolCall("erase", {"job": {"path": "a"}}, "c1")), "done")
    pause = face.pause_of(model.chain("Hi", tools=[tool("/tmp/")]))
    pause.approve()
    again = face.pause_of(pause.resume([tool("/PROD/")]))
    assert paths == []
    assert "the types of its arguments" in again.request.changed
