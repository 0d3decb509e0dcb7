"""Folders: the one shared with the `llm` command, this package's subfolder of it, and the folder for large files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llm_notebook.errors import ModelError

__all__ = ["OWN_FOLDER", "data_dir", "own_dir", "user_dir"]

OWN_FOLDER = "llm_notebook"
_SHARED_FOLDER = "io.datasette.llm"


def user_dir(*, create: bool = True) -> Path:
    """Return the folder that the `llm` command uses, so that keys, aliases and the default model are shared with it.

    `LLM_USER_PATH` names the folder. Without it, the folder is `io.datasette.llm` under `$XDG_CONFIG_HOME` or `~/.config`
    (Linux), `~/Library/Application Support` (macOS, even if `XDG_CONFIG_HOME` is set) or `%APPDATA%` (Windows).

    Args:
        create: create the folder (mode 0700) if it is missing. An existing folder keeps its mode.

    Raises:
        ModelError: the folder is missing and cannot be created.
    """
    named = os.getenv("LLM_USER_PATH")
    path = Path(named) if named else Path(_configuration_home(), _SHARED_FOLDER)
    return _create(path, "LLM_USER_PATH") if create else path


def own_dir(*, create: bool = True) -> Path:
    """Return the subfolder of `user_dir()` that holds this package's own small files.

    Args:
        create: create the subfolder and `user_dir()` (mode 0700) if they are missing.

    Raises:
        ModelError: the subfolder is missing and cannot be created.
    """
    path = user_dir(create=create) / OWN_FOLDER
    return _create(path, "LLM_USER_PATH") if create else path


def data_dir(*, create: bool = True) -> Path:
    """Return the folder for large files that are worth keeping, such as model weights.

    `LLM_NOTEBOOK_DATA` names the folder. Without it, the folder is `llm_notebook` in the platform's folder for user data.

    Args:
        create: create the folder (mode 0700) if it is missing.

    Raises:
        ModelError: the folder is missing and cannot be created.
    """
    named = os.getenv("LLM_NOTEBOOK_DATA")
    if named:
        path = Path(named)
    else:
        from platformdirs import user_data_path  # not needed to import the package

        path = user_data_path(OWN_FOLDER, appauthor=False)
    return _create(path, "LLM_NOTEBOOK_DATA") if create else path


def _configuration_home() -> str:
    """Return the parent folder that `click.get_app_dir()` would choose; the `llm` command calls that function.

    platformdirs is no substitute: it asks the Windows shell instead of `%APPDATA%`, reads XDG variables on macOS and
    ignores an empty `XDG_CONFIG_HOME`. In those cases it would return a different folder than the `llm` command uses.
    """
    if sys.platform.startswith("win"):
        return os.getenv("APPDATA", os.path.expanduser("~"))
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support")
    return os.getenv("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))


def _create(path: Path, variable: str) -> Path:
    """Create the folder with mode 0700 if it is missing, and return it.

    Args:
        path: the folder.
        variable: the environment variable with which the user can choose another folder, for the error message.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"The folder {path} cannot be created ({error.strerror}): set {variable} to a folder that you can write to."
        ) from error
    return path
