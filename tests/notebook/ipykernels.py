"""Provides other versions of ipykernel and IPython than the installed ones, each in its folder under `.cache/`."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

__all__ = ["REPOSITORY", "ipykernel_folder", "ipython_folder", "write_kernelspec"]

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"


def ipykernel_folder(version: str) -> Path:
    """Return a folder with this ipykernel and nothing else. Put first on PYTHONPATH, it takes the place of the installed one.

    The package is downloaded once and kept. Its dependencies are those of the installed ipykernel.
    """
    # The installed ipykernel may be too new to need psutil.
    return _folder("ipykernel", version, [] if importlib.util.find_spec("psutil") else ["psutil"])


def ipython_folder(version: str) -> Path:
    """Return a folder with this IPython, for a PYTHONPATH, as `ipykernel_folder()` does."""
    return _folder("ipython", version, [] if importlib.util.find_spec("decorator") else ["decorator"])


def _folder(package: str, version: str, others: list[str]) -> Path:
    folder = CACHE / f"{package}-{version}"
    CACHE.mkdir(exist_ok=True)
    with FileLock(CACHE / "ipykernels.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as made:
                packages = [f"{package}=={version}", *others]
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
                subprocess.run([*pip, "--no-deps", "--target", f"{made}/it", *packages], check=True)
                shutil.move(f"{made}/it", folder)
    return folder


def write_kernelspec(data: Path, name: str, *folders: Path) -> None:
    """Add a kernel to a Jupyter.

    Args:
        data: the data folder of that Jupyter.
        name: the name of the kernel.
        folders: the folders that it searches first for modules.
    """
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "interrupt_mode": "signal",
        "env": {"PYTHONPATH": os.pathsep.join(map(str, folders))},
    }
    file = data / "kernels" / name / "kernel.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spec), encoding="utf-8")
