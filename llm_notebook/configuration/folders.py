"""Where files live: the folder shared with the `llm` command, our own corner of it, and the data and cache folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llm_notebook.errors import ModelError

__all__ = ["OWN_FOLDER", "cache_dir", "data_dir", "own_dir", "user_dir"]

OWN_FOLDER = "llm_notebook"
_SHARED_FOLDER = "io.datasette.llm"


def user_dir(*, create: bool = True) -> Path:
    """The folder that the `llm` command uses, so that keys, aliases and the default model are shared with it.

    `LLM_USER_PATH` names it; otherwise it is `io.datasette.llm` under `$XDG_CONFIG_HOME` or `~/.config` (Linux),
    `~/Library/Application Support` (macOS, whatever `XDG_CONFIG_HOME` says) or `%APPDATA%` (Windows).

    Args:
        create: make the folder (mode 0700) where it is missing. An existing one keeps its mode.

    Raises:
        ModelError: the folder is missing and cannot be made.
    """
    named = os.getenv("LLM_USER_PATH")
    path = Path(named) if named else Path(_configuration_home(), _SHARED_FOLDER)
    return _created(path, "LLM_USER_PATH") if create else path


def own_dir(*, create: bool = True) -> Path:
    """The subfolder of `user_dir()` for this package's own small files.

    Args:
        create: make it, and `user_dir()`, where missing (mode 0700).

    Raises:
        ModelError: it is missing and cannot be made.
    """
    path = user_dir(create=create) / OWN_FOLDER
    return _created(path, "LLM_USER_PATH") if create else path


def data_dir(*, create: bool = True) -> Path:
    """The folder for large files that are worth keeping, such as model weights.

    `LLM_NOTEBOOK_DATA` names it; otherwise it is `llm_notebook` in the platform's folder for user data.

    Args:
        create: make it where it is missing (mode 0700).

    Raises:
        ModelError: it is missing and cannot be made.
    """
    named = os.getenv("LLM_NOTEBOOK_DATA")
    if named:
        path = Path(named)
    else:
        from platformdirs import user_data_path  # not needed to import the package

        path = user_data_path(OWN_FOLDER, appauthor=False)
    return _created(path, "LLM_NOTEBOOK_DATA") if create else path


def cache_dir(*, create: bool = True) -> Path:
    """The platform's folder for files that may be deleted at any time.

    Args:
        create: make it where it is missing (mode 0700).

    Raises:
        ModelError: it is missing and cannot be made.
    """
    from platformdirs import user_cache_path  # not needed to import the package

    path = user_cache_path(OWN_FOLDER, appauthor=False)
    return _created(path, "XDG_CACHE_HOME") if create else path


def _configuration_home() -> str:
    """The folder that `click.get_app_dir()` starts from.

    platformdirs is no substitute: it asks the Windows shell instead of `%APPDATA%`, reads XDG variables on macOS and
    ignores an empty `XDG_CONFIG_HOME`, so in those cases it would name another folder than the `llm` command.
    """
    if sys.platform.startswith("win"):
        return os.getenv("APPDATA", os.path.expanduser("~"))
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support")
    return os.getenv("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))


def _created(path: Path, variable: str) -> Path:
    """The folder, made with mode 0700 if it was missing. `variable` is what the user can set to have another one."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"The folder {path} cannot be created ({error.strerror}): set {variable} to a folder that you can write to."
        ) from error
    return path
