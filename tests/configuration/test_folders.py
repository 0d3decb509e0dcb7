"""The folders are those of the `llm` command, and private if we create them; a failure is reported in one sentence."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import click
import click.utils
import pytest

from llm_notebook.configuration.folders import data_dir, own_dir, user_dir
from llm_notebook.errors import ModelError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("LLM_USER_PATH", "LLM_NOTEBOOK_DATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "variables", [{}, {"XDG_CONFIG_HOME": "/xdg"}, {"XDG_CONFIG_HOME": ""}, {"APPDATA": "/roaming"}]
)
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_it_is_the_folder_that_click_computes_for_the_llm_command(platform, variables, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(click.utils, "WIN", platform == "win32")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_dir(create=False) == Path(click.get_app_dir("io.datasette.llm"))


def test_macos_ignores_xdg_and_windows_uses_the_roaming_folder_without_an_author(home, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/xdg")
    monkeypatch.setenv("APPDATA", "/roaming")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_dir(create=False) == home / "Library/Application Support/io.datasette.llm"
    monkeypatch.setattr(sys, "platform", "win32")
    assert user_dir(create=False) == Path("/roaming/io.datasette.llm")


@pytest.mark.parametrize("named", ["{tmp}/elsewhere", "{tmp}/a b/ü", "relative/folder", ""])
def test_it_is_the_folder_that_the_llm_package_returns(named, tmp_path, monkeypatch):
    llm = pytest.importorskip("llm")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_USER_PATH", named.format(tmp=tmp_path))
    assert user_dir() == llm.user_dir()
    assert user_dir().is_dir()


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
def test_a_folder_we_make_is_private_and_one_that_exists_keeps_its_mode(tmp_path, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "new"))
    assert mode(own_dir()) == 0o700
    assert mode(user_dir()) == 0o700

    existing = tmp_path / "existing"
    existing.mkdir()
    existing.chmod(0o755)
    monkeypatch.setenv("LLM_USER_PATH", str(existing))
    assert mode(user_dir()) == 0o755


def test_asking_where_a_folder_is_need_not_make_it(home, monkeypatch):
    monkeypatch.setenv("LLM_USER_PATH", str(home / "shared"))
    for folder in (user_dir, own_dir, data_dir):
        assert not folder(create=False).exists()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("folder", [user_dir, own_dir])
def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for named in ("file", "file/below"):
        monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / named))
        with pytest.raises(ModelError, match=r"cannot be created .*: set LLM_USER_PATH to a folder"):
            folder()


def test_data_is_kept_where_the_environment_says_else_in_the_platform_folder(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert data_dir() == home / ".local/share/llm_notebook"
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(home / "weights"))
    assert data_dir() == home / "weights"
    assert data_dir().is_dir()
    (home / "file").touch()
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(home / "file"))
    with pytest.raises(ModelError, match="LLM_NOTEBOOK_DATA"):
        data_dir()
