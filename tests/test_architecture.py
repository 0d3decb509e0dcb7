"""Who may know whom, read from the imports, and what importing the package costs."""

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

# From the ground up: a module may import modules of the rows above its own, never of its own row or below.
CORE = [
    {
        "errors",
        "event_loop",
        "hooks",
        "identifiers",
        "options",
        "preparation",
        "runtime",
        "serialization",
        "signals",
        "signatures",
    },
    {"attachments", "folders", "server_side_tools", "tool_arguments", "tool_output"},
    {"files", "fragments", "parts", "schemas", "toolbox_state"},
    {"keys", "settings", "tools"},
    {"approvals", "naming", "tool_identities", "unresolved"},
    {"prompts"},
    {"assembly", "journals"},
    {"memory_journal", "record"},
    {"call_log"},
    {"tool_runs"},
    {"chain"},
    {"pauses"},
    {"drivers", "prompting", "response_base"},
    {"responses"},
    {"chain_responses"},
    {"conversations"},
    {"models"},
    {"embeddings", "templates"},
    {"plugins", "reopening"},
]
# Wire formats: bytes and values only.
WIRES = {
    "anthropic",
    "anthropic_messages",
    "anthropic_schema",
    "context_limits",
    "decoding",
    "dialects",
    "gemini",
    "gemini_messages",
    "ollama",
    "openai_chat",
    "openai_messages",
    "openai_responses",
    "openai_responses_input",
    "retries",
    "sse",
    "wire",
}
WIRES_MAY_KNOW = {"errors", "identifiers", "options", "parts", "prompts", "tools"}
TRANSCRIPT_MAY_KNOW = {"approvals", "assembly", "errors", "journals", "parts", "prompts", "tools"}
JOURNAL_MAY_KNOW = TRANSCRIPT_MAY_KNOW - {"assembly"} | {"attachments", "files", "folders", "identifiers"}
# The third-party and heavy modules that only one place may know.
HOMES = {
    "llm": ("bridge",),
    "mcp": ("mcp_client",),
    "mcp_types": ("mcp_client",),
    "httpx2": ("mcp_client",),
    "httpx": ("providers.transport",),
    "sqlite3": ("journal",),
    "xllamacpp": ("providers",),
    "yaml": ("providers.endpoints", "templates"),
    "filelock": ("files", "journal", "providers.weights"),
    "IPython": ("notebook",),
    "anywidget": ("notebook",),
    "comm": ("notebook",),
    "ipywidgets": ("notebook",),
    "ipykernel": ("notebook",),
    "traitlets": ("notebook",),
}
IO_MODULES = {
    "asyncio",
    "http",
    "io",
    "os",
    "pathlib",
    "select",
    "shutil",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "urllib",
}
HEAVY = {
    "IPython",
    "ipywidgets",
    "httpx",
    "sqlite3",
    "ssl",
    "pydantic",
    "yaml",
    "platformdirs",
    "filelock",
    "llm",
    "mcp",
    "email",
    "logging",
    "zipfile",
}


@dataclass(frozen=True)
class Import:
    """One import of one name, and where it stands."""

    module: str
    line: int
    in_function: bool
    for_types: bool


class Imports(ast.NodeVisitor):
    """Collects the imports of a module, submodules of packages by their full name."""

    def __init__(self) -> None:
        self.found: list[Import] = []
        self._functions = 0
        self._type_checks = 0

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  the visitor's name

    def visit_If(self, node: ast.If) -> None:
        is_check = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        self._type_checks += is_check
        for child in node.body:
            self.visit(child)
        self._type_checks -= is_check
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, "imports are absolute"
        assert node.module is not None
        folder = PACKAGE.parent.joinpath(*node.module.split("."))
        for alias in node.names:
            is_module = (folder / f"{alias.name}.py").is_file() or (folder / alias.name).is_dir()
            self._add(f"{node.module}.{alias.name}" if is_module else node.module, node)

    def _add(self, module: str, node: ast.stmt) -> None:
        self.found.append(Import(module, node.lineno, self._functions > 0, self._type_checks > 0))


@functools.cache
def modules() -> dict[str, Path]:
    """Every module of the package, named from inside it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports(module: str) -> tuple[Import, ...]:
    visitor = Imports()
    visitor.visit(ast.parse(modules()[module].read_text(encoding="utf-8")))
    return tuple(visitor.found)


def own_imports(module: str) -> Iterator[tuple[str, Import]]:
    """The imports of modules of the package, named from inside it; not those for type annotations."""
    for found in imports(module):
        if found.module.split(".")[0] == NAME and not found.for_types:
            yield found.module.removeprefix(NAME).removeprefix("."), found


def core_modules() -> list[str]:
    return [module for module in modules() if module and "." not in module and modules()[module].name != "__init__.py"]


def row_of(module: str) -> int:
    rows = [number for number, row in enumerate(CORE) if module in row]
    assert rows, f"{module} has no row in CORE: give it one"
    return rows[0]


@pytest.mark.parametrize("module", [module for module in core_modules() if module not in ("registry", "runtime")])
def test_the_core_is_built_from_the_ground_up(module: str) -> None:
    for known, found in own_imports(module):
        row = row_of(known) if "." not in known else len(CORE)
        assert row < row_of(module), f"{module} line {found.line} imports {known}"


def test_the_registry_alone_joins_core_and_providers() -> None:
    joining = {module for module in core_modules() for known, _ in own_imports(module) if known.startswith("providers")}
    assert joining <= {"registry", "runtime"}


def test_the_runtime_loads_what_it_hands_out_only_when_asked() -> None:
    assert [found for _, found in own_imports("runtime") if not found.in_function] == []


@pytest.mark.parametrize("module", sorted(WIRES))
def test_wire_formats_do_no_io(module: str) -> None:
    for known, found in own_imports(f"providers.{module}"):
        home, _, name = known.rpartition(".")
        allowed = name in WIRES if home == "providers" else known in WIRES_MAY_KNOW
        assert allowed, f"{module} line {found.line} imports {known}"
    for found in imports(f"providers.{module}"):
        assert found.module.split(".")[0] not in IO_MODULES, f"{module} line {found.line} imports {found.module}"
    source = modules()[f"providers.{module}"].read_text(encoding="utf-8")
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert not {"open", "print", "input", "time.sleep", "sleep"} & set(calls)


def test_the_transcript_knows_values_only() -> None:
    for module in modules():
        if module.startswith("transcript"):
            for known, found in own_imports(module):
                assert known.startswith("transcript") or known in TRANSCRIPT_MAY_KNOW, f"{module} line {found.line}"


def test_the_journal_knows_values_and_files_only() -> None:
    for module in modules():
        if module.split(".")[0] == "journal":
            for known, found in own_imports(module):
                assert known.split(".")[0] == "journal" or known in JOURNAL_MAY_KNOW, f"{module} line {found.line}"


def test_only_the_runtime_opens_the_journal() -> None:
    opening = {module for module in modules() for known, _ in own_imports(module) if known.split(".")[0] == "journal"}
    assert {module for module in opening if module.split(".")[0] != "journal"} == {"runtime"}


def test_nobody_knows_the_notebook() -> None:
    for module in modules():
        if module and not module.startswith("notebook"):
            for found in imports(module):
                assert not found.module.startswith(f"{NAME}.notebook"), f"{module} line {found.line}"
    assert {found.module for found in imports("") if "notebook.magics" in found.module and found.in_function}


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_has_one_home(library: str) -> None:
    for module in modules():
        for found in imports(module):
            if found.module.split(".")[0] == library and not found.for_types:
                assert module.startswith(HOMES[library]), f"{module} line {found.line} imports {library}"


def test_imports_inside_functions_say_why() -> None:
    unexplained = []
    for module, path in modules().items():
        lines = path.read_text(encoding="utf-8").splitlines()
        for found in imports(module):
            reason = re.search(r"# noqa: PLC0415\W+(\w.*)", lines[found.line - 1])
            if found.in_function and reason is None:
                unexplained.append(f"{path.name}:{found.line}")
    assert unexplained == []


def test_every_module_says_its_job_in_one_line_and_is_short() -> None:
    for path in modules().values():
        source = path.read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(source))
        assert docstring, f"{path} has no docstring"
        assert docstring.splitlines()[0].rstrip()[-1] in ".:", f"{path}: the first line is no sentence"
        assert len(source.splitlines()) <= 400, f"{path} is too long"


def test_no_value_at_module_level_can_be_changed_by_accident() -> None:
    for module in core_modules():
        tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)], f"{module} has a global statement"


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


def test_a_whole_prompt_over_http_loads_no_notebook() -> None:
    statements = """
import llm_notebook as llm
try: llm.OpenAIChat('m', base_url='http://127.0.0.1:9/v1', max_retries=0).prompt('x').text()
except llm.TransportError: pass
"""
    loaded = names_after(statements)
    assert "httpx" in loaded
    assert loaded & {"IPython", "ipywidgets", "traitlets", "sqlite3"} == set()


def type_checking_names() -> set[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        f"{statement.module}.{alias.asname or alias.name}"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


# Code written for the API that ours is made after finds these names.
API = """
get_model get_async_model get_models get_async_models get_models_with_aliases set_alias remove_alias get_default_model
set_default_model get_key user_dir get_tools get_plugins get_template_loaders get_fragment_loaders schema_dsl hookimpl
user assistant system tool_message
Model KeyModel AsyncModel AsyncKeyModel ModelWithAliases Options Conversation AsyncConversation Response AsyncResponse
ChainResponse AsyncChainResponse Prompt Message StreamEvent TextPart ReasoningPart ToolCallPart ToolResultPart AttachmentPart
Attachment Fragment Tool Toolbox ToolCall ToolResult ToolOutput ServerSideTool Template Usage
ModelError NeedsKeyException UnknownModelError ConversationNotSupported CancelToolCall PauseChain
EmbeddingModel get_embedding_model get_embedding_models
"""


def test_the_names_of_the_api_are_there() -> None:
    assert set(API.split()) - set(llm_notebook.__all__) == set()


@pytest.mark.parametrize("name", llm_notebook.__all__)
def test_help_lists_every_name(name: str) -> None:
    assert re.search(rf"\b{name}\b", llm_notebook.__doc__ or "")


@pytest.mark.parametrize("name", ["errors", "models", "parts", "plugins", "serialization", "templates", "tools"])
def test_a_public_submodule_is_an_attribute_from_the_start(name: str) -> None:
    script = f"import llm_notebook as llm; print(llm.{name}.__name__, {name!r} in dir(llm))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [f"llm_notebook.{name}", "True"]


def test_the_lists_of_public_names_agree() -> None:
    homes = {f"{NAME}.{module}.{name}" for module, names in llm_notebook._HOMES.items() for name in names}
    submodules = {f"{NAME}.{name}" for name in llm_notebook._SUBMODULES}
    assert type_checking_names() == homes | submodules
    assert sorted(llm_notebook.__all__) == sorted(name.rpartition(".")[2] for name in homes)
    assert set(llm_notebook.__all__) <= set(dir(llm_notebook))


@pytest.mark.parametrize("name", llm_notebook.__all__)
def test_a_public_name_can_be_imported_and_is_documented(name: str) -> None:
    value = getattr(llm_notebook, name)
    home = importlib.import_module(f"{NAME}.{llm_notebook._HOME_OF[name]}")
    assert getattr(home, name) is value
    assert name in home.__all__
    assert inspect.getdoc(value)
    assert not (inspect.getdoc(value) or "").startswith(f"{name}(")


def test_no_public_name_is_a_submodule_or_a_builtin() -> None:
    submodules = {module.split(".")[0] for module in modules() if module}
    assert set(llm_notebook.__all__) & submodules == set()
    assert set(llm_notebook.__all__) & set(dir(__import__("builtins"))) == set()


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'get_modle'"):
        _ = llm_notebook.get_modle  # type: ignore[attr-defined]
