"""The house: which room may know which, where each library lives, what loading costs, and what the package's names are."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import llm_notebook

PACKAGE = Path(llm_notebook.__file__).parent
NAME = PACKAGE.name

# From the ground up: a room knows the rooms of the rows above its own, and nobody else.
ROOMS = [
    ["public_names"],
    ["serialization"],
    ["parts"],
    ["errors"],
    ["configuration"],
    ["objects"],
    ["tools", "templates"],
    ["answers"],
    ["approvals"],
    ["journal"],
    ["turns", "transcript"],
    ["models"],
    ["plugins"],
    ["providers"],
    ["rows", "toolboxes"],
    ["notebook", "server"],
]
ROW = {room: number for number, row in enumerate(ROOMS) for room in row}
# Wire formats: bytes and values only.
WIRES = re.compile(
    r"providers\.\w+\.(\w+_)?(requests|answers|schemas)|providers\.openai\.dialects"
    r"|providers\.http\.(answers\.\w+|encoding|errors|retries|wire)"
)
WIRES_KNOW = r"errors|configuration\.scrubbing|serialization|parts|tools|turns\.prompt|providers\.\w+\.options"
TRANSCRIPT_KNOWS = re.compile(
    r"transcript\b|parts\b|errors$|answers\.columns$|approvals\.(requests|running)$|journal\.(grants|operations)$|tools\.calls$"
)
# The third-party and heavy modules that only one place may know.
HOMES = {
    "llm": r"plugins\.llm_package",
    "mcp": r"plugins\.mcp",
    "mcp_types": r"plugins\.mcp",
    "httpx2": r"plugins\.mcp",
    "httpx": r"providers\.http\.(sockets\.(connections|dialogue|direct|async_direct|proxied|requests)|transport|exchange|documents\.fetching)$",
    "httpcore": r"providers\.http\.sockets\.(dialogue|direct|async_direct|proxied|asyncio_streams|socket_streams)$",
    "httptools": r"providers\.http\.sockets\.dialogue$",
    "sqlite3": r"journal\.sqlite",
    "xllamacpp": r"providers\.local",
    "yaml": r"providers\.endpoints$|templates",
    "filelock": r"configuration\.files$|journal\.sqlite|providers\.local",
    **dict.fromkeys(["IPython", "anywidget", "comm", "ipywidgets", "ipykernel", "traitlets"], r"notebook"),
}
IO_MODULES = {*"asyncio http io os pathlib select shutil socket ssl subprocess threading urllib".split()}
HEAVY = {
    *"IPython ipywidgets httpx sqlite3 ssl pydantic yaml platformdirs filelock llm mcp email logging zipfile".split()
}


@dataclass(frozen=True)
class Import:
    """One import: who imports what, by its full name, and where it stands."""

    importer: str
    module: str
    line: int
    in_function: bool
    for_types: bool

    @property
    def own(self) -> str:
        """The name from inside the package; empty for another package's module."""
        return self.module.removeprefix(f"{NAME}.") if self.module.startswith(f"{NAME}.") else ""

    def __str__(self) -> str:
        return f"{self.importer} line {self.line} imports {self.module}"


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of the package, named from inside it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_in(node: ast.AST, importer: str, in_function: bool = False, for_types: bool = False) -> Iterator[Import]:
    """The imports in a piece of code; those of submodules by the submodule's name."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        is_check = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from imports_in(child, importer, in_function or is_function, for_types or is_check)
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            for alias in child.names:
                full = f"{child.module}.{alias.name}"
                module = full if full.removeprefix(f"{NAME}.") in modules() else str(child.module)
                yield Import(importer, module, child.lineno, in_function, for_types)
        elif isinstance(child, ast.Import):
            yield from (Import(importer, alias.name, child.lineno, in_function, for_types) for alias in child.names)


@functools.cache
def imports() -> tuple[Import, ...]:
    """Every import of every module, those in functions and those for type checkers included."""
    return tuple(
        found
        for module, path in modules().items()
        for found in imports_in(ast.parse(path.read_text(encoding="utf-8")), module)
    )


def test_every_room_has_a_row() -> None:
    assert {module.split(".")[0] for module in modules() if module} <= set(ROW)


def test_a_room_knows_only_rooms_below_its_own() -> None:
    for found in imports():
        room, known = found.importer.split(".")[0], found.own.split(".")[0]
        if room and known and room != known:
            assert ROW[known] < ROW[room], str(found)


def test_the_package_itself_loads_only_what_costs_nothing() -> None:
    at_once = {found.own for found in imports() if not (found.importer or found.in_function or found.for_types)}
    assert at_once - {""} == {"configuration.process", "public_names"}


def test_nothing_but_the_process_container_can_change_at_module_level() -> None:
    holding = []
    for module, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)], f"{module} has a global statement"
        values = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        made = {ast.unparse(value.func) for value in values if isinstance(value, ast.Call)}
        holding += [module for name in made if name in ("Process", "dict", "list", "set", "defaultdict", "deque")]
    assert holding == ["configuration.process"]


@pytest.mark.parametrize("module", [module for module in modules() if WIRES.fullmatch(module)])
def test_wire_formats_do_no_io(module: str) -> None:
    for found in imports():
        if found.importer == module:
            assert found.module.split(".")[0] not in IO_MODULES, str(found)
            allowed = WIRES.fullmatch(found.own) or not found.own or re.match(WIRES_KNOW, found.own)
            assert allowed, str(found)
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(modules()[module].read_text())) if is_call(node)]
    assert not {"open", "print", "input", "time.sleep", "sleep"} & set(calls)


def is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def test_the_transcript_knows_values_only() -> None:
    for found in imports():
        if found.importer.startswith("transcript") and found.own and not found.for_types:
            assert TRANSCRIPT_KNOWS.match(found.own), str(found)


def test_only_the_current_journal_opens_the_file() -> None:
    opening = {found.importer for found in imports() if found.own.startswith("journal.sqlite")}
    assert {module for module in opening if not module.startswith("journal.sqlite")} == {"journal.current"}


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_has_one_home(library: str) -> None:
    for found in imports():
        if found.module.split(".")[0] == library and not found.for_types:
            assert re.match(HOMES[library], found.importer) or not found.importer, str(found)


def test_imports_inside_functions_say_why() -> None:
    lines = {module: path.read_text(encoding="utf-8").splitlines() for module, path in modules().items()}
    late = [found for found in imports() if found.in_function]
    assert [str(found) for found in late if not re.search(r"  # \w", lines[found.importer][found.line - 1])] == []


def test_every_module_says_its_job_in_one_line_and_is_short() -> None:
    for path in modules().values():
        source = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(source))
        assert docstring, f"{path} has no docstring"
        assert docstring.splitlines()[0].rstrip()[-1] in ".:", f"{path}: the first line is no sentence"
        assert len(source.splitlines()) <= 400, f"{path} is too long"


def names_after(statements: str) -> set[str]:
    """The top-level names of the modules that a fresh interpreter has loaded after running the statements."""
    script = (
        f"{statements}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, cwd=PACKAGE.parent
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statements",
    [
        "import llm_notebook",
        "import llm_notebook as llm; llm.get_model('smollm2')",
        "import llm_notebook as llm; llm.get_async_model()",
        "import llm_notebook as llm; llm.OpenAIChat('m', base_url='http://localhost:1/v1'); llm.Message; llm.Response",
    ],
)
def test_importing_and_getting_a_model_loads_nothing_heavy(statements: str) -> None:
    assert names_after(statements) & HEAVY == set()


def test_a_tool_loop_in_plain_code_loads_no_event_loop() -> None:
    statements = """
import llm_notebook as llm
class Once(llm.Model):
    model_id, supports_tools = "once", True
    def execute(self, prompt, stream, response, conversation):
        if len(prompt.messages) == 1:
            response.add_tool_call(llm.ToolCall("look", {}, "1"))
        yield "x"
def look() -> str: return "seen"
assert Once().chain("Hi", tools=[look]).text() == "x x"
"""
    assert names_after(statements) & {"asyncio", "ssl"} == set()


def test_getting_a_model_loads_nothing_that_only_a_prompt_needs() -> None:
    script = (
        "import llm_notebook as llm, sys; llm.get_model('gpt-4o-mini')\n"
        "print({name.split('.')[1] for name in sys.modules if name.startswith('llm_notebook.')})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert {"approvals", "journal", "turns"} & ast.literal_eval(done.stdout) == set()


def test_loading_the_extension_loads_nothing_that_only_a_prompt_needs() -> None:
    statements = (
        "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance(); "
        "shell.run_cell('%load_ext llm_notebook'); shell.run_line_magic('config', 'LLMMagics.context = \"above\"'); import sys; "
        "print({name.split('.')[1] for name in sys.modules if name.startswith('llm_notebook.')})"
    )
    ran = subprocess.run([sys.executable, "-c", statements], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(ran.stdout.splitlines()[-1])
    assert "notebook" in loaded
    assert loaded & {"models", "providers", "plugins", "objects", "parts", "tools", "templates", "approvals"} == set()


def test_a_whole_prompt_over_http_loads_no_notebook() -> None:
    statements = """
import llm_notebook as llm
try: llm.OpenAIChat('m', base_url='http://127.0.0.1:9/v1', max_retries=0).prompt('x').text()
except llm.TransportError: pass
"""
    loaded = names_after(statements)
    assert "httpx" in loaded
    assert loaded & {"IPython", "ipywidgets", "traitlets", "sqlite3"} == set()


# Code written for the API that ours is made after finds these names.
API = """
get_model get_async_model get_models get_async_models get_models_with_aliases set_alias remove_alias get_default_model
set_default_model get_key user_dir get_tools get_plugins get_template_loaders get_fragment_loaders schema_dsl hookimpl
user assistant system tool_message
Model KeyModel AsyncModel AsyncKeyModel ModelWithAliases Options Conversation AsyncConversation Response AsyncResponse
ChainResponse AsyncChainResponse Prompt Message StreamEvent TextPart ReasoningPart ToolCallPart ToolResultPart AttachmentPart
Attachment Fragment Tool Toolbox ToolCall ToolResult ToolOutput ServerSideTool Template Usage
ModelError NeedsKeyException UnknownModelError ConversationNotSupported CancelToolCall PauseChain
EmbeddingModel EmbeddingModelWithAliases get_embedding_model get_embedding_models get_embedding_models_with_aliases
get_embedding_model_aliases get_default_embedding_model set_default_embedding_model get_model_aliases get_async_model_aliases
load_keys cosine_similarity encode decode
"""
SUBMODULES = ["errors", "models", "parts", "plugins", "serialization", "templates", "tools"]


def test_the_names_of_the_api_are_there() -> None:
    assert set(API.split()) - set(llm_notebook.__all__) == set()
    assert {*llm_notebook.__all__, *SUBMODULES} <= set(dir(llm_notebook))


@pytest.mark.parametrize("name", llm_notebook.__all__)
def test_help_lists_every_name(name: str) -> None:
    assert re.search(rf"\b{name}\b", llm_notebook.__doc__ or "")


@pytest.mark.parametrize("name", SUBMODULES)
def test_a_public_submodule_is_an_attribute_from_the_start(name: str) -> None:
    script = f"import llm_notebook as llm; print(llm.{name}.__name__, {name!r} in dir(llm))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [f"llm_notebook.{name}", "True"]


@pytest.mark.parametrize("package", ["", ".models", ".parts", ".plugins", ".templates", ".tools"])
def test_public_names_can_be_imported_from_where_they_are_defined(package: str) -> None:
    face = importlib.import_module(f"{NAME}{package}")
    blocks = [found for found in imports() if found.importer == package.strip(".") and found.for_types and found.own]
    homes = [importlib.import_module(found.module) for found in blocks]
    for name in face.__all__:
        value = getattr(face, name)
        assert [home for home in homes if name in getattr(home, "__all__", ()) and getattr(home, name) is value], name


@pytest.mark.parametrize("name", llm_notebook.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    documentation = inspect.getdoc(getattr(llm_notebook, name))
    assert documentation
    assert not documentation.startswith(f"{name}(")


def test_names_are_there_without_the_source(tmp_path: Path) -> None:
    copy = tmp_path / "package"
    copy.mkdir()
    (copy / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\nfrom llm_notebook.public_names import load_lazily\n"
        "if TYPE_CHECKING or not load_lazily(globals()):\n    from llm_notebook.parts import TextPart as TextPart\n"
    )
    script = "import compileall; compileall.compile_dir('package', legacy=True)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    (copy / "__init__.py").unlink()
    script = "import package; print(package.TextPart('x').text, package.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout.split()[0] == "x"
    assert done.stdout.split()[1].endswith(".pyc")


def test_no_public_name_is_a_submodule_or_a_builtin() -> None:
    submodules = {module.split(".")[0] for module in modules() if module}
    assert set(llm_notebook.__all__) & submodules == set()
    assert set(llm_notebook.__all__) & set(dir(__import__("builtins"))) == set()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'get_modle'"):
        _ = llm_notebook.get_modle  # type: ignore[attr-defined]
