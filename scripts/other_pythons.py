"""Finds the other Pythons of this machine and makes environments for the core's tests, the first with the oldest packages that we allow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CORE", "find_other_pythons", "install", "oldest_packages"]

ROOT = Path(__file__).resolve().parent.parent

CORE = [
    "--deselect=tests/turns/test_killed_chains.py",
    *(f"tests/{room}" for room in "parts tools templates configuration turns transcript models".split()),
]
"""What to give pytest: the folders whose tests need neither a front end, nor a kernel, nor the packages of a provider.

Those that start processes by the hundred or talk over sockets are left out: what they show does not depend on the Python.
"""

# What has had a release that broke its users is tried at its floor, too.
_AT_THEIR_FLOOR = ("puremagic", "markdown-it-py")


def find_other_pythons() -> dict[str, Path]:
    """Return the other Pythons that can run the package, by their version, oldest first. Pyenv's are found as well."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found: dict[str, Path] = {}
    for minor in range(11, 15):
        version = f"3.{minor}"
        named = shutil.which(f"python{version}")
        candidates = [*([Path(named)] if named else []), *sorted(root.glob(f"versions/{version}.*/bin/python"))]
        if sys.version_info[:2] != (3, minor) and (usable := next(filter(_can_make_environments, candidates), None)):
            found[version] = usable
    return found


def _can_make_environments(python: Path) -> bool:
    run = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return run.returncode == 0


def oldest_packages() -> Iterator[str]:
    """Yield requirements for the oldest release that `pyproject.toml` allows, for each package that is tried at its floor."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in _AT_THEIR_FLOOR:
        floor = re.search(rf'"{package}>=([\d.]+)"', text)
        assert floor, f"pyproject.toml gives no floor for {package}"
        yield f"{package}=={floor[1]}"


def install(python: Path, version: str, *, oldest: bool) -> Path | None:
    """Make an environment for the core's tests, unless it is there. Return its Python; None if pip failed, whose output is shown.

    Args:
        python: the Python to make it with.
        version: its version, which names the environment.
        oldest: install the oldest packages that we allow, where that is tried.
    """
    folder = ROOT / ".cache" / "pythons" / version
    inside = folder / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    wanted = ["--editable", ".[data,image,core-tests]", *(oldest_packages() if oldest else [])]
    return inside if subprocess.run([*pip, *wanted], cwd=ROOT, check=False).returncode == 0 else None
