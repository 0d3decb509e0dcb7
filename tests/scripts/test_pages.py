"""The pages of documentation: links lead somewhere, names exist, everything is named, and Python examples run."""

from __future__ import annotations

import ast
import asyncio
import atexit
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from llm_notebook.notebook.commands.forms import FORMS
from llm_notebook.notebook.commands.grammar import parse_subcommand
from llm_notebook.notebook.line.options import documented
from tests.fakes.openai_server import OpenAIServer, Reply, Request

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
NAMED = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md", ROOT / "docs" / "development.md"]
RUN = ["README.md", "docs/journal.md", "docs/providers.md", "docs/python-api.md", "docs/tools-and-approvals.md"]
# Options of subcommands, which the parser of prompts does not know.
OF_SUBCOMMANDS = {"-q", "--options", "--schemas", "--tools", "--all", "--sha256"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def blocks_in(text: str) -> list[tuple[str, str]]:
    """Return the blocks of code in a page, each with its language."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def code_in(text: str) -> list[str]:
    """Return the code of a page: its blocks, and what stands between backquotes."""
    return [*(block for _, block in blocks_in(text)), *re.findall(r"`([^`\n]+)`", without_code(text))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    }
    assert {name_of(page) for page in PAGES} - {name_of(page) for page in PAGES if page in linked} == {"README.md"}


def test_the_page_on_magics_names_every_option_and_no_other() -> None:
    @documented
    def magic(line: str) -> None:
        """Do nothing; the test needs only the parser."""

    options = {name for action in magic.parser._actions for name in action.option_strings}
    page = (ROOT / "docs" / "magics.md").read_text(encoding="utf-8")
    named = {word for code in code_in(page) for word in re.findall(r"(?<![\w/-])--?[A-Za-z][\w-]*", code)}
    assert options - named == set()
    # The page shows one option joined to its value, and two flags joined to each other.
    assert named - options == OF_SUBCOMMANDS | {"-cu", "-mgpt-5-mini"}


def test_the_page_on_magics_names_every_subcommand_and_no_other() -> None:
    known = set(FORMS)
    page = (ROOT / "docs" / "magics.md").read_text(encoding="utf-8")
    lines = [line for code in code_in(page) for line in re.findall(r"^%llm [a-z].*", code, re.MULTILINE)]
    words = {line.split()[1] for line in lines}
    assert words == known
    for line in lines:
        if line not in ("%llm models of cars", "%llm act", "%llm NAME?"):
            # A word in capitals is a placeholder for one that the user chooses; an ID contains a digit.
            typed = re.sub(r"\bID\b", "5q7w2x1k", line.removeprefix("%llm ")).replace("help NAME", "help models")
            assert parse_subcommand(typed) is not None, line


@pytest.mark.parametrize("page", NAMED, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    spans = re.findall(r"`([^`\n]+)`", without_code(page.read_text(encoding="utf-8")))
    paths = [span for span in spans if re.fullmatch(r"[\w.-]+(/[\w.-]*)+|\w+\.py", span)]
    assert paths
    missing = [path for path in paths if not (ROOT / path).exists() and not (ROOT / "llm_notebook" / path).exists()]
    assert missing == []


class Model(OpenAIServer):
    """Answers every prompt: with a call if there are tools, with JSON if there is a schema, otherwise with text."""

    def next_reply(self, request: Request) -> Reply:
        super().next_reply(request)
        asked = request.json()
        message: dict[str, Any] = {"role": "assistant", "content": "Pelle, Pouch and Percival."}
        finish = "stop"
        if asked.get("tools") and asked["messages"][-1]["role"] != "tool":
            function = asked["tools"][0]["function"]
            arguments = dict.fromkeys(function["parameters"]["properties"], "/tmp/old")
            call = {"name": function["name"], "arguments": json.dumps(arguments)}
            message = {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]}
            finish = "tool_calls"
        elif "response_format" in asked:
            message["content"] = '{"name": "Rex", "age": 3, "bio": "Good."}'
        choice = {"index": 0, "message": message, "finish_reason": finish}
        if not asked.get("stream"):
            return Reply.of_json({"choices": [choice]})
        for index, made in enumerate(message.get("tool_calls", [])):
            made["index"] = index
        chunk = json.dumps({"choices": [{"index": 0, "delta": message, "finish_reason": finish}]})
        return Reply([f"data: {chunk}\n\ndata: [DONE]\n\n".encode()])


@pytest.fixture
def models(isolated: Path) -> Iterator[Model]:
    """The models that the pages use, on a local server."""
    server = Model()
    settings = {"api_base": server.base_url, "supports_tools": True, "supports_schema": True}
    folder = isolated / "llm"
    folder.mkdir(exist_ok=True)
    entries = [{"model_id": name, **settings} for name in ("smollm2", "gpt-5-mini")]
    (folder / "extra-openai-models.yaml").write_text(json.dumps(entries), encoding="utf-8")
    yield server
    server.stop()


@pytest.mark.parametrize("name", RUN)
def test_python_examples_run(name: str, models: Model, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [block for kind, block in blocks_in((ROOT / name).read_text(encoding="utf-8")) if kind == "python"]
    assert blocks

    async def run() -> None:
        names: dict[str, Any] = {"__name__": "__main__"}
        for block in blocks:
            code = compile(block, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            outcome = eval(code, names)
            if inspect.isawaitable(outcome):
                await outcome

    asyncio.run(run())
    assert models.requests or name == "docs/providers.md"


def test_the_magics_in_the_readme_are_understood(models: Model) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    cells = [block for _, block in blocks_in(text) if block.startswith("%%llm")]
    assert len(cells) == 3
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    shell.run_cell("%load_ext llm_notebook", silent=True)
    shell.run_cell("def delete_files(path: str): ...\ndf = [{'text': 'late'}]", silent=True)
    for cell in cells:
        shell.run_cell(cell).raise_error()
    shell.run_cell("%unload_ext llm_notebook", silent=True)
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()
    assert [request.json()["model"] for request in models.requests] == ["smollm2", *["gpt-5-mini"] * 3]
