"""`%llm local`: installs, lists and removes the models that run on this machine."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.notebook.commands.lists.tables import say, table
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.kernel import in_kernel, publisher
from llm_notebook.providers.local.installed import InstalledModel, installed_models
from llm_notebook.providers.registry import Registry

__all__ = ["LocalRow", "local", "local_rows", "remove_local"]

_SMOLLM2 = "smollm2"


def local(shell: InteractiveShell, words: list[str]) -> None:
    """Run a `%llm local` line.

    Raises:
        CellError: it cannot be done; the message says why.
    """
    try:
        match words:
            case []:
                _explain(shell)
            case ["list"]:
                _list(shell)
            case ["remove", name]:
                said, names = remove_local(name)
                say(shell, said, *names)
            case ["install"] | ["install", "smollm2"]:
                _install_smollm2(shell)
            case ["install", source, *options]:
                _install(shell, source, dict(zip(options[::2], options[1::2], strict=True)))
    except ModelError as error:
        raise CellError(str(error)) from None


def _explain(shell: InteractiveShell) -> None:
    say(
        shell,
        "`%llm local install` fetches SmolLM2-135M (about 93 MB); then `%%llm -m smollm2` runs on this machine, without a key. "
        "`%llm local install` with an address, `hf:OWNER/REPO/FILE.gguf` or the path of a GGUF file installs any other model.",
    )


def _install_smollm2(shell: InteractiveShell) -> None:
    from llm_notebook.providers.local.smollm2 import install_weights  # rarely needed, and it starts processes

    tell = _progress_line(shell)
    install_weights(progress=tell)
    tell("The model is ready: %%llm -m smollm2")


def _install(shell: InteractiveShell, source: str, options: dict[str, str]) -> None:
    from llm_notebook.providers.local.install import Installation, partial_downloads  # loads httpx

    tell = _progress_line(shell)
    installation = Installation.of(source, name=options.get("--as"), sha256=options.get("--sha256"))
    try:
        model = installation.run(set(process.of(Registry).names()), tell)
    except KeyboardInterrupt:
        kept = partial_downloads().get(installation.name)
        said = (
            f"{kept} arrived and are kept: the same command goes on from there." if kept else "Nothing was installed."
        )
        raise CellError(f"Stopped by you. {said}") from None
    tell(f"The model is ready ({_describe(model)}): %%llm -m {model.name}")


def _describe(model: InstalledModel) -> str:
    able = "with tools" if model.supports_tools else "without tools"
    return (
        f"{model.context_tokens:,} tokens, {able if model.can_chat else 'not made for chat: it has no chat template'}"
    )


def _list(shell: InteractiveShell) -> None:
    rows = [[row.name, row.size, row.about, row.source] for row in local_rows()]
    if not rows:
        say(shell, "No model is installed on this machine. `%llm local install` fetches a small one.")
        return
    table(shell, ["Model", "Size", "About", "From"], rows, "`%llm local remove MODEL` removes one.")


@dataclass(slots=True, frozen=True)
class LocalRow:
    """A model on this machine.

    Attributes:
        name: its id.
        size: the size of its file, in words.
        about: what it is good for, in a few words.
        source: where it came from, or where its file is. For one that has arrived in part, the address to install again, if that is known.
        is_whole: its file has all arrived.
    """

    name: str
    size: str
    about: str
    source: str
    is_whole: bool = True


def local_rows() -> list[LocalRow]:
    """Return the models that are installed on this machine, and those that have arrived in part."""
    from llm_notebook.providers.local.install import partial_downloads, resumed_from  # loads httpx
    from llm_notebook.providers.local.progress import megabytes  # rarely needed
    from llm_notebook.providers.local.smollm2 import SMOLLM2  # rarely needed

    rows = []
    if SMOLLM2.path().is_file():
        rows.append(LocalRow(_SMOLLM2, megabytes(SMOLLM2.size), "", str(SMOLLM2.path())))
    for model in installed_models():
        file = model.file.path()
        size = megabytes(file.stat().st_size) if file.is_file() else "the file is gone"
        rows.append(LocalRow(model.name, size, _describe(model), model.source or str(file)))
    # Downloads that were interrupted.
    said = "not complete: install it again to go on"
    return rows + [
        LocalRow(name, kept, said, resumed_from(name), is_whole=False) for name, kept in partial_downloads().items()
    ]


def remove_local(name: str) -> tuple[str, list[str]]:
    """Remove a model from this machine.

    Returns:
        What was removed: a sentence and the names in it, as `say` takes them.

    Raises:
        ModelError: there is no such model, or its file cannot be deleted.
    """
    from llm_notebook.providers.local.engine import Engines  # only where a local model runs
    from llm_notebook.providers.local.install import remove_model  # loads httpx
    from llm_notebook.providers.local.smollm2 import SMOLLM2  # rarely needed

    if name == _SMOLLM2:
        process.of(Engines).unload(SMOLLM2.path())
        SMOLLM2.remove()
        return "The file of {} is deleted. `%llm local install` fetches it again.", [name]
    model = remove_model(name)
    if model is not None and not model.is_ours:
        return "{} is forgotten. Its file stays where it is: {}.", [name, str(model.file.path())]
    return "{} and its file are deleted.", [name]


def _progress_line(shell: InteractiveShell) -> Callable[[str], None]:
    """Return a function that shows a line of text in place of the line before."""
    publish = publisher(shell)
    display_id = uuid.uuid4().hex
    shown: list[str] = []

    def tell(message: str) -> None:
        if in_kernel(shell):
            publish({"text/plain": message}, display_id, bool(shown))
        else:
            sys.stdout.write(f"{message}\n")
        shown.append(message)

    return tell
