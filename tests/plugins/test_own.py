"""Plugins: small real distributions on the path are found, limited and collected, and cannot break the session."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_notebook.configuration.process import process
from llm_notebook.models.embeddings import EmbeddingModel
from llm_notebook.models.model import Model, ModelWithAliases
from llm_notebook.parts.attachments import Attachment
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.loading import PluginWarning
from llm_notebook.plugins.own import (
    GROUP,
    Plugins,
    get_fragment_loaders,
    get_plugins,
    get_template_loaders,
    get_tools,
    hookimpl,
)
from llm_notebook.templates.fragments import Fragment, resolve_fragments
from llm_notebook.templates.template import Template, load_template
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

ROOT = Path(__file__).parents[2]
Install = Callable[..., None]

MODELS = """
    import llm_notebook as llm

    class Echo(llm.Model):
        model_id = "echo"
        def execute(self, prompt, stream, response, conversation):
            yield prompt.prompt

    @llm.hookimpl
    def register_models(register, model_aliases):
        register(Echo(), aliases=("e",))
        register(None, AsyncEcho())
        model_aliases.append(model_aliases[0])

    class AsyncEcho(llm.AsyncModel):
        model_id = "async-echo"
"""
LOADERS = """
    import llm_notebook as llm
    from llm_notebook.templates.fragments import Fragment
    from llm_notebook.templates import Template

    def repository(argument):
        "Every file of a repository."
        return Fragment(f"files of {argument}", f"https://example.com/{argument}")

    def shared(name):
        return Template(name=name, prompt=f"Shared {name}: $input")

    @llm.hookimpl
    def register_fragment_loaders(register):
        register("github", repository)

    @llm.hookimpl
    def register_template_loaders(register):
        register("gh", shared)
"""
TOOL = """
    import llm_notebook as llm

    @llm.hookimpl
    def register_tools(register):
        register(llm.Tool("upper", implementation=str.upper))
"""


@pytest.fixture
def install(tmp_path, monkeypatch) -> Iterator[Install]:
    """Return a function that puts a distribution with one plugin module on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def install(name: str, code: str, *, version: str = "1.0", entry_name: str | None = None) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        information = tmp_path / f"{module}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (information / "entry_points.txt").write_text(f"[{GROUP}]\n{entry_name or module} = {module}\n")

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def plugins(monkeypatch) -> Plugins:
    """Return the plugins of a fresh session, without those of the `llm` package."""
    fresh = Plugins()
    monkeypatch.setitem(process.made, open_bridge, None)
    monkeypatch.setitem(process.made, Plugins, fresh)
    return fresh


def _warnings_of(act: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(one.message) for one in caught if issubclass(one.category, PluginWarning)]


def test_an_installed_plugin_is_found_and_described(install, plugins):
    install("echo-plugin", MODELS, version="2.3")
    assert {"name": "echo-plugin", "hooks": ["register_models"], "version": "2.3"} in get_plugins()
    assert get_plugins(all=True) == get_plugins()


def test_nothing_is_imported_before_something_is_asked_for(install, plugins):
    install("quiet-plugin", MODELS)
    assert "quiet_plugin" not in sys.modules
    plugins.models()
    assert "quiet_plugin" in sys.modules


def test_models_come_after_those_that_are_known(install, plugins):
    install("echo-plugin", MODELS)

    class Known(Model):
        model_id = "known"

    known = ModelWithAliases(Known(), None)
    entries = plugins.models([known])
    assert entries[0] is known
    assert entries[-1] is known
    named = {entry.model_id: entry for entry in entries}
    assert list(named) == ["known", "echo", "async-echo"]
    assert named["echo"].aliases == ["e"]
    assert named["echo"].model.prompt("hello").text() == "hello"
    assert named["async-echo"].model is None
    assert plugins.models([known])[1] is entries[1]


def test_loaders_are_used_by_prefix(install, plugins):
    install("loader-plugin", LOADERS)
    (fragment,) = resolve_fragments(["github:me/mine"], get_fragment_loaders())
    assert isinstance(fragment, Fragment)
    assert (fragment, fragment.source) == ("files of me/mine", "https://example.com/me/mine")
    assert load_template("gh:greet").evaluate("hi") == ("Shared greet: hi", None)
    assert get_template_loaders().keys() == {"gh"}


def test_a_second_loader_of_a_prefix_gets_a_number(plugins):
    for text in ("first", "second", "third"):
        plugins.manager.register(_loader_plugin(text))
    found = {prefix: loader("") for prefix, loader in get_fragment_loaders().items()}
    assert list(found) == ["same", "same_1", "same_2"]
    assert sorted(found.values()) == ["first", "second", "third"]


def _loader_plugin(text: str) -> object:
    class Loads:
        @hookimpl
        def register_fragment_loaders(self, register):
            register("same", lambda argument: text)

    return Loads()


def test_tools_know_their_plugin_and_a_second_one_answers_to_its_own_name(install, plugins):
    install("first-tools", TOOL)
    install("second-tools", TOOL)
    found = get_tools()
    assert sorted(found) == ["upper", "upper_1"]
    assert {name: tool.name for name, tool in found.items()} == {"upper": "upper", "upper_1": "upper_1"}
    assert {tool.plugin for tool in found.values()} == {"first_tools", "second_tools"}


def test_a_function_and_a_toolbox_class_are_tools_too(plugins):
    class Files(Toolbox):
        def read(self, path: str) -> str:
            return path

    class Named(Toolbox):
        pass

    class WithATool(Toolbox):
        def name(self) -> str:
            return "a tool of this name"

    def shout(text: str) -> str:
        "Say it loudly."
        return text.upper()

    assert (Files.name, Files().name) == (None, None)

    class Offers:
        @hookimpl
        def register_tools(self, register):
            register(shout)
            register(shout, name="cry")
            register(Files)
            register(Named, name="Archive")
            register(WithATool)

    plugins.manager.register(Offers(), "offers")
    found = get_tools()
    assert list(found) == ["shout", "cry", "Files", "Archive", "WithATool"]
    assert (Files.name, Named.name, Named().name) == ("Files", "Archive", "Archive")
    assert [tool.name for tool in WithATool().tools()] == ["WithATool_name"]
    assert isinstance(found["shout"], Tool)
    assert found["shout"].description == "Say it loudly."
    assert found["cry"].name == "cry"
    assert found["Files"] is Files
    assert Files.plugin == "offers"


def test_embedding_models_are_collected(plugins):
    class Lengths(EmbeddingModel):
        model_id = "lengths"

        def embed_batch(self, items, *, key=None):
            return ([float(len(item))] for item in items)

    class Offers:
        @hookimpl
        def register_embedding_models(self, register):
            register(Lengths(), aliases=("len",))

    plugins.manager.register(Offers())
    (entry,) = plugins.embedding_models()
    assert (entry.model_id, list(entry.aliases)) == ("lengths", ["len"])
    assert entry.model.embed("dog") == [3.0]


def test_a_plugin_that_cannot_be_imported_costs_one_warning(install, plugins):
    install("broken-plugin", "import no_such_module_anywhere")
    install("loader-plugin", LOADERS)
    (said,) = _warnings_of(get_fragment_loaders)
    assert said == (
        "The plugin broken-plugin 1.0 could not be loaded and is left out "
        "(ModuleNotFoundError: No module named 'no_such_module_anywhere')."
    )
    assert "github" in get_fragment_loaders()
    assert _warnings_of(get_tools) == []
    assert "broken-plugin" not in [plugin["name"] for plugin in get_plugins()]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("this is no Python", "SyntaxError: "),
        ("import sys\ndel sys.modules[__name__]", "KeyError: "),
    ],
)
def test_whatever_a_module_does_the_session_goes_on(install, plugins, code, said):
    install("odd-plugin", code)
    (warning,) = _warnings_of(get_plugins)
    assert warning.startswith("The plugin odd-plugin 1.0 could not be loaded and is left out (" + said)
    assert get_tools() == {}


def test_a_hook_with_a_wrong_argument_leaves_that_plugin_out(install, plugins):
    install("wrong-hook", "import llm_notebook\n@llm_notebook.hookimpl\ndef register_tools(registrar): ...")
    (said,) = _warnings_of(get_plugins)
    assert "wrong-hook 1.0" in said
    assert "registrar" in said


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        (("no prefix", print), "'no prefix' is no prefix"),
        (("prefix", "not a function"), "the loader of 'prefix' is no function"),
        ((), "TypeError"),
    ],
)
def test_a_hook_that_fails_warns_once_and_costs_no_other(plugins, offered, said):
    class Fails:
        @hookimpl
        def register_fragment_loaders(self, register):
            register("kept", str)
            register(*offered)

    plugins.manager.register(_loader_plugin("fine"))
    plugins.manager.register(Fails(), "fails")
    (warning,) = _warnings_of(get_fragment_loaders)
    assert said in warning
    assert "register_fragment_loaders() of the plugin fails" in warning
    plugins.manager.register(_loader_plugin("another"))
    assert _warnings_of(get_fragment_loaders) == []
    assert sorted(get_fragment_loaders()) == ["kept", "same", "same_1"]


def test_what_is_no_model_is_refused(plugins):
    class Offers:
        @hookimpl
        def register_models(self, register):
            register("gpt-4o")

    plugins.manager.register(Offers())
    (said,) = _warnings_of(plugins.models)
    assert "'gpt-4o' is no model" in said


def test_a_hook_that_asks_for_models_itself_gets_the_known_ones(plugins):
    class Known(Model):
        model_id = "known"

    class Wrapped(Model):
        def __init__(self, wrapped: Model) -> None:
            self.model_id = f"wrapped-{wrapped.model_id}"

    class Offers:
        @hookimpl
        def register_models(self, register):
            for entry in plugins.models(known):
                register(Wrapped(entry.model))

    known = [ModelWithAliases(Known(), None)]
    plugins.manager.register(Offers())
    assert [entry.model_id for entry in plugins.models(known)] == ["known", "wrapped-known"]


def test_a_plugin_registered_later_counts_and_can_go_again(plugins):
    assert get_fragment_loaders() == {}
    plugin = _loader_plugin("late")
    plugins.manager.register(plugin)
    assert list(get_fragment_loaders()) == ["same"]
    plugins.manager.unregister(plugin)
    assert get_fragment_loaders() == {}


def test_what_a_caller_does_to_the_answer_stays_with_the_caller(plugins):
    plugins.manager.register(_loader_plugin("x"))
    get_fragment_loaders().clear()
    assert list(get_fragment_loaders()) == ["same"]


@pytest.mark.parametrize(
    ("limit", "loaded"),
    [
        ("", []),
        ("  ", []),
        ("one-plugin", ["one-plugin"]),
        ("One_Plugin , ", ["one-plugin"]),
        ("two-plugin,one-plugin", ["one-plugin", "two-plugin"]),
        ("two-plugin,two-plugin", ["two-plugin"]),
    ],
)
def test_the_environment_limits_what_is_loaded(install, plugins, monkeypatch, limit, loaded):
    install("one-plugin", LOADERS)
    install("two-plugin", TOOL)
    monkeypatch.setenv("LLM_LOAD_PLUGINS", limit)
    assert _warnings_of(get_plugins) == []
    assert sorted(plugin["name"] for plugin in get_plugins()) == loaded


def test_a_name_that_is_not_installed_is_told(install, plugins, monkeypatch):
    install("one-plugin", LOADERS)
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "one-plugin,on-plugin")
    (said,) = _warnings_of(get_plugins)
    assert said == "LLM_LOAD_PLUGINS names on-plugin, which is not installed: check the name, or install it."
    assert [plugin["name"] for plugin in get_plugins()] == ["one-plugin"]


def test_two_distributions_with_one_entry_point_name_both_load(install, plugins):
    install("one-plugin", LOADERS, entry_name="plugin")
    install("two-plugin", TOOL, entry_name="plugin")
    assert sorted(plugin["name"] for plugin in get_plugins()) == ["one-plugin", "two-plugin"]


def test_importing_the_package_loads_no_pluggy():
    code = "import sys, llm_notebook; print([name for name in ('pluggy', 'yaml', 'pydantic') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_fragment_loaders_may_give_attachments(plugins):
    picture = Attachment(type="image/png", content=b"\x89PNG")

    class Loads:
        @hookimpl
        def register_fragment_loaders(self, register):
            register("pdf", lambda argument: [Fragment("page 1", argument), picture])

        @hookimpl
        def register_template_loaders(self, register):
            register("t", lambda name: Template(name=name, prompt="x"))

    plugins.manager.register(Loads())
    assert resolve_fragments(["pdf:a.pdf"], get_fragment_loaders()) == ["page 1", picture]
