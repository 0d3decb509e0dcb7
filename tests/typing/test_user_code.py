"""The types that users see, as mypy and pyright see them: in code like theirs, and when hovering over the examples of our pages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
USER_CODE = Path(__file__).with_name("user_code.py")
EXAMPLE = """
import llm_notebook as llm

@llm.require_approval
def delete_files(path: str) -> str:
    return path

model = llm.get_model("gpt-5-mini")
"""


WRONG = "import llm_notebook as llm\nllm.get_model(5)\nx: int = llm.get_model().prompt('x').text()\n"
# For each example the page, a line of it, and the types that a reader sees who hovers over these expressions.
HOVERED = [
    ("README.md", "for chunk in model.prompt", {"model": "Model | KeyModel", "chunk": "str"}),
    (
        "docs/tools-and-approvals.md",
        "print(pause.approve().text())",
        {
            "pause.request": "ApprovalRequest",
            "pause.request.arguments": "dict[str, Any]",
            "pause.approve()": "ChainResponse",
            "pause.approve().text()": "str",
            "model.chain('Hi')": "ChainResponse",
        },
    ),
    (
        "docs/python-api.md",
        "conversation = model.conversation()",
        {
            "conversation": "Conversation",
            "conversation.model": "Model | KeyModel",
            "conversation.responses": "list[Response]",
        },
    ),
]


def mypy(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The errors that mypy finds in a file, without this project's configuration."""
    monkeypatch.chdir(ROOT)
    said, trouble, _ = api.run(["--strict", "--config-file=", "--follow-imports=silent", str(path)])
    assert trouble == ""
    return [line for line in said.splitlines() if ": error:" in line]


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """What pyright says, by the name of the file: errors, and what `reveal_type` reveals. It starts slowly, so it reads all files at once."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "wrong.py").write_text(WRONG)
    for number, (page, beginning, hovered) in enumerate(HOVERED):
        code = example(page, beginning)
        last = code.rstrip().splitlines()[-1]
        indent = last[: len(last) - len(last.lstrip())]
        revealed = "".join(f"{indent}reveal_type({what})\n" for what in hovered)
        (folder / f"example{number}.py").write_text(EXAMPLE + code + revealed)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    files = [str(USER_CODE), *map(str, sorted(folder.iterdir()))]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False, timeout=240, cwd=ROOT)
    said: dict[str, list[dict[str, str]]] = {Path(file).name: [] for file in files}
    for found in json.loads(done.stdout)["generalDiagnostics"]:
        said[Path(found["file"]).name].append(found)
    return said


def test_user_code_has_the_promised_types(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mypy(USER_CODE, monkeypatch) == []


def test_user_code_has_the_promised_types_for_pyright(pyright: dict[str, list[dict[str, str]]]) -> None:
    assert [found["message"] for found in pyright["user_code.py"] if found["severity"] == "error"] == []


def test_mistakes_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pyright: dict[str, list[dict[str, str]]]
) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG)
    assert [re.findall(r"\[([a-z-]+)\]$", error) for error in mypy(wrong, monkeypatch)] == [
        ["arg-type"],
        ["assignment"],
    ]
    assert [found["rule"] for found in pyright["wrong.py"]] == ["reportArgumentType", "reportAssignmentType"]


def example(page: str, beginning: str) -> str:
    """The Python block of a page that begins with a line."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if beginning in block]
    return str(block)


@pytest.mark.parametrize("number", range(len(HOVERED)))
def test_hovering_over_an_example_shows_what_a_reader_expects(
    number: int, pyright: dict[str, list[dict[str, str]]]
) -> None:
    said = [found["message"] for found in pyright[f"example{number}.py"]]
    assert [re.findall(r'is "(.*)"$', message) for message in said] == [
        [shown] for shown in HOVERED[number][2].values()
    ]
