"""Installs any GGUF file as a model: the user's own file where it is, or one that is downloaded from an address."""

from __future__ import annotations

import os
import re
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from llm_notebook.configuration.keys import Secret, get_key
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.providers.local.download import PARTIAL_SUFFIX, Download, address_of_part, describe_part, discard_part
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.installed import (
    InstalledModel,
    download_folder,
    find_installed,
    forget,
    remember,
    usable_name,
)
from llm_notebook.providers.local.progress import Progress, Steps, hold_lock

__all__ = ["Installation", "partial_downloads", "remove_model", "resumed_from"]

_HUB = "https://huggingface.co"
_HUB_SHORT = re.compile(r"hf:([^/\s]+/[^/\s]+)/(\S+)")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
# A large model comes as several files, `…-00001-of-00003.gguf` and so on. llama.cpp opens them all by the first one's path.
_ONE_OF_SEVERAL = re.compile(r"-\d{5}-of-(?!00001)\d{5}$")


@dataclass(slots=True)
class Installation:
    """An installation, as described by the user's command.

    Attributes:
        source: the file's address or path.
        name: the model's future name.
        sha256: the SHA-256 that the file must have; None if the user gave none.
        is_address: whether `source` is an address, so that the file has to be downloaded.
    """

    source: str
    name: str
    sha256: str | None
    is_address: bool

    @staticmethod
    def of(source: str, *, name: str | None = None, sha256: str | None = None) -> Installation:
        """Create an installation from what a user typed.

        Args:
            source: an address, `hf:OWNER/REPO/FILE.gguf`, or a path.
            name: the model's future name; None means the file's name.
            sha256: the SHA-256 that the file must have.

        Raises:
            ModelError: the source is none of the three, or the name or the SHA-256 cannot be used.
        """
        is_address = source.startswith("hf:") or _ADDRESS.match(source) is not None
        if is_address:
            source = _address(source)
            file_name = _file_name(source)
        else:
            source = str(Path(os.path.expanduser(source)).absolute())
            file_name = Path(source).name
        if not is_address and not file_name.lower().endswith(".gguf"):
            raise ModelError(
                f"{source} is neither an address nor a GGUF file: give https://…/model.gguf, hf:OWNER/REPO/FILE.gguf or the "
                "path of a file that ends in .gguf."
            )
        stem = re.sub(r"\.gguf$", "", file_name, flags=re.IGNORECASE)
        if is_address and _ONE_OF_SEVERAL.search(stem):
            raise ModelError(
                f"{file_name} is one file of a model that has several: fetch them all into one folder, then install the "
                "first by its path."
            )
        made = name or re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip("-.")
        if not usable_name(made):
            raise ModelError(
                f"{made!r} cannot be the name of a model: choose one of letters, digits, `-`, `_` and `.` with --as."
            )
        digest = sha256.lower().removeprefix("sha256:") if sha256 is not None else None
        if digest is not None and not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ModelError(f"{sha256!r} is no SHA-256: that has 64 hexadecimal digits.")
        return Installation(source, made, digest, is_address)

    def run(self, taken: Container[str], progress: Progress) -> InstalledModel:
        """Install the model.

        Args:
            taken: the names and aliases of all models.
            progress: called with a line of text at every step.

        Raises:
            ModelError: another model has the name, or the file cannot be fetched, or it is not the expected one.
        """
        if find_installed(self.name) is None and self.name in taken:
            raise ModelError(f"{self.name!r} is another model's name: choose one with --as NAME.")
        return self._fetch(progress) if self.is_address else self._register()

    def target(self) -> Path:
        """Return where a downloaded file is kept, and create its folder."""
        return download_folder() / f"{self.name}.gguf"

    def _register(self) -> InstalledModel:
        path = Path(self.source)
        if self.sha256 is not None:
            raise ModelError("--sha256 is for files that are fetched: leave it out for one that is here.")
        self._find_previous("", path)
        if not path.is_file():
            raise ModelError(f"There is no file {path}: check the path.")
        return remember(self.name, path, read_facts(path))

    def _fetch(self, progress: Progress) -> InstalledModel:
        from llm_notebook.providers.local.engine import Engines  # only where a local model runs

        target, steps = self.target(), Steps(self.name, progress)
        download = Download(self.source, target, steps, self.sha256, _hub_token(self.source))
        waiting = f"Waiting for another process to fetch {self.name}"
        try:
            with hold_lock(target.with_suffix(".lock"), lambda: steps.say(waiting)):
                previous = self._find_previous(download.address, target)
                if previous is not None and target.is_file() and download.is_intact():
                    return previous
                facts = download.fetch()
                process.of(Engines).unload(target)
                return remember(self.name, target, facts, download.address)
        except OSError as error:
            raise ModelError(
                f"{self.name} cannot be stored under {target.parent}: {error.strerror or error}. Make room, or set "
                "LLM_NOTEBOOK_DATA to another folder, and try again."
            ) from error

    def _find_previous(self, source: str, path: Path) -> InstalledModel | None:
        """Return the model that is already installed under this name; None if there is none.

        Raises:
            ModelError: the installed one came from another address or path.
        """
        previous = find_installed(self.name)
        if previous is not None and (previous.source, previous.file.file) != (source, path):
            raise ModelError(
                f"{self.name!r} is installed already, from {previous.source or previous.file.file}: choose another name with "
                f"--as NAME, or remove that one first, with `%llm local remove {self.name}`."
            )
        return previous


def remove_model(name: str) -> InstalledModel | None:
    """Forget a model, and delete its file if it was downloaded, even if only a part has arrived.

    Returns:
        The model that was removed; None if only a part had arrived.

    Raises:
        ModelError: there is no such model, or its file cannot be deleted.
    """
    from llm_notebook.providers.local.engine import Engines  # only where a local model runs

    model = find_installed(name)
    target = download_folder(create=False) / f"{name}.gguf"
    if model is None and (not usable_name(name) or name not in partial_downloads()):
        raise ModelError(f"No model {name!r} is installed: `%llm local list` shows those that are.")
    try:
        discard_part(target)
        if model is not None and model.is_ours:
            process.of(Engines).unload(model.file.file)
            model.file.file.unlink(missing_ok=True)
            target.with_suffix(".lock").unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{target} cannot be deleted ({error.strerror}).") from error
    if model is not None:
        forget(name)
    return model


def partial_downloads() -> dict[str, str]:
    """Return the names of partly downloaded models, with how much of each has arrived."""
    targets = [part.with_suffix("") for part in download_folder(create=False).glob(f"*.gguf{PARTIAL_SUFFIX}")]
    return {target.stem: kept for target in sorted(targets) if (kept := describe_part(target))}


def resumed_from(name: str) -> str:
    """Return the address whose installation goes on with what has arrived of a model; empty if that needs more than an address."""
    address = address_of_part(download_folder(create=False) / f"{name}.gguf")
    return address if address and Installation.of(address).name == name else ""


def _address(source: str) -> str:
    """Return the address of the file itself, from its short form or from the address of the page about it."""
    hub = os.getenv("HF_ENDPOINT", _HUB).rstrip("/")
    if source.startswith("hf:"):
        short = _HUB_SHORT.fullmatch(source)
        if short is None:
            raise ModelError(f"{source} lacks something: write hf:OWNER/REPO/FILE.gguf.")
        return f"{hub}/{short[1]}/resolve/main/{short[2]}"
    return source.replace("/blob/", "/resolve/", 1) if source.startswith(f"{hub}/") else source


def _file_name(address: str) -> str:
    try:
        return unquote(urlsplit(address).path).rpartition("/")[2]
    except ValueError as error:
        raise ModelError(f"The address {address} cannot be used ({error}): check it.") from None


def _hub_token(address: str) -> Secret | None:
    """Return the user's token for the hub if the address belongs to the hub, so that it is sent to no other server."""
    hub = os.getenv("HF_ENDPOINT", _HUB).rstrip("/")
    return get_key(alias="huggingface", env="HF_TOKEN") if address.startswith(f"{hub}/") else None
