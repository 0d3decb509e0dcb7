"""Kernels of several ipykernel versions beside the installed one, each in a folder of its own under `.cache/`."""

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

__all__ = ["ipykernel_folder", "write_kernelspec"]

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"


def ipykernel_folder(version: str) -> Path:
    """The folder that holds this ipykernel and nothing else; first on PYTHONPATH, it wins over the installed one.

    It is fetched once and kept. What ipykernel needs is that of the installed one.
    """
    folder = CACHE / f"ipykernel-{version}"
    CACHE.mkdir(exist_ok=True)
    with FileLock(CACHE / "ipykernels.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=CACHE) as made:
                packages = [f"ipykernel=={version}"]
                # Newer ones do without it.
                packages += [] if importlib.util.find_spec("psutil") else ["psutil"]
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
                subprocess.run([*pip, "--no-deps", "--target", f"{made}/it", *packages], check=True)
                shutil.move(f"{made}/it", folder)
    return folder


def write_kernelspec(data: Path, name: str, *folders: Path) -> None:
    """Let a Jupyter know one more kernel.

    Args:
        data: the data folder of that Jupyter.
        name: of the kernel.
        folders: where it looks for modules first.
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
