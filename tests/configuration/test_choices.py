"""Aliases and defaults are kept in the files of the `llm` command, even with many processes at once and with corrupt files."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from llm_notebook.configuration.choices import (
    delete_alias,
    read_aliases,
    read_default,
    read_own_default,
    store_alias,
    store_default,
    store_own_default,
)
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.errors import ModelError, UnknownModelError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "shared"))
    return tmp_path / "shared"


def test_aliases_are_stored_changed_and_deleted():
    assert read_aliases() == {}
    store_alias("fast", "gpt-4o-mini")
    store_alias("my own", "any string, ü")
    store_alias("fast", "other")
    assert read_aliases() == {"fast": "other", "my own": "any string, ü"}
    delete_alias("fast")
    assert read_aliases() == {"my own": "any string, ü"}


@pytest.mark.parametrize("content", [None, "{}", "{", "[]", '{"another": "x"}'])
def test_deleting_an_alias_that_is_not_there_is_a_key_error_and_writes_nothing(content, folder):
    if content is not None:
        folder.mkdir()
        (folder / "aliases.json").write_text(content)
    with pytest.raises(KeyError, match="No such alias: fast"):
        delete_alias("fast")
    with pytest.raises(UnknownModelError) as refused:
        delete_alias("fast")
    assert str(refused.value) == "No such alias: fast"
    assert (folder / "aliases.json").exists() == (content is not None)
    assert list(folder.glob("*.bad-*")) == []


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', "7", "null", '{"fast": {"a": [null]}}', "\ufeff{}", "\x00"])
def test_a_corrupt_alias_file_costs_one_warning(content, folder):
    folder.mkdir()
    (folder / "aliases.json").write_text(content)
    with pytest.warns(ConfigurationWarning, match=r"aliases\.json"):
        assert read_aliases() == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_aliases() == {}
    store_alias("new", "x")
    with warnings.catch_warnings(record=True):
        assert read_aliases() == {"new": "x"}


def test_the_llm_package_and_this_one_share_aliases_in_one_format(folder):
    llm = pytest.importorskip("llm")
    store_alias("ours", "gpt-4o-mini")
    assert llm.get_model("ours").model_id == "gpt-4o-mini"
    llm.set_alias("theirs", "gpt-4o")
    assert read_aliases() == {"ours": "gpt-4o-mini", "theirs": "gpt-4o"}
    ours = (folder / "aliases.json").read_text()
    llm.remove_alias("ours")
    assert read_aliases() == {"theirs": "gpt-4o"}
    delete_alias("theirs")
    assert "theirs" not in llm.get_model_aliases()
    llm.set_alias("ours", "gpt-4o-mini")
    llm.set_alias("theirs", "gpt-4o")
    assert (folder / "aliases.json").read_text() == ours


def test_the_llm_package_and_this_one_share_the_default(folder):
    llm = pytest.importorskip("llm")
    assert read_default() is None
    store_default("gpt-4o")
    assert llm.get_default_model() == "gpt-4o"
    ours = (folder / "default_model.txt").read_bytes()
    llm.set_default_model("gpt-4o")
    assert (folder / "default_model.txt").read_bytes() == ours
    llm.set_default_model("gpt-4o-mini")
    assert read_default() == "gpt-4o-mini"
    store_default(None)
    assert llm.get_default_model(default=None) is None
    store_default(None)
    store_default("gpt-4o")
    llm.set_default_model(None)
    assert read_default() is None


def test_white_space_around_the_default_does_not_count(folder):
    folder.mkdir()
    (folder / "default_model.txt").write_text("\n gpt-4o \r\n")
    assert read_default() == "gpt-4o"


@pytest.mark.parametrize("content", [b"", b" \n", b"\x00\xff\xfe", b"a\nb"])
def test_a_corrupt_default_is_none_with_a_warning(content, folder):
    folder.mkdir()
    (folder / "default_model.txt").write_bytes(content)
    with pytest.warns(ConfigurationWarning, match=r"default_model\.txt"):
        assert read_default() is None
    store_default("gpt-4o")
    assert read_default() == "gpt-4o"


def test_our_own_default_is_not_the_llm_commands(folder):
    assert read_own_default() is None
    store_own_default("smollm2")
    assert read_own_default() == "smollm2"
    assert read_default() is None
    assert not (folder / "default_model.txt").exists()
    store_own_default(None)
    store_own_default(None)
    assert read_own_default() is None


@pytest.mark.parametrize("content", ["{", '{"default_model": ["x"]}', "[]"])
def test_corrupt_own_settings_cost_a_warning(content, folder):
    store_own_default("smollm2")
    (folder / "llm_notebook" / "settings.json").write_text(content)
    with pytest.warns(ConfigurationWarning, match=r"settings\.json"):
        assert read_own_default() is None
    store_own_default("smollm2")
    assert read_own_default() == "smollm2"


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "\x07", None, 5])
def test_what_cannot_be_stored_is_refused_in_a_sentence(bad, folder):
    attempts = [lambda: store_alias(bad, "x"), lambda: store_alias("x", bad)]
    if bad is not None:
        attempts += [lambda: store_default(bad), lambda: store_own_default(bad)]
    for attempt in attempts:
        with pytest.raises(ModelError, match="give one line of text"):
            attempt()
    assert not folder.exists()


def test_reading_makes_no_folder_and_a_shared_folder_shows_no_lock_files(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (read_aliases(), read_default(), read_own_default()) == ({}, None, None)
    assert not folder.exists()
    store_alias("fast", "x")
    store_default("x")
    store_own_default("x")
    assert {item.name for item in folder.iterdir()} == {"aliases.json", "default_model.txt", "llm_notebook"}


def test_a_file_where_our_own_folder_should_be_does_not_stop_the_shared_files(folder):
    folder.mkdir()
    (folder / "llm_notebook").touch()
    with pytest.warns(ConfigurationWarning, match="written without a lock"):
        store_alias("fast", "x")
    assert read_aliases() == {"fast": "x"}
    with pytest.raises(ModelError, match="cannot be created"):
        store_own_default("x")


STORE_THIRTY = """
import sys
from llm_notebook.configuration.choices import store_alias
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    store_alias(f"alias-{sys.argv[1]}-{number}", "gpt-4o-mini")
"""


def test_eight_processes_that_each_store_thirty_aliases_lose_none():
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STORE_THIRTY, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in range(8)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 8
    assert set(read_aliases()) == {f"alias-{process}-{number}" for process in range(8) for number in range(30)}
