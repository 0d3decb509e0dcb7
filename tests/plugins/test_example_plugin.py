"""The example plugin is installed with pip and used as a user would, and the page on writing plugins quotes it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import running_kernel

ROOT = Path(__file__).parents[2]
PLUGIN = Path(__file__).parent / "example_plugin"
Told = Callable[[str], Any]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example plugin with pip and return the folder it was installed into."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder), str(PLUGIN)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def told(installed: Path) -> Told:
    """Return a function that runs statements where the plugin is installed, with warnings as errors, and returns their `told`."""

    def run(statements: str) -> Any:
        script = f"import json, llm_notebook as llm\n{textwrap.dedent(statements)}\nprint(json.dumps(told))"
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_it_is_listed_with_its_version_and_hooks(told: Told) -> None:
    (plugin,) = told("told = [one for one in llm.get_plugins() if one['name'] == 'llm-notebook-almanac']")
    assert plugin["version"] == "0.1"
    assert len(plugin["hooks"]) == 6


def test_the_lists_of_a_notebook_have_what_it_adds_with_how_to_use_it(told: Told) -> None:
    shown = told(
        """
        import contextlib, io
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell()
        shell.run_cell("%load_ext llm_notebook")
        told = {}
        for name in ("plugins", "tools", "templates", "fragments"):
            with contextlib.redirect_stdout(io.StringIO()) as written:
                shell.run_cell(f"%llm {name}")
            told[name] = " ".join(written.getvalue().split())
        """
    )
    assert "llm-notebook-almanac 0.1" in shown["plugins"]
    assert "register_" not in shown["plugins"]
    for kind in ("models", "tools", "templates", "fragments", "objects"):
        assert kind in shown["plugins"].split("llm-notebook-almanac")[1], shown["plugins"]
    assert "%%llm -T moon_age" in shown["tools"]
    assert "%%llm -t almanac:" in shown["templates"]
    assert "%%llm -f almanac:" in shown["fragments"]


def test_its_models_answer_sync_and_async(told: Told) -> None:
    said = told(
        """
        import asyncio
        async def asked():
            response = llm.get_async_model("proverbs").prompt("hands", count=2)
            return [chunk async for chunk in response], (await response.usage()).output
        response = llm.get_model("proverb").prompt("the bird")
        told = [list(response), response.usage().input, *asyncio.run(asked())]
        """
    )
    assert said == [
        ["The early bird catches the worm.\n"],
        2,
        ["Many hands make light work.\n", "A rolling stone gathers no moss.\n"],
        2,
    ]


def test_its_key_model_reasons_and_calls_a_tool_that_is_approved(told: Told) -> None:
    said = told(
        """
        model, told = llm.get_model("oracle"), []
        for key in (None, "wrong"):
            try:
                model.prompt("When?", key=key).text()
            except llm.ModelError as error:
                told.append(f"{type(error).__name__}: {error}")
        tool = llm.require_approval(llm.get_tools()["moon_age"])
        try:
            model.chain("When?", tools=[tool], key="delphi-1").text()
        except llm.PauseChain as pause:
            told += [pause.request.arguments, pause.approve().text()]
        """
    )
    assert said == [
        "NeedsKeyException: oracle needs a key and none was found, so nothing was sent: store one with "
        "`%llm keys set oracle`, set ORACLE_KEY, or pass key=…; the local model needs none: -m smollm2, once `%llm local install` has fetched it.",
        "ModelError: The oracle does not know this key: its keys begin with delphi-.",
        {"date": "2000-01-21"},
        "The moon's age in days: 14.7.",
    ]


def test_its_toolbox_keeps_a_diary_in_the_users_folder(told: Told) -> None:
    said = told(
        """
        diary = llm.get_tools()["Diary"]("ships")
        tools = {tool.name: tool for tool in diary.tools()}
        class Writes(llm.Model):
            model_id, supports_tools = "writes", True
            def execute(self, prompt, stream, response, conversation):
                if len(prompt.messages) == 1:
                    response.add_tool_call(llm.ToolCall("Diary_write", {"entry": "Fog."}))
                yield "done"
        Writes().chain("Write", tools=[diary]).text()
        told = [sorted(tools), diary.read(), (llm.user_dir() / "almanac" / "ships.txt").read_text()]
        """
    )
    assert said == [["Diary_read", "Diary_write"], ["Fog."], "Fog.\n"]


def test_its_loaders_and_its_embeddings(told: Told) -> None:
    said = told(
        """
        from llm_notebook.templates.fragments import resolve_fragments
        from llm_notebook.templates import load_template
        (fragment,) = resolve_fragments(["almanac:worm"], llm.get_fragment_loaders())
        told = [fragment, fragment.source, load_template("almanac:explain").evaluate("Why?"),
                llm.get_embedding_model("abc").embed("Abba")[:3]]
        """
    )
    assert said == [
        "The early bird catches the worm.",
        "almanac:worm",
        ["Why?", "You explain proverbs to a child."],
        [2.0, 2.0, 0.0],
    ]


def test_its_objects_are_described_as_it_says(told: Told) -> None:
    said = told(
        """
        diary = llm.get_tools()["Diary"]()
        diary.prepare()
        for day in range(3):
            diary.write(f"Fog {day}.")
        told = [llm.describe(diary).text, llm.describe(diary, max_size=59).text,
                llm.get_model("proverbs").prompt("bird", fragments=[diary]).prompt.prompt]
        """
    )
    assert said == [
        "Fog 0.\nFog 1.\nFog 2.",
        "Fog 1.\nFog 2.\n(1 older lines left out)",
        "Fog 0.\nFog 1.\nFog 2.\nbird",
    ]


def test_its_own_tests_pass(told: Told) -> None:
    said = told(
        f"""
        import asyncio, os, runpy
        from llm_notebook_almanac import stored_weather_key
        asyncio.run(runpy.run_path({str(PLUGIN / "almanac_tests.py")!r})["test_first_lines"]())
        os.environ["WEATHER_KEY"] = "w1"
        told = [stored_weather_key(), stored_weather_key("given")]
        """
    )
    assert said == ["w1", "given"]


def test_it_answers_in_a_cell(installed: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(installed), str(ROOT)])
    with running_kernel(tmp_path, {"PYTHONPATH": path}) as kernel:
        cell = kernel.run("%%llm -m proverbs -o count 2\nthe bird")
        assert cell.status == "ok", cell.traceback
        assert "The early bird catches the worm." in cell.markdown[-1]
        failed = kernel.run("%%llm -m oracle --key wrong\nWhen?")
        assert failed.traceback == "The oracle does not know this key: its keys begin with delphi-."


def test_the_page_on_writing_a_plugin_quotes_it() -> None:
    page = (ROOT / "docs" / "writing-plugins.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in PLUGIN.iterdir() if path.is_file())
    quoted = [block for kind, block in re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL) if kind in ("python", "toml")]
    assert len(quoted) >= 6
    for block in quoted:
        assert block in sources
