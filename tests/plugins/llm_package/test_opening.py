"""The bridge is opened late, a broken plugin of the `llm` package costs one warning, and loaders and embedding models work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import llm as their_llm
import pytest
from llm.plugins import pm

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from llm_notebook.errors import FragmentNotFound
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.loading import PluginWarning
from llm_notebook.templates.fragments import resolve_fragments
from llm_notebook.templates.template import AttachmentType, load_template
from tests.plugins.llm_package.plugin import SingleTurn

ROOT = Path(__file__).parents[3]
GOOD = """
    import llm

    class Fine(llm.Model):
        model_id = "fine"
        def execute(self, prompt, stream, response, conversation):
            yield "fine"

    @llm.hookimpl
    def register_models(register):
        register(Fine())
"""
FAILS_LATE = """
    import llm

    @llm.hookimpl
    def register_models(register):
        raise RuntimeError("no network")
"""


def _distribution(folder: Path, name: str, code: str, *, group: str = "llm", version: str = "1.0") -> None:
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(textwrap.dedent(code))
    information = folder / f"{module}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (information / "entry_points.txt").write_text(f"[{group}]\n{module} = {module}\n")


def _told(statements: str, *paths: Path, **environment: str) -> tuple[object, str]:
    """Run statements in an interpreter of their own, and return their `told` and what was written to stderr."""
    path = [*map(str, paths), str(ROOT)]
    script = f"import sys\nsys.path[:0] = {path!r}\nimport llm_notebook as llm, json\n{textwrap.dedent(statements)}\nprint(json.dumps(told))"
    done = subprocess.run(
        [sys.executable, "-W", "always::UserWarning", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
        cwd=paths[0] if paths else ROOT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(
    "statements",
    [
        "llm.get_model('gpt-4o-mini'); llm.get_async_model('smollm2')",
        "llm.get_embedding_model('text-embedding-3-small')",
        "llm.require_approval(llm.Tool.function(lambda: 1, name='one')); llm.Prompt('x', None, tools=[print])",
        "llm.set_default_model('gpt-4o-mini'); llm.set_alias('mini', 'gpt-4o-mini')",
    ],
)
def test_llm_is_not_imported_before_something_of_it_is_asked_for(statements: str) -> None:
    told, _ = _told(f"{statements}\ntold = 'llm' in sys.modules")
    assert told is False


@pytest.mark.parametrize(
    "statements", ["llm.get_models()", "llm.get_model('markov')", "llm.get_tools()", "llm.get_plugins()"]
)
def test_it_is_where_something_of_it_is_asked_for(statements: str) -> None:
    told, said = _told(f"{statements}\ntold = 'llm' in sys.modules")
    assert told is True
    assert said == ""


def test_a_plugin_that_fails_to_load_costs_one_warning_and_nothing_else(tmp_path: Path) -> None:
    _distribution(tmp_path, "llm-aaa-broken", "import no_such_module_anywhere")
    _distribution(tmp_path, "llm-good", GOOD)
    _distribution(tmp_path, "llm-zzz-late", FAILS_LATE)
    told, said = _told(
        """
        answer = llm.get_model("fine").prompt("x").text()
        ids = [model.model_id for model in llm.get_models()]
        told = [answer, "markov" in ids, "gpt-4.1" in ids, sorted(llm.get_tools())]
        """,
        tmp_path,
    )
    assert told == ["fine", True, True, ["SQLite", "llm_time", "llm_version", "simple_eval"]]
    assert said.count("PluginWarning:") == 2
    assert "The plugin llm-aaa-broken 1.0 could not be loaded and is left out (ModuleNotFoundError" in said
    assert "register_models() of the plugin llm_zzz_late failed; it is left out from there on (RuntimeError: no" in said


def test_an_endpoint_that_only_this_package_can_read_is_explained(tmp_path: Path) -> None:
    entries = "- model_id: mine\n  api_base: http://127.0.0.1:9/v1\n"
    (tmp_path / "extra-openai-models.yaml").write_text(entries, encoding="utf-8")
    statements = "llm.get_models(); told = [llm.get_model('mine').model_id, 'markov' in llm.get_model_aliases()]"
    told, said = _told(statements, LLM_USER_PATH=str(tmp_path))
    assert told == ["mine", True]
    assert said.count("PluginWarning:") == 1
    assert (
        f"The llm command cannot read {tmp_path / 'extra-openai-models.yaml'}, because an entry has no model_name"
        in said
    )


def test_the_environment_limits_the_plugins_of_llm_too(tmp_path: Path) -> None:
    _distribution(tmp_path, "llm-aaa-broken", "import no_such_module_anywhere")
    told, said = _told(
        "told = [plugin['name'] for plugin in llm.get_plugins()]", tmp_path, LLM_LOAD_PLUGINS="llm-aaa-broken,llm-echo"
    )
    assert told == ["llm-echo"]
    assert said.count("PluginWarning:") == 1


def test_a_file_of_the_users_called_llm_costs_one_warning(tmp_path: Path) -> None:
    (tmp_path / "llm.py").write_text("print_nothing = 1\n")
    told, said = _told(
        "told = [llm.get_model('smollm2').model_id, len(llm.get_models()) > 3, llm.get_tools()]", tmp_path
    )
    assert told == ["smollm2", True, {}]
    assert said.count("PluginWarning:") == 1
    assert "Is there a file called llm.py beside the notebook?" in said


def test_broken_files_of_the_llm_command_do_not_keep_its_models_away(isolated: Path) -> None:
    folder = isolated / "llm"
    folder.mkdir(exist_ok=True)
    (folder / "aliases.json").write_text("{broken")
    with pytest.warns(UserWarning, match=r"aliases\.json"):
        assert llm.get_model("markov").prompt("a b", length=2, delay=0).text()


@pytest.mark.parametrize("version", ["0.31.1", "0.9", "0.31a0"])
def test_an_llm_that_is_too_old_is_told_of(monkeypatch, version: str) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    with pytest.warns(PluginWarning, match=f"it is {version}, and 0.32 or newer is needed. Upgrade it"):
        assert open_bridge() is None


def test_without_llm_there_is_no_bridge_and_no_warning(monkeypatch, recwarn) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", absent)
    assert open_bridge() is None
    assert not recwarn.list


def test_models_that_need_a_key_to_be_registered_come_when_it_is_stored() -> None:
    class Keyed(SingleTurn):
        model_id = "keyed"

    class Plugin:
        __name__ = "keyed"

        @their_llm.hookimpl
        def register_models(self, register):
            if their_llm.get_key(alias="keyed"):
                register(Keyed())

    added = Plugin()
    pm.register(added, "keyed")
    try:
        with pytest.raises(llm.UnknownModelError):
            llm.get_model("keyed")
        set_key("keyed", "k")
        assert llm.get_model("keyed").prompt("x").text() == "once"
    finally:
        pm.unregister(added)


def test_fragment_loaders_give_our_fragments_and_attachments() -> None:
    first, second, picture = resolve_fragments(["book:moby"], llm.get_fragment_loaders())
    assert (first, first.source) == ("Chapter one", "book/moby/1")
    assert (second, second.source) == ("Chapter two", "book:moby")
    assert isinstance(picture, llm.Attachment)
    with pytest.raises(FragmentNotFound, match=r"could not be loaded: That book is lost\."):
        resolve_fragments(["book:lost"], llm.get_fragment_loaders())


def test_template_loaders_give_our_templates() -> None:
    template = load_template("shelf:moby")
    assert isinstance(template, llm.Template)
    assert template.evaluate("whales") == ("About moby: whales", None)
    assert template.attachment_types == [AttachmentType(type="image/png", value="cover.png")]
    assert not template.functions_are_own


def test_embedding_models_are_found_and_used() -> None:
    model = llm.get_embedding_model("len")
    assert model in llm.get_embedding_models()
    assert list(model.embed_multi(["a", "bcd", "ef"], key="k")) == [[1, 1], [3, 1], [2, 1]]
    with pytest.raises(llm.NeedsKeyException, match="%llm keys set lengths"):
        model.embed("a")
    with pytest.raises(llm.ModelError, match=r"This key is wrong\."):
        model.embed("a", key="wrong-key")
