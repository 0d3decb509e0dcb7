"""Keys are found in the documented order, stored privately in the `llm` command's format, and never shown."""

from __future__ import annotations

import copy
import json
import os
import pickle
import pprint
import stat
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.keys import Secret, delete_key, get_key, keys_path, list_keys, load_keys, set_key
from llm_notebook.errors import ModelError

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "shared"))
    monkeypatch.delenv("SERVICE_KEY", raising=False)
    return tmp_path / "shared"


def write_keys(folder, content: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "keys.json").write_text(content)


def test_the_order_in_which_keys_are_found(monkeypatch):
    assert get_key(input="", alias="service", env="SERVICE_KEY") is None
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    assert get_key(alias="service", env="SERVICE_KEY") == "from-environment"
    set_key("service", "stored")
    assert get_key(alias="service", env="SERVICE_KEY") == "stored"
    assert get_key(input="given", alias="service", env="SERVICE_KEY") == "given"
    set_key("work", "stored-for-work")
    assert get_key(input="work", alias="service", env="SERVICE_KEY") == "stored-for-work"
    assert get_key() is None


def test_the_older_positional_form(monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    set_key("service", "stored")
    assert get_key("given", "service", "SERVICE_KEY") == "given"
    assert get_key("service") == "stored"
    assert get_key(None, "service", "SERVICE_KEY") == "stored"
    assert get_key(None, "other", "SERVICE_KEY") == "from-environment"
    assert get_key(None, "other", env="SERVICE_KEY", alias="service") == "stored"


@pytest.mark.parametrize(
    "arguments",
    [
        (None, "service", "SERVICE_KEY"), ("given", "service", "SERVICE_KEY"), ("service", None, None),
        ("", "service", None), (None, "other", "SERVICE_KEY"), (None, None, None), (None, "other", "NOT_SET"),
    ],
)  # fmt: skip
def test_the_llm_package_finds_the_same_key(arguments, monkeypatch):
    llm = pytest.importorskip("llm")
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    set_key("service", "stored")
    assert get_key(*arguments) == llm.get_key(*arguments)


def test_the_llm_command_and_this_package_read_each_others_keys(folder):
    cli = pytest.importorskip("llm.cli").cli
    from click.testing import CliRunner  # comes with llm

    def command(*arguments: str, **options: str) -> str:
        result = CliRunner().invoke(cli, ["keys", *arguments], catch_exceptions=False, **options)
        assert result.exit_code == 0
        return result.output.strip()

    set_key("ours", "sk-ours")
    assert command("get", "ours") == "sk-ours"
    command("set", "theirs", "--value", "sk-theirs")
    assert get_key(alias="theirs") == "sk-theirs"
    assert list_keys() == ["ours", "theirs"]
    assert command("list").split() == ["ours", "theirs"]
    assert command("path") == str(keys_path()) == str(folder / "keys.json")

    ours = keys_path().read_text()
    keys_path().unlink()
    command("set", "ours", "--value", "sk-ours")
    command("set", "theirs", "--value", "sk-theirs")
    assert keys_path().read_text() == ours


def test_the_note_is_not_a_key():
    set_key("service", "stored")
    note = next(iter(json.loads(keys_path().read_text())))
    assert note == "// Note"
    assert list_keys() == ["service"]
    assert get_key(alias=note) is None
    for forbidden in (lambda: set_key(note, "x"), lambda: delete_key(note)):
        with pytest.raises(ModelError):
            forbidden()


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_all_stored_keys_can_be_read_and_do_not_show_themselves():
    assert load_keys() == {}
    set_key("a", "sk-1")
    set_key("b", "sk-2")
    assert load_keys() == {"a": "sk-1", "b": "sk-2"}
    assert "sk-" not in repr(load_keys())


def test_keys_are_private(folder):
    set_key("service", "stored")
    assert stat.S_IMODE(keys_path().stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    keys_path().chmod(0o644)
    set_key("service", "stored")
    assert stat.S_IMODE(keys_path().stat().st_mode) == 0o600


def test_a_deleted_key_is_gone_and_one_that_is_not_there_is_told_in_a_sentence():
    set_key("service", "stored")
    set_key("other", "kept")
    delete_key("service")
    assert list_keys() == ["other"]
    with pytest.raises(ModelError, match="No key named 'service' is stored in"):
        delete_key("service")


def test_white_space_around_keys_is_dropped(folder, monkeypatch):
    set_key(" service ", f"\n {SECRET}\r\n")
    assert get_key(alias="service") == SECRET
    monkeypatch.setenv("SERVICE_KEY", f"{SECRET}\n")
    assert get_key(env="SERVICE_KEY") == SECRET
    assert get_key(input=f" {SECRET}\n") == SECRET
    assert get_key(input=" service\n") == SECRET
    write_keys(folder, json.dumps({"service": f"{SECRET}\n", "blank": " "}))
    assert get_key(alias="service") == SECRET
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    assert get_key(alias="blank", env="SERVICE_KEY") == "from-environment"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("", "is empty"), (" \n", "is empty"), ("sk-a b", "white space at position 5 of 6"), ("sk-a\nb", "white space"),
        ("sk-a\x00b", "control character"), ("sk-a\u200bb", "no HTTP header can carry at position 5"),
        ("“sk-ab”", "no HTTP header can carry at position 1"), ("sk-a\u00a0b", "white space"), (None, "NoneType"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(value, fault):
    with pytest.raises(ModelError, match=fault) as refused:
        set_key("service", value)
    assert "sk-" not in str(refused.value)
    assert not keys_path().exists()


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m"])
def test_a_name_that_cannot_be_used_is_refused(name):
    with pytest.raises(ModelError, match="cannot be the name of a key"):
        set_key(name, "sk-x")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"x"', "7", '{"service": {"nested": null}}', '{"service": null}', "\x00"]
)
def test_a_corrupt_file_does_not_stand_in_the_way_of_other_keys(content, folder, monkeypatch):
    write_keys(folder, content)
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    with pytest.warns(ConfigurationWarning, match=r"keys\.json"):
        assert get_key(input="given", alias="service", env="SERVICE_KEY") == "given"
    assert get_key(alias="service", env="SERVICE_KEY") == "from-environment"
    assert list_keys() == []
    assert keys_path().read_text() == content
    set_key("new", "sk-new")
    with warnings.catch_warnings(record=True):
        assert get_key(alias="new") == "sk-new"


def test_a_folder_that_cannot_exist_does_not_stand_in_the_way_of_other_keys(folder, monkeypatch):
    folder.write_text("a file")
    monkeypatch.setenv("SERVICE_KEY", "from-environment")
    with pytest.warns(ConfigurationWarning):
        assert get_key(alias="service", env="SERVICE_KEY") == "from-environment"
    with pytest.raises(ModelError, match="cannot be created"):
        set_key("service", "sk-x")


def test_looking_for_a_key_makes_no_folder(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_key(alias="service") is None
        assert list_keys() == []
    assert not folder.exists()


def test_what_get_key_returns_does_not_show_itself(monkeypatch):
    monkeypatch.setenv("SERVICE_KEY", SECRET)
    set_key("service", SECRET)
    for key in (get_key(input=SECRET), get_key(alias="service"), get_key(env="SERVICE_KEY")):
        assert key == SECRET
        assert repr(key) == f"<Secret, {len(SECRET)} characters>"


@given(
    st.text(st.characters(codec="latin-1"), min_size=3).filter(
        lambda text: text not in "<Secret,  0123456789 characters>"
    )
)
def test_a_secret_is_its_value_everywhere_but_in_its_repr(text):
    secret = Secret(text)
    for shown in (repr(secret), repr([secret]), repr({"key": secret}), f"{secret!r}", pprint.pformat([secret])):
        assert text not in shown
    assert str(secret) == f"{secret}" == "%s" % secret == "".join([secret]) == text  # noqa: UP031
    assert secret == text
    assert hash(secret) == hash(text)
    assert json.loads(json.dumps({"key": secret})) == {"key": text}
    assert secret.encode("latin-1") == text.encode("latin-1")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda secret: pickle.loads(pickle.dumps(secret))])
def test_a_copy_of_a_secret_is_a_secret(copied):
    secret = copied(Secret(SECRET))
    assert secret == SECRET
    assert SECRET not in repr(secret)


def test_a_secret_can_be_sent_in_a_header():
    httpx = pytest.importorskip("httpx")
    request = httpx.Request("GET", "http://localhost", headers={"x-api-key": Secret(SECRET)})
    assert request.headers["x-api-key"] == SECRET


@pytest.mark.parametrize("xmode", ["Plain", "Context", "Verbose", "Minimal"])
def test_no_traceback_shows_a_key_when_storing_is_interrupted(xmode, monkeypatch, capsys):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    set_key("other", f"{SECRET}-other")
    monkeypatch.setenv("NOT_SHOWN", SECRET)

    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    shell.run_cell(f"%xmode {xmode}")
    shell.run_cell(
        "import os; from llm_notebook.configuration.keys import set_key; set_key('service', os.getenv('NOT_SHOWN'))"
    )
    output = capsys.readouterr()
    assert "KeyboardInterrupt" in output.out + output.err
    assert SECRET not in output.out + output.err


def test_no_traceback_shows_a_key_when_finding_one_fails(folder, monkeypatch, capsys):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    write_keys(folder, json.dumps({"service": SECRET, "broken": None}))
    monkeypatch.setenv("SERVICE_KEY", SECRET)
    shell.run_cell("%xmode Verbose")
    shell.run_cell(
        "import os, warnings; from llm_notebook.configuration.keys import get_key; warnings.simplefilter('error')"
    )
    shell.run_cell("get_key(input=os.getenv('SERVICE_KEY'), alias='service', env='SERVICE_KEY')")
    output = capsys.readouterr()
    assert "ConfigurationWarning" in output.out + output.err
    assert SECRET not in output.out + output.err
