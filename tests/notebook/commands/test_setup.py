"""The subcommands: what they show, what they store, and that a key never appears."""

from __future__ import annotations

import atexit
import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from llm_notebook.configuration.keys import load_keys
from llm_notebook.models.model import Model, ModelWithAliases
from llm_notebook.notebook.commands.forms import FORMS, HIDDEN
from llm_notebook.notebook.magics import LLMMagics
from llm_notebook.providers.catalog.lists import known_model
from llm_notebook.providers.registry import Registry, set_default_model
from llm_notebook.providers.table import PROVIDERS
from llm_notebook.templates.template import Template, save_template
from tests.fakes.file_server import FileServer, Served, digest
from tests.fakes.gguf_files import TINY, gguf_bytes
from tests.fakes.openai_server import OpenAIServer, Reply, UntilClosed
from tests.notebook.kernels import Kernel
from tests.notebook.scripted import ODD_ID, sent

KEY = "sk-very-secret"


def _run(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str) -> str:
    capsys.readouterr()
    terminal.run_cell(f"%llm {line}")
    assert not sent
    return str(capsys.readouterr().out)


def test_models_shows_what_can_be_used_first_and_what_a_key_would_add(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = _run(terminal, capsys, "models")
    lines = shown.splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip()}
    assert lines.index("Ready now") + 1 == lines.index(rows["echo"])
    assert "your default" in rows["echo"]
    assert shown.index("\nother") < shown.index("With a key for OpenAI  %llm keys set openai")
    assert shown.index("With a key for scripted  %llm keys set scripted") < shown.index("\nkeyed")
    assert "needs_a_key" in rows["keyed"]
    assert "%llm default MODEL" in lines[-1]
    assert len(lines) < 100
    monkeypatch.setenv("SCRIPTED_API_KEY", "x")
    assert "With a key for scripted" not in _run(terminal, capsys, "models")
    assert len(_run(terminal, capsys, "models --all").splitlines()) > len(lines)


def test_five_hundred_models_stay_readable(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Many(Model):
        def __init__(self, number: int) -> None:
            self.model_id = f"many/model-{number:03}"

    many = [ModelWithAliases(Many(number), None) for number in range(500)]
    monkeypatch.setattr(Registry, "entries", lambda _self: many)
    assert len(_run(terminal, capsys, "models").splitlines()) < 30
    assert "20 of 500 are shown." in _run(terminal, capsys, "models")
    assert "many/model-499" in _run(terminal, capsys, "models -q 499")
    assert "many/model-499" in _run(terminal, capsys, "models --all")


def test_models_says_which_local_model_is_installed(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], file_server: FileServer, tmp_path: Path
) -> None:
    path = tmp_path / "pelican.gguf"
    path.write_bytes(gguf_bytes())
    _run(terminal, capsys, f"local install {path} --as pelican")
    line = next(line for line in _run(terminal, capsys, "models").splitlines() if line.startswith("pelican"))
    assert "installed on this computer" in line
    assert "free" in line


def test_models_can_be_searched(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    found = _run(terminal, capsys, "models -q 4o -q MINI")
    assert "gpt-4o-mini" in found
    assert "gpt-4.1-mini" not in found
    assert _run(terminal, capsys, "models -q zebra") == "No model matches zebra. `%llm models` lists them all.\n"
    assert "echo" not in _run(terminal, capsys, "models --schemas")
    assert _run(terminal, capsys, "models list") == _run(terminal, capsys, "models")


def test_the_options_of_a_model(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert "temperature" in _run(terminal, capsys, "models -q echo --options")
    assert _run(terminal, capsys, "models -q flood --options") == "flood takes no options.\n"


def test_the_default_is_set_and_told(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(terminal, capsys, "default") == "The default model is echo.\n"
    assert _run(terminal, capsys, "default 4o") == "The default model is now gpt-4o.\n"
    assert _run(terminal, capsys, "default") == "The default model is gpt-4o.\n"
    assert "in notebooks only" in _run(terminal, capsys, "default smollm2")
    assert "The default is unchanged." in _run(terminal, capsys, "default smolm2")
    assert _run(terminal, capsys, "default") == "The default model is smollm2.\n"


def test_aliases_are_set_used_and_removed(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(terminal, capsys, "aliases set parrot echo") == "parrot now means echo.\n"
    assert "parrot" in _run(terminal, capsys, "aliases")
    terminal.run_cell("%llm -m parrot hi")
    assert capsys.readouterr().out == "You said: hi\n"
    sent.clear()
    assert _run(terminal, capsys, "aliases remove parrot") == "parrot is forgotten.\n"
    assert _run(terminal, capsys, "aliases remove parrot") == "You have no alias 'parrot' to remove.\n"
    assert "parrot" not in _run(terminal, capsys, "aliases")


def test_the_help_reads_well_in_a_terminal(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    said = _run(terminal, capsys, "help")
    assert said.startswith("%%llm -m smollm2\nThree names for a pelican")
    assert "\n  -m, --model ID  " in said
    assert "\n  %llm models     Lists the models: first those that can be used now" in said
    assert not set("`|*") & set(said)
    assert len([line for line in said.splitlines() if len(line) > 160]) == 0
    of_one = _run(terminal, capsys, "models?")
    assert of_one.startswith("%llm models -q mini --tools\n\nLists the models")
    assert "%llm models refresh PROVIDER" in of_one
    assert _run(terminal, capsys, "help models") == of_one
    assert _run(terminal, capsys, "help --model").startswith("%%llm --model ID\nA prompt.\n\n  -m, --model ID")
    assert "This version " in _run(terminal, capsys, "help stop")


def test_the_manual_begins_with_an_example_and_has_one_row_for_each_option_and_subcommand() -> None:
    manual = LLMMagics.llm.__doc__ or ""
    assert manual.index("%%llm -m smollm2") < manual.index("--model")
    # It fits in a narrow terminal, and no line breaks off within code.
    assert max(map(len, manual.splitlines())) <= 80
    assert all(line.count("`") % 2 == 0 for line in manual.splitlines())
    for action in LLMMagics.llm.parser._actions:
        if action.option_strings:
            assert (
                manual.count(f"\n  {', '.join(action.option_strings)} ")
                + manual.count(f"\n  {', '.join(action.option_strings)}\n")
                == 1
            ), action
    for name in FORMS.keys() - HIDDEN:
        assert manual.count(f"\n  %llm {name} ") == (0 if FORMS[name].later else 1), name


def test_the_help_names_every_option(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    words = set(_run(terminal, capsys, "help").replace(",", " ").split())
    for action in LLMMagics.llm.parser._actions:
        assert words >= set(action.option_strings), action


def test_tables_in_a_notebook_are_tables(kernel: Kernel) -> None:
    kernel.run(f"from llm_notebook import set_alias\nset_alias('a`b|c', {ODD_ID!r})")
    models = kernel.run("%llm models").markdown[0]
    rows = [line for line in models.splitlines() if line.startswith("|")]
    assert len(rows) > 20
    assert {row.replace(r"\|", "").count("|") for row in rows} == {7}
    aliases = kernel.run("%llm aliases").markdown[0]
    assert {row.replace(r"\|", "").count("|") for row in aliases.splitlines()} == {3}
    assert "<img" not in aliases.replace("`a*b*_c_", "")
    assert len(kernel.run("%llm help").markdown) == 1


def test_a_key_is_asked_for_in_a_password_field_and_shown_nowhere(kernel: Kernel) -> None:
    request = kernel.send("%llm keys set mine")
    asked = kernel.client.get_stdin_msg(timeout=60)
    assert asked["content"] == {"prompt": "Key mine: ", "password": True}
    kernel.client.input(KEY)
    cell = kernel.collect(request)[0]
    assert cell.markdown == ["The key `mine` is stored."]
    listed = kernel.run("%llm keys")
    assert listed.markdown == ["Stored keys: `mine`."]
    assert KEY not in repr(cell.messages) + repr(listed.messages) + repr(kernel.value("In"))
    path = Path(kernel.run("%llm keys path").outputs[0]["text/plain"])
    assert json.loads(path.read_text())["mine"] == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert kernel.run("%llm keys remove mine").markdown == ["The key `mine` is forgotten."]
    assert kernel.run("%llm keys").markdown == ["No keys are stored. `%llm keys set openai` stores one."]


def test_a_key_that_is_not_typed_changes_nothing(kernel: Kernel) -> None:
    request = kernel.send("%llm keys set openai")
    kernel.client.get_stdin_msg(timeout=60)
    kernel.client.input("")
    assert kernel.collect(request)[0].traceback == "Nothing was typed; the key openai is unchanged."
    request = kernel.send("%llm keys set openai")
    kernel.client.get_stdin_msg(timeout=60)
    kernel.interrupt()
    assert kernel.collect(request)[0].traceback == "Nothing was typed; the key openai is unchanged."


def test_where_nobody_can_type_a_key_the_sentence_says_so(kernel: Kernel) -> None:
    cell = kernel.run("%llm keys set openai", allow_stdin=False)
    assert cell.traceback.startswith("Nobody can type here: run `%llm keys set openai` in a notebook")


def test_a_key_that_cannot_be_one_is_not_repeated(kernel: Kernel) -> None:
    request = kernel.send("%llm keys set openai")
    kernel.client.get_stdin_msg(timeout=60)
    kernel.client.input(f"{KEY} {KEY}")
    cell = kernel.collect(request)[0]
    assert "white space at position" in cell.traceback
    assert KEY not in repr(cell.messages)


def test_a_terminal_asks_for_a_key_without_echo(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: KEY)
    assert _run(terminal, capsys, "keys set mine") == "The key mine is stored.\n"
    assert _run(terminal, capsys, "keys") == "Stored keys: mine.\n"


def test_a_key_is_tried_with_its_provider_before_it_is_kept(
    terminal: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    openai_server: OpenAIServer,
) -> None:
    typed = [KEY, f"{KEY}-wrong", f"{KEY}-busy", f"{KEY}-new"]
    monkeypatch.setattr("getpass.getpass", lambda prompt: typed.pop(0))
    here = {name: replace(PROVIDERS[name], base_url=openai_server.base_url) for name in ("groq", "openrouter")}
    monkeypatch.setattr("llm_notebook.notebook.commands.keys.PROVIDERS", here)
    models = Reply.of_json({"data": [{"id": "llama-3.3-70b-versatile"}, {"id": "b"}]})
    refused = Reply.of_json({"error": {"message": "Invalid key"}}, status=401)
    openai_server.play(models, refused, Reply.of_json({}, status=500), models)
    said = _run(terminal, capsys, "keys set groq")
    assert said.startswith(
        "The key groq is stored, and Groq accepts it. 2 models can be used, such as groq/llama-3.3-70b"
    )
    # `echo` is the default.
    assert "No default" not in said
    assert openai_server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    said = _run(terminal, capsys, "keys set groq")
    assert said.startswith("Groq refused the key (401). The key that was stored before is kept.")
    assert load_keys()["groq"] == KEY
    assert "It could not be tried with Groq: " in _run(terminal, capsys, "keys set groq")
    set_default_model(None)
    assert "No default is set: %llm default groq/llama-3.3-70b-versatile lets" in _run(
        terminal, capsys, "keys set groq"
    )
    assert KEY not in said


def test_local_says_what_it_would_fetch(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert "%llm local install fetches SmolLM2-135M (about 93 MB)" in _run(terminal, capsys, "local")


def test_a_model_is_installed_listed_and_removed(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], file_server: FileServer
) -> None:
    assert "No model is installed on this machine." in _run(terminal, capsys, "local list")
    file_server.files["/tiny.gguf"] = Served(gguf_bytes(padding=1000))
    url = file_server.url("/tiny.gguf")
    said = _run(terminal, capsys, f"local install {url} --as pelican --sha256 {digest(gguf_bytes(padding=1000))}")
    assert said.splitlines()[-1] == "The model is ready (2,048 tokens, without tools): %%llm -m pelican"
    assert "pelican" in _run(terminal, capsys, "models -q pelican")
    assert url in _run(terminal, capsys, "local list")
    assert _run(terminal, capsys, "local remove pelican") == "pelican and its file are deleted.\n"
    assert _run(terminal, capsys, "models -q pelican").startswith("No model matches")


def test_a_file_with_spaces_in_its_name_is_registered(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "my  model.gguf"
    path.write_bytes(gguf_bytes({name: value for name, value in TINY.items() if "template" not in name}))
    said = _run(terminal, capsys, f'local install "{path}"')
    assert said == "The model is ready (2,048 tokens, not made for chat: it has no chat template): %%llm -m my-model\n"
    path.unlink()
    assert "the file is gone" in _run(terminal, capsys, "local list")
    assert "Its file stays where it is" in _run(terminal, capsys, "local remove my-model")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("local install nonsense", "is neither an address nor a GGUF file"),
        ("local install /a.gguf --as smollm2", "'smollm2' is another model's name: choose one with --as NAME."),
        ("local install /a.gguf --as SmolLM2", "'SmolLM2' is another model's name"),
        ("local install /a b.gguf", "This is not quite a `%llm local` command"),
        ("local install /models/a b c d e f.gguf", "This is not quite a `%llm local` command"),
        ("local install http://h/a.gguf --name my very long name", "This is not quite a `%llm local` command"),
        ("local remove nothing", "No model 'nothing' is installed: `%llm local list` shows those that are."),
    ],
)
def test_what_local_cannot_do_is_one_sentence(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    told = _run(terminal, capsys, line)
    assert said in told
    assert told.count("\n") == 1


def test_an_interrupted_installation_says_what_is_kept(kernel: Kernel, file_server: FileServer) -> None:
    never = threading.Event()
    file_server.files["/pelican.gguf"] = Served(gguf_bytes(padding=1_000_000), waits_at=(900_000, never))
    request = kernel.send(f"%llm local install {file_server.url('/pelican.gguf')}")
    kernel.hear(lambda message: "Downloading pelican (1 MB): 85 %" in str(message["content"]))
    kernel.interrupt()
    cell = kernel.collect(request)[0]
    never.set()
    assert cell.traceback == ("Stopped by you. 1 MB of 1 MB arrived and are kept: the same command goes on from there.")
    assert "not complete: install it again to go on" in kernel.run("%llm local list").markdown[0]
    file_server.files["/pelican.gguf"].waits_at = None
    kernel.run(f"%llm local install {file_server.url('/pelican.gguf')}")
    assert kernel.run("%llm local remove pelican").markdown == ["`pelican` and its file are deleted."]
    assert file_server.ranges_asked()[-1] is not None


def test_the_providers_are_asked_for_their_models(
    terminal: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    openai_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = {name: replace(PROVIDERS[name], base_url=openai_server.base_url) for name in ("groq", "openrouter")}
    monkeypatch.setattr("llm_notebook.notebook.commands.models.PROVIDERS", here)
    openai_server.play(Reply.of_json({"data": [{"id": "a/b"}, {"id": "c/d"}]}), Reply.of_json({"data": []}))
    said = _run(terminal, capsys, "models refresh")
    assert "a/b, c/d" in said
    assert "Groq lists its models only with a key: " in said
    assert "a/b" not in _run(terminal, capsys, "models refresh openrouter")
    assert "No provider is called 'gorq'. Did you mean groq?" in _run(terminal, capsys, "models refresh gorq")
    assert len(openai_server.requests) == 2


def test_a_stop_ends_the_asking_of_all_providers_and_keeps_what_came(
    terminal: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    openai_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = threading.Event()

    def stop(_request: object) -> Reply:
        os.kill(os.getpid(), signal.SIGINT)
        return Reply([UntilClosed(gone)])

    names = ("openrouter", "together", "mistral")
    here = {name: replace(PROVIDERS[name], base_url=openai_server.base_url, list_needs_key=False) for name in names}
    monkeypatch.setattr("llm_notebook.notebook.commands.models.PROVIDERS", here)
    openai_server.play(Reply.of_json([{"id": "c/d", "type": "chat"}]))
    _run(terminal, capsys, "models refresh together")
    openai_server.play(Reply.of_json({"data": [{"id": "e/f"}]}))
    openai_server.answer = stop
    said = _run(terminal, capsys, "models refresh")
    assert said == "Stopped by you; `%llm models` was not finished.\n"
    assert gone.wait(30)
    assert len(openai_server.requests) == 3
    assert known_model("openrouter", "e/f") is not None
    assert known_model("together", "c/d") is not None


@pytest.mark.parametrize("line", ["stop all", "batches", "export a.html", "import a.db", "mcp list", "undo"])
def test_what_is_reserved_is_answered_in_a_sentence(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    said = _run(terminal, capsys, line)
    assert said.startswith("This version ")
    assert said.endswith("Nothing was sent.\n")
    assert "Traceback" not in said


def test_what_there_is_is_listed_with_how_to_use_it(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No template is stored." in _run(terminal, capsys, "templates")
    assert "This notebook has no class" in _run(terminal, capsys, "schemas")
    save_template(
        Template(
            name="short",
            prompt="Summarise $input in $words words",
            schema_object={"type": "object", "properties": {"a": {}}},
        )
    )
    terminal.run_cell(
        "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int\n    y: int\n"
        "def erase(path: str) -> str:\n    'Erase a file.'",
        silent=True,
    )
    assert "short  Summarise $input in $words words  %%llm -t short -p words …" in _run(terminal, capsys, "templates")
    assert _run(terminal, capsys, "templates show short").startswith("prompt: Summarise $input in $words words\n")
    assert "There is no template 'shrot'" in _run(terminal, capsys, "templates show shrot")
    assert _run(terminal, capsys, "templates path").rstrip().endswith("templates")
    assert "erase (path) Erase a file. %%llm -T erase" in " ".join(_run(terminal, capsys, "tools").split())
    listed = _run(terminal, capsys, "schemas")
    assert "Point x, y %%llm --schema Point" in " ".join(listed.split())
    assert "short a %%llm -t short" in " ".join(listed.split())
    assert "-f" in _run(terminal, capsys, "fragments")
    assert "llm_notebook" in _run(terminal, capsys, "plugins")


def test_settings_are_shown_with_a_sentence_and_read_from_the_configuration(
    isolated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config()
    config.HistoryManager.enabled = False
    config.LLMMagics.on_pause = "continue"
    shell = InteractiveShell(config=config)
    shell.run_cell("%load_ext llm_notebook", silent=True)
    capsys.readouterr()
    shell.run_cell("%config LLMMagics")
    shown = capsys.readouterr().out
    assert "Current: 'continue'" in shown
    for name, trait in LLMMagics.class_traits(config=True).items():
        assert f"LLMMagics.{name}" in shown
        assert trait.help.endswith("."), name
    assert shell.magics_manager.registry["LLMMagics"].turns.on_pause == "continue"
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()
