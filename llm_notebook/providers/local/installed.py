"""Which GGUF files are installed as models, and under which names: a small file in our settings folder says so."""

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
    "forget",
    "installed",
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
    """A model's file, wherever it is.

    Attributes:
        file: its absolute path.
    """

    file: Path

    def path(self) -> Path:
        """Where the file is or would be."""
        return self.file

    def installed(self) -> Path:
        """The path of the file.

        Raises:
            ModelError: it is not there.
        """
        if not self.file.is_file():
            raise ModelError(f"The file {self.file} is gone: put it back, or install the model again.")
        return self.file


@dataclass(slots=True, frozen=True)
class InstalledModel:
    """A file that is a model by name.

    Attributes:
        name: the model's id.
        file: its file.
        supports_tools: its chat template tells it about tools.
        context_tokens: how many tokens prompt and answer may have together.
        can_chat: its file has a chat template; that of a base model has none, and llama.cpp takes a common one.
        source: the address that it was fetched from; empty for a file of the user's own.
    """

    name: str
    file: GGUFFile
    supports_tools: bool
    context_tokens: int
    can_chat: bool = True
    source: str = ""

    @property
    def is_ours(self) -> bool:
        """The file was downloaded, and goes with the model."""
        return bool(self.source) and self.file.file.parent == download_folder(create=False)


def download_folder(*, create: bool = True) -> Path:
    """Where downloaded files are kept.

    Raises:
        ModelError: it is missing and cannot be made.
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
    """What is installed, in the order of installation. What the file does not say properly is left out."""
    entries = _file(own_dir(create=False).absolute()).read()
    return [model for name, entry in entries.items() if (model := _model(name, entry)) is not None]


def installed(name: str) -> InstalledModel | None:
    """The installed model of that name."""
    return next((model for model in installed_models() if model.name == name), None)


def remember(name: str, path: Path, facts: ModelFacts, source: str = "") -> InstalledModel:
    """Make a file a model of that name; another one of the name is replaced.

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
    """The file is no model any more. It stays where it is.

    Raises:
        ModelError: the settings file cannot be written.
    """
    _file(own_dir().absolute()).update(
        lambda entries: {other: entry for other, entry in entries.items() if other != name}
    )


def usable_name(name: str) -> bool:
    """True for what can be the name of an installed model: the ids of providers' models have a slash, aliases may be words."""
    return _NAME.fullmatch(name) is not None


def named_file(name: str) -> GGUFFile | None:
    """The file that is named by its path; None for every other name."""
    if not name.lower().endswith(".gguf"):
        return None
    path = Path(os.path.expanduser(name)).absolute()
    return GGUFFile(path) if path.is_file() else None


def _model(name: str, entry: Any) -> InstalledModel | None:
    path, tools, context = entry.get("path"), entry.get("supports_tools"), entry.get("context_tokens")
    source = entry.get("source")
    if not isinstance(path, str) or not isinstance(context, int) or not isinstance(source, str):
        return None
    return InstalledModel(
        name, GGUFFile(Path(path)), tools is True, context, entry.get("can_chat") is not False, source
    )
