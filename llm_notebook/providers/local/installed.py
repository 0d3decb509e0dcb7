"""The list of GGUF files that are installed as models, which is a small file in our settings folder."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.files import JSONFile
from llm_notebook.configuration.folders import data_dir, own_dir
from llm_notebook.errors import ModelError

if TYPE_CHECKING:
    from llm_notebook.providers.local.gguf import ModelFacts

__all__ = [
    "GGUFFile",
    "InstalledModel",
    "download_folder",
    "find_installed",
    "forget",
    "installed_models",
    "named_file",
    "remember",
    "usable_name",
]

_FILE_NAME = "local_models.json"
_FOLDER = "gguf"
_NAME = re.compile(r"\w[\w.:-]*", re.ASCII)


@dataclass(slots=True, frozen=True)
class GGUFFile:
    """A model's file, anywhere on this machine.

    Attributes:
        file: its absolute path.
    """

    file: Path

    def path(self) -> Path:
        """Return the path of the file, whether it exists or not."""
        return self.file

    def find(self) -> Path:
        """Return the path of the file if it exists.

        Raises:
            ModelError: it does not exist.
        """
        if not self.file.is_file():
            raise ModelError(f"The file {self.file} is gone: put it back, or install the model again.")
        return self.file


@dataclass(slots=True, frozen=True)
class InstalledModel:
    """A file that is installed as a model.

    Attributes:
        name: the model's id.
        file: the model's file.
        supports_tools: whether its chat template tells the model about tools.
        context_tokens: how many tokens prompt and answer may have together.
        can_chat: whether the file has a chat template. A base model has none, and llama.cpp uses a common one.
        source: the address that the file was downloaded from; empty for a file of the user's.
    """

    name: str
    file: GGUFFile
    supports_tools: bool
    context_tokens: int
    can_chat: bool = True
    source: str = ""

    @property
    def is_ours(self) -> bool:
        """True if the file was downloaded, so that removing the model deletes it."""
        return bool(self.source) and self.file.file.parent == download_folder(create=False)


def download_folder(*, create: bool = True) -> Path:
    """Return the folder of downloaded files, and create it unless told not to.

    Raises:
        ModelError: it cannot be created.
    """
    folder = data_dir(create=create) / _FOLDER
    if create:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"The folder {folder} cannot be created ({error.strerror}): set LLM_NOTEBOOK_DATA to another one."
            ) from error
    return folder.absolute()


@functools.lru_cache(maxsize=8)
def _file(folder: Path) -> JSONFile:
    return JSONFile(folder / _FILE_NAME, value_type=dict, lock_path=folder / f"{_FILE_NAME}.lock")


def installed_models() -> list[InstalledModel]:
    """Return the installed models in the order of their installation. Entries of the file that cannot be used are left out."""
    entries = _file(own_dir(create=False).absolute()).read()
    return list(filter(None, map(_model, entries.keys(), entries.values())))


def find_installed(name: str) -> InstalledModel | None:
    """Return the installed model with this name, or None."""
    return next((model for model in installed_models() if model.name == name), None)


def remember(name: str, path: Path, facts: ModelFacts, source: str = "") -> InstalledModel:
    """Store a file as the model with this name, replacing any other.

    Args:
        name: the model's id.
        path: the file's absolute path.
        facts: what the file says about its model.
        source: the address that it was downloaded from; empty for a file of the user's.

    Raises:
        ModelError: the settings file cannot be written.
    """
    can_chat = facts.chat_template is not None
    model = InstalledModel(name, GGUFFile(path), facts.supports_tools, facts.context_tokens, can_chat, source)
    entry = {
        "path": str(path),
        "supports_tools": model.supports_tools,
        "context_tokens": model.context_tokens,
        "can_chat": can_chat,
        "source": source,
    }
    _file(own_dir().absolute()).update(lambda entries: entries | {name: entry})
    return model


def forget(name: str) -> None:
    """Remove a model from the list. Its file stays where it is.

    Raises:
        ModelError: the settings file cannot be written.
    """
    _file(own_dir().absolute()).update(
        lambda entries: {other: entry for other, entry in entries.items() if other != name}
    )


def usable_name(name: str) -> bool:
    """Return True if an installed model can have this name. It has no slash, as the ids of providers' models have, and no spaces."""
    return _NAME.fullmatch(name) is not None


def named_file(name: str) -> GGUFFile | None:
    """Return the GGUF file at this path; None if the name is not the path of one."""
    if not name.lower().endswith(".gguf"):
        return None
    path = Path(os.path.expanduser(name)).absolute()
    return GGUFFile(path) if path.is_file() else None


def _model(name: str, entry: dict[str, Any]) -> InstalledModel | None:
    path, tools, context = entry.get("path"), entry.get("supports_tools"), entry.get("context_tokens")
    source = entry.get("source")
    if not isinstance(path, str) or not isinstance(context, int) or not isinstance(source, str):
        return None
    return InstalledModel(
        name, GGUFFile(Path(path)), tools is True, context, entry.get("can_chat") is not False, source
    )
